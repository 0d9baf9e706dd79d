//! The ledger's bounds and its conservation law, with threads racing.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use super::super::{
    completion::{Completion, Fate},
    ledger::Ledger,
    permit::Permit,
    retry::Jitter,
};
use crate::{
    config::{Overflow, QueueConfig},
    error::DropReason,
};

fn ledger(max_spans: u64, max_bytes: u64) -> Arc<Ledger> {
    Ledger::new(
        QueueConfig { max_spans, max_bytes, overflow: Overflow::DropNewest },
        Arc::default(),
    )
}

fn admit(ledger: &Arc<Ledger>, spans: u64, bytes: u64) -> Result<Permit, DropReason> {
    match ledger.admit(spans, bytes, Completion::new(|_| ())) {
        Ok(admission) => Ok(Permit::new(Arc::clone(ledger), admission.key, admission.epoch, spans)),
        Err((reason, _)) => Err(reason),
    }
}

const ROUNDS: u64 = if cfg!(miri) { 3 } else { 1_000 };

#[test]
fn r26_reservation_is_exact_when_producers_race_for_the_last_slots() {
    let ledgers: Vec<_> = (0..ROUNDS).map(|_| ledger(10, 1_000)).collect();
    let start = Barrier::new(8);
    let admitted: Vec<Vec<Permit>> = thread::scope(|scope| {
        let race = || {
            let mut admitted = Vec::new();
            for ledger in &ledgers {
                start.wait();
                admitted.extend((0..5).filter_map(|_| admit(ledger, 1, 1).ok()));
            }
            admitted
        };
        let producers: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
        producers.into_iter().map(|producer| producer.join().unwrap()).collect()
    });
    assert_eq!(admitted.iter().map(Vec::len).sum::<usize>() as u64, 10 * ROUNDS);
    for ledger in &ledgers {
        let stats = ledger.snapshot();
        assert_eq!((stats.pending, stats.refused[DropReason::QueueFull]), (10, 30));
        assert!(stats.is_conserved());
    }
}

#[test]
fn r22_r12_bounds_at_one_below_at_and_one_above() {
    for (spans, bytes, result) in [
        (9, 10, None),
        (10, 10, None),
        (11, 10, Some(DropReason::QueueFull)),
        (1, 99, None),
        (1, 100, None),
        // It could never fit.
        (1, 101, Some(DropReason::TooLarge)),
    ] {
        assert_eq!(
            admit(&ledger(10, 100), spans, bytes).err(),
            result,
            "{spans} spans, {bytes} bytes"
        );
    }
    let ledger = ledger(10, 100);
    let _held = admit(&ledger, 1, 60).unwrap();
    assert_eq!(admit(&ledger, 1, 41).err(), Some(DropReason::BytesFull));
    let _fits = admit(&ledger, 1, 40).unwrap();
    assert_eq!(ledger.room(), (8, 0));
    assert!(ledger.snapshot().is_conserved());
}

#[test]
fn room_counts_what_drop_oldest_would_void_and_nothing_that_is_on_its_way() {
    let queue = QueueConfig { max_spans: 10, max_bytes: 1_000, overflow: Overflow::DropOldest };
    let ledger = Ledger::new(queue, Arc::default());
    let permits: Vec<_> = (0..10).map(|_| admit(&ledger, 1, 90).unwrap()).collect();
    assert_eq!(ledger.room(), (0, 100), "all of them are being encoded");
    permits[..4].iter().for_each(|permit| drop(permit.park(1)));
    assert_eq!(ledger.room(), (4, 460));
    assert!(permits[0].unpark());
    assert_eq!(ledger.room(), (3, 370));
    let _new = admit(&ledger, 3, 370).unwrap();
    assert_eq!(ledger.room(), (0, 0));
    assert!(ledger.snapshot().is_conserved());
}

#[test]
fn r20_a_bound_on_everything_that_is_not_terminal() {
    let ledger = ledger(10, 1_000);
    let permits: Vec<_> = (0..10).map(|_| admit(&ledger, 1, 10).unwrap()).collect();
    // Whatever stage they are in: attempted, parked, split.
    permits.iter().for_each(Permit::attempted);
    permits.iter().for_each(|permit| drop(permit.park(1)));
    assert_eq!(admit(&ledger, 1, 1).err(), Some(DropReason::QueueFull));
    drop(permits);
    assert_eq!(ledger.room(), (10, 1_000));
}

