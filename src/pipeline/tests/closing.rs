//! The end of a lane.

use super::super::{
    dispatcher::Event,
    notice::Level,
    simulation::{World, failed, long, millis, secs, status, stock, throttled},
};
use crate::{
    clock::{LONGEST_TIMEOUT, Moment, clamp_timeout},
    config::Config,
    error::DropReason::{AfterShutdown, RetriesExhausted, ShutdownDeadline},
    sink::{ContentEncoding, SendErrorKind::Refused},
};
use std::time::Duration;

#[test]
fn r51_r52_r53_r100_at_the_deadline_everything_is_aborted_and_nothing_is_posted_later() {
    for (batches, timeout) in [(1, 300), (4, 300), (200, 300), (200, 1)] {
        let mut world = World::new();
        let lane = world.lane(stock());
        let outcomes: Vec<_> = (0..batches).map(|_| world.export(lane, 1)).collect();
        world.shutdown(lane, millis(timeout));
        world.advance(millis(timeout) - millis(1));
        assert!(world.closed.is_empty());
        world.advance(millis(1));
        let end = Moment(secs(1_000)).after(millis(timeout));
        assert_eq!(world.closed, [(lane, end, true)], "at the deadline, not later");
        assert!(world.open.is_empty(), "nothing is left in flight");
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.try_recv().unwrap().dropped[ShutdownDeadline] == 1)
        );
        let posted = world.sent.len();
        world.advance(secs(3600));
        assert_eq!(world.sent.len(), posted);
        let stats = world.stats(lane);
        assert_eq!((stats.pending, stats.pending_bytes), (0, 0));
    }
}

#[test]
fn r53_the_lane_is_not_closed_before_the_last_attempt_is_really_gone() {
    let mut world = World::new();
    world.aborts_end = false;
    let lane = world.lane(stock());
    let outcome = world.export(lane, 1);
    world.shutdown(lane, millis(300));
    world.advance(millis(300));
    assert_eq!(outcome.try_recv().unwrap().dropped[ShutdownDeadline], 1);
    assert!(world.closed.is_empty());
    let attempt = world.open.remove(0);
    world.step(Event::AttemptAborted { attempt });
    assert_eq!(world.closed.len(), 1);
}

#[test]
fn r49_what_is_queued_is_delivered_before_the_lane_closes() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let (on_a_worker, _outcome) = world.admit(lane, 1, 1);
    world.shutdown(lane, secs(30));
    assert!(world.closed.is_empty(), "a worker still has a batch");
    drop(on_a_worker);
    world.step(Event::Timer);
    assert_eq!(world.closed.len(), 1);

    let mut world = World::new();
    let lane = world.lane(stock());
    let outcomes: Vec<_> = (0..500).map(|_| world.export(lane, 1)).collect();
    world.shutdown(lane, secs(30));
    assert!(world.closed.is_empty());
    world.serve(secs(1), |_, _| status(200));
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
    assert_eq!(world.closed, [(lane, Moment(secs(1_000)), false)]);
}

#[test]
fn r54_a_failure_that_passes_gets_another_attempt_while_the_deadline_allows() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export(lane, 1);
    world.shutdown(lane, secs(5));
    world.answer(status(503));
    assert_eq!(world.sent.len(), 2, "at once");
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 1);
    assert_eq!(world.closed.len(), 1);
}

#[test]
fn r54_past_the_deadline_it_is_dropped_and_counted_once() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcome = world.export(lane, 3);
    world.shutdown(lane, millis(50));
    world.serve(millis(60), |_, _| failed(Refused));
    let outcome = outcome.try_recv().unwrap();
    assert_eq!(outcome.dropped[ShutdownDeadline], 3);
    assert_eq!(outcome.error.unwrap().code, "ECONNREFUSED", "the error tells what happened last");
    assert_eq!(world.stats(lane).dropped.total(), 3);
    assert_eq!(world.closed.len(), 1);
}

#[test]
fn r55_batches_in_backoff_get_one_attempt_at_once() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcomes: Vec<_> = (0..4).map(|_| world.export(lane, 1)).collect();
    for _ in 0..4 {
        world.answer(throttled(503, "30"));
    }
    let before = world.sent.len();
    world.shutdown(lane, secs(5));
    world.serve(millis(0), |_, _| status(200));
    assert_eq!(world.sent.len(), before + 4);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

