//! The configuration that `js/` resolved, as the core's types.
//! It refuses to default: an absent number means the core's own default.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use napi::{Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::{
    config::{Compression, Config, Overflow, RetryPolicy},
    exporter::Exporter,
    otlp::Protocol,
    process::Process,
    recorder::{ApiConfig, ApiSink, Output, Recording},
    sink::{
        ContentEncoding, Sink,
        file::{FileConfig, FileSink},
        grpc::{GrpcConfig, GrpcSink, Pings},
        http::{HttpConfig, HttpSink},
        live_headers::{AskFor, CurrentHeaders, LiveHeaders},
        net::{Doubt, Proxy, ResultOrder, Roots, TlsConfig},
        trace_files::{TraceFilesConfig, TraceFilesSink},
    },
    transform::{Format, transform},
};

use crate::{
    convert::duration, header_questions::HeaderQuestions, mailbox::Mailbox,
    moving_sink::MovingSink, node_sink::NodeSink,
};

/// What `js/native/engine.js` passes for a lane.
#[napi(object, object_to_js = false)]
pub struct LaneConfig {
    /// Number of the lane in its environment.
    pub number: u32,
    /// `http`, `grpc`, `node`, `file`, `trace_files` or `drift_api`.
    pub sink: String,
    /// The endpoint without credentials, for errors and for sharing what the network says about it.
    pub endpoint: String,
    /// `http/protobuf`, `http/json` or `grpc`; anything else with `drift`.
    pub protocol: String,
    /// URL with scheme, host, port, path and query (sink `http`; sink `drift_api`, whose attempts are else JavaScript's); only
    /// scheme, host and port of it count for sink `grpc`.
    pub url: Option<String>,
    /// `:authority` of each call (sink `grpc`); absent: host and port of the URL.
    pub authority: Option<String>,
    /// `Content-Type` (sink `http`).
    pub content_type: Option<String>,
    /// `User-Agent` (sinks `http` and `grpc`).
    pub user_agent: Option<String>,
    /// Every other header, in order (sink `http`); metadata as it goes on the wire (sink `grpc`).
    pub headers: Option<Vec<(String, String)>>,
    /// `static` (they are in `headers`), `live` or `async` (sinks `http` and `grpc`).
    pub header_source: Option<String>,
    /// Unix socket instead of host and port.
    pub socket_path: Option<String>,
    /// Order of a name's addresses: `verbatim`, `ipv4first` or `ipv6first`.
    pub result_order: Option<String>,
    /// How long one address of a name is tried while others are left; absent: only the first one is tried.
    pub next_address_millis: Option<f64>,
    /// Keep connections.
    pub keep_alive: Option<bool>,
    /// Idle connections kept.
    pub max_idle_sockets: Option<f64>,
    /// TLS settings.
    pub tls: Option<JsTls>,
    /// JavaScript sends if the server asks for a TLS that only Node has (sinks `http` and `grpc`).
    pub may_move_to_node: Option<bool>,
    /// Deadline of an export.
    pub timeout_millis: f64,
    /// Longest wait at the end of a process that nobody else waits for.
    pub exit_millis: f64,
    /// `none`, `gzip`, `zstd` or `auto`.
    pub compression: String,
    /// Requests under way at once; absent: the core's default, and slow ones do not count.
    pub max_concurrency: Option<f64>,
    /// Requests under way at once, with the slow ones; absent: `max_concurrency` if that is there.
    pub max_under_way: Option<f64>,
    /// HTTP proxy between us and the endpoint, as `http://host:port` (sinks `http` and `grpc`).
    pub proxy_url: Option<String>,
    /// `Proxy-Authorization`, for the proxy alone.
    pub proxy_authorization: Option<String>,
    /// A larger request is split before it is sent, before compression; absent: 4 MiB (protocol `grpc`).
    pub max_send_message_bytes: Option<f64>,
    /// An answer may have so many bytes, after decompression; absent: 4 MiB (sink `grpc`).
    pub max_receive_message_bytes: Option<f64>,
    /// Time between pings while a call is under way; absent: no pings (sink `grpc`).
    pub keep_alive_ping_millis: Option<f64>,
    /// A connection that leaves a ping unanswered for so long is given up; absent: 20 s (sink `grpc`).
    pub keep_alive_ping_timeout_millis: Option<f64>,
    /// Bound in spans.
    pub max_spans: Option<f64>,
    /// Bound in bytes.
    pub max_bytes: Option<f64>,
    /// Who goes when the queue is full.
    pub drop_oldest: Option<bool>,
    /// Long retry mode: time from the first attempt.
    pub max_elapsed_millis: Option<f64>,
    /// Attempts, the first included.
    pub max_attempts: Option<f64>,
    /// Directory (sink `file`).
    pub directory: Option<String>,
    /// Files kept (sink `file`).
    pub max_files: Option<f64>,
    /// Bytes of a file (sink `file`).
    pub max_file_bytes: Option<f64>,
    /// Age of a file in use, and of one that nobody writes to any more (sink `file`); absent: any.
    pub max_age_millis: Option<f64>,
    /// Deadline of one attempt of an export (sink `drift_api`).
    pub attempt_timeout_millis: Option<f64>,
    /// Attempts of an export, three if absent (sink `drift_api`).
    pub api_attempts: Option<u32>,
    /// Wait as `Retry-After` asks (sink `drift_api`).
    pub honor_retry_after: Option<bool>,
    /// How spans are recorded (sinks `trace_files` and `drift_api`).
    pub drift: Option<JsRecording>,
    /// The plain form of `process`, as `js/config/process/plain.js` writes it.
    pub process: Option<Vec<String>>,
    /// What its tokens are made with.
    pub process_key: Option<Uint8Array>,
}

