//! Connections: owns opening one to the endpoint, within the time that it may take, TLS included.
//! It refuses to choose addresses: that is the exchange's search (`dial`).

use std::{
    future::Future,
    net::IpAddr,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    HttpConfig,
    broken_writes::BrokenWrites,
    kept::Kept,
    socket::Socket,
    stream::{Bounded, Fair},
    target::{Target, server_name},
};
use crate::sink::{
    SendError, SendErrorKind,
    net::{
        Host,
        dial::{Dial, connect_error},
        resolve::{LookUp, Resolver},
        tls::{self, Doubt},
    },
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A standing connection, as the client reads and writes it.
pub(super) type Connection = TokioIo<Bounded<BrokenWrites<Box<dyn Socket>>>>;

/// Opens connections to one endpoint, whatever address the client asks for.
#[derive(Clone)]
pub(super) struct Connector {
    to: Arc<Destination>,
}

struct Destination {
    target: Target,
    unix_socket: Option<PathBuf>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    doubt: Doubt,
    resolver: Resolver,
    limit: Duration,
    next_after: Duration,
}

impl Connector {
    /// Fails where no connection could ever be secure.
    pub fn new(
        config: &HttpConfig,
        target: &Target,
        look_up: &LookUp,
    ) -> Result<Connector, SendError> {
        let tls = if target.is_https() {
            let settings = tls::client_config(&config.tls)?;
            Some((TlsConnector::from(Arc::new(settings)), server_name(target)?))
        } else {
            None
        };
        let limit = config.connect_timeout;
        let next_after = config.next_address_after.unwrap_or(limit);
        let to = Destination {
            target: target.clone(),
            unix_socket: config.unix_socket.clone(),
            tls,
            doubt: config.tls.doubt.clone(),
            resolver: Resolver::new(
                target.host.clone(),
                config.result_order,
                config.next_address_after.is_some(),
                Arc::clone(look_up),
            ),
            limit,
            next_after,
        };
        Ok(Connector { to: Arc::new(to) })
    }
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

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let (dial, to) = (Dial::current(), Arc::clone(&self.to));
        Box::pin(async move {
            let opened = timeout(to.limit, to.open(&dial)).await;
            let connection = opened.map_err(|_| to.timed_out(&dial))??;
            dial.note_connected();
            Ok(connection)
        })
    }
}

impl Destination {
    async fn open(&self, dial: &Dial) -> Result<Connection, BoxError> {
        self.doubt.check()?;
        let kept = Kept::default();
        let socket = Fair::new(self.socket(dial).await?, kept.clone());
        let stream: Box<dyn Socket> = match &self.tls {
            Some((tls, name)) => Box::new(tls.connect(name.clone(), socket).await?),
            None => Box::new(socket),
        };
        Ok(TokioIo::new(Bounded::new(BrokenWrites::new(stream), kept)))
    }

    async fn socket(&self, dial: &Dial) -> Result<Box<dyn Socket>, BoxError> {
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
        }
        let address = self.address(dial).await?;
        let socket = self.connect(address, dial).await?;
        dial.note_reached();
        // Without them requests only take longer.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_tcp_keepalive(&keep_alive());
        Ok(Box::new(socket))
    }

    /// While others are left, an address has less time. Only for this: who answers is not left for a slow handshake.
    async fn connect(&self, address: IpAddr, dial: &Dial) -> Result<TcpStream, BoxError> {
        let socket = TcpStream::connect((address, self.target.port));
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
        match (self.target.peer(dial.next_address()), &self.target.host) {
            (None, Host::Name(name)) => {
                let message = format!("getaddrinfo ETIMEDOUT {name}");
                let error = SendError::new(SendErrorKind::Dns, message).with_code("ETIMEDOUT");
                SendError { syscall: Some("getaddrinfo"), ..error }
            }
            (peer, _) => connect_error("ETIMEDOUT", SendErrorKind::TimedOut, peer),
        }
    }
}
