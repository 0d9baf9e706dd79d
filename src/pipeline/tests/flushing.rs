//! Flushes: exact, bounded, and in nobody's way.

use super::super::{
    dispatcher::Event,
    flush::{
        FlushMode::{Attempt, Terminal},
        FlushOutcome,
    },
    simulation::{World, failed, long, millis, secs, status, stock, throttled},
};
use crate::{
    config::Config,
    sink::{ContentEncoding, SendErrorKind::Refused},
};

const DONE: FlushOutcome = FlushOutcome { timed_out: false, outstanding: 0 };

#[test]
fn r28_an_unrelated_batch_is_posted_while_a_flush_waits_for_a_stalled_one() {
    for mode in [Terminal, Attempt] {
        let mut world = World::new();
        let lane = world.lane(long());
        let _stalled = world.export(lane, 1);
        let flush = world.flush(lane, mode, secs(60));
        let _unrelated = world.export(lane, 1);
        assert_eq!(world.sent.len(), 2, "{mode:?}: posted at the moment it was ready");
        assert!(flush.try_recv().is_err());
    }
}

#[test]
fn r28_also_while_a_shutdown_waits() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _stalled = world.export(lane, 1);
    let (permit, _outcome) = world.admit(lane, 1, 10);
    world.shutdown(lane, secs(5));
    let batch = world.encoded(lane, vec![permit.unwrap()], 10, ContentEncoding::Identity);
    world.step(Event::Ready(batch));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn r27_a_stalled_request_takes_one_place_only() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _stalled = world.export(lane, 1);
    let stalled = world.open[0];
    let others: Vec<_> = (0..100).map(|_| world.export(lane, 1)).collect();
    while let Some(next) = world.open.iter().find(|attempt| **attempt != stalled).copied() {
        world.answer_batch(next.batch, status(200));
    }
    assert!(others.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
    assert_eq!(world.open, [stalled]);
}

#[test]
fn r40_what_comes_after_a_flush_does_not_delay_it() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _early = world.export(lane, 1);
    let early = world.open[0].batch;
    let flush = world.flush(lane, Terminal, secs(60));
    let _late = world.export(lane, 1);
    world.answer_batch(early, status(200));
    assert_eq!(flush.try_recv(), Ok(DONE));
}

#[test]
fn r42_a_flush_waits_for_every_batch_before_it() {
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let mut world = World::new();
        let lane = world.lane(Config { max_concurrency: 5, ..long() });
        let _outcomes: Vec<_> = (0..5).map(|_| world.export(lane, 1)).collect();
        let batches: Vec<_> = world.open.iter().map(|attempt| attempt.batch).collect();
        let flush = world.flush(lane, Terminal, secs(60));
        for index in order {
            assert!(flush.try_recv().is_err());
            world.answer_batch(batches[index], status(200));
        }
        assert_eq!(flush.try_recv(), Ok(DONE));
    }
}

#[test]
fn r44_a_flush_waits_for_an_export_in_flight_and_for_its_retries() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 1);
    let flush = world.flush(lane, Terminal, secs(60));
    world.advance(secs(1));
    assert!(flush.try_recv().is_err());
    world.answer(failed(Refused));
    assert!(flush.try_recv().is_err());
    world.serve(secs(10), |_, _| status(200));
    assert_eq!(flush.try_recv(), Ok(DONE));
}

#[test]
fn r43_an_attempt_flush_returns_after_one_attempt_each_and_leaves_the_rest_queued() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcomes: Vec<_> = (0..3).map(|_| world.export(lane, 1)).collect();
    for _ in 0..3 {
        world.answer(failed(Refused));
    }
    // All three wait for their retries: made due at once, one attempt each, and that is it.
    for round in 1..=2 {
        let before = world.sent.len();
        let flush = world.flush(lane, Attempt, secs(60));
        while !world.open.is_empty() {
            assert!(flush.try_recv().is_err());
            world.answer(failed(Refused));
        }
        assert_eq!(
            flush.try_recv(),
            Ok(FlushOutcome { timed_out: false, outstanding: 3 }),
            "round {round}"
        );
        assert!(world.sent.len() - before <= 3);
        assert_eq!(world.stats(lane).pending, 3);
    }
}

#[test]
fn r43_while_the_endpoint_is_held_one_probe_stands_for_all() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcomes: Vec<_> = (0..50).map(|_| world.export(lane, 1)).collect();
    for _ in 0..5 {
        world.answer(failed(Refused));
    }
    while !world.open.is_empty() {
        world.answer(failed(Refused));
    }
    let before = world.sent.len();
    let flush = world.flush(lane, Attempt, secs(60));
    assert_eq!(world.sent.len(), before + 1, "one probe, at once, although the breaker is open");
    world.answer(failed(Refused));
    assert_eq!(flush.try_recv(), Ok(FlushOutcome { timed_out: false, outstanding: 50 }));
    let flush = world.flush(lane, Attempt, secs(60));
    world.serve(secs(1), |_, _| status(200));
    assert_eq!(flush.try_recv(), Ok(DONE), "the probe succeeded: all follow");
}

