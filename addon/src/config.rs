//! The configuration that `js/` resolved, as the core's types.
//! It refuses to default: an absent number means the core's own default.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bumpalo::Bump;
use napi::{Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::{
    config::{Compression, Config, Overflow, RetryPolicy},
    error::{DropReason, TransformError},
    exporter::{Exporter, Transform},
    handoff::decode,
    otlp::{self, Encoded, Protocol},
    recorder::{self, ApiConfig, ApiSink, Output, Recording},
    sink::{
        Sink,
        file::{FileConfig, FileSink},
        http::{Doubt, HttpConfig, HttpSink, ResultOrder, Roots, TlsConfig},
        trace_files::{TraceFilesConfig, TraceFilesSink},
    },
    span::SpanBatch,
};

use crate::{
    convert::duration,
    header_sink::{CurrentHeaders, HeaderSink, Source},
    mailbox::Mailbox,
    moving_sink::MovingSink,
    node_sink::NodeSink,
};

/// What `js/native/engine.js` passes for a lane.
#[napi(object, object_to_js = false)]
pub struct LaneConfig {
    /// Number of the lane in its environment.
    pub number: u32,
    /// `http`, `node`, `file`, `trace_files` or `drift_api`.
    pub sink: String,
    /// The endpoint without credentials, for errors and for sharing what the network says about it.
    pub endpoint: String,
    /// `http/protobuf` or `http/json`; anything else with `drift`.
    pub protocol: String,
    /// URL with scheme, host, port, path and query (sink `http`; sink `drift_api`, whose attempts are else JavaScript's).
    pub url: Option<String>,
    /// `Content-Type` (sink `http`).
    pub content_type: Option<String>,
    /// `User-Agent` (sink `http`).
    pub user_agent: Option<String>,
    /// Every other header, in order (sink `http`).
    pub headers: Option<Vec<(String, String)>>,
    /// `static` (they are in `headers`), `live` or `async` (sink `http`).
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
    /// JavaScript sends if the server asks for a TLS that only Node has (sink `http`).
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
    /// Deadline of one attempt of an export (sink `drift_api`).
    pub attempt_timeout_millis: Option<f64>,
    /// Attempts of an export, three if absent (sink `drift_api`).
    pub api_attempts: Option<u32>,
    /// Wait as `Retry-After` asks (sink `drift_api`).
    pub honor_retry_after: Option<bool>,
    /// How spans are recorded (sinks `trace_files` and `drift_api`).
    pub drift: Option<JsRecording>,
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

/// Makes the exporter behind a lane.
pub(crate) fn build(
    mut config: LaneConfig,
    mailbox: Arc<Mailbox>,
    headers: CurrentHeaders,
    timeouts: Arc<AtomicU64>,
    doubt: Doubt,
) -> Result<Arc<Exporter>> {
    let protocol = match config.protocol.as_str() {
        "http/json" => Protocol::HttpJson,
        _ => Protocol::HttpProtobuf,
    };
    let core = core_config(&config, protocol);
    let source = match config.header_source.as_deref() {
        Some("live") => Source::Live,
        Some("async") => Source::Function,
        _ => Source::Static,
    };
    let lane = config.number;
    let transform = match config.drift.take() {
        Some(drift) => recorder::transform(recording(drift)),
        None if config.sink == "file" => transform(otlp::encode_line),
        None => transform(move |batch| otlp::encode(protocol, batch)),
    };
    let inner = sink(config, Arc::clone(&mailbox), timeouts, doubt)?;
    let sink = Arc::new(HeaderSink { lane, source, current: headers, mailbox, inner });
    Exporter::new(core, sink, transform).map_err(invalid)
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
    core.way = way(config);
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
    core.compression = match config.compression.as_str() {
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        "auto" => Compression::Auto,
        _ => Compression::None,
    };
    let timeout = duration(config.timeout_millis).max(Duration::from_millis(1));
    if config.drift.is_some() {
        // One export is one request or one set of lines, and its sink makes all the attempts.
        core.max_request_bytes = u64::MAX;
        core.split_on_413 = false;
        core.retry = RetryPolicy { max_retries: 0, ..RetryPolicy::stock(timeout) };
        return core;
    }
    core.retry = match (config.max_elapsed_millis, config.max_attempts.map(count)) {
        (None, None) => RetryPolicy::stock(timeout),
        (None, Some(attempts)) => {
            RetryPolicy { max_retries: attempts.saturating_sub(1), ..RetryPolicy::stock(timeout) }
        }
        // Without time for repeats there is still the attempt's own.
        (Some(0.0), _) => RetryPolicy { max_retries: 0, ..RetryPolicy::stock(timeout) },
        (Some(elapsed), attempts) => {
            RetryPolicy::long(timeout, duration(elapsed), attempts.unwrap_or(u32::MAX))
        }
    };
    core
}

/// Where the connections of a lane go and whom they trust, beside its endpoint, as a number that tells nothing. What
/// JavaScript sends goes ways of its own: agents and look-ups are code.
fn way(config: &LaneConfig) -> String {
    static OTHERS: AtomicU64 = AtomicU64::new(0);
    if config.sink != "http" {
        return format!("other {}", OTHERS.fetch_add(1, Ordering::Relaxed));
    }
    let mut hasher = DefaultHasher::new();
    config.socket_path.hash(&mut hasher);
    if let Some(tls) = &config.tls {
        tls.roots.as_ref().hash(&mut hasher);
        for pem in [&tls.cert, &tls.key] {
            pem.as_deref().hash(&mut hasher);
        }
        (tls.reject_unauthorized, &tls.servername).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}

/// A counter from JavaScript, where numbers are floating point: what is too large for 32 bits is the largest, as Rust
/// converts it, and not the remainder, as JavaScript would.
fn count(number: f64) -> u32 {
    number as u32
}

fn sink(
    config: LaneConfig,
    mailbox: Arc<Mailbox>,
    timeouts: Arc<AtomicU64>,
    doubt: Doubt,
) -> Result<Arc<dyn Sink>> {
    match config.sink.as_str() {
        "trace_files" => {
            let directory = config.directory.unwrap_or_default();
            Ok(TraceFilesSink::new(TraceFilesConfig::new(directory)))
        }
        "drift_api" => {
            let api = ApiConfig {
                attempt_timeout: duration(config.attempt_timeout_millis.unwrap_or_default())
                    .max(Duration::from_millis(1)),
                max_attempts: config.api_attempts.unwrap_or(3),
                hears_retry_after: config.honor_retry_after.unwrap_or_default(),
            };
            let inner = match &config.url {
                Some(_) => http(config, doubt)?,
                None => Arc::new(NodeSink { lane: config.number, mailbox }),
            };
            Ok(ApiSink::new(api, inner, timeouts))
        }
        "file" => {
            let mut file = FileConfig::new(config.directory.unwrap_or_default());
            file.max_files = config.max_files.map_or(file.max_files, |files| count(files) as usize);
            Ok(FileSink::new(file))
        }
        "node" => Ok(Arc::new(NodeSink { lane: config.number, mailbox })),
        _ if config.may_move_to_node == Some(true) => {
            let (lane, endpoint) = (config.number, config.endpoint.clone());
            Ok(Arc::new(MovingSink::new(
                http(config, doubt)?,
                NodeSink { lane, mailbox },
                endpoint,
            )))
        }
        _ => http(config, doubt),
    }
}

fn http(config: LaneConfig, doubt: Doubt) -> Result<Arc<dyn Sink>> {
    let (url, content_type) =
        (config.url.unwrap_or_default(), config.content_type.unwrap_or_default());
    let mut http = HttpConfig::new(url, content_type, config.user_agent.unwrap_or_default());
    http.headers = config.headers.unwrap_or_default();
    http.unix_socket = config.socket_path.map(Into::into);
    http.result_order = match config.result_order.as_deref() {
        Some("ipv4first") => ResultOrder::Ipv4First,
        Some("ipv6first") => ResultOrder::Ipv6First,
        _ => ResultOrder::Verbatim,
    };
    http.next_address_after = config.next_address_millis.map(duration);
    http.keep_alive = config.keep_alive.unwrap_or(http.keep_alive);
    http.max_idle_connections =
        config.max_idle_sockets.map_or(http.max_idle_connections, |max| count(max) as usize);
    http.tls = TlsConfig { doubt, ..config.tls.map(tls).unwrap_or_default() };
    Ok(HttpSink::new(http).map_err(invalid)?)
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

fn transform(encode: impl Fn(&SpanBatch<'_>) -> Encoded + Send + Sync + 'static) -> Transform {
    Arc::new(move |raw| {
        raw.top_up_pool();
        let arena = Bump::new();
        let batch = decode(&raw, &arena).map_err(|error| TransformError {
            reason: DropReason::InternalError,
            message: error.to_string(),
        })?;
        Ok(encode(&batch))
    })
}

fn invalid(error: impl ToString) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}
