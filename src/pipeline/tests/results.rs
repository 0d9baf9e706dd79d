//! What one response means.

use std::time::Duration;

use bytes::Bytes;

use super::super::{
    classify::classify,
    simulation::{World, failed, secs, status, stock},
};
use crate::{
    error::DropReason,
    otlp::Protocol,
    sink::{
        Reply, SendError, SendErrorKind, SendOutcome,
        http::retry_after::{http_date, retry_after},
    },
    verdict::{Cause, Network, Verdict},
};

fn verdict(outcome: &SendOutcome) -> Verdict {
    classify(Protocol::HttpProtobuf, 10, outcome, Duration::ZERO)
}

/// What OTLP says about each status: `Some(true)` delivered, `Some(false)` final, `None` may be repeated.
fn expected(status: u16) -> Option<bool> {
    match status {
        ..=299 => Some(true),
        429 | 502 | 503 | 504 => None,
        _ => Some(false),
    }
}

#[test]
fn r30_every_status_has_its_class() {
    for code in 200..=599 {
        let found = match verdict(&status(code)) {
            Verdict::Delivered { .. } => Some(true),
            Verdict::Transient { .. } => None,
            Verdict::Final { .. } => Some(false),
        };
        assert_eq!(found, expected(code), "status {code}");
    }
}

#[test]
fn f20_f21_f25_f30_f31_f32_the_statuses_that_others_get_wrong() {
    for (code, class) in
        [(204, Some(true)), (202, Some(true)), (302, Some(false)), (307, Some(false))]
    {
        assert_eq!(expected(code), class);
    }
    for (code, repeated) in [
        (408, false),
        (429, true),
        (500, false),
        (501, false),
        (502, true),
        (503, true),
        (505, false),
    ] {
        assert_eq!(
            matches!(verdict(&status(code)), Verdict::Transient { .. }),
            repeated,
            "status {code}"
        );
    }
}

#[test]
fn f1_f3_f9_f11_transport_failures_are_repeated() {
    use SendErrorKind::{
        Dns, Exhausted, File, Malformed, Other, Refused, Reset, ResponseTooLarge, Spent, TimedOut,
        Tls, Unreachable, Unsendable,
    };
    for kind in [Refused, Reset, TimedOut, Dns, Unreachable, Malformed, Exhausted, Other] {
        assert!(matches!(verdict(&failed(kind)), Verdict::Transient { .. }), "{kind:?}");
    }
    for kind in [Tls, ResponseTooLarge, Unsendable, File, Spent] {
        assert!(matches!(verdict(&failed(kind)), Verdict::Final { .. }), "{kind:?}");
    }
}

#[test]
fn f84_a_refused_tunnel_is_final_but_over_grpc_as_with_grpc_js() {
    let refused = failed(SendErrorKind::NoTunnel);
    assert!(matches!(verdict(&refused), Verdict::Final { cause: Cause::Refused, .. }));
    let over_grpc = classify(Protocol::Grpc, 1, &refused, Duration::ZERO);
    let Verdict::Transient { failure, .. } = over_grpc else { panic!("repeated over gRPC") };
    assert_eq!(failure.code, "14");
    assert_eq!(Network::of(&refused), Network::Silent, "it says nothing about the endpoint");
}

#[test]
fn f84_a_reply_that_may_be_the_proxys_names_it() {
    let through = Some("through the proxy http://p.test:3128".to_owned());
    for (status, words) in [(407, "Who?"), (503, "Export failed with retryable status")] {
        let reply = Reply {
            status,
            reason: "Who?".to_owned(),
            through: through.clone(),
            ..Reply::default()
        };
        let failure = match verdict(&SendOutcome::Reply(reply)) {
            Verdict::Final { failure, .. } if status == 407 => failure,
            Verdict::Transient { failure, .. } if status == 503 => failure,
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(failure.message, format!("{words} (through the proxy http://p.test:3128)"));
        assert_eq!(failure.http_status, Some(status));
    }
}

fn broken_body(code: u16, kind: SendErrorKind) -> SendOutcome {
    let body_error = Some(SendError::new(kind, "aborted").with_code("ECONNRESET"));
    SendOutcome::Reply(Reply { status: code, body_error, ..Reply::default() })
}

#[test]
fn f12_f15_a_refusal_whose_body_breaks_off_is_repeated_and_a_success_is_one() {
    for kind in [SendErrorKind::Reset, SendErrorKind::TimedOut] {
        assert!(matches!(
            verdict(&broken_body(200, kind)),
            Verdict::Delivered { warning: Some(_), .. }
        ));
        assert!(matches!(verdict(&broken_body(503, kind)), Verdict::Transient { .. }));
        for code in [301, 400, 401, 403, 404, 500] {
            let Verdict::Transient { failure, .. } = verdict(&broken_body(code, kind)) else {
                panic!("{code} with half a body is repeated")
            };
            assert_eq!((failure.code.as_str(), failure.http_status), ("ECONNRESET", Some(code)));
        }
        let too_large =
            |spans| classify(Protocol::HttpJson, spans, &broken_body(413, kind), Duration::ZERO);
        assert!(matches!(too_large(2), Verdict::Final { cause: Cause::TooLarge, .. }));
        assert!(matches!(too_large(1), Verdict::Transient { .. }), "one span cannot be split");
    }
}

#[test]
fn f33_a_response_over_the_cap_is_final_whatever_its_status() {
    for code in [200, 400, 503] {
        let verdict = verdict(&broken_body(code, SendErrorKind::ResponseTooLarge));
        assert!(matches!(
            verdict,
            Verdict::Final { reason: DropReason::NonRetryable, cause: Cause::Refused, .. }
        ));
    }
}

#[test]
fn f19_an_unreadable_success_is_a_success_with_a_warning() {
    let body = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff]);
    let outcome = SendOutcome::Reply(Reply { status: 200, body, ..Reply::default() });
    assert!(matches!(verdict(&outcome), Verdict::Delivered { warning: Some(_), rejected: 0, .. }));
}