#[test]
fn r41_an_attempt_flush_does_not_wait_for_the_re_attempts_of_a_later_one() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcomes = [world.export(lane, 1), world.export(lane, 1)];
    let (one, other) = (world.open[0].batch, world.open[1].batch);
    let first = world.flush(lane, Attempt, secs(60));
    world.answer_batch(one, failed(Refused));
    let second = world.flush(lane, Attempt, secs(60));
    // `one` is under way again, for the second flush only.
    assert!(world.open.iter().any(|attempt| attempt.batch == one));
    world.answer_batch(other, failed(Refused));
    assert!(first.try_recv().is_ok(), "both have had their attempt since the first flush");
    assert!(second.try_recv().is_err());
    world.answer_batch(one, failed(Refused));
    assert!(second.try_recv().is_ok());
}

#[test]
fn r45_an_attempt_flush_waits_for_what_is_still_being_transformed() {
    let mut world = World::new();
    let lane = world.lane(long());
    let (permit, _outcome) = world.admit(lane, 2, 10);
    let flush = world.flush(lane, Attempt, secs(60));
    assert!(flush.try_recv().is_err());
    let batch = world.encoded(lane, vec![permit.unwrap()], 10, ContentEncoding::Identity);
    world.step(Event::Ready(batch));
    assert!(flush.try_recv().is_err());
    world.answer(failed(Refused));
    assert_eq!(flush.try_recv(), Ok(FlushOutcome { timed_out: false, outstanding: 2 }));
}

#[test]
fn r46_a_flush_that_runs_out_of_time_says_so_and_drops_nothing() {
    for mode in [Terminal, Attempt] {
        let mut world = World::new();
        let lane = world.lane(long());
        let outcome = world.export(lane, 4);
        let flush = world.flush(lane, mode, millis(100));
        world.advance(millis(99));
        assert!(flush.try_recv().is_err());
        world.advance(millis(1));
        assert_eq!(flush.try_recv(), Ok(FlushOutcome { timed_out: true, outstanding: 4 }));
        world.answer(status(200));
        assert_eq!(outcome.try_recv().unwrap().delivered, 4);
    }
}

#[test]
fn a_flush_does_not_break_a_pause_that_the_endpoint_asked_for() {
    let mut world = World::new();
    let lane = world.lane(long());
    let _outcome = world.export(lane, 1);
    world.answer(throttled(429, "10"));
    let _flush = world.flush(lane, Attempt, secs(60));
    world.advance(millis(9_999));
    assert_eq!(world.sent.len(), 1);
    world.advance(millis(1));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn a_flush_with_nothing_to_wait_for_is_over_at_once() {
    let mut world = World::new();
    let lane = world.lane(stock());
    for mode in [Terminal, Attempt] {
        assert_eq!(world.flush(lane, mode, secs(1)).try_recv(), Ok(DONE));
    }
}

#[test]
fn a_probe_that_fails_stands_for_what_is_held_with_it_and_for_nothing_else() {
    let mut world = World::new();
    let one = world.lane(Config { max_concurrency: 8, ..long() });
    let other = world.lane(Config { max_concurrency: 1, max_under_way: 1, ..long() });
    let _others = [world.export(other, 1), world.export(other, 1)];
    let fail_next = |world: &mut World| {
        let attempt = world.open.iter().find(|attempt| attempt.lane == one).copied();
        world.answer_batch(attempt.expect("a request is under way").batch, status(503));
    };
    let _ill: Vec<_> = (0..5).map(|_| world.export(one, 1)).collect();
    (0..5).for_each(|_| fail_next(&mut world));
    let _held = [world.export(one, 1), world.export(one, 1)];
    let before = world.sent.len();
    let [of_one, of_other] = [one, other].map(|lane| world.flush(lane, Attempt, secs(60)));
    assert_eq!(world.sent.len(), before + 1, "one finds out for all");
    assert!(of_one.try_recv().is_err());
    fail_next(&mut world);
    assert!(of_one.try_recv().is_ok_and(|flush| !flush.timed_out));
    assert!(of_other.try_recv().is_err());
    let of_its_first = world.open.iter().position(|attempt| attempt.lane == other).unwrap();
    world.answer_batch(world.open[of_its_first].batch, status(200));
    assert!(of_other.try_recv().is_err(), "its second batch is under way");
    world.answer_batch(world.open.last().unwrap().batch, status(200));
    assert!(of_other.try_recv().is_ok_and(|flush| !flush.timed_out));
}
