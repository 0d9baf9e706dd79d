//! What one attempt at the remote API means (T10): one table, pure.
//! It refuses to wait and to send.

use std::time::Duration;

use crate::{
    drift::parse_response,
    sink::http::retry_after::retry_after,
    sink::{Reply, SendError, SendErrorKind, SendOutcome},
};

/// Longest pause that a `Retry-After` can impose.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// What the facts of an attempt mean.
#[derive(Debug)]
pub(super) enum ApiVerdict {
    /// The backend has the spans.
    Delivered,
    /// Perhaps the next attempt succeeds.
    Transient {
        /// Why this one did not.
        error: SendError,
        /// It ran out of time.
        is_timeout: bool,
        /// What the backend asked for, if it is to be heard.
        pause: Option<Duration>,
    },
    /// No attempt will.
    Final(SendError),
}

/// Reads the facts of an attempt. `hears_retry_after`: the backend may delay the next one, and 429 may have one.
pub(super) fn judge(outcome: SendOutcome, hears_retry_after: bool, wall: Duration) -> ApiVerdict {
    match outcome {
        SendOutcome::Stored => ApiVerdict::Delivered,
        SendOutcome::Called(_) => {
            failed(SendError::new(SendErrorKind::Malformed, "an answer to a gRPC call"))
        }
        SendOutcome::Reply(reply) => judge_reply(&reply, hears_retry_after, wall),
        SendOutcome::Failed(error)
            if matches!(error.kind, SendErrorKind::Unsendable | SendErrorKind::EnvironmentGone) =>
        {
            ApiVerdict::Final(error)
        }
        SendOutcome::Failed(error) => failed(error),
    }
}

fn judge_reply(reply: &Reply, hears_retry_after: bool, wall: Duration) -> ApiVerdict {
    let status = reply.status;
    let pause = retry_after(reply, wall)
        .filter(|_| hears_retry_after)
        .map(|pause| pause.min(MAX_RETRY_AFTER));
    match status {
        200 => match &reply.body_error {
            Some(error) => failed(error.clone()),
            None => judge_body(&reply.body),
        },
        500.. => transient(refused(status), pause),
        429 if pause.is_some() => transient(refused(status), pause),
        _ => ApiVerdict::Final(refused(status)),
    }
}

fn judge_body(body: &[u8]) -> ApiVerdict {
    match parse_response(body) {
        Some(response) if response.success => ApiVerdict::Delivered,
        Some(response) => {
            let message = format!("Remote export failed: {}", response.message);
            transient(SendError::new(SendErrorKind::Other, message), None)
        }
        None => {
            let message = "Remote export failed: the response is no ExportSpansResponse";
            transient(SendError::new(SendErrorKind::Other, message), None)
        }
    }
}

fn failed(error: SendError) -> ApiVerdict {
    if error.kind != SendErrorKind::TimedOut {
        return transient(error, None);
    }
    let error = SendError { message: "Remote export timed out".to_owned(), ..error };
    ApiVerdict::Transient { error, is_timeout: true, pause: None }
}

fn transient(error: SendError, pause: Option<Duration>) -> ApiVerdict {
    ApiVerdict::Transient { error, is_timeout: false, pause }
}

fn refused(status: u16) -> SendError {
    let message = format!("Remote export failed with status {status}");
    SendError::new(SendErrorKind::Other, message).with_code(status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUCCESS: &[u8] = &[0x08, 0x01];

    fn reply(status: u16, body: &'static [u8]) -> Reply {
        Reply { status, body: body.into(), ..Reply::default() }
    }

    fn verdict(reply: Reply, hears: bool) -> &'static str {
        match judge(SendOutcome::Reply(reply), hears, Duration::ZERO) {
            ApiVerdict::Delivered => "delivered",
            ApiVerdict::Transient { .. } => "transient",
            ApiVerdict::Final(_) => "final",
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for status in 100..=599 {
            let expected = match status {
                200 => "delivered",
                500.. => "transient",
                _ => "final",
            };
            assert_eq!(verdict(reply(status, SUCCESS), false), expected, "{status}");
            assert_eq!(verdict(reply(status, SUCCESS), true), expected, "{status}, no header");
        }
    }

    #[test]
    fn a_200_counts_only_with_success() {
        assert_eq!(verdict(reply(200, b""), false), "transient");
        assert_eq!(verdict(reply(200, &[0x08, 0x00]), false), "transient");
        assert_eq!(verdict(reply(200, &[0x12, 0x02, b'n', b'o']), false), "transient");
        assert_eq!(verdict(reply(200, &[0x12, 0x05, b'n']), false), "transient", "cut short");
        let body_error = Some(SendError::new(SendErrorKind::Reset, "socket hang up"));
        let cut = Reply { body_error, ..reply(200, SUCCESS) };
        assert_eq!(verdict(cut, false), "transient");
    }

    #[test]
    fn the_backends_words_are_cut() {
        let mut body = vec![0x12, 0xa0, 0x1f]; // 4000 bytes
        body.extend("ä".repeat(2000).bytes());
        match judge_body(&body) {
            ApiVerdict::Transient { error, .. } => {
                assert_eq!(error.message, format!("Remote export failed: {}", "ä".repeat(501)));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn retry_after_is_heard_only_if_asked_and_never_for_long() {
        let asking = |status, seconds: &str| Reply {
            retry_after: Some(seconds.to_owned()),
            ..reply(status, b"")
        };
        let pause = |reply, hears| match judge(SendOutcome::Reply(reply), hears, Duration::ZERO) {
            ApiVerdict::Transient { pause, .. } => pause,
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(asking(503, "7"), false), None);
        assert_eq!(pause(asking(503, "7"), true), Some(Duration::from_secs(7)));
        assert_eq!(pause(asking(429, "7"), true), Some(Duration::from_secs(7)));
        assert_eq!(pause(asking(503, "86400"), true), Some(MAX_RETRY_AFTER));
        assert_eq!(verdict(asking(429, "7"), false), "final");
        assert_eq!(verdict(asking(400, "7"), true), "final");
    }

    #[test]
    fn failures_without_a_status() {
        let failed = |kind| SendOutcome::Failed(SendError::new(kind, "why"));
        for kind in [SendErrorKind::Refused, SendErrorKind::Reset, SendErrorKind::Tls] {
            let verdict = judge(failed(kind), false, Duration::ZERO);
            assert!(
                matches!(verdict, ApiVerdict::Transient { is_timeout: false, .. }),
                "{verdict:?}"
            );
        }
        match judge(failed(SendErrorKind::TimedOut), false, Duration::ZERO) {
            ApiVerdict::Transient { error, is_timeout: true, .. } => {
                assert_eq!(error.message, "Remote export timed out");
            }
            other => panic!("{other:?}"),
        }
        let unsendable = judge(failed(SendErrorKind::Unsendable), false, Duration::ZERO);
        assert!(matches!(unsendable, ApiVerdict::Final(_)), "{unsendable:?}");
    }
}
