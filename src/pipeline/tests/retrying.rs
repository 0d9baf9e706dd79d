//! When a failed attempt is repeated, and when not.

use super::super::{
    dispatcher::Event,
    notice::Level,
    retry::{Jitter, backoff, mean_backoff},
    simulation::{World, failed, long, millis, secs, status, stock, throttled},
};
use crate::{
    config::{Config, RetryPolicy},
    error::{DropReason, timed_out},
    sink::{
        SendError,
        SendErrorKind::{Malformed, Refused},
        SendOutcome,
    },
};

#[test]
fn r30_waits_of_the_stock_policy() {
    let policy = RetryPolicy::stock(secs(10));
    let means: Vec<_> = (1..=6).map(|retry| mean_backoff(&policy, retry).as_millis()).collect();
    assert_eq!(means, [1000, 1500, 2250, 3375, 5000, 5000]);
}

#[test]
fn r30_waits_of_the_long_mode() {
    let policy = RetryPolicy::long(secs(10), secs(3600), u32::MAX);
    let means: Vec<_> = (1..=9).map(|retry| mean_backoff(&policy, retry).as_millis()).collect();
    assert_eq!(means, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
    assert_eq!(mean_backoff(&policy, u32::MAX), secs(30));
}

#[test]
fn f1_jitter_is_a_fifth_and_differs_between_processes() {
    let policy = RetryPolicy::stock(secs(10));
    let waits = |seed| {
        let mut jitter = Jitter::seeded(seed);
        (0..200).map(|_| backoff(&policy, 1, &mut jitter)).collect::<Vec<_>>()
    };
    let (one, other) = (waits(1), waits(2));
    assert_ne!(one, other);
    assert!(
        one.iter().all(|wait| (millis(800)..=millis(1200)).contains(wait)),
        "as far from the mean as with the stock exporter"
    );
    assert!(
        one.iter().any(|wait| *wait < millis(850)) && one.iter().any(|wait| *wait > millis(1150))
    );
}

#[test]
fn r30_five_retries_then_the_end_with_the_status() {
    let retry = RetryPolicy { max_elapsed: secs(100), ..RetryPolicy::stock(secs(10)) };
    let mut world = World::new();
    let lane = world.lane(Config { retry, ..stock() });
    let outcome = world.export(lane, 7);
    world.serve(secs(60), |_, _| status(503));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!(world.sent.len(), 6);
    assert_eq!((outcome.attempts, outcome.dropped[DropReason::RetriesExhausted]), (6, 7));
    let error = outcome.error.unwrap();
    assert_eq!(
        (error.message.as_str(), error.http_status),
        ("Export failed with retryable status", Some(503))
    );
    assert_eq!(world.lines(Level::Info), ["Export failed after maximum retry attempts (5)."]);
    let waits: Vec<_> = world.times().windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (retry, wait) in waits.iter().enumerate() {
        let mean = mean_backoff(&RetryPolicy::stock(secs(10)), retry as u32 + 1);
        let asked = mean.mul_f64(0.8)..=mean.mul_f64(1.2).min(secs(5));
        assert!(asked.contains(wait), "{waits:?}");
    }
}

#[test]
fn r30_the_end_of_the_time_during_an_attempt_keeps_what_the_attempts_before_have_said() {
    const TIMED_OUT: &str = "Request timed out";
    let cut_off = || SendOutcome::Failed(timed_out());
    let parse = || {
        let error = SendError::new(Malformed, "Parse Error: Invalid header token");
        SendOutcome::Failed(error.with_code("HPE_INVALID_HEADER_TOKEN"))
    };
    let told = |before: &str| format!("{TIMED_OUT}; the attempt before: {before}");
    for (before, code, message) in [
        (parse(), "HPE_INVALID_HEADER_TOKEN", told("Parse Error: Invalid header token")),
        (status(503), "503", told("Export failed with retryable status")),
        (failed(Refused), "ECONNREFUSED", told("Refused")),
        (cut_off(), "", TIMED_OUT.to_owned()),
    ] {
        let mut world = World::new();
        let retry = RetryPolicy { attempt_timeout: secs(9), ..RetryPolicy::stock(secs(12)) };
        let lane = world.lane(Config { retry, ..stock() });
        let outcome = world.export(lane, 1);
        let mut first = Some(before);
        world.serve_late(secs(60), |_, _| match first.take() {
            Some(outcome) => (secs(4), outcome),
            None => (secs(20), status(200)),
        });
        assert_eq!(world.sent.len(), 2);
        let outcome = outcome.try_recv().unwrap();
        let error = outcome.error.unwrap();
        assert_eq!((error.code.as_str(), error.message), (code, message));
        assert_eq!(outcome.dropped[DropReason::RetriesExhausted], 1);
    }
}

#[test]
fn r30_everything_ends_inside_the_total_of_the_stock_policy() {
    for seed in 0..50 {
        let mut world = World::seeded(seed);
        let lane = world.lane(stock());
        let outcome = world.export(lane, 1);
        world.serve(secs(10), |_, _| failed(Refused));
        let outcome = outcome.try_recv().expect("settled within timeoutMillis");
        assert_eq!(outcome.dropped[DropReason::RetriesExhausted], 1);
        assert_eq!(outcome.error.unwrap().code, "ECONNREFUSED");
        assert!(world.times().iter().all(|at| *at < secs(10)));
    }
}

#[test]
fn f2_what_was_refused_at_first_is_delivered_when_the_endpoint_comes_up() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcomes: Vec<_> = (0..3).map(|_| world.export(lane, 1)).collect();
    world.serve(secs(10), |at, _| if at.0 < secs(1_003) { failed(Refused) } else { status(200) });
    for outcome in outcomes {
        assert_eq!(outcome.try_recv().unwrap().delivered, 1);
    }
}

