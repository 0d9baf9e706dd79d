//! The configuration that `js/` resolved, as the core's types.
//! It refuses to default: an absent number means the core's own default.

mod objects;
mod sinks;

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
    recorder::{Output, Recording},
    sink::{
        Sink,
        live_headers::{AskFor, CurrentHeaders, LiveHeaders},
        net::Doubt,
    },
    transform::{Format, transform},
};

pub use self::objects::{JsRecording, JsTls, LaneConfig};
use self::sinks::{Native, native, sink};
use crate::{convert::duration, header_questions::HeaderQuestions, mailbox::Mailbox};

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

fn invalid(error: impl ToString) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}