#[test]
fn r21_the_charge_follows_the_representation() {
    let ledger = ledger(10, 1_000);
    let permit = admit(&ledger, 4, 900).unwrap();
    assert_eq!(admit(&ledger, 1, 200).err(), Some(DropReason::BytesFull));
    permit.recharge(300);
    assert_eq!(ledger.snapshot().pending_bytes, 300);
    let other = admit(&ledger, 1, 700).unwrap();
    drop(permit);
    assert_eq!(ledger.snapshot().pending_bytes, 700);
    drop(other);
    assert_eq!(ledger.snapshot().pending_bytes, 0);
}

#[test]
fn r21_what_has_grown_fits_or_goes_when_it_comes_to_wait() {
    for (others, encoded, overflow, lost) in [
        // It fits.
        (500, 500, Overflow::DropNewest, 0),
        (500, 501, Overflow::DropNewest, 1),
        (500, 501, Overflow::DropOldest, 2),
        // Alone it could never fit.
        (0, 1_001, Overflow::DropNewest, 1),
        (0, 1_001, Overflow::DropOldest, 1),
    ] {
        let queue = QueueConfig { max_spans: 10, max_bytes: 1_000, overflow };
        let ledger = Ledger::new(queue, Arc::default());
        let older = admit(&ledger, 2, others).unwrap();
        drop(older.park(1));
        let grown = admit(&ledger, 1, 300).unwrap();
        grown.recharge(encoded);
        assert_eq!(ledger.snapshot().dropped.total(), 0, "on credit while it is being worked on");
        let mut bereft = ledger.finish_eviction(grown.park(2));
        let stats = ledger.snapshot();
        assert!(stats.is_conserved() && stats.pending_bytes <= 1_000, "{stats:?}");
        assert_eq!(stats.dropped[DropReason::BytesFull], lost, "{encoded} {overflow:?}");
        // With nothing to gain by it, the older one stays.
        bereft.sort_unstable();
        let expected: &[u64] = match (lost, overflow) {
            (0, _) => &[],
            (_, Overflow::DropNewest) => &[2],
            (2, Overflow::DropOldest) => &[1],
            (_, Overflow::DropOldest) => &[2],
        };
        assert_eq!(bereft, expected, "{others} {encoded} {overflow:?}");
    }
}

#[test]
fn r21_what_has_not_grown_does_not_pay_for_what_has() {
    let ledger = ledger(10, 1_000);
    let grown = admit(&ledger, 1, 500).unwrap();
    let other = admit(&ledger, 1, 500).unwrap();
    grown.recharge(900);
    assert!(ledger.finish_eviction(other.park(1)).is_empty());
    assert!(other.is_live());
    assert_eq!(ledger.finish_eviction(grown.park(2)), [2]);
    assert!(!grown.is_live());
    assert_eq!(ledger.snapshot().pending_bytes, 500);
}

#[test]
fn r73_no_order_of_settling_makes_a_counter_wrap() {
    let steps = if cfg!(miri) { 2_000 } else { 1_000_000 };
    let ledger = ledger(1 << 40, 1 << 50);
    let mut random = Jitter::seeded(3);
    let mut below = |limit: u64| (random.next() * limit as f64) as u64;
    let mut held: Vec<Permit> = Vec::new();
    let mut settled = 0;
    while settled < steps {
        if held.len() < 50 {
            held.push(admit(&ledger, 1 + below(40), below(10_000)).unwrap());
        }
        let index = below(held.len() as u64) as usize;
        let permit = &mut held[index];
        match below(5) {
            // More than it owns: only what it owns is settled.
            0 => permit.settle_some(below(60), Fate::Delivered, None),
            1 => permit.settle_some(below(3), Fate::Rejected, None),
            2 => {
                let half = permit.split(below(20));
                held.push(half);
            }
            3 => permit.recharge(below(10_000)),
            _ => drop(held.swap_remove(index)),
        }
        settled += 1;
    }
    let stats = ledger.snapshot();
    assert!(stats.is_conserved(), "{stats:?}");
    assert_eq!(stats.pending, held.iter().map(Permit::spans).sum::<u64>());
    drop(held);
    let stats = ledger.snapshot();
    assert_eq!((stats.pending, stats.pending_bytes, stats.exports_under_way), (0, 0, 0));
    assert_eq!(ledger.footprint(), 0);
}

