//! What a panic costs on each thread, and what it does not.
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
    error::DropReason,
    exporter::{Completion, Engine, Exporter, FlushMode, Level, Notice},
    pipeline::faults::Stage,
    sink::{Reply, Request, SendOutcome, Sending, Sink},
};
use support::{Accept, PATIENCE, bench, export, patient, plain, take};

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn r70_f64_a_worker_that_panics_is_replaced() {
    let bench = bench(patient());
    bench.engine.inject_fault(Stage::Worker, 1);
    assert_eq!(take(&bench.export(3)).dropped[DropReason::InternalError], 3);
    for _ in 0..100 {
        let outcome = bench.export(1);
        bench.next().status(200);
        assert_eq!(take(&outcome).delivered, 1);
    }
    assert!(!take(&bench.flush(FlushMode::Terminal, LONG)).timed_out);
    assert_eq!(bench.exporter.stats().pending, 0);
}

#[test]
fn r70_f64_a_dispatcher_that_panics_is_replaced_and_what_it_owned_is_settled() {
    let bench = bench(patient());
    let in_flight = bench.export(2);
    let at_gate = bench.next();
    let flushes = [FlushMode::Terminal, FlushMode::Attempt].map(|mode| bench.flush(mode, LONG));
    bench.engine.inject_fault(Stage::Dispatcher, 1);
    let next = bench.export(1);
    assert_eq!(take(&in_flight).dropped[DropReason::InternalError], 2);
    let end = Instant::now() + PATIENCE;
    while !at_gate.is_aborted() {
        assert!(Instant::now() < end, "the attempt lives on");
        thread::yield_now();
    }
    for flush in flushes {
        assert!(!take(&flush).timed_out, "a flush outlives the dispatcher");
    }
    // The batch that woke it may have gone with it; the next ones are served.
    let _ = next;
    let outcome = bench.export(1);
    loop {
        bench.next().status(200);
        if let Ok(outcome) = outcome.recv_timeout(Duration::from_millis(200)) {
            assert_eq!(outcome.delivered, 1);
            break;
        }
    }
    let stats = bench.exporter.stats();
    assert!(stats.is_conserved() && !stats.degraded, "{stats:?}");
}

#[test]
fn f64_a_shutdown_outlives_the_dispatcher_too() {
    let bench = bench(patient());
    let outcome = bench.export(1);
    let _at_gate = bench.next();
    let shutdown = bench.shutdown(LONG);
    assert!(shutdown.try_recv().is_err());
    bench.engine.inject_fault(Stage::Dispatcher, 1);
    // Any message wakes it.
    let _flush = bench.flush(FlushMode::Terminal, LONG);
    take(&outcome);
    assert!(!take(&shutdown).timed_out);
    bench.wait_for_threads();
}

#[test]
fn r71_f64_an_engine_that_keeps_panicking_fails_fast_and_does_not_spin() {
    for stage in [Stage::Dispatcher, Stage::Worker] {
        let bench = bench(patient());
        bench.engine.inject_fault(stage, 1_000);
        let end = Instant::now() + PATIENCE;
        while !bench.engine.is_degraded() {
            assert!(Instant::now() < end, "{stage:?}: never degraded");
            let outcome = take(&export(&bench.exporter, 1));
            assert_eq!(outcome.dropped[DropReason::InternalError], 1, "{stage:?}");
        }
        let outcome = take(&export(&bench.exporter, 4));
        assert_eq!(outcome.dropped[DropReason::InternalError], 4);
        let stats = bench.exporter.stats();
        assert!(stats.degraded && stats.is_conserved() && stats.pending == 0, "{stats:?}");
        take(&bench.flush(FlushMode::Attempt, LONG));
        take(&bench.shutdown(LONG));
        bench.wait_for_threads();
    }
}

/// Exports until one span is delivered; what was refused until then is lost to the reason given.
fn prove_healthy(exporter: &Arc<Exporter>, serve: impl Fn()) {
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end, "never works again: {:?}", exporter.stats());
        let outcome = export(exporter, 1);
        // The answer of a refused export is there at once.
        let outcome = outcome.try_recv().unwrap_or_else(|_| {
            serve();
            take(&outcome)
        });
        if outcome.delivered == 1 {
            return;
        }
        assert_eq!(outcome.dropped[DropReason::InternalError], 1);
        thread::yield_now();
    }
}

#[test]
fn r72_f66_threads_that_cannot_be_started_are_an_error_that_the_caller_sees() {
    for stage in [Stage::Spawn, Stage::SpawnWorker, Stage::Reactor] {
        let bench = bench(patient());
        bench.engine.inject_fault(stage, 1);
        let (tell, told) = std::sync::mpsc::channel();
        bench.exporter.observe(
            Level::Error,
            Arc::new(move |notice| {
                if let Notice::Failed(failed) = notice {
                    tell.send(failed.message).unwrap();
                }
            }),
        );
        let (done, outcome) = std::sync::mpsc::channel();
        let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
        let refused = bench.exporter.admit(5, 10, completion).unwrap_err();
        assert_eq!(refused.reason, DropReason::InternalError);
        refused.answer();
        let message = outcome.recv().unwrap().error.unwrap().message;
        assert!(message.contains("no threads to export to http") && message.contains("Limits"));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [message]);
        let stats = bench.exporter.stats();
        assert!(stats.degraded, "{stage:?}");
        assert_eq!(stats.refused[DropReason::InternalError], 5);
        // What had come up goes again, and resources may come back.
        bench.wait_for_threads();
        prove_healthy(&bench.exporter, || bench.next().status(200));
        assert!(!bench.exporter.stats().degraded);
    }
}

