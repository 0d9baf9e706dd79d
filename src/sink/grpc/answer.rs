//! What the end of a gRPC call means: the table of its statuses, as the OTLP specification has it.

use crate::{
    error::{DropReason, ExportFailure},
    otlp::Protocol,
    sink::{CallEnd, ContentEncoding, SendError, SendErrorKind},
    verdict::{Cause, Verdict},
};

use super::status;

/// Reads the end of a call that carried `spans` spans.
pub(crate) fn verdict(spans: u64, end: &CallEnd) -> Verdict {
    let failure = || ExportFailure::grpc(end.code, end.details.as_str(), end.metadata.clone());
    let last =
        |cause| Verdict::Final { failure: failure(), reason: DropReason::NonRetryable, cause };
    let transient = |cause| Verdict::Transient {
        failure: failure(),
        // Zero asks for no certain time.
        retry_after: end.retry_delay.filter(|delay| !delay.is_zero()),
        cause,
    };
    match end.code {
        status::OK => match Verdict::delivered(Protocol::Grpc, spans, &end.message) {
            Verdict::Delivered { partial, rejected, warning, .. } => {
                let best_encoding = end.lacks_gzip.then_some(ContentEncoding::Identity);
                Verdict::Delivered { partial, rejected, warning, best_encoding }
            }
            other => other,
        },
        _ if is_about_size(end) => last(Cause::TooLarge),
        status::RESOURCE_EXHAUSTED if end.retry_delay.is_some() => transient(Cause::Throttled),
        status::CANCELLED
        | status::DEADLINE_EXCEEDED
        | status::ABORTED
        | status::OUT_OF_RANGE
        | status::UNAVAILABLE
        | status::DATA_LOSS => transient(Cause::Failing),
        status::UNIMPLEMENTED if is_about_compression(end) => last(Cause::BadEncoding),
        status::UNAUTHENTICATED | status::PERMISSION_DENIED => last(Cause::Unauthorised),
        _ => last(Cause::Refused),
    }
}

/// Whether the endpoint has found the message too large. RESOURCE_EXHAUSTED is also said where a quota is used up, and
/// OUT_OF_RANGE for anything else; only tonic says it for a size.
fn is_about_size(end: &CallEnd) -> bool {
    const WORDS: [&str; 7] = [
        "larger than max",      // grpc-go, grpc-js, the C core
        "exceeds maximum size", // grpc-java
        "length too large",     // tonic
        "size larger than",     // grpc-js, behind decompression
        "message too large",
        "too large message",
        "exceeds the maximum",
    ];
    match end.code {
        status::RESOURCE_EXHAUSTED | status::OUT_OF_RANGE => {
            let details = end.details.to_ascii_lowercase();
            end.retry_delay.is_none() && WORDS.iter().any(|words| details.contains(words))
        }
        status::UNKNOWN => end.http_status == Some(413),
        _ => false,
    }
}

/// UNIMPLEMENTED is also said of the method.
fn is_about_compression(end: &CallEnd) -> bool {
    let details = end.details.to_ascii_lowercase();
    end.http_status.is_none()
        && (end.lacks_gzip
            || ["compress", "gzip", "encoding"].iter().any(|word| details.contains(word)))
}

/// The failure of a call that has got no status, worded as one.
pub(crate) fn unanswered(error: &SendError) -> ExportFailure {
    let code = match error.kind {
        // With a code it is the system that has given a connection up.
        SendErrorKind::TimedOut if error.code.is_none() => status::DEADLINE_EXCEEDED,
        SendErrorKind::ResponseTooLarge => status::RESOURCE_EXHAUSTED,
        SendErrorKind::Unsendable | SendErrorKind::File => status::INTERNAL,
        SendErrorKind::Spent => status::UNKNOWN,
        _ => status::UNAVAILABLE,
    };
    // The dispatcher ends attempts in the words of HTTP.
    let details = match error.message.as_str() {
        "Request timed out" => "Deadline exceeded",
        details => details,
    };
    ExportFailure::grpc(code, details, Vec::new())
}
