//! Twice the spans, twice the work: nothing in the pipeline looks at every span for every span.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use offloop::{
    config::{Config, QueueConfig},
    otlp::Protocol,
};
use support::{bench_with, patient, take};

/// CPU time of this thread so far, in nanoseconds. Unlike the clock it does not count what other processes take.
#[cfg(target_os = "linux")]
fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

/// How much longer `work` takes with 40,000 spans than with 20,000, in CPU time: the least of three rounds. The system
/// accounts in ticks, so each measurement lasts at least sixty milliseconds.
#[cfg(target_os = "linux")]
fn ratio(work: &dyn Fn(u32)) -> f64 {
    let time = |spans: u32, times: u32| {
        let before = cpu_nanos();
        (0..times).for_each(|_| work(spans));
        (cpu_nanos() - before) as f64
    };
    let mut times = 1;
    while time(20_000, times) < 6e7 {
        times *= 2;
    }
    let rounds = (0..3).map(|_| time(40_000, times) / time(20_000, times).max(1.0));
    rounds.fold(f64::INFINITY, f64::min)
}

#[cfg(target_os = "linux")]
#[test]
fn r10_encoding_and_splitting_are_linear_in_the_spans() {
    use offloop::{handoff::RawBatch, otlp};

    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        let encode = support::otlp::transform(protocol);
        let encoding = ratio(&|spans| drop(encode(RawBatch::for_test(spans, 1)).unwrap()));
        assert!(encoding <= 2.3, "{protocol:?}: encoding takes {encoding:.2} times as long");
        let bodies = [20_000, 40_000].map(|spans| encode(RawBatch::for_test(spans, 1)).unwrap());
        let splitting = ratio(&|spans| {
            let whole = bodies.iter().find(|whole| whole.spans == spans).unwrap();
            let halves = otlp::split(protocol, &whole.body, &whole.layout, spans / 2).unwrap();
            assert_eq!(halves.map(|half| half.spans), [spans / 2; 2]);
        });
        assert!(splitting <= 2.3, "{protocol:?}: splitting takes {splitting:.2} times as long");
    }
}

#[test]
fn r10_a_call_of_222_000_spans_goes_through() {
    let queue = QueueConfig { max_spans: 300_000, ..Config::default().queue };
    let bench =
        bench_with(Config { queue, ..patient() }, support::otlp::transform(Protocol::HttpProtobuf));
    let outcome = bench.export(222_000);
    let at_gate = bench.next();
    assert_eq!(at_gate.request.spans, 222_000);
    at_gate.status(200);
    assert_eq!(take(&outcome).delivered, 222_000);
}
