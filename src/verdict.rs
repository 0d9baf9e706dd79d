//! What the facts of an attempt mean, whatever protocol it used. Those who read answers say it; the dispatcher acts on it.

use std::time::Duration;

use crate::{
    error::{DropReason, ExportFailure},
    otlp::PartialSuccess,
    sink::{SendErrorKind, SendOutcome},
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
            SendErrorKind::TimedOut | SendErrorKind::Other => Network::Silent,
            SendErrorKind::Exhausted
            | SendErrorKind::EnvironmentGone
            | SendErrorKind::File
            | SendErrorKind::Unsendable
            | SendErrorKind::Spent => Network::Unknown,
        }
    }
}
