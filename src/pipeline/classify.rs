//! What the facts of one attempt mean under OTLP: one table, pure.
//! It refuses to schedule: it says "may be repeated", never when.

use std::time::Duration;

use crate::{
    error::{DropReason, ExportFailure},
    otlp::{self, PartialSuccess, Protocol},
    pipeline::retry_after::retry_after,
    sink::{Reply, SendError, SendErrorKind, SendOutcome},
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
    /// The response is not HTTP (F34).
    Malformed,
    /// 400 or 415: perhaps it is the compression.
    BadRequest,
    /// 401 or 403.
    Unauthorised,
    /// 413.
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

/// Reads the facts of an attempt that carried `spans` spans.
pub(crate) fn classify(
    protocol: Protocol,
    spans: u64,
    outcome: &SendOutcome,
    wall: Duration,
) -> Verdict {
    match outcome {
        SendOutcome::Stored => Verdict::Delivered { partial: None, rejected: 0, warning: None },
        SendOutcome::Reply(reply) => classify_reply(protocol, spans, reply, wall),
        SendOutcome::Failed(error) => {
            let failure = ExportFailure::transport(error);
            let transient =
                |failure, cause| Verdict::Transient { failure, retry_after: None, cause };
            let last = |failure, cause| Verdict::Final {
                failure,
                reason: DropReason::NonRetryable,
                cause,
            };
            match error.kind {
                _ if Network::of(outcome) == Network::Down && error.kind != SendErrorKind::Tls => {
                    transient(failure, Cause::Unreachable)
                }
                SendErrorKind::Refused
                | SendErrorKind::Reset
                | SendErrorKind::TimedOut
                | SendErrorKind::Dns
                | SendErrorKind::Unreachable
                | SendErrorKind::Other => transient(failure, Cause::Failing),
                // Nobody was asked: it says nothing about the endpoint, and descriptors come back.
                SendErrorKind::Exhausted => transient(failure, Cause::Local),
                SendErrorKind::Malformed => transient(failure, Cause::Malformed),
                SendErrorKind::Tls | SendErrorKind::TlsUnsure => last(failure, Cause::Tls),
                SendErrorKind::ResponseTooLarge => last(failure, Cause::Refused),
                // A directory can be mended while the process runs, but the spans of this batch would wait in memory
                // for an operator; the stock answer is a failure now.
                SendErrorKind::EnvironmentGone => Verdict::Final {
                    failure: ExportFailure::pipeline(DropReason::EnvironmentGone, &error.message),
                    reason: DropReason::EnvironmentGone,
                    cause: Cause::Local,
                },
                SendErrorKind::File | SendErrorKind::Unsendable | SendErrorKind::Spent => {
                    last(failure, Cause::Local)
                }
            }
        }
    }
}

fn classify_reply(protocol: Protocol, spans: u64, reply: &Reply, wall: Duration) -> Verdict {
    if let Some(error) = &reply.body_error
        && error.kind == SendErrorKind::ResponseTooLarge
    {
        let failure = interrupted(reply.status, error);
        return Verdict::Final { failure, reason: DropReason::NonRetryable, cause: Cause::Refused };
    }
    match reply.status {
        // Informational, so that no final one has come: Node's http gives out a 101 without an `Upgrade`.
        ..=199 => transient(reply, wall),
        200..=299 => delivered(protocol, spans, reply),
        429 | 502 | 503 | 504 => transient(reply, wall),
        // Two halves are the better answer to "too large", however little of that answer has come.
        413 if spans > 1 => refused(reply),
        _ => match &reply.body_error {
            // A peer that closes while the request is on its way often says so before it has looked at the data, and
            // the stock exporter repeats where the connection fails, whatever status has come before.
            Some(error) => Verdict::Transient {
                failure: interrupted(reply.status, error),
                retry_after: None,
                cause: Cause::Failing,
            },
            None => refused(reply),
        },
    }
}

/// The stock exporter reports the read error of a failing response, not its status.
fn interrupted(status: u16, error: &SendError) -> ExportFailure {
    ExportFailure { http_status: Some(status), ..ExportFailure::transport(error) }
}

fn transient(reply: &Reply, wall: Duration) -> Verdict {
    Verdict::Transient {
        failure: ExportFailure::http(reply.status, DropReason::RetriesExhausted.message(), None),
        retry_after: retry_after(reply, wall),
        cause: if reply.status == 429 { Cause::Throttled } else { Cause::Failing },
    }
}

fn refused(reply: &Reply) -> Verdict {
    let status = reply.status;
    Verdict::Final {
        failure: match &reply.body_error {
            Some(error) => interrupted(status, error),
            None => {
                ExportFailure::http(status, reply.reason.as_str(), Some(body_text(&reply.body)))
            }
        },
        reason: DropReason::NonRetryable,
        cause: match status {
            400 | 415 => Cause::BadRequest,
            401 | 403 => Cause::Unauthorised,
            413 => Cause::TooLarge,
            _ => Cause::Refused,
        },
    }
}

/// A status of 200 to 299 means that the endpoint has the data, whatever becomes of the body (F12, F19).
fn delivered(protocol: Protocol, spans: u64, reply: &Reply) -> Verdict {
    if let Some(error) = &reply.body_error {
        let warning = Some(format!("Export succeeded but the response could not be read: {error}"));
        return Verdict::Delivered { partial: None, rejected: 0, warning };
    }
    match otlp::partial_success(protocol, &reply.body) {
        Ok(None) => Verdict::Delivered { partial: None, rejected: 0, warning: None },
        Ok(Some(partial)) => {
            let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0).min(spans);
            Verdict::Delivered { partial: Some(partial), rejected, warning: None }
        }
        Err(error) => {
            // Each stock package has words of its own.
            let warning = Some(match protocol {
                Protocol::HttpJson => format!(
                    "Failed to parse trace export response: {error}. Returning empty response"
                ),
                Protocol::HttpProtobuf => format!(
                    "Export succeeded but could not deserialize response - is the response specification compliant? {error}"
                ),
            });
            Verdict::Delivered { partial: None, rejected: 0, warning }
        }
    }
}

/// The stock exporter shows the whole body, which the sink has capped.
fn body_text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
