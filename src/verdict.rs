//! What the facts of an attempt mean, whatever protocol it used. Those who read answers say it; the dispatcher acts on it.

use std::time::Duration;

use crate::{
    error::{DropReason, ExportFailure},
    otlp::{self, PartialSuccess, Protocol},
    sink::{ContentEncoding, SendErrorKind, SendOutcome},
};

/// What the facts of an attempt mean.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The endpoint has the data.
    Delivered {
        /// A partial success worth telling.
        partial: Option<PartialSuccess>,
        /// Spans of it that were refused.
        rejected: u64,
        /// Something odd about the response.
        warning: Option<String>,
        /// The endpoint has said that it takes nothing better than this.
        best_encoding: Option<ContentEncoding>,
    },
    /// A passing failure.
    Transient {
        failure: ExportFailure,
        /// The pause that the endpoint asked for.
        retry_after: Option<Duration>,
        cause: Cause,
    },
    /// The same request will fail again.
    Final { failure: ExportFailure, reason: DropReason, cause: Cause },
}

impl Verdict {
    /// The endpoint has the data, and nothing more is to be told.
    pub(crate) fn taken() -> Verdict {
        Verdict::Delivered { partial: None, rejected: 0, warning: None, best_encoding: None }
    }

    /// The endpoint has the `spans` spans of a request; `body` may say which it has refused.
    pub(crate) fn delivered(protocol: Protocol, spans: u64, body: &[u8]) -> Verdict {
        let (partial, warning) = match otlp::partial_success(protocol, body) {
            Ok(partial) => (partial, None),
            // Each stock package has words of its own.
            Err(error) => (
                None,
                Some(match protocol {
                    Protocol::HttpJson => format!(
                        "Failed to parse trace export response: {error}. Returning empty response"
                    ),
                    Protocol::HttpProtobuf | Protocol::Grpc => format!(
                        "Export succeeded but could not deserialize response - is the response specification compliant? {error}"
                    ),
                }),
            ),
        };
        let refused = partial.as_ref().map_or(0, |partial| partial.rejected_spans);
        let rejected = u64::try_from(refused).unwrap_or(0).min(spans);
        Verdict::Delivered { partial, rejected, warning, best_encoding: None }
    }
}

/// What a failure says about the endpoint and the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no way to the endpoint: counts against the health of the endpoint, for everybody.
    Unreachable,
    /// No answer came, or one that says that there is none now: counts against it for whoever asked.
    Failing,
    /// The endpoint is alive and asks for less.
    Throttled,
    /// What came is no answer in the protocol (F34).
    Malformed,
    /// The endpoint does not take the compression.
    BadEncoding,
    /// The endpoint cannot read the request: perhaps it is the compression.
    BadRequest,
    /// The credentials are refused.
    Unauthorised,
    /// The request is too large.
    TooLarge,
    /// Anything else that the endpoint refused.
    Refused,
    /// Certificate or protocol trouble: configuration.
    Tls,
    /// Trouble of ours, before the endpoint was asked.
    Local,
}

impl Cause {
    /// What becomes of batches that are held because of it, until their time is over.
    pub(crate) fn reason(self) -> DropReason {
        match self {
            Cause::Tls | Cause::Refused => DropReason::NonRetryable,
            _ => DropReason::RetriesExhausted,
        }
    }
}

/// What an attempt says about the way to its endpoint, whoever asks and whatever is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Somebody is there.
    Up,
    /// Nobody is, or nobody who can be trusted.
    Down,
    /// Nothing refused, and nothing said.
    Silent,
    /// Nobody was asked.
    Unknown,
}

impl Network {
    /// Reads it off the facts of an attempt.
    pub(crate) fn of(outcome: &SendOutcome) -> Network {
        let SendOutcome::Failed(error) = outcome else { return Network::Up };
        match error.kind {
            SendErrorKind::Refused
            | SendErrorKind::Dns
            | SendErrorKind::Unreachable
            | SendErrorKind::Tls => Network::Down,
            // With a code the operating system has given the connection up (ETIMEDOUT); without one our own limit has passed.
            SendErrorKind::TimedOut if error.code.is_some() => Network::Down,
            SendErrorKind::Reset
            | SendErrorKind::Malformed
            | SendErrorKind::TlsUnsure
            | SendErrorKind::ResponseTooLarge => Network::Up,
            SendErrorKind::TimedOut | SendErrorKind::Other | SendErrorKind::NoTunnel => {
                Network::Silent
            }
            SendErrorKind::Exhausted
            | SendErrorKind::EnvironmentGone
            | SendErrorKind::File
            | SendErrorKind::Unsendable
            | SendErrorKind::Spent => Network::Unknown,
        }
    }
}
