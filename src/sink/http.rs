//! OTLP over HTTP/1.1: owns one endpoint's client, its connections and the words for what went wrong.
//! It refuses to retry: the one exception is a request that a dying keep-alive connection never carried (F8).

mod answer;
mod connect;
mod exchange;
mod failure;
mod headers;
mod heads;
mod kept;
pub(crate) mod retry_after;
mod stream;
mod target;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::answer::verdict;
use self::{connect::Connector, headers::StaticHeaders, kept::MAX_IDLE, target::Target};
use super::{
    Request, SendError, SendOutcome, Sending, Sink,
    net::{
        self, Proxy, ResultOrder, TlsConfig,
        fair::BYTES_PER_TURN,
        made::Made,
        resolve::{self, LookUp},
        unsendable,
    },
};

/// Header lines of a reply that are read; Node's number.
const MAX_RESPONSE_HEADERS: usize = 2000;

/// Where and how to send: validated, complete, no defaults left to decide.
#[derive(Clone)]
pub struct HttpConfig {
    /// Endpoint as `new URL(…).href` printed it; credentials in it become Basic auth.
    pub url: String,
    /// `Content-Type`; no header of the user replaces it.
    pub content_type: String,
    /// `User-Agent`; no header of the user replaces it.
    pub user_agent: String,
    /// Headers of every request, in the user's order; a later one replaces an earlier one of the same name.
    pub headers: Vec<(String, String)>,
    /// Certificates and what to check of the server's.
    pub tls: TlsConfig,
    /// Socket to dial instead of the URL's host (the agent option `socketPath`).
    pub unix_socket: Option<PathBuf>,
    /// The HTTP proxy that requests and connections go through.
    pub proxy: Option<Proxy>,
    /// Which of a name's addresses come first.
    pub result_order: ResultOrder,
    /// How long one address of a name has for TCP while others are left. `None`: only the first one is tried.
    pub next_address_after: Option<Duration>,
    /// Keep connections for the next request.
    pub keep_alive: bool,
    /// Idle connections kept.
    pub max_idle_connections: usize,
    /// Time for name look-up, TCP and TLS together; the attempt's own time is the other limit (F5).
    pub connect_timeout: Duration,
}

/// Shows no URL and no header: both may hold credentials.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

impl HttpConfig {
    /// The stock exporter's connection settings for `url`.
    pub fn new(
        url: impl Into<String>,
        content_type: impl Into<String>,
        user_agent: impl Into<String>,
    ) -> HttpConfig {
        HttpConfig {
            url: url.into(),
            content_type: content_type.into(),
            user_agent: user_agent.into(),
            headers: Vec::new(),
            tls: TlsConfig::default(),
            unix_socket: None,
            proxy: None,
            result_order: ResultOrder::default(),
            next_address_after: Some(Duration::from_millis(250)),
            keep_alive: true,
            max_idle_connections: 8,
            connect_timeout: Duration::from_secs(5),
        }
    }

    /// Where connections go and whom they trust, beside the endpoint, as a word that tells nothing secret of it.
    pub fn way(&self) -> String {
        net::way(self.unix_socket.as_deref(), &self.tls, self.proxy.as_ref())
    }

    /// A socket of this machine is dialled without one.
    fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| self.unix_socket.is_none())
    }
}

/// The OTLP/HTTP destination. Cheap to make: sockets, certificates and the client come with the first `send`.
pub struct HttpSink {
    shared: Arc<Shared>,
}

/// What a running attempt holds on to.
struct Shared {
    config: HttpConfig,
    target: Target,
    headers: Result<StaticHeaders, SendError>,
    clients: Made<Arc<Clients>>,
    look_up: LookUp,
    /// A whole head of HTTP has come from there: it is the right port.
    has_spoken: AtomicBool,
}

/// Two clients with one connector.
struct Clients {
    uri: Uri,
    /// Keeps connections.
    pooled: HttpClient,
    /// Never meets a used connection: for the replay of a request that a dying one did not carry (F8).
    fresh: HttpClient,
}

type HttpClient = Client<Connector, Full<Bytes>>;

/// Shows the address and nothing secret.
impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.shared.target;
        f.debug_struct("HttpSink")
            .field("host", &target.destination.host)
            .field("port", &target.destination.port)
            .finish_non_exhaustive()
    }
}

impl HttpSink {
    /// A sink for `config.url`. Fails only for a URL that cannot be parsed; an unknown protocol, a bad header or a bad
    /// certificate answers each `send` with its error instead, as the stock exporter does.
    pub fn new(config: HttpConfig) -> Result<Arc<HttpSink>, SendError> {
        HttpSink::resolving_with(config, Arc::new(resolve::addresses_of))
    }

    fn resolving_with(config: HttpConfig, look_up: LookUp) -> Result<Arc<HttpSink>, SendError> {
        let target = Target::parse(&config)?;
        let headers = StaticHeaders::new(&config, &target);
        Ok(Arc::new(HttpSink {
            shared: Arc::new(Shared {
                config,
                target,
                headers,
                clients: Made::default(),
                look_up,
                has_spoken: AtomicBool::new(false),
            }),
        }))
    }
}

impl Sink for HttpSink {
    fn send(&self, request: Request) -> Sending {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let end = Instant::now() + request.time_left;
            let outcome = match timeout_at(end, shared.clients()).await {
                Ok(Ok(clients)) => exchange::exchange(&shared, &clients, request, end).await,
                Ok(Err(error)) => SendOutcome::Failed(error),
                Err(_) => SendOutcome::Failed(exchange::timed_out()),
            };
            match shared.config.proxy() {
                Some(proxy) => proxy.named_in(outcome, shared.target.is_absolute),
                None => outcome,
            }
        })
    }
}

impl Shared {
    async fn clients(self: &Arc<Self>) -> Result<Arc<Clients>, SendError> {
        let shared = Arc::clone(self);
        let make = move || Clients::build(&shared).map(Arc::new);
        self.clients.get(self.target.is_https(), make).await
    }
}

impl Clients {
    fn build(shared: &Shared) -> Result<Clients, SendError> {
        let target = &shared.target;
        if let Some(error) = &target.unsendable {
            return Err(error.clone());
        }
        let uri = target.url.as_str().parse().map_err(|error: hyper::http::uri::InvalidUri| {
            unsendable("ERR_INVALID_ARG_VALUE", error.to_string())
        })?;
        let connector = Connector::new(&shared.config, target, &shared.look_up)?;
        let build = |kept: usize| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(kept)
                .pool_idle_timeout(MAX_IDLE)
                .http1_max_headers(MAX_RESPONSE_HEADERS)
                .http1_max_buf_size(BYTES_PER_TURN)
                .build(connector.clone())
        };
        let kept = if shared.config.keep_alive { shared.config.max_idle_connections } else { 0 };
        Ok(Clients { uri, pooled: build(kept), fresh: build(0) })
    }
}

#[cfg(all(test, not(miri)))] // sockets
mod name_tests;
