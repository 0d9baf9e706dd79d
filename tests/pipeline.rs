//! The life of a batch through real threads and a gated sink.

mod support;

use std::{sync::Arc, time::Duration};

use offloop::{
    config::Config,
    error::{DropReason, TransformError},
    exporter::{Completion, FlushMode},
    handoff::RawBatch,
    otlp::Encoded,
    sink::ContentEncoding,
};
use support::{bench, bench_with, patient, take};

#[test]
fn r112_the_caller_gets_the_outcome() {
    let bench = bench(patient());
    assert_eq!(bench.exporter.stats().threads, 0, "no thread before the first export");
    let outcome = bench.export(3);
    bench.next().status(200);
    let outcome = take(&outcome);
    assert_eq!((outcome.delivered, outcome.attempts), (3, 1));
    assert!(!outcome.is_failure());
    let stats = bench.exporter.stats();
    assert!(stats.is_conserved() && stats.pending == 0 && stats.delivered == 3, "{stats:?}");
    assert!(take(&bench.shutdown(Duration::from_secs(5))) == Default::default());
    bench.wait_for_threads();
}

#[test]
fn a_refused_call_gets_its_completion_back() {
    let bench = bench(patient());
    let outcome = bench.export(2);
    bench.next().status(200);
    take(&outcome);
    take(&bench.shutdown(Duration::from_secs(5)));
    let (done, answer) = std::sync::mpsc::channel();
    let refused = bench
        .exporter
        .admit(4, 10, Completion::new(move |outcome| done.send(outcome).unwrap()))
        .unwrap_err();
    assert_eq!(refused.reason, DropReason::AfterShutdown);
    refused.answer();
    assert_eq!(take(&answer).dropped[DropReason::AfterShutdown], 4);
    assert!(bench.exporter.stats().is_conserved());
}

#[test]
fn a_ticket_that_is_never_submitted_counts_as_environment_gone() {
    let bench = bench(patient());
    let (ticket, outcome) = bench.ticket(5);
    drop(ticket);
    assert_eq!(take(&outcome).dropped[DropReason::EnvironmentGone], 5);
    assert!(bench.exporter.stats().is_conserved());
}

#[test]
fn r69_a_panicking_encoder_costs_its_batch_only() {
    let transform = Arc::new(|raw: RawBatch| {
        assert!(raw.spans() != 13, "poison");
        Ok::<_, TransformError>(Encoded {
            body: vec![0; 4],
            spans: raw.spans(),
            ..Encoded::default()
        })
    });
    let bench = bench_with(patient(), transform);
    let poisoned = bench.export(13);
    assert_eq!(take(&poisoned).dropped[DropReason::InternalError], 13);
    let outcome = bench.export(2);
    bench.next().status(200);
    assert_eq!(take(&outcome).delivered, 2);
}

#[test]
fn r40_a_flush_waits_for_what_came_before_it() {
    let bench = bench(patient());
    let early = bench.export(1);
    let at_gate = bench.next();
    let flush = bench.flush(FlushMode::Terminal, Duration::from_secs(3600));
    let _late = bench.export(1);
    let late_gate = bench.next();
    assert!(flush.try_recv().is_err());
    at_gate.status(200);
    assert_eq!(take(&early).delivered, 1);
    assert!(!take(&flush).timed_out);
    late_gate.status(200);
}

#[test]
fn r53_a_shutdown_that_runs_out_of_time_aborts_what_is_in_flight() {
    let bench = bench(patient());
    let outcome = bench.export(1);
    let stalled = bench.next();
    let waiting: Vec<_> = (0..10).map(|_| bench.export(1)).collect();
    let done = bench.shutdown(Duration::from_millis(50));
    assert!(take(&done).timed_out);
    assert!(stalled.is_aborted());
    assert_eq!(take(&outcome).dropped[DropReason::ShutdownDeadline], 1);
    for outcome in waiting {
        assert_eq!(take(&outcome).dropped[DropReason::ShutdownDeadline], 1);
    }
    let stats = bench.exporter.stats();
    assert!(stats.is_conserved() && stats.pending == 0 && stats.pending_bytes == 0, "{stats:?}");
    bench.wait_for_threads();
}

#[test]
fn gzip_bodies_are_gzip() {
    let bench = bench(Config { compression: offloop::config::Compression::Gzip, ..patient() });
    let _outcome = bench.export(100);
    let at_gate = bench.next();
    assert_eq!(at_gate.request.encoding, ContentEncoding::Gzip);
    assert_eq!(at_gate.request.body.get(..2), Some(&[0x1f, 0x8b][..]));
    at_gate.status(200);
}
