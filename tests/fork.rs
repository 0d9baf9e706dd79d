//! A real `fork` in a process whose engine is running (F67): the child has none of its threads, and may have copied any
//! lock while one of them held it.
#![cfg(unix)]
#![expect(unsafe_code, reason = "fork has no safe interface")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    error::DropReason,
    exporter::{Completion, FlushMode, is_forked_child},
};
use support::{Bench, bench, patient};

const FORKS: usize = 50;
const CHILD_LIMIT: Duration = Duration::from_secs(10);

/// Runs `work` in a child and answers whether it returned true in time.
fn in_forked_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` and ends without returning from here.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let is_good = catch_unwind(AssertUnwindSafe(work)).unwrap_or(false);
        // SAFETY: ends this process; nothing of the parent's is flushed or joined.
        unsafe { libc::_exit(i32::from(!is_good)) }
    }
    let started = Instant::now();
    let mut status = 0;
    loop {
        // SAFETY: `status` is valid; the child is ours and has not been waited for.
        let ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if ended == child {
            return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        }
        if started.elapsed() > CHILD_LIMIT {
            // SAFETY: the child is ours and still there.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, &raw mut status, 0);
            }
            return false;
        }
        thread::sleep(Duration::from_millis(1)); // a process cannot be waited for on a channel
    }
}

/// Everything that a child may ask of an exporter; each answer comes at once.
fn uses_exporter(Bench { exporter, engine, .. }: &Bench) -> bool {
    let (answered, outcome) = mpsc::channel();
    let completion = Completion::new(move |outcome| answered.send(outcome).unwrap());
    let refused = exporter.admit(4, 40, completion).expect_err("nobody would send it");
    let is_refused = refused.reason == DropReason::InternalError;
    refused.answer();
    let dropped = outcome.try_recv().unwrap().dropped.total();
    exporter.refuse(2, DropReason::InternalError, None);
    let stats = exporter.stats();
    let is_counted = (stats.offered, stats.accepted, stats.pending) == (6, 0, 0);
    let (flushed, flush) = mpsc::channel();
    let done = move |outcome| flushed.send(outcome).unwrap();
    exporter.force_flush(FlushMode::Terminal, Duration::from_secs(60), Box::new(done));
    let left = exporter.drain_blocking(Instant::now() + Duration::from_secs(60));
    let left_of_all = engine.drain_blocking(Instant::now() + Duration::from_secs(60));
    exporter.shutdown(Duration::from_secs(60), Box::new(|_| ()));
    is_refused
        && dropped == 4
        && is_counted
        && flush.try_recv().is_ok_and(|outcome| !outcome.timed_out)
        && (left, left_of_all, engine.threads(), engine.pending()) == (0, 0, 0, 0)
}

#[test]
fn f67_the_child_of_a_fork_refuses_at_once_and_the_parent_delivers_once() {
    let bench = bench(patient());
    let outcome = bench.export(3);
    let request = bench.next();
    // Somebody holds the ledger's lock at most moments.
    let is_over = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (exporter, is_over) = (Arc::clone(&bench.exporter), Arc::clone(&is_over));
        thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                exporter.stats();
            }
        })
    };
    for nth in 0..FORKS {
        assert!(in_forked_child(|| uses_exporter(&bench)), "child {nth}");
    }
    is_over.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    assert!(!is_forked_child());
    request.status(200);
    assert_eq!(outcome.recv_timeout(support::PATIENCE).unwrap().delivered, 3);
    assert!(bench.gate.try_recv().is_err(), "no child has sent anything");
    assert_eq!(bench.exporter.stats().offered, 3);
}