#[test]
fn r31_a_pause_that_the_endpoint_asks_for_is_a_minimum() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export(lane, 1);
    world.answer(throttled(503, "7"));
    world.advance(millis(6_999));
    assert_eq!(world.sent.len(), 1);
    world.advance(secs(2));
    assert_eq!(world.sent.len(), 2);
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 1);
}

#[test]
fn r31_absurd_pauses_are_clamped_to_thirty_seconds() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 1);
    world.answer(throttled(429, "1000000000000"));
    world.advance(millis(29_999));
    assert_eq!(world.sent.len(), 1);
    world.advance(millis(1));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn f29_a_pause_of_zero_means_ordinary_backoff() {
    for value in ["0", "-1", "garbage", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let _outcome = world.export(lane, 1);
        for _ in 0..3 {
            world.answer(throttled(503, value));
            world.advance(millis(799));
            assert!(
                world.open.is_empty(),
                "{value}: repeated after less than the shortest backoff"
            );
            world.advance(secs(3));
        }
    }
}

#[test]
fn a_pause_longer_than_the_total_is_sat_out_until_the_deadline() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 1);
    world.answer(throttled(503, "20"));
    world.advance(millis(9_999));
    assert!(outcome.try_recv().is_err(), "not dropped on the spot");
    world.advance(millis(1));
    assert_eq!(outcome.try_recv().unwrap().dropped[DropReason::RetriesExhausted], 1);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn r38_attempts_of_a_batch_carry_the_same_bytes() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 3);
    world.serve(secs(20), |_, _| failed(Refused));
    assert!(world.sent.len() > 3);
    for sent in &world.sent {
        assert_eq!(
            sent.request.body.as_ptr(),
            world.sent[0].request.body.as_ptr(),
            "shared, not copied"
        );
        assert_eq!(sent.request.spans, 3);
    }
}

#[test]
fn f34_what_is_not_http_is_repeated_twice() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export(lane, 1);
    world.serve(secs(60), |_, _| failed(Malformed));
    assert_eq!(world.sent.len(), 3);
    assert_eq!(outcome.try_recv().unwrap().dropped[DropReason::RetriesExhausted], 1);
}

