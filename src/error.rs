//! Why spans did not arrive: the closed list of drop reasons and the error that crosses to JavaScript.
//! It refuses to count: counting is the ledger's.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use crate::{
    shown::cut,
    sink::{SendError, SendErrorKind},
};

/// Why a span was dropped. Closed list; `code()` is what JavaScript sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DropReason {
    /// The queue held its maximum of spans. The application produces faster than the endpoint takes.
    QueueFull,
    /// The queue held its maximum of bytes.
    BytesFull,
    /// The span or its smallest possible request exceeds a size limit. A retry cannot help.
    TooLarge,
    /// The span could not be read or encoded. The caller's data.
    Invalid,
    /// Every attempt that the retry policy allows has failed for a passing reason.
    RetriesExhausted,
    /// The endpoint refused the data for good.
    NonRetryable,
    /// Shutdown ran out of time before the span was delivered.
    ShutdownDeadline,
    /// The exporter had been shut down already.
    AfterShutdown,
    /// The JavaScript environment that owned the data went away before handing it over.
    EnvironmentGone,
    /// A defect of ours, contained.
    InternalError,
}

impl DropReason {
    /// Number of reasons.
    pub const COUNT: usize = 10;

    /// Every reason, in the order of their numbers.
    pub const ALL: [DropReason; Self::COUNT] = [
        DropReason::QueueFull,
        DropReason::BytesFull,
        DropReason::TooLarge,
        DropReason::Invalid,
        DropReason::RetriesExhausted,
        DropReason::NonRetryable,
        DropReason::ShutdownDeadline,
        DropReason::AfterShutdown,
        DropReason::EnvironmentGone,
        DropReason::InternalError,
    ];

    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            DropReason::QueueFull => "queue_full",
            DropReason::BytesFull => "bytes_full",
            DropReason::TooLarge => "too_large",
            DropReason::Invalid => "invalid",
            DropReason::RetriesExhausted => "retries_exhausted",
            DropReason::NonRetryable => "non_retryable",
            DropReason::ShutdownDeadline => "shutdown_deadline",
            DropReason::AfterShutdown => "after_shutdown",
            DropReason::EnvironmentGone => "environment_gone",
            DropReason::InternalError => "internal_error",
        }
    }

    /// What happened, in words for a log line or an error without better words.
    pub fn message(self) -> &'static str {
        match self {
            DropReason::QueueFull => "the export queue is full (maxSpans)",
            DropReason::BytesFull => "the export queue is full (maxBytes)",
            DropReason::TooLarge => "larger than the size limit",
            DropReason::Invalid => "the span could not be encoded",
            DropReason::RetriesExhausted => "Export failed with retryable status",
            DropReason::NonRetryable => "the endpoint refused the request",
            DropReason::ShutdownDeadline => "shutdown ran out of time",
            DropReason::AfterShutdown => "the exporter has been shut down",
            DropReason::EnvironmentGone => "the JavaScript environment is gone",
            DropReason::InternalError => "internal error",
        }
    }

    /// Whether a loss for this reason makes `export()` fail; otherwise it is a warning.
    pub fn fails_export(self) -> bool {
        self != DropReason::Invalid
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What kind of error JavaScript shall build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// `OTLPExporterError`: `message`, `code` = the status number, `data` = `body`.
    Http,
    /// An ordinary `Error` of a gRPC status: `code`, `details` = `message`, `metadata`.
    Grpc,
    /// An ordinary `Error` with Node's `code`, `errno`, `syscall`, `address`, `port`.
    Transport,
    /// `OTLPExporterError` with one of the drop reasons as its code.
    Pipeline,
}

/// The error of one failed export or batch. Never holds headers, credentials or payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFailure {
    /// Which error to build.
    pub kind: FailureKind,
    /// HTTP or gRPC status as text, Node's error code, or the code of a drop reason. Empty where Node has none.
    pub code: String,
    /// Text for the user.
    pub message: String,
    /// Trailers of a gRPC call, without its status.
    pub metadata: Vec<(String, String)>,
    /// Status of the response, if there was one.
    pub http_status: Option<u16>,
    /// Body of the response as text.
    pub body: Option<String>,
    /// Failing system call.
    pub syscall: Option<&'static str>,
    /// Peer address tried last.
    pub address: Option<String>,
    /// Peer port tried last.
    pub port: Option<u16>,
    /// Negative errno, as libuv reports it.
    pub errno: Option<i32>,
    /// One per address when a name had several and none could be reached; Node throws an `AggregateError` then.
    pub errors: Vec<SendError>,
}