#[test]
fn f17_a_success_is_a_success_with_an_empty_body_or_an_empty_message() {
    for (protocol, body) in [
        (Protocol::HttpProtobuf, &b""[..]),
        (Protocol::HttpJson, b""),
        (Protocol::HttpJson, b"{}"),
        (Protocol::HttpJson, b"{\"partialSuccess\":{}}"),
    ] {
        let body = Bytes::copy_from_slice(body);
        let outcome = SendOutcome::Reply(Reply { status: 200, body, ..Reply::default() });
        let verdict = classify(protocol, 10, &outcome, Duration::ZERO);
        assert!(
            matches!(verdict, Verdict::Delivered { rejected: 0, warning: None, .. }),
            "{verdict:?}"
        );
    }
}

/// `partial_success { rejected_spans: n, error_message: "no" }`
fn partial(rejected: u8) -> SendOutcome {
    let inner = [0x08, rejected, 0x12, 0x02, b'n', b'o'];
    let mut body = vec![0x0a, inner.len() as u8];
    body.extend(inner);
    SendOutcome::Reply(Reply { status: 200, body: body.into(), ..Reply::default() })
}

#[test]
fn r111_f18_the_spans_of_a_partial_success_are_rejected_and_never_repeated() {
    // More rejected than sent is clamped.
    for (rejected, counted) in [(3, 3), (0, 0), (100, 10)] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let outcome = world.export(lane, 10);
        world.answer(partial(rejected));
        let outcome = outcome.try_recv().expect("terminal at once");
        assert_eq!((outcome.rejected, outcome.delivered), (counted, 10 - counted));
        assert!(!outcome.is_failure());
        assert_eq!(outcome.partial_success.unwrap().error_message, "no");
        world.advance(secs(3600));
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn f28_dates_are_measured_against_the_response_s_own_clock() {
    let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    assert_eq!(now, secs(784_111_777));
    // Ours is three hours behind.
    let wall = now - secs(3 * 3600);
    for date in [
        "Sun, 06 Nov 1994 08:49:39 GMT",
        "Sunday, 06-Nov-94 08:49:39 GMT",
        "Sun Nov  6 08:49:39 1994",
    ] {
        let reply = Reply {
            status: 503,
            retry_after: Some(date.to_owned()),
            date: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
            ..Reply::default()
        };
        assert_eq!(retry_after(&reply, wall), Some(secs(2)), "{date}");
    }
}

#[test]
fn r31_f27_f29_retry_after_in_every_form() {
    let ask = |value: Option<&str>| {
        let value = value.map(str::to_owned);
        let reply = Reply { status: 429, retry_after: value, ..Reply::default() };
        retry_after(&reply, secs(784_111_777))
    };
    for (value, asked) in [
        ("2", Some(secs(2))),
        (" 120 ", Some(secs(120))),
        ("0", None),
        ("-5", None),
        // What the stock exporter reads with `parseInt` is read as it reads it.
        ("1.9xyz", Some(secs(1))),
        ("1e3", Some(secs(1))),
        ("1, 2", Some(secs(1))),
        ("+7", Some(secs(7))),
        ("\u{a0}\u{feff}7", Some(secs(7))),
        ("0x10", None),
        ("-0.5", None),
        ("+ 7", None),
        (".5", None),
        ("2026-11-28", Some(secs(2026))),
        ("soon", None),
        ("", None),
        ("1000000000000", Some(secs(1_000_000_000_000))),
        ("99999999999999999999999", Some(secs(u64::MAX))),
        ("Sun, 06 Nov 1994 08:49:47 GMT", Some(secs(10))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:27 GMT", None),
        ("Sun, 32 Nov 1994 08:49:47 GMT", None),
        ("Sun, 06 Nov 1994 25:49:47 GMT", None),
    ] {
        assert_eq!(ask(Some(value)), asked, "{value:?}");
    }
    assert_eq!(ask(None), None);
}

#[test]
fn http_dates_over_the_centuries() {
    for (date, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
        ("Sat, 21 Nov 2026 22:00:00 GMT", 1_795_298_400),
        ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
    ] {
        assert_eq!(http_date(date), Some(secs(seconds)), "{date}");
    }
}