#[test]
fn a_start_that_failed_is_tried_again_after_a_pause_and_not_for_every_span() {
    let bench = bench(patient());
    bench.engine.inject_fault(Stage::Reactor, 1_000);
    let end = Instant::now() + Duration::from_millis(20);
    let mut refused = 0;
    while Instant::now() < end {
        refused += usize::from(bench.exporter.admit(1, 10, Completion::new(|_| ())).is_err());
    }
    let left = bench.engine.faults_left(Stage::Reactor);
    assert!(refused > 2, "{refused}");
    assert!(left >= 998, "{} starts in 20 ms", 1_000 - left);
    bench.engine.inject_fault(Stage::Reactor, 0);
    prove_healthy(&bench.exporter, || bench.next().status(200));
}

/// The I/O thread dies for good: it panics, and the system has nothing for a runtime any more.
#[test]
fn an_io_thread_that_is_gone_is_replaced_for_every_exporter() {
    let bench = bench(patient());
    let other =
        Exporter::on(Arc::clone(&bench.engine), patient(), Arc::new(Accept), plain()).unwrap();
    assert_eq!(take(&export(&other, 1)).delivered, 1);
    let (in_flight, _at_gate) = (bench.export(2), bench.next());
    bench.engine.inject_fault(Stage::Reactor, 5);
    bench.engine.inject_fault(Stage::Dispatcher, 1);
    // Any message wakes it; the flush is answered whatever comes.
    take(&bench.flush(FlushMode::Terminal, LONG));
    assert_eq!(take(&in_flight).dropped[DropReason::InternalError], 2);
    let end = Instant::now() + PATIENCE;
    while bench.engine.faults_left(Stage::Reactor) > 0 {
        assert!(Instant::now() < end, "the runtime is not tried again");
        thread::yield_now();
    }
    prove_healthy(&other, || ());
    prove_healthy(&bench.exporter, || bench.next().status(200));
    assert_eq!(bench.engine.threads(), 2, "one I/O thread, one worker");
    let late = Exporter::on(Arc::clone(&bench.engine), patient(), Arc::new(Accept), plain());
    prove_healthy(&late.unwrap(), || ());
    for exporter in [&other, &bench.exporter] {
        let stats = exporter.stats();
        assert!(stats.is_conserved() && stats.pending == 0 && !stats.degraded, "{stats:?}");
    }
    take(&bench.shutdown(LONG));
    drop(other);
    bench.wait_for_threads();
}

/// Panics on odd requests: when called, or when polled.
struct Explosive(AtomicU64);

impl Sink for Explosive {
    fn send(&self, _request: Request) -> Sending {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        assert!(count % 4 != 1, "send panics");
        Box::pin(async move {
            assert!(count % 4 != 3, "the attempt panics");
            SendOutcome::Reply(Reply { status: 200, ..Reply::default() })
        })
    }
}

#[test]
fn r69_a_sender_that_panics_costs_its_batch_only() {
    let engine = Engine::new(1);
    let config = Config { max_concurrency: 1, ..patient() };
    let exporter =
        Exporter::on(Arc::clone(&engine), config, Arc::new(Explosive(AtomicU64::new(0))), plain())
            .unwrap();
    for count in 0..40 {
        let outcome = take(&export(&exporter, 2));
        if count % 2 == 0 {
            assert_eq!(outcome.delivered, 2);
        } else {
            assert_eq!(outcome.dropped[DropReason::InternalError], 2);
        }
    }
    let stats = exporter.stats();
    assert!(stats.pending == 0 && stats.in_flight == 0 && !stats.degraded, "{stats:?}");
}

#[test]
fn r75_a_failed_batch_is_told_to_the_observer_and_its_panic_is_contained() {
    let bench = bench(patient());
    let (notices, inbox) = mpsc::channel();
    let observer = move |notice| {
        notices.send(notice).unwrap();
        panic!("the observer's own problem");
    };
    bench.exporter.observe(offloop::exporter::Level::Warn, Arc::new(observer));
    let outcome = bench.export(2);
    bench.next().status(404);
    assert_eq!(take(&outcome).dropped[DropReason::NonRetryable], 2);
    let mut failed = 0;
    while let Ok(notice) = inbox.try_recv() {
        failed += usize::from(matches!(notice, Notice::Failed(_)));
    }
    // The notice comes after the answer: wait for it if need be.
    while failed == 0 {
        failed += usize::from(matches!(take(&inbox), Notice::Failed(_)));
    }
    assert_eq!(failed, 1);
    let outcome = bench.export(1);
    bench.next().status(200);
    assert_eq!(take(&outcome).delivered, 1);
}
