//! What the user is told, and how often.

use std::sync::Arc;

use super::super::{
    drop_log::{DropLog, LINE_INTERVAL},
    notice::{FailedBatch, Herald, Level, Notice},
    simulation::{World, failed, long, secs, status, stock},
};
use crate::{
    clock::Moment,
    config::{Config, Overflow, QueueConfig},
    error::DropReason,
    sink::{
        SendErrorKind::{Refused, Tls},
        SendOutcome,
    },
};

#[test]
fn r23_f51_one_warning_per_full_episode_re_armed_only_when_empty() {
    let queue = QueueConfig { max_spans: 10, max_bytes: 1 << 20, overflow: Overflow::DropNewest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, max_concurrency: 10, ..stock() });
    let overflow = |world: &mut World, times: usize| {
        for _ in 0..times {
            let (refused, _) = world.admit(lane, 1, 1);
            assert_eq!(refused.unwrap_err(), DropReason::QueueFull);
        }
    };
    let fill = |world: &mut World| {
        while world.stats(lane).pending < 10 {
            let _ = world.export(lane, 1);
        }
    };
    fill(&mut world);
    overflow(&mut world, 100);
    for _ in 0..5 {
        world.answer(status(200));
    }
    fill(&mut world);
    overflow(&mut world, 3);
    while !world.open.is_empty() {
        world.answer(status(200));
    }
    fill(&mut world);
    overflow(&mut world, 1);
    assert_eq!(world.lines(Level::Warn).len(), 2, "{:?}", world.lines(Level::Warn));
    assert_eq!(world.lines(Level::Info).len(), 1, "the end of the first episode, with its count");
    assert!(world.lines(Level::Info)[0].contains("103"));
}

#[test]
fn r68_every_reason_is_counted_and_told_the_same_way() {
    for reason in DropReason::ALL {
        let mut log = DropLog::of("http://collector/v1/traces");
        let at = |seconds| Moment(secs(seconds));
        let first = log.dropped(at(0), reason, 5, None);
        let again = log.dropped(at(1), reason, 7, None);
        let later = log.dropped(at(1).after(LINE_INTERVAL), reason, 1, None);
        assert_eq!(again, None, "{reason}: one line, not one per drop");
        for line in [&first, &later].into_iter().flatten() {
            assert!(line.contains(&format!("({reason}) for http://collector/v1/traces")), "{line}");
        }
        match reason {
            // Told by the end of the shutdown, with the sum.
            DropReason::ShutdownDeadline => assert_eq!((first, later), (None, None)),
            DropReason::QueueFull | DropReason::BytesFull => {
                assert!(first.is_some_and(|line| line.contains(reason.code())));
                assert_eq!(later, None, "still the same episode");
                assert!(log.drained().is_some_and(|line| line.contains("13")));
            }
            _ => {
                assert!(
                    first.is_some_and(|line| line.contains(reason.code())),
                    "the first drop is visible at once"
                );
                assert!(later.is_some_and(|line| line.contains("7 more")));
            }
        }
    }
}

#[test]
fn r68_the_ledger_tells_of_every_drop_after_admission() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let _outcome = world.export(lane, 3);
    world.answer(status(500));
    let (permit, _) = world.admit(lane, 2, 2);
    drop(permit);
    let queue = QueueConfig { max_spans: 1, max_bytes: 10, overflow: Overflow::DropOldest };
    let evicting =
        world.lane(Config { queue, max_concurrency: 1, endpoint: "other".to_owned(), ..stock() });
    let _in_flight = world.export_as(evicting, 1, 1, crate::sink::ContentEncoding::Identity);
    world.answer(failed(Refused));
    let _evictor = world.admit(evicting, 1, 1);
    let warnings = world.lines(Level::Warn);
    for code in ["non_retryable", "internal_error", "queue_full"] {
        assert_eq!(
            warnings.iter().filter(|line| line.contains(code)).count(),
            1,
            "{code} in {warnings:?}"
        );
    }
}

#[test]
fn r68_lines_name_the_endpoint_and_show_no_query_of_it() {
    let mut world = World::new();
    let endpoint = "http://collector/v1/traces?key=planted".to_owned();
    let lane = world.lane(Config { endpoint, ..stock() });
    let _outcome = world.export(lane, 3);
    world.answer(status(401));
    let lines = world.lines(Level::Warn);
    assert_eq!(lines.len(), 2, "the loss, and that the endpoint is held: {lines:?}");
    for line in &lines {
        let named = line.contains("http://collector/v1/traces");
        assert!(named && !line.contains("planted"), "{line}");
    }
}

