//! What all batches and lanes know about one endpoint.

use super::super::simulation::{World, failed, long, millis, secs, status, stock, throttled};
use crate::{
    config::Config,
    error::{DropReason, ExportFailure},
    pipeline::dispatcher::Event,
    sink::SendErrorKind::{Refused, TimedOut, Tls},
    stats::BreakerState,
};

#[test]
fn r32_f27_a_throttle_pauses_every_batch_of_its_lane() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _first = world.export(lane, 1);
    world.answer(throttled(429, "2"));
    let _second = world.export(lane, 1);
    world.advance(millis(1_999));
    assert_eq!(world.sent.len(), 1, "nothing is sent into a pause");
    world.advance(millis(1));
    assert_eq!(world.sent.len(), 3, "then all resume");
}

#[test]
fn f27_an_answer_to_an_earlier_request_ends_no_pause() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _both = [world.export(lane, 1), world.export(lane, 1)];
    world.answer(throttled(429, "2"));
    world.answer(status(200));
    let _third = world.export(lane, 1);
    world.advance(millis(1_999));
    assert_eq!(world.sent.len(), 2, "the second was on its way before the pause");
    world.advance(millis(1));
    assert_eq!(world.sent.len(), 4);
}

#[test]
fn r32_another_endpoint_is_not_paused() {
    let mut world = World::new();
    let one = world.lane(long());
    let other =
        world.lane(Config { endpoint: "http://elsewhere:4318/v1/traces".to_owned(), ..long() });
    let _first = world.export(one, 1);
    world.answer(throttled(429, "2"));
    let _second = world.export(other, 1);
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn d7_five_failures_open_the_breaker_and_one_probe_closes_it() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 8, ..long() });
    let outcomes: Vec<_> = (0..8).map(|_| world.export(lane, 1)).collect();
    for _ in 0..5 {
        world.answer(failed(Refused));
    }
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Open);
    for _ in 0..3 {
        world.answer(failed(Refused));
    }
    world.advance(millis(499));
    assert_eq!(world.sent.len(), 8, "open for at least half a second");
    world.advance(secs(1));
    assert_eq!(world.sent.len(), 9, "exactly one probe");
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::HalfOpen);
    world.answer(status(200));
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Closed);
    world.serve(secs(60), |_, _| status(200));
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

#[test]
fn a_success_closes_the_breaker_that_a_failing_server_has_opened() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 8, ..long() });
    let outcomes: Vec<_> = (0..8).map(|_| world.export(lane, 1)).collect();
    for _ in 0..5 {
        world.answer(status(503));
    }
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Open);
    world.serve(secs(60), |_, _| status(200));
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Closed);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

#[test]
fn d7_the_time_between_probes_doubles_up_to_thirty_seconds() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcomes: Vec<_> = (0..50).map(|_| world.export(lane, 1)).collect();
    world.serve(secs(1200), |_, _| failed(Refused));
    let times = world.times();
    let gaps: Vec<_> =
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > millis(400)).collect();
    assert!(gaps.iter().all(|gap| *gap <= secs(60)), "{gaps:?}");
    let last: Vec<_> = gaps.iter().rev().take(10).collect();
    assert!(last.iter().all(|gap| **gap >= secs(15)), "half of thirty seconds at least: {last:?}");
    assert!(times.len() < 120, "{} requests in twenty minutes", times.len());
}

#[test]
fn d7_the_time_to_the_next_probe_counts_from_when_the_last_one_went_out() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcomes: Vec<_> = (0..20).map(|_| world.export(lane, 1)).collect();
    world.serve(millis(0), |_, _| status(503));
    assert_eq!(world.dispatcher.breaker(lane), BreakerState::Open);
    let before = world.sent.len();
    world.serve_late(secs(8), |_, _| (millis(800), status(503)));
    let probes: Vec<_> = world.times().split_off(before);
    assert!(probes.len() >= 8, "{probes:?}");
    for pair in probes.windows(2) {
        assert!((millis(800)..=secs(1)).contains(&(pair[1] - pair[0])), "{probes:?}");
    }
}

/// What is told of a batch that never went out, after so many failures of its own lane and a network that is down.
fn told_of_a_held_batch(own_failures: usize) -> ExportFailure {
    let mut world = World::new();
    let config = || Config { max_concurrency: 16, ..stock() };
    let (one, other) = (world.lane(config()), world.lane(config()));
    for (lane, times) in [(one, own_failures), (other, 5)] {
        let outcomes: Vec<_> = (0..times).map(|_| world.export(lane, 1)).collect();
        for _ in outcomes {
            world.answer(failed(if lane == one { TimedOut } else { Refused }));
        }
    }
    let before = world.sent.len();
    let held = world.export(one, 1);
    world.jump(secs(60));
    let outcome = held.try_recv().unwrap();
    assert_eq!(world.sent.len(), before, "nothing went out");
    assert_eq!((outcome.attempts, outcome.dropped.total()), (0, 1));
    outcome.error.unwrap()
}

