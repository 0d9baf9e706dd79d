//! OTLP over gRPC: owns one endpoint's connection, its calls and the words for what went wrong.
//! It refuses to retry: the one exception is a call that the peer has not looked at.

mod answer;
mod call;
mod channel;
mod failure;
mod head;
mod life;
mod link;
mod message;
mod percent;
pub(super) mod retry_info;
pub(crate) mod status;
mod target;
mod wire;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

pub(crate) use self::answer::{unanswered, verdict};
pub use self::link::Pings;
use self::{
    channel::{Channel, Way},
    head::Heads,
    target::Target,
};
use super::{
    Request, SendError, SendOutcome, Sending, Sink,
    net::{
        self, Destination, Host, Proxy, ResultOrder, TlsConfig,
        dialler::Dialler,
        made::Made,
        resolve::{self, LookUp, Resolver},
        tls,
    },
};

/// The bound of an answer's message, as grpc-js has it.
const MAX_RECEIVE_BYTES: usize = 4 << 20;

/// Where and how to send: validated, complete, no defaults left to decide.
#[derive(Clone)]
pub struct GrpcConfig {
    /// Scheme, host and port of the endpoint.
    pub url: String,
    /// `:authority`; `None`: host and port of the URL.
    pub authority: Option<String>,
    /// `User-Agent`; no metadata replaces it.
    pub user_agent: String,
    /// Metadata of every call, as it goes on the wire.
    pub metadata: Vec<(String, String)>,
    /// Certificates and what to check of the server's.
    pub tls: TlsConfig,
    /// Socket to dial instead of the URL's host.
    pub unix_socket: Option<PathBuf>,
    /// The HTTP proxy that connections go through.
    pub proxy: Option<Proxy>,
    /// Which of a name's addresses come first.
    pub result_order: ResultOrder,
    /// How long one address of a name has for TCP while others are left. `None`: only the first one is tried.
    pub next_address_after: Option<Duration>,
    /// Time for name look-up, TCP and TLS together; the attempt's own time is the other limit.
    pub connect_timeout: Duration,
    /// Bytes of an answer's message, after decompression too.
    pub max_receive_bytes: usize,
    /// When the peer is asked whether it is there. `None`: never.
    pub pings: Option<Pings>,
}

/// Shows no URL and no metadata: both may hold credentials.
impl fmt::Debug for GrpcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcConfig")
            .field("max_receive_bytes", &self.max_receive_bytes)
            .finish_non_exhaustive()
    }
}

impl GrpcConfig {
    /// The stock exporter's connection settings for `url`.
    pub fn new(url: impl Into<String>, user_agent: impl Into<String>) -> GrpcConfig {
        GrpcConfig {
            url: url.into(),
            authority: None,
            user_agent: user_agent.into(),
            metadata: Vec::new(),
            tls: TlsConfig::default(),
            unix_socket: None,
            proxy: None,
            result_order: ResultOrder::default(),
            next_address_after: Some(Duration::from_millis(250)),
            connect_timeout: Duration::from_secs(5),
            max_receive_bytes: MAX_RECEIVE_BYTES,
            pings: None,
        }
    }

    /// A socket of this machine is dialled without one.
    fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| self.unix_socket.is_none())
    }

    /// Where connections go and whom they trust, beside the endpoint, as a word that tells nothing of it.
    pub fn way(&self) -> String {
        net::way(self.unix_socket.as_deref(), &self.tls, self.proxy.as_ref())
    }
}

/// The OTLP/gRPC destination. Cheap to make: sockets and certificates come with the first `send`.
pub struct GrpcSink {
    shared: Arc<Shared>,
}

/// What a running attempt holds on to.
struct Shared {
    config: GrpcConfig,
    target: Target,
    ready: Made<Arc<Ready>>,
    channel: Channel,
    look_up: LookUp,
}

/// What takes long to make.
struct Ready {
    heads: Heads,
    way: Arc<Way>,
}

/// Shows the address and nothing secret.
impl fmt::Debug for GrpcSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Destination { host, port, .. } = &self.shared.target.destination;
        f.debug_struct("GrpcSink").field("host", host).field("port", port).finish_non_exhaustive()
    }
}

impl GrpcSink {
    /// A sink for `config.url`. Fails only for a URL that cannot be parsed; bad metadata or a bad certificate answers each
    /// `send` with its error instead, as the stock exporter does.
    pub fn new(config: GrpcConfig) -> Result<Arc<GrpcSink>, SendError> {
        GrpcSink::resolving_with(config, Arc::new(resolve::addresses_of))
    }

    fn resolving_with(config: GrpcConfig, look_up: LookUp) -> Result<Arc<GrpcSink>, SendError> {
        let target = Target::parse(&config)?;
        let (ready, channel) = (Made::default(), Channel::new());
        Ok(Arc::new(GrpcSink {
            shared: Arc::new(Shared { config, target, ready, channel, look_up }),
        }))
    }
}

impl Sink for GrpcSink {
    fn send(&self, request: Request) -> Sending {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let begin = Instant::now();
            let end = begin + request.time_left;
            match timeout_at(end, shared.ready()).await {
                Ok(Ok(ready)) => {
                    let outcome = call::call(&shared, &ready, &request, begin, end).await;
                    match shared.config.proxy() {
                        Some(proxy) => proxy.named_in(outcome, false),
                        None => outcome,
                    }
                }
                Ok(Err(error)) => SendOutcome::Failed(error),
                Err(_) => SendOutcome::Failed(failure::deadline(
                    begin.elapsed(),
                    "waiting for certificates",
                )),
            }
        })
    }
}

impl Shared {
    async fn ready(self: &Arc<Self>) -> Result<Arc<Ready>, SendError> {
        let shared = Arc::clone(self);
        let make = move || Ready::build(&shared).map(Arc::new);
        self.ready.get(self.target.is_secure, make).await
    }
}

impl Ready {
    fn build(shared: &Shared) -> Result<Ready, SendError> {
        let (config, target) = (&shared.config, &shared.target);
        if let Some(error) = &target.unsendable {
            return Err(error.clone());
        }
        let heads = Heads::new(config, target)?;
        let mut tls = None;
        if target.is_secure {
            let mut settings = tls::client_config(&config.tls)?;
            // Without it strict servers refuse, and others may choose HTTP/1.
            settings.alpn_protocols = vec![b"h2".to_vec()];
            let name = config.tls.servername.as_deref().filter(|name| !name.is_empty());
            let name = match (name, &target.destination.host) {
                (Some(name), _) => tls::asked_name(name)?,
                (None, Host::Name(name)) => tls::asked_name(name)?,
                (None, Host::Address(address)) => (*address).into(),
            };
            tls = Some((Arc::new(settings).into(), name));
        }
        let proxy = config.proxy();
        let destination = proxy.map_or_else(|| target.destination.clone(), Proxy::destination);
        let tunnel = proxy.map(|proxy| proxy.tunnel(target.host_and_port.clone(), false));
        let limit = config.connect_timeout;
        let dialler = Dialler {
            resolver: Resolver::new(
                destination.host.clone(),
                config.result_order,
                config.next_address_after.is_some(),
                Arc::clone(&shared.look_up),
            ),
            destination,
            tls,
            doubt: config.tls.doubt.clone(),
            limit,
            next_after: config.next_address_after.unwrap_or(limit),
            tunnel,
        };
        let authority = target.authority.clone();
        let way = Way { dialler, authority, pings: config.pings, slower: AtomicU32::new(0) };
        Ok(Ready { heads, way: Arc::new(way) })
    }
}
