//! Threads: when they start, what a panic costs, when they end.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

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
    exporter::{Completion, Engine, Exporter, FlushMode, Notice},
    handoff::RawBatch,
    pipeline::faults::Stage,
    sink::{Attempt, Reply, Request, SendErrorKind, SendOutcome, Sink},
};
use support::{PATIENCE, bench, patient, plain, take};

const LONG: Duration = Duration::from_secs(3600);

/// Answers everything with 200 at once.
struct Accept;

impl Sink for Accept {
    fn send(&self, _request: Request) -> Attempt {
        Box::pin(async { SendOutcome::Reply(Reply { status: 200, ..Reply::default() }) })
    }
}

fn export(exporter: &Exporter, spans: u32) -> mpsc::Receiver<offloop::exporter::Outcome> {
    let (done, outcome) = mpsc::channel();
    let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
    match exporter.admit(spans, 10, completion) {
        Ok(ticket) => exporter.submit(ticket, RawBatch::for_test(spans, 10)),
        Err(refused) => refused.answer(),
    }
    outcome
}

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

#[test]
fn r72_f66_threads_that_cannot_be_started_are_an_error_that_the_caller_sees() {
    // The I/O thread, then a worker.
    for failures in [1, 2] {
        let bench = bench(patient());
        bench.engine.inject_fault(Stage::Spawn, failures);
        for _ in 0..failures {
            let completion = Completion::new(|_| ());
            let refused = bench.exporter.admit(5, 10, completion).unwrap_err();
            assert_eq!(refused.reason, DropReason::InternalError);
            assert!(bench.exporter.stats().degraded);
        }
        assert_eq!(
            bench.exporter.stats().refused[DropReason::InternalError],
            5 * u64::from(failures)
        );
        // Resources may come back.
        let outcome = bench.export(1);
        bench.next().status(200);
        assert_eq!(take(&outcome).delivered, 1);
        assert!(!bench.exporter.stats().degraded);
    }
}

/// Panics on odd requests: when called, or when polled.
struct Explosive(AtomicU64);

impl Sink for Explosive {
    fn send(&self, _request: Request) -> Attempt {
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
fn r107_an_exporter_that_nobody_holds_drains_in_the_background() {
    let engine = Engine::new(2);
    for _ in 0..300 {
        let exporter =
            Exporter::on(Arc::clone(&engine), patient(), Arc::new(Accept), plain()).unwrap();
        let outcome = export(&exporter, 1);
        drop(exporter);
        assert_eq!(take(&outcome).delivered, 1);
    }
    let end = Instant::now() + PATIENCE;
    while engine.threads() > 0 {
        assert!(Instant::now() < end, "{} threads are left", engine.threads());
        thread::yield_now();
    }
}

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
fn r35_r5_the_engine_needs_no_runtime_of_its_caller_and_does_nothing_on_its_thread() {
    let caller = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&caller);
    let transform = Arc::new(move |raw: RawBatch| {
        seen.lock().unwrap().push(thread::current().name().map(str::to_owned));
        plain()(raw)
    });
    let run = move || {
        let exporter =
            Exporter::on(Engine::new(1), Config::default(), Arc::new(Accept), transform).unwrap();
        assert_eq!(take(&export(&exporter, 1)).delivered, 1);
    };
    // Inside somebody else's runtime, and outside of any.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { run.clone()() });
    thread::spawn(run).join().unwrap();
    assert_eq!(*caller.lock().unwrap(), vec![Some("offloop-worker".to_owned()); 2]);
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
    fn send(&self, _request: Request) -> Attempt {
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

/// Name, blocked signals and niceness of each thread of this process.
#[cfg(target_os = "linux")]
fn threads() -> Vec<(String, u64, i64)> {
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let mut threads = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let status = read(task.path().join("status"));
        let blocked =
            status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap_or("0").trim();
        // Field 19, counted behind the name, which may hold anything.
        let stat = read(task.path().join("stat"));
        let nice = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(16)?.parse().ok());
        let name = read(task.path().join("comm")).trim().to_owned();
        threads.push((name, u64::from_str_radix(blocked, 16).unwrap(), nice.unwrap_or_default()));
    }
    threads
}

#[cfg(target_os = "linux")]
#[test]
fn threads_are_named_take_no_signals_and_yield_to_the_application() {
    const SIGTERM: u64 = 1 << 14;
    const SIGSEGV: u64 = 1 << 10;
    let bench = bench(patient());
    let outcome = bench.export(1);
    bench.next().status(200);
    take(&outcome);
    let ours: Vec<_> =
        threads().into_iter().filter(|(name, ..)| name.starts_with("offloop-")).collect();
    for kind in ["offloop-io", "offloop-worker"] {
        assert!(ours.iter().any(|(name, ..)| name == kind), "{kind} in {ours:?}");
    }
    for (name, blocked, nice) in ours {
        assert!(blocked & SIGTERM != 0 && blocked & SIGSEGV == 0, "{name}: {blocked:x}");
        assert!(name != "offloop-worker" || nice >= 5, "{name}: {nice}");
    }
}
