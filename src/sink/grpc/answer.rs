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
    let details = match error.message.strip_prefix("Request timed out") {
        Some(rest) => format!("Deadline exceeded{rest}"),
        None => error.message.clone(),
    };
    ExportFailure::grpc(code, details, Vec::new())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(code: u32, details: &str) -> Verdict {
        verdict(10, &CallEnd::new(code, details))
    }

    /// What is done: `+` delivered, `~` repeated, `-` not; and why.
    fn shown(verdict: &Verdict) -> (char, Option<Cause>) {
        match verdict {
            Verdict::Delivered { .. } => ('+', None),
            Verdict::Transient { cause, .. } => ('~', Some(*cause)),
            Verdict::Final { cause, reason, .. } => {
                assert_eq!(*reason, DropReason::NonRetryable);
                ('-', Some(*cause))
            }
        }
    }

    #[test]
    fn statuses_are_repeated_as_the_specification_says() {
        for code in 0..20 {
            let wanted = match code {
                0 => ('+', None),
                1 | 4 | 10 | 11 | 14 | 15 => ('~', Some(Cause::Failing)),
                7 | 16 => ('-', Some(Cause::Unauthorised)),
                _ => ('-', Some(Cause::Refused)),
            };
            assert_eq!(shown(&of(code, "words")), wanted, "{code}");
        }
    }

    #[test]
    fn an_exhausted_resource_is_repeated_only_if_the_answer_says_when() {
        for (delay, wait) in [(Duration::ZERO, None), (Duration::from_secs(3), Some(3))] {
            let end =
                CallEnd { retry_delay: Some(delay), ..CallEnd::new(8, "larger than max quota") };
            let Verdict::Transient { retry_after, cause, .. } = verdict(10, &end) else { panic!() };
            assert_eq!((retry_after, cause), (wait.map(Duration::from_secs), Cause::Throttled));
        }
        let end =
            CallEnd { retry_delay: Some(Duration::from_secs(2)), ..CallEnd::new(14, "later") };
        let Verdict::Transient { retry_after, .. } = verdict(10, &end) else { panic!() };
        assert_eq!(retry_after, Some(Duration::from_secs(2)), "UNAVAILABLE may say when, too");
        let end = CallEnd { retry_delay: Some(Duration::from_secs(2)), ..CallEnd::new(3, "bad") };
        assert_eq!(shown(&verdict(10, &end)), ('-', Some(Cause::Refused)));
    }

    #[test]
    fn a_size_that_is_refused_is_known_by_the_words_of_the_servers() {
        for (code, details) in [
            (8, "grpc: received message larger than max (5000000 vs. 4194304)"),
            (8, "Received message larger than max (5000000 vs 4194304)"),
            (8, "SERVER: Received message larger than max (5 vs. 4)"),
            (8, "gRPC message exceeds maximum size 4194304: 5000000"),
            (8, "Decompressed gRPC message exceeds maximum size 4194304"),
            (8, "Received message that decompresses to a size larger than 4194304"),
            (11, "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"),
        ] {
            assert_eq!(shown(&of(code, details)), ('-', Some(Cause::TooLarge)), "{details}");
        }
        assert_eq!(shown(&of(8, "too many requests")), ('-', Some(Cause::Refused)));
        assert_eq!(shown(&of(13, "message too large")), ('-', Some(Cause::Refused)));
        let by_http = verdict(10, &CallEnd::without_status(413));
        assert_eq!(shown(&by_http), ('-', Some(Cause::TooLarge)));
    }

    #[test]
    fn a_compression_that_is_refused_is_not_a_method_that_is() {
        for details in [
            "grpc: Decompressor is not installed for grpc-encoding \"gzip\"",
            "Can't find decompressor for gzip",
            "Content is compressed with `gzip` which isn't supported",
        ] {
            assert_eq!(shown(&of(12, details)), ('-', Some(Cause::BadEncoding)), "{details}");
        }
        let lacks = |code| CallEnd { lacks_gzip: true, ..CallEnd::new(code, "") };
        assert_eq!(shown(&verdict(10, &lacks(12))), ('-', Some(Cause::BadEncoding)));
        assert_eq!(shown(&verdict(10, &lacks(14))), ('~', Some(Cause::Failing)));
        assert_eq!(shown(&of(12, "unknown method Export")), ('-', Some(Cause::Refused)));
        assert_eq!(shown(&verdict(10, &CallEnd::without_status(404))), ('-', Some(Cause::Refused)));
        let Verdict::Delivered { best_encoding, .. } = verdict(10, &lacks(0)) else { panic!() };
        assert_eq!(best_encoding, Some(ContentEncoding::Identity));
    }

    #[test]
    fn a_partial_success_is_a_success_with_words() {
        let message: &[u8] = &[10, 6, 8, 3, 18, 2, b'n', b'o'];
        let end = CallEnd { message: message.into(), ..CallEnd::default() };
        let Verdict::Delivered { partial, rejected, warning, .. } = verdict(10, &end) else {
            panic!()
        };
        let partial = partial.unwrap();
        assert_eq!((rejected, warning), (3, None));
        assert_eq!(partial.json, "{\"rejectedSpans\":3,\"errorMessage\":\"no\"}");
        let end = CallEnd { message: (&b"<html>"[..]).into(), ..CallEnd::default() };
        let Verdict::Delivered { rejected, warning, .. } = verdict(10, &end) else { panic!() };
        assert_eq!(rejected, 0);
        assert!(
            warning.unwrap().starts_with("Export succeeded but could not deserialize response")
        );
    }

    #[test]
    fn failures_without_a_status_are_worded_as_one() {
        use SendErrorKind as Kind;
        for (kind, code) in [
            (Kind::Refused, "14"),
            (Kind::Reset, "14"),
            (Kind::TimedOut, "4"),
            (Kind::Dns, "14"),
            (Kind::Unreachable, "14"),
            (Kind::Tls, "14"),
            (Kind::TlsUnsure, "14"),
            (Kind::Malformed, "14"),
            (Kind::Unsendable, "13"),
            (Kind::ResponseTooLarge, "8"),
            (Kind::Exhausted, "14"),
            (Kind::Spent, "2"),
            (Kind::Other, "14"),
        ] {
            let failure = unanswered(&SendError::new(kind, "words"));
            assert_eq!(
                (failure.code.as_str(), failure.message.as_str()),
                (code, "words"),
                "{kind:?}"
            );
        }
        let of_system = SendError::new(Kind::TimedOut, "connect ETIMEDOUT").with_code("ETIMEDOUT");
        assert_eq!(unanswered(&of_system).code, "14");
        let mut late = crate::error::timed_out();
        assert_eq!(unanswered(&late).message, "Deadline exceeded");
        late.message.push_str(" (through the proxy http://p)");
        assert_eq!(unanswered(&late).message, "Deadline exceeded (through the proxy http://p)");
    }
}
