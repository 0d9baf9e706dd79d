//! Core values as the plain objects that `js/` reads.
//! It refuses to name errors: `js/exporter/errors.js` builds them from these facts.

mod block;
mod facts;

use std::{collections::HashMap, time::Duration};

use napi::bindgen_prelude::{Buffer, Either, Null};
use napi_derive::napi;
use offloop::{
    error::{ExportFailure, FailureKind},
    exporter::{FlushOutcome, Outcome},
    pipeline::notice::{Level, Notice},
    process::Process,
    stats::{Drops, Stats},
};

pub use self::{
    block::{JsAttribute, JsBlock, block, pairs},
    facts::JsFacts,
};

/// What became of the spans of one export.
#[napi(object, object_from_js = false)]
pub struct JsOutcome {
    /// Spans delivered.
    pub delivered: f64,
    /// Spans refused in a partial success.
    pub rejected: f64,
    /// Spans that a rule has dropped.
    pub filtered: f64,
    /// Spans lost, by reason.
    pub dropped: HashMap<String, f64>,
    /// Requests made.
    pub attempts: u32,
    /// The failure behind `dropped`.
    pub error: Option<JsFailure>,
    /// The last partial success, as the stock exporter logs it.
    pub partial_success: Option<String>,
    /// Lines for `diag.warn`.
    pub warnings: Vec<String>,
}

/// Facts of a failure.
#[napi(object, object_from_js = false)]
pub struct JsFailure {
    /// `status`, `grpc`, `network`, or a drop reason.
    pub kind: String,
    /// HTTP status, gRPC status, Node's error code or a drop reason; empty where Node has none.
    pub code: String,
    /// Text; the details of a gRPC status.
    pub message: String,
    /// Trailers of a gRPC call without `grpc-status` and `grpc-message`, as they came.
    pub metadata: Option<Vec<(String, String)>>,
    /// Status of the response.
    pub http_status: Option<u16>,
    /// Body of the response.
    pub body: Option<String>,
    /// Failing system call.
    pub syscall: Option<String>,
    /// Peer address.
    pub address: Option<String>,
    /// Peer port.
    pub port: Option<u16>,
    /// Negative errno.
    pub errno: Option<i32>,
    /// One per address tried, when there were several.
    pub addresses: Vec<JsFailure>,
}

/// How a flush ended.
#[napi(object, object_from_js = false)]
pub struct JsFlush {
    /// The deadline came first.
    pub timed_out: bool,
    /// Spans still on their way.
    pub outstanding: f64,
}

/// An attempt for `js/node_http/sender.js`.
#[napi(object, object_from_js = false)]
pub struct JsSend {
    /// Number of the lane.
    pub lane: u32,
    /// The export that the attempt belongs to.
    pub call: u32,
    /// Encoded, compressed body.
    pub body: Buffer,
    /// `gzip`, `zstd` or nothing.
    pub content_encoding: Option<String>,
    /// Time for the whole exchange.
    pub timeout_millis: f64,
    /// Headers that were read for this attempt already.
    pub headers: Option<Vec<(String, String)>>,
}

/// Headers to read.
#[napi(object, object_from_js = false)]
pub struct JsHeaderQuestion {
    /// Number of the lane.
    pub lane: u32,
    /// The export that the attempt belongs to.
    pub call: u32,
}

/// A line for `diag`, a batch that was lost after its admission, or a breaker that has opened or closed.
#[napi(object, object_from_js = false)]
pub struct JsNotice {
    /// Number of the lane.
    pub lane: u32,
    /// Level of the line.
    pub level: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// The lost batch, for `onError`.
    pub failed: Option<JsFailedBatch>,
    /// The breaker has opened, or it has closed again.
    pub breaker: Option<JsBreaker>,
}

/// A breaker that has opened or closed.
#[napi(object, object_from_js = false)]
pub struct JsBreaker {
    /// Its state now.
    pub state: String,
    /// Code of what was said last, if it is not closed.
    pub code: Option<String>,
    /// Its text.
    pub message: Option<String>,
}

/// A lost batch.
#[napi(object, object_from_js = false)]
pub struct JsFailedBatch {
    /// Why.
    pub reason: String,
    /// Spans lost.
    pub spans: f64,
    /// Attempts made.
    pub attempts: u32,
    /// Status of the last response.
    pub http_status: Option<u16>,
    /// Code of the last error.
    pub code: Option<String>,
    /// Its text.
    pub message: String,
    /// Where the batch was to go.
    pub endpoint: String,
}

impl JsNotice {
    fn of(lane: u32) -> Self {
        Self { lane, level: None, text: None, failed: None, breaker: None }
    }

    /// What lane number `lane` has to tell.
    pub fn new(lane: u32, notice: Notice) -> Self {
        match notice {
            Notice::Line { level, text } => {
                let level = match level {
                    Level::Error => "error",
                    Level::Warn => "warn",
                    Level::Info => "info",
                    Level::Debug => "debug",
                    Level::Verbose => "verbose",
                };
                Self { level: Some(level.to_owned()), text: Some(text), ..Self::of(lane) }
            }
            Notice::Failed(failed) => {
                let failed = JsFailedBatch {
                    reason: failed.reason.code().to_owned(),
                    spans: failed.spans as f64,
                    attempts: failed.attempts,
                    http_status: failed.http_status,
                    code: Some(failed.code).filter(|code| !code.is_empty()),
                    message: failed.message,
                    endpoint: failed.endpoint,
                };
                Self { failed: Some(failed), ..Self::of(lane) }
            }
            Notice::Breaker { state, trouble } => {
                let (code, message) = trouble.unzip();
                let code = code.filter(|code| !code.is_empty());
                let breaker = JsBreaker { state: state.name().to_owned(), code, message };
                Self { breaker: Some(breaker), ..Self::of(lane) }
            }
        }
    }
}

