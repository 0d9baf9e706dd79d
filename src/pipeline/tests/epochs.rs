//! Flush epochs: neither too early nor too late, whatever the order of settlement.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::super::{
    completion::Completion,
    flush::{FlushCell, FlushMode},
    ledger::Ledger,
    permit::Permit,
    retry::Jitter,
};
use crate::config::{Overflow, QueueConfig};

fn ledger() -> Arc<Ledger> {
    let queue = QueueConfig {
        max_spans: u64::MAX >> 1,
        max_bytes: u64::MAX >> 1,
        overflow: Overflow::DropNewest,
    };
    Ledger::new(queue, Arc::default())
}

fn admit(ledger: &Arc<Ledger>, spans: u64) -> Permit {
    let admission =
        ledger.admit(spans, 1, Completion::new(|_| ())).unwrap_or_else(|_| panic!("there is room"));
    Permit::new(Arc::clone(ledger), admission.key, admission.epoch, spans)
}

fn flush(ledger: &Arc<Ledger>, mode: FlushMode) -> mpsc::Receiver<()> {
    let (done, waiting) = mpsc::channel();
    let cell = Arc::new(FlushCell::new(
        1,
        |_| 0,
        Box::new(move |_| {
            let _ = done.send(());
        }),
    ));
    ledger.flush(&cell, mode);
    waiting
}

const ROUNDS: u64 = if cfg!(miri) { 1 } else { 10 };
const CALLS: usize = if cfg!(miri) { 40 } else { 1_500 };

/// Four producers, four settlers in random order, three flushers. What a flush has to cover is recorded outside of
/// the ledger: the index of every admission, taken under a lock that also covers the admission.
#[test]
fn r41_no_flush_returns_early() {
    let mut waited = 0;
    for round in 0..ROUNDS {
        let ledger = ledger();
        let settled: Vec<AtomicBool> = (0..4 * CALLS).map(|_| AtomicBool::new(false)).collect();
        let order = Mutex::new(0);
        let (sender, receiver) = mpsc::channel::<(usize, Permit)>();
        let receiver = Mutex::new(receiver);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let producers: Vec<_> = (0..4)
                .map(|id| {
                    let (sender, ledger, order) = (sender.clone(), &ledger, &order);
                    scope.spawn(move || {
                        let mut random = Jitter::seeded(round * 977 + id);
                        for _ in 0..CALLS {
                            let admitted = {
                                let mut next = order.lock().unwrap();
                                let index = *next;
                                *next += 1;
                                (index, admit(ledger, 1 + (random.next() * 5.0) as u64))
                            };
                            sender.send(admitted).unwrap();
                            if random.next() < 0.02 {
                                thread::yield_now();
                            }
                        }
                    })
                })
                .collect();
            drop(sender);
            let settlers: Vec<_> = (0..4)
                .map(|id| {
                    let (receiver, settled) = (&receiver, &settled);
                    scope.spawn(move || {
                        let mut random = Jitter::seeded(round * 31 + id + 50);
                        let mut held: VecDeque<(usize, Permit)> = VecDeque::new();
                        let finish = |(index, mut permit): (usize, Permit)| {
                            if permit.spans() > 1 {
                                drop(permit.split(1));
                            }
                            settled[index].store(true, Ordering::SeqCst);
                            drop(permit);
                        };
                        loop {
                            let Ok(next) = receiver.lock().unwrap().recv() else { break };
                            held.push_back(next);
                            while held.len() > (random.next() * 20.0) as usize {
                                let index = (random.next() * held.len() as f64) as usize;
                                finish(held.swap_remove_back(index).unwrap());
                            }
                        }
                        held.into_iter().for_each(finish);
                    })
                })
                .collect();
            let flushers: Vec<_> = (0..3)
                .map(|_| {
                    let (ledger, order, settled, stop) = (&ledger, &order, &settled, &stop);
                    scope.spawn(move || {
                        let (mut waited, mut verified) = (0, 0);
                        while !stop.load(Ordering::SeqCst) {
                            let (covered, done) = {
                                let next = order.lock().unwrap();
                                (*next, flush(ledger, FlushMode::Terminal))
                            };
                            if done.try_recv().is_err() {
                                waited += 1;
                                done.recv_timeout(Duration::from_secs(20)).expect("a flush hangs");
                            }
                            // What is settled stays so: the part before has been looked at.
                            let rest = settled.iter().enumerate().take(covered).skip(verified);
                            for (index, settled) in rest {
                                assert!(
                                    settled.load(Ordering::SeqCst),
                                    "returned before admission {index} of {covered}"
                                );
                            }
                            verified = covered;
                        }
                        waited
                    })
                })
                .collect();
            producers.into_iter().chain(settlers).for_each(|thread| thread.join().unwrap());
            stop.store(true, Ordering::SeqCst);
            waited += flushers.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>();
        });
        assert_eq!((ledger.pending(), ledger.footprint()), (0, 0));
    }
    assert!(waited > 0, "no flush ever had to wait: the test proves nothing");
}

