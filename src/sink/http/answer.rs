//! What an OTLP/HTTP answer means: the table of its status codes.

use std::time::Duration;

use super::retry_after::retry_after;
use crate::{
    error::{DropReason, ExportFailure},
    otlp::Protocol,
    sink::{Reply, SendError, SendErrorKind},
    verdict::{Cause, Verdict},
};

/// Reads the answer to a request that carried `spans` spans.
pub(crate) fn verdict(protocol: Protocol, spans: u64, reply: &Reply, wall: Duration) -> Verdict {
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
        failure: ExportFailure::http(
            reply.status,
            reply.named(DropReason::RetriesExhausted.message()),
            None,
        ),
        retry_after: retry_after(reply, wall),
        cause: if reply.status == 429 { Cause::Throttled } else { Cause::Failing },
    }
}

fn refused(reply: &Reply) -> Verdict {
    let status = reply.status;
    Verdict::Final {
        failure: match &reply.body_error {
            Some(error) => interrupted(status, error),
            None => ExportFailure::http(
                status,
                reply.named(&reply.reason),
                Some(body_text(&reply.body)),
            ),
        },
        reason: DropReason::NonRetryable,
        cause: match status {
            400 => Cause::BadRequest,
            415 => Cause::BadEncoding,
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
        return Verdict::Delivered { partial: None, rejected: 0, warning, best_encoding: None };
    }
    Verdict::delivered(protocol, spans, &reply.body)
}

/// The stock exporter shows the whole body, which the sink has capped.
fn body_text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