#[test]
fn r74_r24_the_identities_hold_in_every_snapshot_while_threads_race() {
    let ledger = ledger(200, 20_000);
    let producers = AtomicU64::new(4);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (ledger, producers) = (&ledger, &producers);
            scope.spawn(move || {
                let mut random = Jitter::seeded(seed);
                let mut held = Vec::new();
                for _ in 0..ROUNDS * 3 {
                    if let Ok(permit) = admit(ledger, 1 + (random.next() * 9.0) as u64, 50) {
                        held.push(permit);
                    }
                    if random.next() < 0.5 && !held.is_empty() {
                        let mut permit =
                            held.swap_remove((random.next() * held.len() as f64) as usize);
                        permit.settle_some(1, Fate::Delivered, None);
                        permit.settle_some(1, Fate::Rejected, None);
                    }
                }
                producers.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while producers.load(Ordering::SeqCst) > 0 {
            let stats = ledger.snapshot();
            assert!(stats.is_conserved() && stats.pending <= 200, "{stats:?}");
        }
    });
    assert_eq!(ledger.snapshot().pending, 0);
}

#[test]
fn r48_every_call_is_answered_once_with_its_own_counts() {
    for (fates, delivered, rejected, dropped) in [
        (vec![(5, Fate::Delivered)], 5, 0, 0),
        (vec![(2, Fate::Delivered), (3, Fate::Rejected)], 2, 3, 0),
        (vec![(1, Fate::Dropped(DropReason::Invalid)), (4, Fate::Delivered)], 4, 0, 1),
        // Nobody settles the rest: the permit's own end does.
        (vec![(1, Fate::Delivered)], 1, 0, 4),
        (vec![], 0, 0, 5),
    ] {
        let ledger = ledger(10, 100);
        let (done, outcomes) = mpsc::channel();
        let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
        let admission = ledger.admit(5, 10, completion).unwrap_or_else(|_| panic!("there is room"));
        let mut permit = Permit::new(Arc::clone(&ledger), admission.key, admission.epoch, 5);
        for (spans, fate) in fates {
            permit.settle_some(spans, fate, None);
        }
        drop(permit);
        let outcome = outcomes.try_recv().unwrap();
        assert_eq!(
            (outcome.delivered, outcome.rejected, outcome.dropped.total()),
            (delivered, rejected, dropped)
        );
        assert!(outcomes.try_recv().is_err());
    }
    // A completion that nobody could take is answered by its own end.
    let (done, outcomes) = mpsc::channel();
    drop(Completion::new(move |outcome| done.send(outcome).unwrap()));
    assert_eq!(outcomes.try_recv().unwrap().error.unwrap().code, "internal_error");
}

#[test]
fn a_completion_that_panics_hurts_nobody() {
    let ledger = ledger(10, 100);
    let completion = Completion::new(|_| std::panic::resume_unwind(Box::new("callback")));
    let admission = ledger.admit(5, 10, completion).unwrap_or_else(|_| panic!("there is room"));
    drop(Permit::new(Arc::clone(&ledger), admission.key, admission.epoch, 5));
    assert_eq!(ledger.snapshot().pending, 0);
}

#[test]
fn a_partial_success_of_several_calls_takes_the_last_spans_in_wire_order() {
    let mut world = super::super::simulation::World::new();
    let lane = world.lane(super::super::simulation::stock());
    let (first, one) = world.admit(lane, 4, 10);
    let (second, other) = world.admit(lane, 6, 10);
    let permits = vec![first.unwrap(), second.unwrap()];
    let batch = world.encoded(lane, permits, 20, crate::sink::ContentEncoding::Identity);
    batch.settle_partially(8);
    let (one, other) = (one.try_recv().unwrap(), other.try_recv().unwrap());
    assert_eq!((one.delivered, one.rejected, other.delivered, other.rejected), (2, 2, 0, 6));
}
