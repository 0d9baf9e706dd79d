//! Dialling: owns which address of a name is tried next, for how long, and whether a connection is new.
//! It refuses to open sockets itself: it wraps the client's connector.

use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    HttpConfig,
    endpoint::{Endpoint, Host, Peer},
};
use crate::sink::{SendError, SendErrorKind};

/// How long one address is tried at least, while others are left, when a TLS handshake is part of it: Node does not count it.
const NEXT_ADDRESS_AFTER_TLS: Duration = Duration::from_secs(1);

tokio::task_local! {
    static CURRENT: Arc<Dial>;
}

/// One exchange's search for a connection.
#[derive(Debug, Default)]
pub(super) struct Dial {
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    addresses: Vec<IpAddr>,
    /// Index of the address being tried.
    at: usize,
    /// When the addresses came.
    since: Option<Instant>,
    /// A connection was opened for this exchange.
    connected: bool,
}

impl Dial {
    /// The search of the exchange that runs in this task.
    pub fn current() -> Option<Arc<Dial>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Runs `future` as an exchange that searches through this.
    pub async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), future).await
    }

    fn locked(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address to try, once a look-up gave some.
    pub fn next_address(&self) -> Option<IpAddr> {
        let plan = self.locked();
        plan.addresses.get(plan.at).copied()
    }

    /// Takes the result of a look-up; answers the first address to try.
    pub fn plan(&self, addresses: Vec<IpAddr>) -> Option<IpAddr> {
        let mut plan = self.locked();
        *plan = Plan { addresses, at: 0, since: Some(Instant::now()), connected: plan.connected };
        plan.addresses.first().copied()
    }

    /// Moves to the next address; `false` when all were tried.
    pub fn advance(&self) -> bool {
        let mut plan = self.locked();
        plan.at += 1;
        plan.at < plan.addresses.len()
    }

    /// Whether this exchange opened a connection of its own, as opposed to one kept from before.
    pub fn connected(&self) -> bool {
        self.locked().connected
    }

    /// When the addresses came, if the one being tried is not the last.
    fn has_more_since(&self) -> Option<Instant> {
        let plan = self.locked();
        plan.since.filter(|_| plan.at + 1 < plan.addresses.len())
    }
}

/// Puts a time limit and the bookkeeping of [`Dial`] around the client's connector.
#[derive(Clone)]
pub(super) struct DialLayer {
    limit: Duration,
    next_after: Duration,
    endpoint: Endpoint,
}

impl DialLayer {
    /// For connections to `endpoint`.
    pub fn new(endpoint: &Endpoint, config: &HttpConfig) -> DialLayer {
        let limit = config.connect_timeout;
        let next_after = config.next_address_after.unwrap_or(limit);
        let next_after =
            if endpoint.is_https() { next_after.max(NEXT_ADDRESS_AFTER_TLS) } else { next_after };
        let next_after = if mutant!("F5") { limit } else { next_after };
        DialLayer { limit, next_after: next_after.min(limit), endpoint: endpoint.clone() }
    }

    fn timed_out(&self, dial: Option<&Dial>) -> SendError {
        match (self.endpoint.peer(dial.and_then(Dial::next_address)), &self.endpoint.host) {
            (None, Host::Name(name)) => {
                let message = format!("getaddrinfo ETIMEDOUT {name}");
                let error = SendError::new(SendErrorKind::Dns, message).with_code("ETIMEDOUT");
                SendError { syscall: Some("getaddrinfo"), ..error }
            }
            (peer, _) => connect_error("ETIMEDOUT", SendErrorKind::TimedOut, peer),
        }
    }
}

/// Node's connect error: `connect CODE address:port`.
pub(super) fn connect_error(
    code: &'static str,
    kind: SendErrorKind,
    peer: Option<Peer>,
) -> SendError {
    let message = match &peer {
        Some(Peer { address, port: Some(port) }) => format!("connect {code} {address}:{port}"),
        Some(Peer { address, port: None }) => format!("connect {code} {address}"),
        None => format!("connect {code}"),
    };
    let (address, port) = peer.map_or((None, None), |peer| (Some(peer.address), peer.port));
    SendError {
        syscall: Some("connect"),
        address,
        port,
        ..SendError::new(kind, message).with_code(code)
    }
}

impl<S> Layer<S> for DialLayer {
    type Service = Dialer<S>;

    fn layer(&self, inner: S) -> Dialer<S> {
        Dialer { inner, layer: self.clone() }
    }
}

/// See [`DialLayer`].
#[derive(Clone)]
pub(super) struct Dialer<S> {
    inner: S,
    layer: DialLayer,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S, D> Service<D> for Dialer<S>
where
    S: Service<D, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: D) -> Self::Future {
        let connecting = self.inner.call(destination);
        let (dial, layer) = (Dial::current(), self.layer.clone());
        Box::pin(async move {
            // How many addresses there are is known only once the look-up inside `connecting` is done.
            let limit = async {
                let end = Instant::now() + layer.limit;
                tokio::time::sleep(layer.next_after).await;
                let end = match dial.as_ref().and_then(|dial| dial.has_more_since()) {
                    Some(since) => end.min(since + layer.next_after),
                    None => end,
                };
                tokio::time::sleep_until(end).await;
            };
            let connection = first_of(connecting, limit)
                .await
                .ok_or_else(|| layer.timed_out(dial.as_deref()))??;
            if let Some(dial) = dial {
                dial.locked().connected = true;
            }
            Ok(connection)
        })
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
