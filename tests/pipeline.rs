//! The life of a batch through real threads and a gated sink.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

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
fn requests_under_way_are_counted_while_they_are() {
    let bench = bench(patient());
    let outcome = bench.export(3);
    let at_gate = bench.next();
    // The thread that sends it notes that behind it.
    let has_noted = |requests| {
        let until = Instant::now() + Duration::from_secs(30);
        while bench.exporter.stats().in_flight != requests {
            assert!(Instant::now() < until, "{:?}", bench.exporter.stats());
            thread::sleep(Duration::from_millis(5));
        }
    };
    has_noted(1);
    at_gate.status(200);
    take(&outcome);
    has_noted(0);
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

#[test]
fn r109_f37_nothing_left_to_send_is_a_success_without_a_request() {
    // Two spans are fine, any other number is not.
    let transform = Arc::new(|raw: RawBatch| match raw.spans() {
        2 => support::plain()(raw),
        spans => Ok::<_, TransformError>(Encoded { invalid: spans, ..Encoded::default() }),
    });
    let bench = bench_with(patient(), transform);
    let outcome = take(&bench.export(3));
    assert_eq!((outcome.dropped[DropReason::Invalid], outcome.is_failure()), (3, false));
    let (done, empty) = std::sync::mpsc::channel();
    let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
    let ticket = bench.exporter.admit(0, 0, completion).unwrap();
    bench.exporter.submit(ticket, RawBatch::for_test(0, 0));
    assert!(!take(&empty).is_failure());
    assert!(!take(&bench.flush(FlushMode::Terminal, Duration::from_secs(60))).timed_out);
    // One worker: whatever the empty ones had sent would be here first.
    let _outcome = bench.export(2);
    assert_eq!(bench.next().request.spans, 2);
}

#[test]
fn r21_the_charge_falls_when_the_batch_is_encoded_and_compressed() {
    let bench = bench(Config { compression: offloop::config::Compression::Gzip, ..patient() });
    let _outcome = bench.export(10_000);
    let at_gate = bench.next();
    let charged = bench.exporter.stats().pending_bytes;
    assert_eq!(charged, at_gate.request.body.len() as u64);
    assert!(charged < 10_000, "ten bytes a span before");
    at_gate.status(200);
}

#[test]
fn r77_one_bad_span_costs_one_span() {
    let transform = Arc::new(|raw: RawBatch| {
        let spans = raw.spans() - 1;
        Ok::<_, TransformError>(Encoded { body: vec![1], spans, invalid: 1, ..Encoded::default() })
    });
    let bench = bench_with(patient(), transform);
    let outcome = bench.export(3);
    let at_gate = bench.next();
    assert_eq!(at_gate.request.spans, 2);
    at_gate.status(200);
    let outcome = take(&outcome);
    assert_eq!((outcome.delivered, outcome.dropped[DropReason::Invalid]), (2, 1));
    assert!(!outcome.is_failure() && outcome.warnings.len() == 1);
}

#[test]
fn r45_a_flush_waits_for_what_is_still_being_transformed() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let transform = Arc::new(move |raw: RawBatch| {
        gate.lock().unwrap().recv().unwrap();
        support::plain()(raw)
    });
    for mode in [FlushMode::Terminal, FlushMode::Attempt] {
        let transform: offloop::exporter::Transform = Arc::clone(&transform) as _;
        let bench = bench_with(patient(), transform);
        let outcome = bench.export(1);
        let flush = bench.flush(mode, Duration::from_secs(3600));
        assert!(flush.try_recv().is_err());
        open.send(()).unwrap();
        let at_gate = bench.next();
        assert!(flush.try_recv().is_err());
        at_gate.status(200);
        assert!(!take(&flush).timed_out);
        assert_eq!(outcome.try_recv().expect("answered before the flush").delivered, 1);
    }
}