/// How spans are recorded.
#[napi(object, object_to_js = false)]
pub struct JsRecording {
    /// `lines` or `request`, or `prepared_lines` or `prepared_request` for what JavaScript has printed.
    pub output: String,
    /// Environment of the spans.
    pub environment: Option<String>,
    /// A span that cannot be recorded costs its batch.
    pub fail_batch_on_bad_span: Option<bool>,
    /// Fields of a request.
    pub observable_service_id: Option<String>,
    /// Fields of a request.
    pub sdk_version: Option<String>,
    /// Fields of a request.
    pub sdk_instance_id: Option<String>,
}

/// TLS settings; certificates and keys are PEM.
#[napi(object, object_to_js = false)]
pub struct JsTls {
    /// Everything that is trusted.
    pub roots: Uint8Array,
    /// Client certificate.
    pub cert: Option<Uint8Array>,
    /// Client key.
    pub key: Option<Uint8Array>,
    /// Whether an unverified server is refused.
    pub reject_unauthorized: bool,
    /// Name to verify instead of the URL's host.
    pub servername: Option<String>,
    /// Word untrusted roots as Node ≥ 24 does.
    pub system_ca_hint: bool,
}

/// What OTLP asks of clients, and what servers of gRPC take unless configured otherwise.
const MAX_SEND_MESSAGE_BYTES: u64 = 4 << 20;

/// What an exporter shares with its lane.
pub(crate) struct Shared {
    pub mailbox: Arc<Mailbox>,
    pub headers: CurrentHeaders,
    /// Attempts that ran out of time, where the sink makes them itself.
    pub timeouts: Arc<AtomicU64>,
    pub doubt: Doubt,
}

/// An exporter and the rules that its spans go through.
pub(crate) struct Built {
    pub exporter: Arc<Exporter>,
    pub process: Option<Arc<Process>>,
}

fn compiled(words: &[String], key: Option<Uint8Array>) -> Result<Arc<Process>> {
    let process = Process::compile(words, key.as_deref()).map_err(invalid)?;
    Ok(Arc::new(process))
}

/// Throws if the rules of a lane that is made later cannot be compiled.
#[napi(catch_unwind)]
pub fn check_process(words: Vec<String>, key: Option<Uint8Array>) -> Result<()> {
    compiled(&words, key).map(drop)
}

/// Makes the exporter behind a lane.
pub(crate) fn build(mut config: LaneConfig, shared: &Shared) -> Result<Built> {
    let protocol = match config.protocol.as_str() {
        "http/json" => Protocol::HttpJson,
        "grpc" => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    };
    let mut core = core_config(&config, protocol);
    let native = native(&mut config, &shared.doubt);
    core.way = match &native {
        Some(Native::Http(http)) if config.sink == "http" => http.way(),
        Some(Native::Grpc(grpc)) => grpc.way(),
        _ => Config::own_way(),
    };
    let format = match config.drift.take() {
        Some(drift) => Format::Recording(recording(drift)),
        None if config.sink == "file" => Format::OtlpLine,
        None => Format::Otlp(protocol),
    };
    let process = match config.process.take() {
        Some(words) => Some(compiled(&words, config.process_key.take())?),
        None => None,
    };
    if matches!(format, Format::Recording(_))
        && process.as_ref().is_some_and(|process| !process.only_redacts())
    {
        return Err(invalid("recordings are redacted, and nothing else"));
    }
    let sink = with_live_headers(&config, shared, sink(&config, native, shared)?);
    let transform = transform(format, process.clone());
    let exporter = Exporter::new(core, sink, transform).map_err(invalid)?;
    Ok(Built { exporter, process })
}