#[test]
fn what_holds_a_batch_is_told_when_it_is_given_up() {
    // Its lane would send: the network is what holds it. Then its lane would not.
    assert_eq!(told_of_a_held_batch(1).code, "ECONNREFUSED");
    assert_eq!(told_of_a_held_batch(5).message, "TimedOut");
}

#[test]
fn d7_held_batches_are_given_up_when_their_time_is_over_with_the_endpoint_s_error() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcomes: Vec<_> = (0..40).map(|_| world.export(lane, 1)).collect();
    world.serve(secs(25), |_, _| failed(Refused));
    for outcome in outcomes {
        let outcome = outcome.try_recv().expect("nobody waits for ever");
        assert_eq!(outcome.dropped[DropReason::RetriesExhausted], 1);
        assert_eq!(outcome.error.unwrap().code, "ECONNREFUSED");
    }
}

#[test]
fn f23_bad_credentials_hold_the_endpoint_with_a_probe_each_thirty_seconds() {
    for code in [401, 403] {
        let mut world = World::new();
        let lane = world.lane(long());
        let first = world.export(lane, 1);
        world.answer(status(code));
        assert_eq!(
            first.try_recv().unwrap().dropped[DropReason::NonRetryable],
            1,
            "its data is refused at once"
        );
        let _held: Vec<_> = (0..10).map(|_| world.export(lane, 1)).collect();
        world.advance(millis(29_999));
        assert_eq!(world.sent.len(), 1, "a bad key must not hammer");
        world.advance(millis(1));
        assert_eq!(world.sent.len(), 2);
        world.answer(status(code));
        world.advance(secs(29));
        assert_eq!(world.sent.len(), 2);
        world.advance(secs(1));
        assert_eq!(world.sent.len(), 3);
        world.answer(status(200));
        assert_eq!(world.open.len(), 4, "the key has been mended");
    }
}

#[test]
fn f6_a_certificate_error_is_final_and_loud() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 3);
    world.answer(failed(Tls));
    assert_eq!(outcome.try_recv().unwrap().dropped[DropReason::NonRetryable], 3);
    world.advance(secs(60));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.lines(super::super::notice::Level::Warn).len(), 1);
}

#[test]
fn d6_beyond_five_retries_a_sick_endpoint_gets_no_more_than_the_budget() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 64, ..long() });
    let _outcomes: Vec<_> = (0..60).map(|_| world.export(lane, 1)).collect();
    // One of ten is taken: not dead enough for the breaker.
    let (mut count, mut open, mut most) = (0, 0, (0, 0));
    for _ in 0..400 {
        world.advance(millis(50));
        open = world.open.iter().filter(|each| each.number > 6).count();
        most = (most.0.max(world.open.len() - open), most.1.max(open));
        while let Some(at) = world.open.iter().position(|each| each.number <= 6) {
            count += 1;
            let attempt = world.open.remove(at);
            let outcome = Box::new(if count % 10 == 0 { status(200) } else { status(502) });
            world.step(Event::AttemptDone { attempt, outcome });
        }
    }
    assert!(most.0 > 10, "what the stock exporter sends, too, is sent: {most:?}");
    assert!(open >= 10 && most.1 <= 12, "{open}, {most:?}");
}

#[test]
fn d6_without_a_token_retries_go_one_by_one() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 64, ..long() });
    let outcomes: Vec<_> = (0..40).map(|_| world.export(lane, 1)).collect();
    // One of eight is taken, so that the breaker stays closed while batches come to need the budget.
    let mut count = 0;
    world.serve(secs(8), |_, _| {
        count += 1;
        status(if count % 8 == 0 { 200 } else { 503 })
    });
    world.serve(secs(3600), |_, _| status(200));
    assert!(
        outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1),
        "nobody starves"
    );
}

#[test]
fn f23_bad_credentials_of_one_lane_do_not_hold_another_one() {
    let mut world = World::new();
    let (bad, good) = (world.lane(stock()), world.lane(stock()));
    let _refused = world.export(bad, 1);
    world.answer(status(401));
    let held = world.export(bad, 1);
    let outcome = world.export(good, 1);
    assert_eq!(world.sent.len(), 2);
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 1);
    assert_eq!(world.dispatcher.breaker(bad), BreakerState::Open);
    world.advance(secs(10));
    let held = held.try_recv().expect("its time is over");
    assert_eq!(held.dropped[DropReason::NonRetryable], 1);
    assert_eq!(held.error.unwrap().http_status, Some(401));
}

#[test]
fn f23_a_probe_that_fails_for_another_reason_does_not_lock_the_lane() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _first = world.export(lane, 1);
    world.answer(status(403));
    let held = world.export(lane, 1);
    world.advance(secs(30));
    world.answer(failed(Refused));
    world.serve(secs(5), |_, _| status(200));
    assert_eq!(held.try_recv().unwrap().delivered, 1);
}