#[test]
fn r46_a_flush_runs_out_of_its_own_time() {
    let bench = bench(patient());
    let outcome = bench.export(4);
    let stalled = bench.next();
    let flush = take(&bench.flush(FlushMode::Terminal, Duration::from_millis(20)));
    assert!(flush.timed_out && flush.outstanding == 4, "{flush:?}");
    stalled.status(200);
    assert_eq!(take(&outcome).delivered, 4);
}

#[test]
fn r19_the_deadline_of_a_flush_is_served_while_messages_pour_in() {
    let bench = bench(Config { max_concurrency: 1, ..patient() });
    let _first = bench.export(1);
    let _stalled = bench.next();
    let flush = bench.flush(FlushMode::Terminal, Duration::from_millis(30));
    let end = std::time::Instant::now() + support::PATIENCE;
    // Never an idle moment for the I/O thread.
    while flush.try_recv().is_err() {
        assert!(std::time::Instant::now() < end, "the timer starves");
        let _ = bench.flush(FlushMode::Terminal, Duration::from_secs(3600));
    }
}

/// How many of the trace ids 1 to 16 occur in a body.
fn ids_in(request: &offloop::sink::Request, protocol: offloop::otlp::Protocol) -> Vec<u32> {
    let body = match request.encoding {
        ContentEncoding::Identity => request.body.to_vec(),
        ContentEncoding::Gzip => {
            let mut body = Vec::new();
            std::io::Read::read_to_end(
                &mut flate2::read::GzDecoder::new(&*request.body),
                &mut body,
            )
            .unwrap();
            body
        }
        ContentEncoding::Zstd => panic!("not asked for"),
    };
    (1..=16)
        .filter(|id: &u32| {
            let needle = match protocol {
                offloop::otlp::Protocol::HttpJson => format!("{id:032x}").into_bytes(),
                offloop::otlp::Protocol::HttpProtobuf | offloop::otlp::Protocol::Grpc => {
                    u128::from(*id).to_be_bytes().to_vec()
                }
            };
            body.windows(needle.len()).any(|window| window == needle)
        })
        .collect()
}

#[test]
fn f26_the_halves_of_a_real_request_hold_all_its_spans() {
    use offloop::{config::Compression, otlp::Protocol};
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        for compression in [Compression::None, Compression::Gzip] {
            let config = Config { protocol, compression, max_concurrency: 8, ..patient() };
            let bench = bench_with(config, support::otlp::transform(protocol));
            let outcome = bench.export(16);
            bench.next().status(413);
            let mut halves = [bench.next(), bench.next()];
            halves.sort_by_key(|half| ids_in(&half.request, protocol));
            assert_eq!(ids_in(&halves[0].request, protocol), (1..=8).collect::<Vec<_>>());
            assert_eq!(ids_in(&halves[1].request, protocol), (9..=16).collect::<Vec<_>>());
            for half in halves {
                assert_eq!(half.request.spans, 8);
                half.status(200);
            }
            let outcome = take(&outcome);
            assert_eq!((outcome.delivered, outcome.attempts), (16, 2));
            assert!(bench.exporter.stats().is_conserved());
        }
    }
}

#[test]
fn a_415_to_a_gzip_body_is_resent_as_it_was_encoded() {
    use offloop::{config::Compression, otlp::Protocol};
    let config = Config { compression: Compression::Gzip, ..patient() };
    let bench = bench_with(config, support::otlp::transform(Protocol::HttpProtobuf));
    let outcome = bench.export(16);
    let first = bench.next();
    assert_eq!(first.request.encoding, ContentEncoding::Gzip);
    first.status(415);
    let second = bench.next();
    assert_eq!(second.request.encoding, ContentEncoding::Identity);
    assert_eq!(ids_in(&second.request, Protocol::HttpProtobuf).len(), 16);
    second.status(200);
    assert_eq!(take(&outcome).delivered, 16);
    let _next = bench.export(16);
    assert_eq!(
        bench.next().request.encoding,
        ContentEncoding::Identity,
        "remembered before compressing"
    );
}