fn with_live_headers(config: &LaneConfig, shared: &Shared, inner: Arc<dyn Sink>) -> Arc<dyn Sink> {
    let ask_for = match config.header_source.as_deref() {
        Some("live") => AskFor::Retries,
        Some("async") => AskFor::EveryAttempt,
        _ => return inner,
    };
    let owner = HeaderQuestions { lane: config.number, mailbox: Arc::clone(&shared.mailbox) };
    let current = shared.headers.clone();
    Arc::new(LiveHeaders { ask_for, owner: Arc::new(owner), current, inner })
}

fn recording(drift: JsRecording) -> Recording {
    let output = match drift.output.as_str() {
        "lines" => Output::Lines,
        "prepared_lines" => Output::PreparedLines,
        "prepared_request" => Output::PreparedRequest,
        _ => Output::Request {
            observable_service_id: drift.observable_service_id.unwrap_or_default(),
            sdk_version: drift.sdk_version.unwrap_or_default(),
            sdk_instance_id: drift.sdk_instance_id.unwrap_or_default(),
        },
    };
    Recording {
        output,
        environment: drift.environment,
        fail_batch_on_bad_span: drift.fail_batch_on_bad_span.unwrap_or_default(),
    }
}

fn core_config(config: &LaneConfig, protocol: Protocol) -> Config {
    let mut core = Config { endpoint: config.endpoint.clone(), protocol, ..Config::default() };
    core.exit_timeout = duration(config.exit_millis);
    let queue = &mut core.queue;
    queue.max_spans = config.max_spans.map_or(queue.max_spans, |spans| spans as u64);
    queue.max_bytes = config.max_bytes.map_or(queue.max_bytes, |bytes| bytes as u64);
    if config.drop_oldest == Some(true) {
        queue.overflow = Overflow::DropOldest;
    }
    let under_way = config.max_under_way.or(config.max_concurrency);
    core.max_under_way = under_way.map_or(core.max_under_way, count);
    core.max_concurrency = config.max_concurrency.map_or(core.max_concurrency, count);
    if protocol == Protocol::Grpc {
        let most = config.max_send_message_bytes.map(|bytes| bytes as u64);
        core.split_above_bytes = most.unwrap_or(MAX_SEND_MESSAGE_BYTES);
    }
    core.compression = match config.compression.as_str() {
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        "auto" => Compression::Auto,
        _ => Compression::None,
    };
    let timeout = duration(config.timeout_millis).max(Duration::from_millis(1));
    core.retry = RetryPolicy::of(
        timeout,
        config.max_elapsed_millis.map(duration),
        config.max_attempts.map(count),
    );
    if config.drift.is_some() { core.in_one_request() } else { core }
}

/// A counter from JavaScript, where numbers are floating point: what is too large for 32 bits is the largest, as Rust
/// converts it, and not the remainder, as JavaScript would.
fn count(number: f64) -> u32 {
    number as u32
}

/// What sends without JavaScript.
enum Native {
    Http(HttpConfig),
    Grpc(GrpcConfig),
}

fn native(config: &mut LaneConfig, doubt: &Doubt) -> Option<Native> {
    match config.sink.as_str() {
        "http" => Some(Native::Http(http(config, doubt.clone()))),
        "drift_api" if config.url.is_some() => Some(Native::Http(http(config, doubt.clone()))),
        "grpc" => Some(Native::Grpc(grpc(config, doubt.clone()))),
        _ => None,
    }
}