/// What the rules of an exporter have done.
#[napi(object, object_from_js = false)]
pub struct JsProcessStats {
    /// Hits by rule, in the order of the rules.
    pub rules: Vec<(String, f64)>,
    /// Texts that were replaced because they could not be understood, by cause.
    pub fail_closed: Vec<(String, f64)>,
}

impl From<&Process> for JsProcessStats {
    fn from(process: &Process) -> Self {
        let rules = process.rules().into_iter();
        let fail_closed = process.fail_closed().into_iter();
        Self {
            rules: rules.map(|(name, hits)| (name, hits as f64)).collect(),
            fail_closed: fail_closed.map(|(name, hits)| (name.to_owned(), hits as f64)).collect(),
        }
    }
}

/// A snapshot of an exporter.
#[napi(object, object_from_js = false)]
pub struct JsStats {
    /// Spans that came in.
    pub offered: f64,
    /// Spans admitted.
    pub accepted: f64,
    /// Spans turned away.
    pub refused: HashMap<String, f64>,
    /// Spans delivered.
    pub delivered: f64,
    /// Spans refused by the receiver.
    pub rejected: f64,
    /// Spans that a rule has dropped; absent where there are no rules.
    pub filtered: Option<f64>,
    /// What the rules have done; absent where there are none.
    pub process: Option<JsProcessStats>,
    /// Spans lost after admission.
    pub dropped: HashMap<String, f64>,
    /// Spans not yet terminal.
    pub pending: f64,
    /// Bytes charged for them.
    pub pending_bytes: f64,
    /// Requests under way.
    pub in_flight: u32,
    /// Attempts begun.
    pub requests: f64,
    /// Bytes of their bodies.
    pub sent_bytes: f64,
    /// Attempts that repeated an earlier one.
    pub retries: f64,
    /// Breaker state.
    pub breaker: String,
    /// From admission to delivery, of the batch delivered last.
    pub last_export_latency_millis: Either<f64, Null>,
    /// Native threads.
    pub threads: u32,
}

fn drops(drops: &Drops) -> HashMap<String, f64> {
    drops.iter().map(|(reason, spans)| (reason.code().to_owned(), spans as f64)).collect()
}

impl From<Outcome> for JsOutcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            delivered: outcome.delivered as f64,
            rejected: outcome.rejected as f64,
            filtered: outcome.filtered as f64,
            dropped: drops(&outcome.dropped),
            attempts: outcome.attempts,
            error: outcome.error.map(Into::into),
            partial_success: outcome.partial_success.map(|partial| partial.json),
            warnings: outcome.warnings,
        }
    }
}

impl From<ExportFailure> for JsFailure {
    fn from(failure: ExportFailure) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Http => "status".to_owned(),
                FailureKind::Grpc => "grpc".to_owned(),
                FailureKind::Transport => "network".to_owned(),
                FailureKind::Pipeline => failure.code.clone(),
            },
            code: failure.code,
            message: failure.message,
            metadata: (failure.kind == FailureKind::Grpc).then_some(failure.metadata),
            http_status: failure.http_status,
            body: failure.body,
            syscall: failure.syscall.map(str::to_owned),
            address: failure.address,
            port: failure.port,
            errno: failure.errno,
            addresses: failure
                .errors
                .iter()
                .map(|error| ExportFailure::transport(error).into())
                .collect(),
        }
    }
}

impl From<FlushOutcome> for JsFlush {
    fn from(outcome: FlushOutcome) -> Self {
        Self { timed_out: outcome.timed_out, outstanding: outcome.outstanding as f64 }
    }
}

impl From<Stats> for JsStats {
    fn from(stats: Stats) -> Self {
        Self {
            offered: stats.offered as f64,
            accepted: stats.accepted as f64,
            refused: drops(&stats.refused),
            delivered: stats.delivered as f64,
            rejected: stats.rejected as f64,
            filtered: None,
            process: None,
            dropped: drops(&stats.dropped),
            pending: stats.pending as f64,
            pending_bytes: stats.pending_bytes as f64,
            in_flight: stats.in_flight,
            requests: stats.requests as f64,
            sent_bytes: stats.sent_bytes as f64,
            retries: stats.retries as f64,
            breaker: stats.breaker.name().to_owned(),
            last_export_latency_millis: match stats.last_export_latency {
                Some(latency) => Either::A(latency.as_secs_f64() * 1e3),
                None => Either::B(Null),
            },
            threads: stats.threads,
        }
    }
}

/// Reads milliseconds from JavaScript: NaN and negative ones are zero, more than a day is a day (R58).
pub fn duration(millis: f64) -> Duration {
    const DAY_MILLIS: f64 = 86_400_000.0;
    Duration::try_from_secs_f64(millis.clamp(0.0, DAY_MILLIS) / 1e3).unwrap_or(Duration::ZERO)
}