#[test]
fn r19_f55_timers_are_served_while_busy() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 64, ..long() });
    let _first = world.export(lane, 1);
    world.answer(failed(Refused));
    let mut others = Vec::new();
    // Never idle: an event each millisecond, and nobody says that time has passed.
    for _ in 0..220 {
        world.now.mono = world.now.mono.after(millis(1));
        others.push(world.admit(lane, 1, 1));
        world.step(Event::Drained { lane: u64::MAX });
    }
    assert_eq!(world.sent.len(), 2, "the retry was due after at most 200 ms");
}

#[test]
fn f56_what_is_due_at_once_goes_oldest_first_and_within_the_limit() {
    let mut world = World::new();
    let lane = world.lane(Config {
        queue: crate::config::QueueConfig { max_spans: 20_000, ..stock().queue },
        ..long()
    });
    let outcomes: Vec<_> = (0..10_000).map(|_| world.export(lane, 1)).collect();
    assert_eq!(world.open.len(), 4);
    world.serve(secs(1), |_, _| status(200));
    let order: Vec<_> = world.sent.iter().map(|sent| sent.attempt.batch).collect();
    assert!(order.is_sorted());
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

#[test]
fn r110_f54_after_a_suspension_timers_fire_once() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export(lane, 1);
    world.answer(failed(Refused));
    world.jump(secs(60));
    assert_eq!(world.sent.len(), 2, "one repetition, not one for each interval missed");
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 1);
    world.advance(secs(600));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn f53_a_wall_clock_that_jumps_changes_no_schedule() {
    let times = |jump: bool| {
        let mut world = World::new();
        let lane = world.lane(long());
        let _outcome = world.export(lane, 1);
        for _ in 0..4 {
            world.serve(secs(2), |_, _| failed(Refused));
            if jump {
                world.now.wall = world.now.wall.saturating_sub(secs(3600));
            }
        }
        world.times()
    };
    assert_eq!(times(false), times(true));
}

#[test]
fn f11_f13_an_attempt_that_overstays_is_ended_and_repeated() {
    let mut world = World::new();
    let retry = RetryPolicy { attempt_timeout: secs(2), ..long().retry };
    let lane = world.lane(Config { retry, ..long() });
    let _outcome = world.export(lane, 1);
    assert_eq!(world.sent[0].request.time_left, secs(2));
    // The sink keeps neither its promise nor the time.
    world.advance(secs(2) + millis(249));
    assert!(world.aborted.is_empty());
    world.advance(millis(1));
    assert_eq!(world.aborted.len(), 1);
    world.advance(secs(1));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn r29_no_more_requests_at_once_than_configured() {
    for limit in [1, 2, 4, 64] {
        let mut world = World::new();
        let lane = world.lane(Config { max_concurrency: limit, ..stock() });
        let _outcomes: Vec<_> = (0..100).map(|_| world.export(lane, 1)).collect();
        for _ in 0..100 - limit {
            assert_eq!(world.open.len(), limit as usize);
            world.answer(status(200));
        }
    }
}

#[test]
fn r30_a_batch_for_which_no_wait_is_left_is_given_up_at_once() {
    let mut world = World::new();
    let lane = world.lane(Config { retry: RetryPolicy::stock(secs(2)), ..stock() });
    let outcome = world.export(lane, 1);
    let outcome = loop {
        match outcome.try_recv() {
            Ok(outcome) => break outcome,
            Err(_) if world.open.is_empty() => world.advance(millis(1)),
            Err(_) => drop(world.answer(status(503))),
        }
    };
    assert!((2..6).contains(&outcome.attempts), "{outcome:?}");
    assert_eq!(Some(world.now.mono), world.sent.last().map(|sent| sent.at));
    let lines = world.lines(Level::Info);
    assert!(
        matches!(&lines[..], [line] if line.ends_with("ms, not retrying further.")),
        "{lines:?}"
    );
}