fn sink(config: &LaneConfig, native: Option<Native>, shared: &Shared) -> Result<Arc<dyn Sink>> {
    let native: Option<Arc<dyn Sink>> = match native {
        Some(Native::Http(http)) => Some(HttpSink::new(http).map_err(invalid)?),
        Some(Native::Grpc(grpc)) => Some(GrpcSink::new(grpc).map_err(invalid)?),
        None => None,
    };
    let directory = config.directory.clone().unwrap_or_default();
    let node = NodeSink {
        lane: config.number,
        mailbox: Arc::clone(&shared.mailbox),
        proxy: proxy(config),
    };
    Ok(match (config.sink.as_str(), native) {
        ("trace_files", _) => TraceFilesSink::new(TraceFilesConfig::new(directory)),
        ("file", _) => {
            let mut file = FileConfig::new(directory);
            file.max_files = config.max_files.map_or(file.max_files, |files| count(files) as usize);
            file.max_file_bytes =
                config.max_file_bytes.map_or(file.max_file_bytes, |bytes| bytes as u64);
            // Not `duration`, which ends at a day.
            file.max_age = config.max_age_millis.map(|millis| Duration::from_millis(millis as u64));
            file.encoding = match config.compression.as_str() {
                "gzip" => ContentEncoding::Gzip,
                "zstd" => ContentEncoding::Zstd,
                _ => ContentEncoding::Identity,
            };
            FileSink::new(file)
        }
        ("drift_api", native) => {
            let inner: Arc<dyn Sink> = match native {
                Some(native) => native,
                None => Arc::new(node),
            };
            ApiSink::new(api(config), inner, Arc::clone(&shared.timeouts))
        }
        (protocol @ ("http" | "grpc"), Some(native)) if config.may_move_to_node == Some(true) => {
            let module = if protocol == "grpc" { "http2" } else { "https" };
            Arc::new(MovingSink::new(native, node, config.endpoint.clone(), module))
        }
        ("http" | "grpc", Some(native)) => native,
        _ => Arc::new(node),
    })
}

fn api(config: &LaneConfig) -> ApiConfig {
    let attempt_timeout = duration(config.attempt_timeout_millis.unwrap_or_default());
    ApiConfig {
        attempt_timeout: attempt_timeout.max(Duration::from_millis(1)),
        max_attempts: config.api_attempts.unwrap_or(3),
        hears_retry_after: config.honor_retry_after.unwrap_or_default(),
    }
}

fn http(config: &mut LaneConfig, doubt: Doubt) -> HttpConfig {
    let text = Option::unwrap_or_default;
    let mut http = HttpConfig::new(
        text(config.url.take()),
        text(config.content_type.take()),
        text(config.user_agent.take()),
    );
    http.headers = config.headers.take().unwrap_or_default();
    http.unix_socket = config.socket_path.take().map(Into::into);
    http.proxy = proxy(config);
    http.result_order = result_order(config);
    http.next_address_after = config.next_address_millis.map(duration);
    http.keep_alive = config.keep_alive.unwrap_or(http.keep_alive);
    http.max_idle_connections =
        config.max_idle_sockets.map_or(http.max_idle_connections, |max| count(max) as usize);
    http.tls = TlsConfig { doubt, ..config.tls.take().map(tls).unwrap_or_default() };
    http
}

fn proxy(config: &LaneConfig) -> Option<Proxy> {
    Proxy::of_url(config.proxy_url.as_deref()?, config.proxy_authorization.clone())
}

fn grpc(config: &mut LaneConfig, doubt: Doubt) -> GrpcConfig {
    let text = Option::unwrap_or_default;
    let mut grpc = GrpcConfig::new(text(config.url.take()), text(config.user_agent.take()));
    grpc.authority = config.authority.take();
    grpc.metadata = config.headers.take().unwrap_or_default();
    grpc.unix_socket = config.socket_path.take().map(Into::into);
    grpc.proxy = proxy(config);
    grpc.result_order = result_order(config);
    grpc.next_address_after = config.next_address_millis.map(duration);
    grpc.max_receive_bytes = config
        .max_receive_message_bytes
        .map_or(grpc.max_receive_bytes, |bytes| count(bytes) as usize);
    grpc.pings = config.keep_alive_ping_millis.map(|interval| Pings {
        interval: duration(interval),
        timeout: config.keep_alive_ping_timeout_millis.map_or(Pings::TIMEOUT, duration),
    });
    grpc.tls = TlsConfig { doubt, ..config.tls.take().map(tls).unwrap_or_default() };
    grpc
}

fn result_order(config: &LaneConfig) -> ResultOrder {
    match config.result_order.as_deref() {
        Some("ipv4first") => ResultOrder::Ipv4First,
        Some("ipv6first") => ResultOrder::Ipv6First,
        _ => ResultOrder::Verbatim,
    }
}

fn tls(tls: JsTls) -> TlsConfig {
    let bytes = |pem: Option<Uint8Array>| pem.map(|pem| pem.to_vec());
    TlsConfig {
        roots: Roots::of_pem(tls.roots.to_vec()),
        client_certificate: bytes(tls.cert),
        client_key: bytes(tls.key),
        reject_unauthorized: tls.reject_unauthorized,
        servername: tls.servername,
        system_ca_hint: tls.system_ca_hint,
        doubt: Doubt::default(),
    }
}

fn invalid(error: impl ToString) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}
