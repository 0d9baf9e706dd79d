//! The end of an exporter and of a process, with everybody in a hurry.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::Config,
    exporter::{Completion, Engine, Exporter, FlushMode},
    handoff::RawBatch,
    sink::{Request, SendErrorKind, SendOutcome, Sending, Sink},
};
use support::{Accept, PATIENCE, bench, export, patient, plain, take};

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn r47_flush_shutdown_and_export_race_and_all_return() {
    let rounds = 250;
    let engine = Engine::new(1);
    for round in 0..rounds {
        let exporter =
            Exporter::on(Arc::clone(&engine), Config::default(), Arc::new(Accept), plain())
                .unwrap();
        let (answers, inbox) = mpsc::channel();
        thread::scope(|scope| {
            for thread_number in 0..4u64 {
                let (exporter, answers) = (&exporter, answers.clone());
                scope.spawn(move || {
                    for step in 0..4u64 {
                        let answers = answers.clone();
                        match (round + thread_number * 7 + step * 3) % 5 {
                            0 => exporter
                                .shutdown(LONG, Box::new(move |_| answers.send(()).unwrap())),
                            1 => exporter.force_flush(
                                FlushMode::Terminal,
                                LONG,
                                Box::new(move |_| answers.send(()).unwrap()),
                            ),
                            2 => exporter.force_flush(
                                FlushMode::Attempt,
                                LONG,
                                Box::new(move |_| answers.send(()).unwrap()),
                            ),
                            _ => {
                                let completion =
                                    Completion::new(move |_| answers.send(()).unwrap());
                                match exporter.admit(1, 10, completion) {
                                    Ok(ticket) => {
                                        exporter.submit(ticket, RawBatch::for_test(1, 10))
                                    }
                                    Err(refused) => refused.answer(),
                                }
                            }
                        }
                    }
                });
            }
        });
        for _ in 0..16 {
            inbox
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("round {round}: somebody waits for ever"));
        }
        assert!(exporter.stats().is_conserved());
    }
}

#[test]
fn r61_producers_that_hammer_during_shutdown_are_all_answered() {
    let exporter =
        Exporter::on(Engine::new(2), Config::default(), Arc::new(Accept), plain()).unwrap();
    let answered = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let answered = Arc::clone(&answered);
                    let completion = Completion::new(move |_| {
                        answered.fetch_add(1, Ordering::SeqCst);
                    });
                    match exporter.admit(1, 10, completion) {
                        Ok(ticket) => exporter.submit(ticket, RawBatch::for_test(1, 10)),
                        Err(refused) => refused.answer(),
                    }
                }
            });
        }
        scope.spawn(|| exporter.shutdown(LONG, Box::new(|_| ())));
    });
    let (done, wait) = mpsc::channel();
    exporter.shutdown(LONG, Box::new(move |outcome| done.send(outcome).unwrap()));
    assert!(!take(&wait).timed_out);
    let stats = exporter.stats();
    assert!(stats.is_conserved() && stats.pending == 0, "{stats:?}");
    assert_eq!(stats.offered, 4_000);
    assert_eq!(answered.load(Ordering::SeqCst), 4_000);
}

#[test]
fn r50_concurrent_shutdowns_are_one_teardown_with_one_outcome() {
    let bench = bench(patient());
    let _outcome = bench.export(2);
    let _stalled = bench.next();
    let callers: Vec<_> = (0..10).map(|_| bench.shutdown(Duration::from_millis(100))).collect();
    let outcomes: Vec<_> = callers.iter().map(take).collect();
    assert!(
        outcomes.iter().all(|outcome| outcome.timed_out && outcome.dropped == 2),
        "{outcomes:?}"
    );
    bench.wait_for_threads();
    assert!(!take(&bench.shutdown(LONG)).timed_out, "afterwards there is nothing left to do");
}

#[test]
fn drain_blocking_returns_when_all_is_delivered() {
    let exporter =
        Exporter::on(Engine::new(1), Config::default(), Arc::new(Accept), plain()).unwrap();
    let outcomes: Vec<_> = (0..300).map(|_| export(&exporter, 1)).collect();
    assert_eq!(exporter.drain_blocking(Instant::now() + PATIENCE), 0);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv().unwrap().delivered == 1));
}

/// Nobody listens.
struct Refuse;

impl Sink for Refuse {
    fn send(&self, _request: Request) -> Sending {
        Box::pin(async {
            SendOutcome::Failed(offloop::sink::SendError::new(SendErrorKind::Refused, "refused"))
        })
    }
}

#[test]
fn drain_blocking_does_not_wait_for_an_endpoint_that_has_proved_dead() {
    let exporters: Vec<_> = (0..2)
        .map(|_| Exporter::on(Engine::new(1), patient(), Arc::new(Refuse), plain()).unwrap())
        .collect();
    let _outcomes: Vec<_> =
        exporters.iter().flat_map(|exporter| (0..50).map(|_| export(exporter, 1))).collect();
    let all: Vec<_> = exporters.iter().map(AsRef::as_ref).collect();
    // Comes back long before the deadline, and leaves the spans where they are.
    assert_eq!(Exporter::drain_all_blocking(&all, Instant::now() + PATIENCE * 10), 100);
}

#[test]
fn drain_blocking_ends_at_its_deadline() {
    let bench = bench(patient());
    let _outcome = bench.export(7);
    let _stalled = bench.next();
    assert_eq!(bench.exporter.drain_blocking(Instant::now() + Duration::from_millis(20)), 7);
}

#[test]
fn f59_why_spans_are_lost_is_known_as_soon_as_they_are() {
    let bench = bench(patient());
    let (said, heard) = mpsc::channel();
    let engine = Arc::clone(&bench.engine);
    // The end of the process may begin here: nothing is pending any more.
    let completion = Completion::new(move |_| said.send(engine.owing()).unwrap());
    let ticket = bench.exporter.admit(7, 70, completion).unwrap();
    bench.exporter.submit(ticket, RawBatch::for_test(7, 70));
    bench.next().status(400);
    let owing = take(&heard);
    let lane = owing.first().unwrap();
    assert_eq!((lane.pending, lane.dropped), (0, 7));
    assert!(lane.trouble.as_ref().is_some_and(|trouble| trouble.contains("400")), "{lane:?}");
}