#[test]
fn r55_an_open_breaker_does_not_hold_them() {
    let mut world = World::new();
    let lane = world.lane(long());
    let outcomes: Vec<_> = (0..20).map(|_| world.export(lane, 1)).collect();
    for _ in 0..5 {
        world.answer(failed(Refused));
    }
    while !world.open.is_empty() {
        world.answer(failed(Refused));
    }
    world.shutdown(lane, secs(5));
    assert_eq!(world.open.len(), 1, "one probe first");
    world.serve(millis(0), |_, _| status(200));
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

#[test]
fn r57_no_grace_means_no_attempt_and_one_line_with_the_exact_count() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 1, ..long() });
    let outcomes: Vec<_> = (0..30).map(|_| world.export(lane, 2)).collect();
    let before = world.sent.len();
    world.shutdown(lane, Duration::ZERO);
    world.advance(secs(60));
    assert_eq!(world.sent.len(), before);
    assert!(
        outcomes.iter().all(|outcome| outcome.try_recv().unwrap().dropped[ShutdownDeadline] == 2)
    );
    assert_eq!(world.stats(lane).dropped[ShutdownDeadline], 60);
    assert!(world.lines(Level::Warn).is_empty(), "the line is the closing lane's");
}

#[test]
fn r58_absurd_timeouts_do_not_overflow() {
    assert_eq!(clamp_timeout(Duration::MAX), LONGEST_TIMEOUT);
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 1);
    world.shutdown(lane, clamp_timeout(Duration::MAX));
    world.answer(status(200));
    assert_eq!(outcome.try_recv().unwrap().delivered, 1);
    assert_eq!(Moment(Duration::MAX).after(LONGEST_TIMEOUT), Moment(Duration::MAX));
}

#[test]
fn r59_a_request_of_a_shutdown_gets_the_time_that_is_left() {
    let mut world = World::new();
    let lane = world.lane(Config { max_concurrency: 1, max_under_way: 1, ..long() });
    let _outcomes = [world.export(lane, 1), world.export(lane, 1)];
    world.shutdown(lane, millis(200));
    world.advance(millis(50));
    world.answer(status(200));
    assert_eq!(world.sent[1].request.time_left, millis(150));
}

#[test]
fn r50_a_later_shutdown_can_only_shorten_the_first() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let _outcome = world.export(lane, 1);
    world.shutdown(lane, secs(5));
    world.shutdown(lane, secs(60));
    world.shutdown(lane, secs(1));
    world.advance(secs(10));
    assert_eq!(world.closed, [(lane, Moment(secs(1_001)), true)], "one teardown");
}

#[test]
fn r61_what_races_in_behind_the_shutdown_is_accounted() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let (permit, before) = world.admit(lane, 3, 30);
    world.shutdown(lane, millis(100));
    let (after, _) = world.admit(lane, 5, 50);
    assert_eq!(after.unwrap_err(), AfterShutdown);
    // The worker comes back only after the deadline.
    world.advance(millis(100));
    assert_eq!(before.try_recv().unwrap().dropped[ShutdownDeadline], 3);
    let batch = world.encoded(lane, vec![permit.unwrap()], 30, ContentEncoding::Identity);
    world.step(Event::Ready(batch));
    assert!(world.sent.is_empty());
    let stats = world.stats(lane);
    assert_eq!((stats.offered, stats.accepted, stats.pending), (8, 3, 0));
}

#[test]
fn r60_an_export_after_shutdown_is_refused_and_counted() {
    let mut world = World::new();
    let lane = world.lane(stock());
    world.shutdown(lane, secs(1));
    let (refused, _) = world.admit(lane, 5, 50);
    assert_eq!(refused.unwrap_err(), AfterShutdown);
    assert_eq!(world.stats(lane).refused[AfterShutdown], 5);
}

#[test]
fn r56_a_result_that_comes_when_the_dispatcher_is_gone_leaves_nothing_pending() {
    let mut world = World::new();
    let lane = world.lane(stock());
    let outcome = world.export(lane, 2);
    world.dispatcher =
        super::super::dispatcher::Dispatcher::new(super::super::retry::Jitter::seeded(1));
    assert_eq!(outcome.try_recv().unwrap().dropped[crate::error::DropReason::InternalError], 2);
    world.answer(status(503));
    assert_eq!(world.stats(lane).pending, 0);
}

#[test]
fn what_a_shutdown_leaves_no_time_for_is_its_loss_and_what_was_too_old_is_not() {
    // The batch has ten seconds; its last attempts fail a moment before.
    for (closing_millis, reason) in
        [(30_000, RetriesExhausted), (10_300, ShutdownDeadline), (9_990, ShutdownDeadline)]
    {
        let mut world = World::new();
        let lane = world.lane(stock());
        let outcome = world.export(lane, 1);
        world.shutdown(lane, millis(closing_millis));
        world.advance(millis(9_900));
        world.answer(status(503));
        assert_eq!(world.sent.len(), 2, "the last chance");
        world.advance(millis(50));
        world.answer(status(503));
        let outcome = outcome.try_recv().unwrap();
        assert_eq!(outcome.dropped[reason], 1, "{closing_millis}: {outcome:?}");
    }
}
