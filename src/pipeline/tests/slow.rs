//! A collector that takes its time: nobody queues behind it, and what runs out of time with it is over.

use super::super::simulation::{World, failed, millis, secs, status, stock};
use crate::{
    config::{Config, RetryPolicy},
    error::DropReason,
    pipeline::flush::FlushMode,
    sink::{SendErrorKind, SendOutcome},
    stats::BreakerState,
};

/// Answers each request when it is so old, for so long.
fn answer_late(world: &mut World, age_millis: u64, for_millis: u64) {
    for _ in 0..for_millis / 50 {
        world.advance(millis(50));
        let now = world.now.mono;
        let old = |world: &World| {
            let sent = |attempt| world.sent.iter().rfind(|sent| sent.attempt == attempt);
            let mut open = world.open.iter().copied();
            open.find(|&attempt| {
                sent(attempt).is_some_and(|sent| now.since(sent.at) >= millis(age_millis))
            })
        };
        while let Some(attempt) = old(world) {
            world.answer_batch(attempt.batch, status(200));
        }
    }
}

#[test]
fn r29_a_slow_collector_gets_what_a_shutdown_waits_for() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcomes: Vec<_> = (0..28).map(|_| world.export(lane, 1)).collect();
    world.shutdown(lane, secs(30));
    assert_eq!(world.open.len(), 28, "as many at once as the stock exporter sends");
    answer_late(&mut world, 9_000, 9_000);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
    assert!(matches!(world.closed[..], [(_, _, false)]));
    assert_eq!(world.sent.len(), 28, "none was broken off");
}

#[test]
fn r29_what_a_flush_waits_for_is_sent_at_once_and_what_comes_later_is_not() {
    for mode in [FlushMode::Terminal, FlushMode::Attempt] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let _outcomes: Vec<_> = (0..20).map(|_| world.export(lane, 1)).collect();
        assert_eq!(world.open.len(), 4);
        let flushed = world.flush(lane, mode, secs(30));
        assert_eq!(world.open.len(), 20);
        let _later: Vec<_> = (0..10).map(|_| world.export(lane, 1)).collect();
        assert_eq!(world.open.len(), 20, "nobody waits for these");
        world.advance(millis(900));
        for _ in 0..20 {
            world.answer(status(200));
        }
        assert!(flushed.try_recv().is_ok_and(|flush| !flush.timed_out), "{mode:?}");
        assert_eq!(world.open.len(), 4);
    }
}

#[test]
fn r29_a_slow_collector_gets_more_requests_when_they_have_been_for_a_second() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let _outcomes: Vec<_> = (0..28).map(|_| world.export(lane, 1)).collect();
    world.advance(millis(999));
    assert_eq!(world.open.len(), 4);
    world.advance(millis(1));
    assert_eq!(world.open.len(), 8, "those of before are slow, and have places of their own");
}

#[test]
fn r29_a_collector_that_hangs_has_thirty_requests_at_most() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let _outcomes: Vec<_> = (0..100).map(|_| world.export(lane, 1)).collect();
    world.advance(millis(9_900));
    assert_eq!(world.open.len(), 30);
    // Whoever comes next has a place as soon as one of them is gone.
    world.answer(status(200));
    assert_eq!(world.open.len(), 30);
}

#[test]
fn r29_a_limit_that_was_set_holds_for_the_slow_ones_too() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 2, max_under_way: 2, ..stock() });
    let _outcomes: Vec<_> = (0..10).map(|_| world.export(lane, 1)).collect();
    world.advance(secs(9));
    assert_eq!(world.open.len(), 2);
    // No more than a limit of connections, either.
    let lane = world.lane(Config { max_concurrency: 4, max_under_way: 6, ..stock() });
    let _outcomes: Vec<_> = (0..10).map(|_| world.export(lane, 1)).collect();
    world.advance(secs(3));
    assert_eq!(world.open.iter().filter(|attempt| attempt.lane == lane).count(), 6);
}

#[test]
fn r29_an_unrelated_batch_waits_a_second_for_a_collector_that_hangs() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let _hanging: Vec<_> = (0..4).map(|_| world.export(lane, 1)).collect();
    let next = world.export(lane, 1);
    world.advance(secs(1));
    let batch = world.open[4].batch;
    world.answer_batch(batch, status(200));
    assert_eq!(next.try_recv().unwrap().delivered, 1);
}

#[test]
fn r29_nobody_waits_for_a_probe_that_hangs() {
    for away in [|| status(503), || failed(SendErrorKind::Refused)] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let outcomes: Vec<_> = (0..20).map(|_| world.export(lane, 1)).collect();
        for _ in 0..8 {
            world.answer(away());
        }
        assert_eq!((world.dispatcher.breaker(lane), world.open.len()), (BreakerState::Open, 0));
        world.advance(secs(1));
        assert_eq!(world.open.len(), 1, "a probe, which hangs");
        world.advance(millis(1_000));
        assert_eq!(world.open.len(), 2, "another one asks");
        let batch = world.open[1].batch;
        world.answer_batch(batch, status(200));
        assert_eq!(world.dispatcher.breaker(lane), BreakerState::Closed);
        assert_eq!(world.open.len(), 5);
        world.serve(secs(9), |_, _| status(200));
        assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
    }
}

fn timed_out() -> SendOutcome {
    failed(SendErrorKind::TimedOut)
}

#[test]
fn r54_an_attempt_that_has_all_the_time_of_a_shutdown_is_the_last() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 1, max_under_way: 1, ..stock() });
    let outcomes: Vec<_> = (0..2).map(|_| world.export(lane, 1)).collect();
    world.shutdown(lane, millis(300));
    world.advance(millis(200));
    world.answer(status(200));
    assert_eq!(world.sent[1].request.time_left, millis(100));
    // Whoever has sent it measures time by a clock of its own, which is ahead.
    world.advance(millis(98));
    world.answer(timed_out());
    world.advance(secs(1));
    assert_eq!(world.sent.len(), 2);
    assert_eq!(outcomes[1].try_recv().unwrap().dropped[DropReason::ShutdownDeadline], 1);
}

#[test]
fn r30_an_attempt_that_has_all_the_time_of_its_batch_is_the_last() {
    for outcome in [timed_out, || {
        // The status had come, the body had not.
        let SendOutcome::Reply(mut reply) = status(503) else { unreachable!() };
        let SendOutcome::Failed(error) = timed_out() else { unreachable!() };
        reply.body_error = Some(error);
        SendOutcome::Reply(reply)
    }] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let answer = world.export(lane, 1);
        world.advance(millis(9_500));
        world.answer(outcome());
        world.advance(secs(10));
        assert_eq!(world.sent.len(), 1);
        assert_eq!(answer.try_recv().unwrap().dropped[DropReason::RetriesExhausted], 1);
    }
    // One that had less is repeated, as long as there is time.
    let mut world = World::new();
    let retry = RetryPolicy { attempt_timeout: secs(2), ..RetryPolicy::stock(secs(10)) };
    let lane = world.lane(Config { retry, ..stock() });
    let answer = world.export(lane, 1);
    world.advance(secs(2));
    world.answer(timed_out());
    world.serve(secs(8), |_, _| status(200));
    assert_eq!(answer.try_recv().unwrap().delivered, 1);
}
