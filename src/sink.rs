//! Where encoded requests go: owns the contract between the dispatcher and a destination.
//! It refuses to decide: no retry rule, no schedule, no count lives here, only the facts of one attempt.

mod calendar;
mod call_end;
mod disk;
mod errno;
pub mod file;
pub mod grpc;
pub mod http;
pub mod live_headers;
pub mod net;
pub mod trace_files;
mod wrong_port;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::call_end::{CallEnd, Metadata};
use crate::shown::cut;

/// How a request body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentEncoding {
    /// As encoded.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Names and values in order.
pub type Headers = Arc<[(String, String)]>;

/// One attempt to deliver one body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The body as it goes out; cloning shares it.
    pub body: Bytes,
    /// What `body` is compressed with.
    pub encoding: ContentEncoding,
    /// Spans inside `body`.
    pub spans: u32,
    /// Tag of the export call whose spans these are (of one of them, if a batch was built from several).
    pub call: u32,
    /// 1 for the first attempt with these spans.
    pub attempt: u32,
    /// Time this attempt may take from now, the body of the response included, so that a drip ends (F11, F13).
    pub time_left: Duration,
    /// Headers of this attempt that replace the sink's own: [`live_headers`] puts them in.
    pub headers: Option<Headers>,
}

/// What came of one attempt. The dispatcher alone turns it into retry, success or drop.
#[derive(Debug)]
pub enum SendOutcome {
    /// A final status line arrived.
    Reply(Reply),
    /// A gRPC call has ended with a status.
    Called(CallEnd),
    /// A sink without replies (files) has stored the body.
    Stored,
    /// No status line arrived.
    Failed(SendError),
}

impl SendOutcome {
    /// Whether nobody listens there.
    pub fn is_refused_connection(&self) -> bool {
        match self {
            SendOutcome::Failed(error) => {
                error.kind == SendErrorKind::Refused
                    || (!error.errors.is_empty()
                        && error.errors.iter().all(|each| each.kind == SendErrorKind::Refused))
            }
            SendOutcome::Reply(_) | SendOutcome::Called(_) | SendOutcome::Stored => false,
        }
    }
}

/// The facts of an HTTP response.
#[derive(Debug, Default)]
pub struct Reply {
    /// Final status code (1xx responses are skipped, F16).
    pub status: u16,
    /// Reason phrase as received.
    pub reason: String,
    /// `Retry-After` (F27 to F29); the first of several, as Node has it.
    pub retry_after: Option<String>,
    /// `Date` of this response, to measure an HTTP-date `Retry-After` against (F28).
    pub date: Option<String>,
    /// `Location` of a redirect, which is never followed (F21).
    pub location: Option<String>,
    /// Body, up to the 4 MiB cap (F33).
    pub body: Bytes,
    /// Set when the body could not be read to its end (F12, F15, F33).
    pub body_error: Option<SendError>,
    /// Names the proxy that may have said this in place of the endpoint.
    pub through: Option<String>,
}

impl Reply {
    /// Whether the endpoint has taken the data.
    pub(crate) fn is_success(&self) -> bool {
        (200..=299).contains(&self.status)
    }

    /// `text` about this reply, with the proxy.
    pub(crate) fn named(&self, text: &str) -> String {
        match &self.through {
            Some(through) => format!("{text} ({through})").trim_start().to_owned(),
            None => text.to_owned(),
        }
    }
}

/// Why an attempt ended without a complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// Class, for the dispatcher.
    pub kind: SendErrorKind,
    /// Node's code as the stock exporter shows it (`ECONNREFUSED`, `CERT_HAS_EXPIRED`, …), when Node has one.
    pub code: Option<String>,
    /// Text for the user, as Node words it; never holds headers or credentials.
    pub message: String,
    /// Node's `syscall`, `address`, `port` and `errno` where they apply.
    pub syscall: Option<&'static str>,
    /// Peer address tried last.
    pub address: Option<String>,
    /// Peer port tried last.
    pub port: Option<u16>,
    /// Negative errno, as libuv reports it.
    pub errno: Option<i32>,
    /// One entry per address when a name had several and none could be reached (`localhost`): Node throws an
    /// `AggregateError` with an empty message then, and these are its `errors`. Empty otherwise.
    pub errors: Vec<SendError>,
}

impl SendError {
    /// An error with a class and a text; the rest is filled in by whoever knows it.
    pub fn new(kind: SendErrorKind, message: impl Into<String>) -> SendError {
        SendError {
            kind,
            code: None,
            message: cut(message),
            syscall: None,
            address: None,
            port: None,
            errno: None,
            errors: Vec::new(),
        }
    }

    /// The same error with Node's code.
    pub fn with_code(mut self, code: impl Into<String>) -> SendError {
        self.code = Some(cut(code));
        self
    }
}

/// Classes of transport failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// Nobody listens (ECONNREFUSED).
    Refused,
    /// The connection ended before a status line (ECONNRESET, EPIPE, "socket hang up").
    Reset,
    /// The attempt's time ran out ("Request timed out") or the kernel gave up (ETIMEDOUT).
    TimedOut,
    /// The name could not be resolved (ENOTFOUND, EAI_AGAIN).
    Dns,
    /// No route (ENETUNREACH, EHOSTUNREACH).
    Unreachable,
    /// Certificate or protocol trouble: only a change of the configuration helps (F6).
    Tls,
    /// The same, but OpenSSL may see it otherwise: nothing was sent, and whoever can should let Node try.
    TlsUnsure,
    /// The peer does not speak HTTP (F34).
    Malformed,
    /// This request can never be sent (bad URL, bad header, unknown protocol).
    Unsendable,
    /// The response body went over the cap (F33).
    ResponseTooLarge,
    /// Only JavaScript could have sent it, and its environment is gone.
    EnvironmentGone,
    /// A file or directory could not be written (F72 to F75).
    File,
    /// The process or the system has no descriptor, buffer or thread left: nobody was asked.
    Exhausted,
    /// A proxy has refused to open a tunnel, and would again.
    NoTunnel,
    /// No other attempt helps: the destination has made all there are, or code of the application has ended this one.
    Spent,
    /// Anything else that happened on the way: as passing as a reset.
    Other,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SendError {}

/// A running attempt; dropping it aborts the attempt and closes its connection (R53).
pub type Sending = Pin<Box<dyn Future<Output = SendOutcome> + Send>>;

/// A destination.
///
/// Called on the I/O thread inside its tokio runtime; `send` returns at once and the future never blocks.
pub trait Sink: Send + Sync + 'static {
    /// Starts one attempt.
    fn send(&self, request: Request) -> Sending;
}
