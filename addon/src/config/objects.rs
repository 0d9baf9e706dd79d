//! The objects that JavaScript passes.
//! It refuses to read them.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

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
