//! Connections: owns opening one to a destination, within the time that it may take, TLS included.
//! It refuses to choose addresses: that is the search of whoever needs the connection (`dial`).

use std::{net::IpAddr, time::Duration};

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    Destination, Host,
    dial::{Dial, connect_error},
    resolve::Resolver,
    socket::Socket,
    tls::Doubt,
    tunnel::Tunnel,
};
use crate::sink::{SendError, SendErrorKind};

pub(in crate::sink) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Opens connections to one destination.
pub(in crate::sink) struct Dialler {
    /// What is dialled: the proxy, if there is a tunnel.
    pub destination: Destination,
    /// TLS, and the name to ask for and to check.
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Whether TLS connections may be opened.
    pub doubt: Doubt,
    /// Addresses of the destination.
    pub resolver: Resolver,
    /// Time for look-up, TCP and TLS together.
    pub limit: Duration,
    /// How long an address is tried while others are left.
    pub next_after: Duration,
    /// What the proxy is asked for.
    pub tunnel: Option<Tunnel>,
}

/// Keeps the memory of whatever is in between awake, and finds out about a peer that is gone before a request does.
fn keep_alive() -> TcpKeepalive {
    let keep_alive = TcpKeepalive::new().with_time(Duration::from_secs(10));
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    let keep_alive = keep_alive.with_interval(Duration::from_secs(5));
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let keep_alive = keep_alive.with_retries(3);
    keep_alive
}

impl Dialler {
    /// Opens a connection to the address that `dial` has come to. What is below TLS goes through `wrap`.
    pub async fn open<S: Socket + 'static>(
        &self,
        dial: &Dial,
        wrap: impl FnOnce(Box<dyn Socket>) -> S,
    ) -> Result<Box<dyn Socket>, BoxError> {
        let opened = timeout(self.limit, self.open_unlimited(dial, wrap)).await;
        let connection = opened.map_err(|_| self.timed_out(dial))??;
        dial.note_connected();
        Ok(connection)
    }

    async fn open_unlimited<S: Socket + 'static>(
        &self,
        dial: &Dial,
        wrap: impl FnOnce(Box<dyn Socket>) -> S,
    ) -> Result<Box<dyn Socket>, BoxError> {
        self.doubt.check()?;
        let socket = wrap(self.socket(dial).await?);
        Ok(match &self.tls {
            Some((tls, name)) => Box::new(tls.connect(name.clone(), socket).await?),
            None => Box::new(socket),
        })
    }

    async fn socket(&self, dial: &Dial) -> Result<Box<dyn Socket>, BoxError> {
        #[cfg(unix)]
        if let Some(path) = &self.destination.unix_socket {
            return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
        }
        let address = self.address(dial).await?;
        let socket = self.connect(address, dial).await?;
        dial.note_reached();
        // Without them requests only take longer.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_tcp_keepalive(&keep_alive());
        if let Some(tunnel) = &self.tunnel {
            tunnel.open(&socket).await?;
        }
        Ok(Box::new(socket))
    }

    /// While others are left, an address has less time. Only for this: who answers is not left for a slow handshake.
    async fn connect(&self, address: IpAddr, dial: &Dial) -> Result<TcpStream, BoxError> {
        let socket = TcpStream::connect((address, self.destination.port));
        if !dial.has_more() {
            return Ok(socket.await?);
        }
        Ok(timeout(self.next_after, socket).await.map_err(|_| self.timed_out(dial))??)
    }

    /// One address per connection, so that each failure is known by its address.
    async fn address(&self, dial: &Dial) -> Result<IpAddr, BoxError> {
        if let Some(address) = dial.next_address() {
            return Ok(address);
        }
        let found = self.resolver.resolve().await?;
        dial.plan(found).ok_or_else(|| "no address".into())
    }

    fn timed_out(&self, dial: &Dial) -> SendError {
        match (self.destination.peer(dial.next_address()), &self.destination.host) {
            (None, Host::Name(name)) => {
                let message = format!("getaddrinfo ETIMEDOUT {name}");
                let error = SendError::new(SendErrorKind::Dns, message).with_code("ETIMEDOUT");
                SendError { syscall: Some("getaddrinfo"), ..error }
            }
            (peer, _) => connect_error("ETIMEDOUT", SendErrorKind::TimedOut, peer),
        }
    }
}
