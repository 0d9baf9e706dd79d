//! What the facts of one attempt mean: one table, pure. What an answer means is said by the protocol's own table.
//! It refuses to schedule: it says "may be repeated", never when.

use std::time::Duration;

use crate::{
    error::{DropReason, ExportFailure},
    otlp::Protocol,
    sink::{CallEnd, SendErrorKind, SendOutcome, grpc, http},
    verdict::{Cause, Network, Verdict},
};

/// Reads the facts of an attempt that carried `spans` spans.
pub(crate) fn classify(
    protocol: Protocol,
    spans: u64,
    outcome: &SendOutcome,
    wall: Duration,
) -> Verdict {
    match outcome {
        SendOutcome::Stored => Verdict::taken(),
        SendOutcome::Called(ended) => grpc::verdict(spans, ended),
        SendOutcome::Reply(reply) if protocol == Protocol::Grpc => {
            grpc::verdict(spans, &CallEnd::without_status(reply.status))
        }
        SendOutcome::Reply(reply) => http::verdict(protocol, spans, reply, wall),
        SendOutcome::Failed(error) => {
            let failure = match protocol {
                Protocol::Grpc => grpc::unanswered(error),
                Protocol::HttpProtobuf | Protocol::HttpJson => ExportFailure::transport(error),
            };
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
                // As with grpc-js, where every connection that cannot be opened is repeated.
                SendErrorKind::NoTunnel if protocol == Protocol::Grpc => {
                    transient(failure, Cause::Failing)
                }
                SendErrorKind::NoTunnel => last(failure, Cause::Refused),
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