impl ExportFailure {
    /// A failure that a response caused.
    pub fn http(status: u16, message: impl Into<String>, body: Option<String>) -> Self {
        ExportFailure {
            kind: FailureKind::Http,
            code: status.to_string(),
            message: cut(message),
            metadata: Vec::new(),
            http_status: Some(status),
            body,
            syscall: None,
            address: None,
            port: None,
            errno: None,
            errors: Vec::new(),
        }
    }

    /// A gRPC call that ended with a status other than OK, whoever said so.
    pub fn grpc(code: u32, details: impl Into<String>, metadata: Vec<(String, String)>) -> Self {
        ExportFailure {
            kind: FailureKind::Grpc,
            code: code.to_string(),
            message: details.into(),
            metadata,
            ..ExportFailure::pipeline(DropReason::NonRetryable, "")
        }
    }

    /// A failure inside the pipeline.
    pub fn pipeline(reason: DropReason, message: impl Into<String>) -> Self {
        ExportFailure {
            kind: FailureKind::Pipeline,
            code: reason.code().to_owned(),
            message: cut(message),
            metadata: Vec::new(),
            http_status: None,
            body: None,
            syscall: None,
            address: None,
            port: None,
            errno: None,
            errors: Vec::new(),
        }
    }

    /// A failure without a response.
    pub fn transport(error: &SendError) -> Self {
        ExportFailure {
            kind: FailureKind::Transport,
            code: error.code.clone().unwrap_or_default(),
            message: error.message.clone(),
            metadata: Vec::new(),
            http_status: None,
            body: None,
            syscall: error.syscall,
            address: error.address.clone(),
            port: error.port,
            errno: error.errno,
            errors: error.errors.clone(),
        }
    }

    /// What to tell when the time has run out during an attempt: what the one `before` has failed for is why there were several,
    /// so it gives the error its code, and the text says both.
    pub(crate) fn timed_out_after(self, before: Option<ExportFailure>) -> Self {
        let is_plain = match self.kind {
            FailureKind::Transport => self.code.is_empty(),
            FailureKind::Grpc => self.code == DEADLINE_EXCEEDED && self.metadata.is_empty(),
            FailureKind::Http | FailureKind::Pipeline => false,
        };
        let says_more = |before: &ExportFailure| {
            is_plain && before.kind != FailureKind::Pipeline && before.message != self.message
        };
        match before.filter(says_more) {
            Some(before) => {
                let message =
                    cut(format!("{}; the attempt before: {}", self.message, before.message));
                ExportFailure { message, ..before }
            }
            None => self,
        }
    }
}

/// The name of a gRPC status.
fn grpc_name(code: &str) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    code.parse().ok().and_then(|code: usize| NAMES.get(code)).copied().unwrap_or("undefined")
}

/// The gRPC status of a call that ran out of time.
const DEADLINE_EXCEEDED: &str = "4";

impl From<DropReason> for ExportFailure {
    fn from(reason: DropReason) -> Self {
        ExportFailure::pipeline(reason, reason.message())
    }
}

impl fmt::Display for ExportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            // As the stock exporter has it in its errors.
            FailureKind::Grpc => {
                write!(f, "{} {}: {}", self.code, grpc_name(&self.code), self.message)
            }
            FailureKind::Http | FailureKind::Transport => {
                f.write_str(&text_with_code(&self.code, &self.message))
            }
            // Its code is a drop reason, which every line about a loss names itself.
            FailureKind::Pipeline if self.message.is_empty() => f.write_str(&self.code),
            FailureKind::Pipeline => f.write_str(&self.message),
        }
    }
}

/// A code and a text as one text, in which the code stands once: Node's texts have theirs in them, as
/// `connect ECONNREFUSED 127.0.0.1:4318`.
fn text_with_code<'t>(code: &'t str, message: &'t str) -> Cow<'t, str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if message.is_empty() {
        Cow::Borrowed(code)
    } else if code.is_empty() || message.split(|letter| !is_part(letter)).any(|word| word == code) {
        Cow::Borrowed(message)
    } else {
        Cow::Owned(format!("{code}: {message}"))
    }
}

impl std::error::Error for ExportFailure {}

/// The error of an attempt that ran out of time, as the stock exporter words it.
pub fn timed_out() -> SendError {
    SendError::new(SendErrorKind::TimedOut, "Request timed out")
}

/// Why a batch could not be turned into a request. Costs the whole batch; a bad span costs only itself.
#[derive(Clone, Debug)]
pub struct TransformError {
    /// What to count the spans under: `Invalid`, `TooLarge` or `InternalError`.
    pub reason: DropReason,
    /// Text for the log; never holds payload.
    pub message: String,
}

impl fmt::Display for TransformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransformError {}

/// Why an exporter could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub &'static str);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ConfigError {}
