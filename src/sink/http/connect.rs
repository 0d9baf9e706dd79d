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
use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    HttpConfig,
    dial::{Dial, connect_error},
    endpoint::{Endpoint, Host},
    resolve::{LookUp, Resolver},
    stream::{Bounded, Fair, Socket},
    tls,
};
use crate::sink::{SendError, SendErrorKind};

/// How long one address is tried at least, while others are left, when a TLS handshake is part of it: Node does not count it.
const NEXT_ADDRESS_AFTER_TLS: Duration = Duration::from_secs(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A standing connection, as the client reads and writes it.
pub(super) type Connection = TokioIo<Bounded<Box<dyn Socket>>>;

/// Opens connections to one endpoint, whatever address the client asks for.
#[derive(Clone)]
pub(super) struct Connector {
    to: Arc<Destination>,
}

struct Destination {
    endpoint: Endpoint,
    unix_socket: Option<PathBuf>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    resolver: Resolver,
    limit: Duration,
    next_after: Duration,
}

impl Connector {
    /// Fails where no connection could ever be secure.
    pub fn new(
        config: &HttpConfig,
        endpoint: &Endpoint,
        look_up: &LookUp,
    ) -> Result<Connector, SendError> {
        let secure = endpoint.is_https();
        let tls = if secure {
            let settings = tls::client_config(&config.tls)?;
            Some((TlsConnector::from(Arc::new(settings)), tls::server_name(endpoint)?))
        } else {
            None
        };
        let limit = config.connect_timeout;
        let next_after = config.next_address_after.unwrap_or(limit);
        let next_after = if secure { next_after.max(NEXT_ADDRESS_AFTER_TLS) } else { next_after };
        let next_after = if mutant!("F5") { limit } else { next_after };
        let to = Destination {
            endpoint: endpoint.clone(),
            unix_socket: config.unix_socket.clone(),
            tls,
            resolver: Resolver::new(endpoint, config, Arc::clone(look_up)),
            limit,
            next_after: next_after.min(limit),
        };
        Ok(Connector { to: Arc::new(to) })
    }
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
            let opened = first_of(to.open(&dial), to.time_is_over(&dial)).await;
            let connection = opened.ok_or_else(|| to.timed_out(&dial))??;
            dial.note_connected();
            Ok(connection)
        })
    }
}

impl Destination {
    async fn open(&self, dial: &Dial) -> Result<Connection, BoxError> {
        let socket = Fair::new(self.socket(dial).await?);
        let stream: Box<dyn Socket> = match &self.tls {
            Some((tls, name)) => Box::new(tls.connect(name.clone(), socket).await?),
            None => Box::new(socket),
        };
        Ok(TokioIo::new(Bounded::new(stream)))
    }

    async fn socket(&self, dial: &Dial) -> Result<Box<dyn Socket>, BoxError> {
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
        }
        let address = self.address(dial).await?;
        let socket = TcpStream::connect((address, self.endpoint.port)).await?;
        // Without it requests only take longer.
        let _ = socket.set_nodelay(true);
        Ok(Box::new(socket))
    }

    /// One address per connection, so that each failure is known by its address.
    async fn address(&self, dial: &Dial) -> Result<IpAddr, BoxError> {
        if let Some(address) = dial.next_address() {
            return Ok(address);
        }
        let found = self.resolver.resolve().await?;
        dial.plan(found).ok_or_else(|| "no address".into())
    }

    /// How many addresses there are is known only once the look-up is done.
    async fn time_is_over(&self, dial: &Dial) {
        let end = Instant::now() + self.limit;
        tokio::time::sleep(self.next_after).await;
        let end = match dial.has_more_since() {
            Some(since) => end.min(since + self.next_after),
            None => end,
        };
        tokio::time::sleep_until(end).await;
    }

    fn timed_out(&self, dial: &Dial) -> SendError {
        match (self.endpoint.peer(dial.next_address()), &self.endpoint.host) {
            (None, Host::Name(name)) => {
                let message = format!("getaddrinfo ETIMEDOUT {name}");
                let error = SendError::new(SendErrorKind::Dns, message).with_code("ETIMEDOUT");
                SendError { syscall: Some("getaddrinfo"), ..error }
            }
            (peer, _) => connect_error("ETIMEDOUT", SendErrorKind::TimedOut, peer),
        }
    }
}

/// `work`'s result, unless `limit` ends first.
async fn first_of<T>(work: impl Future<Output = T>, limit: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut limit) = (std::pin::pin!(work), std::pin::pin!(limit));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}