#[test]
fn r75_a_failed_batch_is_told_once_with_everything_known() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 9);
    world.answer(status(503));
    world.advance(secs(1));
    world.answer(status(500));
    let notices = world.notices.lock().unwrap();
    let failed: Vec<_> =
        notices.iter().filter(|notice| matches!(notice, Notice::Failed(_))).collect();
    let expected = Notice::Failed(FailedBatch {
        reason: DropReason::NonRetryable,
        spans: 9,
        attempts: 2,
        http_status: Some(500),
        code: "500".to_owned(),
        message: "Status 500".to_owned(),
        server_message: None,
        endpoint: "http://localhost:4318/v1/traces".to_owned(),
    });
    assert_eq!(failed, [&expected]);
}

#[test]
fn r75_whatever_is_lost_after_its_admission_is_told_once() {
    let queue = QueueConfig { max_spans: 20, max_bytes: 1 << 20, overflow: Overflow::DropOldest };
    let mut world = World::new();
    let lane = world.lane(Config { queue, max_concurrency: 1, ..stock() });
    let _in_flight = world.export(lane, 1);
    let _evicted = world.export(lane, 10);
    let _waiting = world.export(lane, 11);
    // Held by a worker that unwinds, and by one that is late for the end.
    let (unwound, _) = world.admit(lane, 3, 1);
    drop(unwound);
    let (late, _) = world.admit(lane, 4, 1);
    world.shutdown(lane, secs(0));
    drop(late);
    let notices = world.notices.lock().unwrap();
    let mut told: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Failed(failed) => Some((failed.spans, failed.reason)),
            Notice::Line { .. } | Notice::Breaker { .. } => None,
        })
        .collect();
    told.sort_unstable();
    let expected = [
        (1, DropReason::ShutdownDeadline),
        (3, DropReason::InternalError),
        (4, DropReason::ShutdownDeadline),
        (10, DropReason::QueueFull),
        (11, DropReason::ShutdownDeadline),
    ];
    assert_eq!(told, expected);
}

#[test]
fn r75_an_observer_that_panics_hurts_nobody() {
    let herald = Herald::default();
    herald.set(Level::Verbose, Arc::new(|_| std::panic::resume_unwind(Box::new("observer"))));
    herald.line(Level::Error, "text");
    herald.failed(|| FailedBatch {
        reason: DropReason::Invalid,
        spans: 1,
        attempts: 0,
        http_status: None,
        code: String::new(),
        message: String::new(),
        server_message: None,
        endpoint: String::new(),
    });
}

#[test]
fn lines_above_the_level_asked_for_are_not_made() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 1);
    world.answer(failed(Refused));
    assert!(world.lines(Level::Verbose).is_empty(), "the world asked for info and above");
}

#[test]
fn an_endpoint_that_does_not_take_spans_is_told_of_once() {
    type Answer = fn() -> SendOutcome;
    let ways: [(&str, usize, Answer); 4] = [
        ("its server is ill", 5, || status(503)),
        ("nobody listens", 5, || failed(Refused)),
        ("its certificate is bad", 5, || failed(Tls)),
        ("it knows nobody", 1, || status(401)),
    ];
    for (name, times, answer) in ways {
        let mut world = World::new();
        let endpoint = "http://collector:4318/v1/traces".to_owned();
        let lane = world.lane(Config { max_concurrency: 8, endpoint: endpoint.clone(), ..long() });
        let told = |world: &World| {
            let lines = world.lines(Level::Warn).into_iter();
            lines.filter(|line| line.contains("does not take spans")).collect::<Vec<_>>()
        };
        let _outcomes: Vec<_> = (0..times).map(|_| world.export(lane, 1)).collect();
        for _ in 1..times {
            world.answer(answer());
        }
        assert_eq!(told(&world), [""; 0], "{name}: too early");
        world.answer(answer());
        let lines = told(&world);
        let beginning = format!("{endpoint} does not take spans, exports are held until it does: ");
        assert!(matches!(&lines[..], [line] if line.starts_with(&beginning)), "{name}: {lines:?}");
        // A probe that fails is no news.
        let _held = world.export(lane, 1);
        world.serve(secs(100), |_, _| answer());
        assert_eq!(told(&world).len(), 1, "{name}");
    }
}