#[test]
fn r41_r40_no_flush_waits_for_what_came_after_it() {
    for mode in [FlushMode::Terminal, FlushMode::Attempt] {
        for _ in 0..if cfg!(miri) { 10 } else { 5_000 } {
            let ledger = ledger();
            let early = admit(&ledger, 1);
            let first = flush(&ledger, mode);
            let late = admit(&ledger, 1);
            let second = flush(&ledger, mode);
            assert!(first.try_recv().is_err());
            let end = |permit: &Permit| {
                if mode == FlushMode::Attempt {
                    permit.attempted();
                }
            };
            end(&early);
            let early = if mode == FlushMode::Terminal {
                drop(early);
                None
            } else {
                Some(early)
            };
            first.try_recv().expect("the first flush waits for a later span");
            assert!(second.try_recv().is_err());
            end(&late);
            let late = if mode == FlushMode::Terminal {
                drop(late);
                None
            } else {
                Some(late)
            };
            second.try_recv().unwrap();
            drop((early, late));
        }
    }
}

#[test]
fn r41_a_later_span_settled_first_does_not_end_an_earlier_flush() {
    let ledger = ledger();
    let early = admit(&ledger, 1);
    let _first = flush(&ledger, FlushMode::Terminal);
    let late = admit(&ledger, 1);
    let second = flush(&ledger, FlushMode::Terminal);
    drop(late);
    assert!(second.try_recv().is_err(), "it covers the early span, too");
    drop(early);
    second.try_recv().unwrap();
}

#[test]
fn r69_unwinding_settles_what_it_passes() {
    let ledger = ledger();
    let permit = admit(&ledger, 7);
    let done = flush(&ledger, FlushMode::Terminal);
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _permit = permit;
        std::panic::resume_unwind(Box::new("stage"));
    }));
    assert!(unwound.is_err());
    done.try_recv().expect("the flush is over");
    assert_eq!(ledger.pending(), 0);
    assert_eq!(ledger.snapshot().dropped[crate::error::DropReason::InternalError], 7);
}

#[test]
fn r41_memory_is_bounded_by_flushes_and_pending_spans_not_by_traffic() {
    let calls = if cfg!(miri) { 2_000 } else { 100_000 };
    let ledger = ledger();
    let stuck = admit(&ledger, 1);
    for call in 0..calls {
        drop(admit(&ledger, 1));
        if call % 1_000 == 0 {
            // Its caller has given up: nothing of it may stay.
            let cell = Arc::new(FlushCell::new(1, |_| 0, Box::new(|_| ())));
            let epoch = ledger.flush(&cell, FlushMode::Terminal);
            ledger.abandon_flush(epoch, &cell);
        }
    }
    assert_eq!(ledger.footprint(), 1, "one stuck span, one epoch");
    drop(stuck);
    assert_eq!(ledger.footprint(), 0);
}
