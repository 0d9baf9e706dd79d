//! Threads: whose they are, what they take from the host, when they end.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::{sync::Arc, thread, time::Instant};

use offloop::{
    config::Config,
    exporter::{Engine, Exporter},
    handoff::RawBatch,
};
use support::{Accept, PATIENCE, export, patient, plain, take};

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
    let bench = support::bench(patient());
    let outcome = bench.export(1);
    bench.next().status(200);
    take(&outcome);
    // A thread that has just begun has its name before its signals and the rest, and a listing of threads can
    // miss one while others end.
    let is_ready = |(name, blocked, nice): &(String, u64, i64)| {
        blocked & SIGTERM != 0 && blocked & SIGSEGV == 0 && (name != "offloop-worker" || *nice >= 5)
    };
    let has = |ours: &[(String, u64, i64)], kind: &str| ours.iter().any(|(name, ..)| name == kind);
    let kinds = ["offloop-io", "offloop-worker"];
    let until = Instant::now() + PATIENCE;
    let ours = loop {
        let ours: Vec<_> =
            threads().into_iter().filter(|(name, ..)| name.starts_with("offloop-")).collect();
        let is_whole = kinds.iter().all(|kind| has(&ours, kind)) && ours.iter().all(is_ready);
        if is_whole || Instant::now() > until {
            break ours;
        }
        std::thread::yield_now();
    };
    for kind in kinds {
        assert!(has(&ours, kind), "{kind} in {ours:?}");
    }
    for (name, blocked, nice) in ours {
        assert!(blocked & SIGTERM != 0 && blocked & SIGSEGV == 0, "{name}: {blocked:x}");
        assert!(name != "offloop-worker" || nice >= 5, "{name}: {nice}");
    }
}
