//! Random faults on loopback against the whole pipeline with the real HTTP sink. A scenario is its seed:
//! `OFFLOOP_WEATHER_SEED=17` replays one, `OFFLOOP_WEATHER_SCENARIOS=500` runs the long form.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking and print what it hit"
)]

#[path = "support/raw_server.rs"]
mod raw_server;
mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::{Compression, Config, Overflow, QueueConfig, RetryPolicy},
    error::{DropReason, TransformError},
    exporter::{Completion, Engine, Exporter, FlushMode, Level, Notice, Outcome},
    handoff::RawBatch,
    otlp::Protocol,
    sink::http::{HttpConfig, HttpSink},
};
use raw_server::{Peer, RawServer, closed_port};
use support::{PATIENCE, otlp, take};

/// xorshift, so that a seed is a scenario.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// How often each fault and each stage of the pipeline was hit.
#[derive(Default)]
struct Hits(Mutex<BTreeMap<String, u64>>);

impl Hits {
    fn add(&self, what: impl Into<String>, times: u64) {
        if times > 0 {
            *self.0.lock().unwrap().entry(what.into()).or_default() += times;
        }
    }
}

const STATUSES: [&str; 12] = [
    "202 Accepted",
    "302 Found",
    "400 Bad Request",
    "404 Not Found",
    "408 Request Timeout",
    "413 Content Too Large",
    "415 Unsupported Media Type",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
];
const PAUSES: [&str; 5] = ["0", "1", "-3", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"];
const GARBAGE: [&str; 4] = [
    "HTTP/9.9 abc\r\n\r\n",
    "hello\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "\r\n\r\n\0\0",
];
const FAULTS: [&str; 12] = [
    "stall",
    "stall after head",
    "drip head",
    "drip body",
    "reset before",
    "reset in body",
    "close",
    "garbage",
    "status",
    "pause",
    "partial",
    "huge body",
];

/// Misbehaves in one way. `false`: the connection is over.
fn misbehave(mut peer: Peer, dice: &Mutex<Dice>, hits: &Hits) -> Option<Peer> {
    let pick = |limit: usize| dice.lock().unwrap().below(limit as u64) as usize;
    let fault = FAULTS[pick(FAULTS.len())];
    hits.add(format!("fault {fault}"), 1);
    match fault {
        "stall" => drop(peer.wait_for_close()),
        "stall after head" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
            peer.wait_for_close();
        }
        "drip head" | "drip body" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
            let start = if fault == "drip body" { head.len() } else { 0 };
            peer.write(&head[..start]);
            for byte in head[start..].bytes().chain([b'x'; 60]) {
                if !peer.write([byte]) {
                    break;
                }
                thread::sleep(Duration::from_millis(3));
            }
        }
        "reset before" => peer.reset(),
        "reset in body" => {
            let status = ["200 OK", "503 Service Unavailable", "404 Not Found"][pick(3)];
            peer.write(format!("HTTP/1.1 {status}\r\nContent-Length: 100\r\n\r\nhalf"));
            peer.reset();
        }
        "close" => {
            peer.respond("200 OK", "Connection: close\r\n", b"");
            peer.finish();
        }
        "garbage" => {
            peer.write(GARBAGE[pick(GARBAGE.len())]);
            peer.finish();
        }
        "huge body" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n");
            while peer.write([b'x'; 16 * 1024]) {}
        }
        _ => {
            match fault {
                "status" => peer.respond(STATUSES[pick(STATUSES.len())], "", b"text"),
                "pause" => {
                    let status = ["429 Too Many Requests", "503 Service Unavailable"][pick(2)];
                    peer.respond(
                        status,
                        &format!("Retry-After: {}\r\n", PAUSES[pick(PAUSES.len())]),
                        b"",
                    );
                }
                _ => peer.respond("200 OK", "", &[0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o']),
            }
            return Some(peer);
        }
    }
    None
}

fn server(
    seed: u64,
    healthy: &Arc<AtomicBool>,
    open: &Arc<AtomicUsize>,
    hits: &Arc<Hits>,
) -> RawServer {
    let dice = Mutex::new(Dice(seed * 7919 + 13));
    let (healthy, open, hits) = (Arc::clone(healthy), Arc::clone(open), Arc::clone(hits));
    RawServer::start(move |mut peer| {
        open.fetch_add(1, Ordering::SeqCst);
        while peer.request().is_some() {
            if healthy.load(Ordering::SeqCst) || dice.lock().unwrap().below(3) == 0 {
                peer.respond("200 OK", "", b"");
                continue;
            }
            let Some(same) = misbehave(peer, &dice, &hits) else { break };
            peer = same;
        }
        open.fetch_sub(1, Ordering::SeqCst);
    })
}

fn config(dice: &mut Dice, endpoint: String) -> Config {
    let millis = Duration::from_millis;
    Config {
        endpoint,
        protocol: Protocol::HttpProtobuf,
        queue: QueueConfig {
            max_spans: 60 + dice.below(200),
            max_bytes: 4_000 + dice.below(60_000),
            overflow: if dice.below(2) == 0 { Overflow::DropNewest } else { Overflow::DropOldest },
        },
        max_concurrency: 1 + dice.below(4) as u32,
        compression: [Compression::None, Compression::Gzip, Compression::Zstd]
            [dice.below(3) as usize],
        retry: RetryPolicy {
            initial_backoff: millis(5),
            multiplier: 1.5,
            max_backoff: millis(30),
            max_retries: 5,
            max_elapsed: millis(150 + dice.below(400)),
            attempt_timeout: millis(40 + dice.below(80)),
            max_retry_after: millis(30),
            max_breaker_open: millis(30),
        },
        ..Config::default()
    }
}

/// Batches of 13 make the encoder panic, batches of 17 are refused by it.
fn transform() -> offloop::exporter::Transform {
    let encode = otlp::transform(Protocol::HttpProtobuf);
    Arc::new(move |raw: RawBatch| match raw.spans() {
        13 => std::panic::resume_unwind(Box::new("poison")),
        17 => Err(TransformError { reason: DropReason::Invalid, message: "seventeen".to_owned() }),
        _ => encode(raw),
    })
}

struct Scenario {
    seed: u64,
    exporter: Arc<Exporter>,
    engine: Arc<Engine>,
    answers: mpsc::Sender<(usize, Outcome)>,
    inbox: mpsc::Receiver<(usize, Outcome)>,
    exports: usize,
    answered: Vec<u32>,
}

impl Scenario {
    fn export(&mut self, spans: u32) -> usize {
        let (number, answers) = (self.exports, self.answers.clone());
        self.exports += 1;
        self.answered.push(0);
        let completion = Completion::new(move |outcome| drop(answers.send((number, outcome))));
        match self.exporter.admit(spans, u64::from(spans) * 60, completion) {
            Ok(ticket) => {
                self.exporter.submit(ticket, RawBatch::for_test(spans, u64::from(spans) * 60))
            }
            Err(refused) => refused.answer(),
        }
        number
    }

    /// Takes one answer.
    fn answer(&mut self) -> (usize, Outcome) {
        let (number, outcome) = self
            .inbox
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("seed {}: an export was never answered", self.seed));
        self.answered[number] += 1;
        (number, outcome)
    }
}

fn run(seed: u64, hits: &Arc<Hits>) {
    let mut dice = Dice(seed * 104_729 + 1);
    let (healthy, open) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let server = server(seed, &healthy, &open, hits);
    // Now and then nobody listens, or somebody who does not speak TLS.
    let (url, heals) = match seed % 10 {
        8 => (format!("http://{}/v1/traces", closed_port()), false),
        9 => (format!("https://{}/v1/traces", server.address), false),
        _ => (server.url(), true),
    };
    if !heals {
        hits.add(if seed % 10 == 8 { "fault refused" } else { "fault slow tls" }, 1);
    }
    let sink =
        HttpSink::new(HttpConfig::new(url.clone(), "application/x-protobuf", "weather")).unwrap();
    let engine = Engine::new(1);
    let exporter =
        Exporter::on(Arc::clone(&engine), config(&mut dice, url), sink, transform()).unwrap();
    let failed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&failed);
    exporter.observe(
        Level::Warn,
        Arc::new(move |notice| {
            if matches!(notice, Notice::Failed(_)) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }),
    );
    let (answers, inbox) = mpsc::channel();
    let mut scenario =
        Scenario { seed, exporter, engine, answers, inbox, exports: 0, answered: Vec::new() };
    let (flushes, flushed) = mpsc::channel();
    let mut flushes_asked = 0;
    for _ in 0..20 + dice.below(20) {
        match dice.below(8) {
            0 => {
                let mode =
                    if dice.below(2) == 0 { FlushMode::Attempt } else { FlushMode::Terminal };
                let flushes = flushes.clone();
                let timeout = Duration::from_millis(dice.below(200));
                scenario.exporter.force_flush(
                    mode,
                    timeout,
                    Box::new(move |outcome| {
                        let _ = flushes.send(outcome);
                    }),
                );
                flushes_asked += 1;
            }
            1 => thread::sleep(Duration::from_millis(dice.below(30))),
            _ => drop(scenario.export(1 + dice.below(24) as u32)),
        }
        let stats = scenario.exporter.stats();
        assert!(stats.is_conserved(), "seed {seed}: {stats:?}");
    }
    for _ in 0..flushes_asked {
        let outcome =
            flushed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("seed {seed}: a flush hangs"));
        hits.add("stage flush timed out", u64::from(outcome.timed_out));
        hits.add("stage flush done", u64::from(!outcome.timed_out));
    }
    if heals && dice.below(2) == 0 {
        // (f): a healthy export on the same exporter still works.
        healthy.store(true, Ordering::SeqCst);
        let end = Instant::now() + PATIENCE;
        'healed: loop {
            assert!(
                Instant::now() < end,
                "seed {seed}: never works again: {:?}",
                scenario.exporter.stats()
            );
            let number = scenario.export(1);
            loop {
                let (answered, outcome) = scenario.answer();
                if answered == number {
                    if outcome.delivered == 1 {
                        break 'healed;
                    }
                    break;
                }
            }
        }
        hits.add("stage healed", 1);
    }
    let (done, closed) = mpsc::channel();
    let started = Instant::now();
    let timeout = Duration::from_millis(50 + dice.below(300));
    scenario.exporter.shutdown(
        timeout,
        Box::new(move |outcome| {
            let _ = done.send(outcome);
        }),
    );
    let outcome = take(&closed);
    let took = started.elapsed();
    assert!(
        took < timeout + Duration::from_secs(5),
        "seed {seed}: shutdown took {took:?} of {timeout:?}"
    );
    hits.add("stage shutdown timed out", u64::from(outcome.timed_out));
    hits.add("stage shutdown drained", u64::from(!outcome.timed_out));
    while scenario.answered.contains(&0) {
        scenario.answer();
    }
    assert!(
        scenario.inbox.try_recv().is_err() && scenario.answered.iter().all(|times| *times == 1),
        "seed {seed}"
    );
    let stats = scenario.exporter.stats();
    assert!(stats.is_conserved(), "seed {seed}: {stats:?}");
    assert_eq!(
        (stats.pending, stats.pending_bytes, stats.in_flight, stats.exports_under_way),
        (0, 0, 0, 0),
        "seed {seed}"
    );
    hits.add("stage delivered", stats.delivered);
    hits.add("stage rejected", stats.rejected);
    hits.add("stage retried", stats.retries);
    hits.add("stage observed failure", failed.load(Ordering::SeqCst));
    for (reason, spans) in stats.refused.iter() {
        hits.add(format!("refused {reason}"), spans);
    }
    for (reason, spans) in stats.dropped.iter() {
        hits.add(format!("dropped {reason}"), spans);
    }
    // No thread and no socket is left, although the exporter itself is still held.
    let end = Instant::now() + PATIENCE;
    while scenario.engine.threads() > 0 || open.load(Ordering::SeqCst) > 0 {
        let (threads, sockets) = (scenario.engine.threads(), open.load(Ordering::SeqCst));
        assert!(Instant::now() < end, "seed {seed}: {threads} threads, {sockets} sockets are left");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn r14_r48_r69_every_promise_is_settled_and_nothing_is_left_in_any_weather() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let hits = Arc::new(Hits::default());
    if let Some(seed) = number("OFFLOOP_WEATHER_SEED") {
        return run(seed, &hits);
    }
    let scenarios = number("OFFLOOP_WEATHER_SCENARIOS").unwrap_or(60);
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= scenarios {
                        break;
                    }
                    run(seed, &hits);
                }
            });
        }
    });
    let hits = hits.0.lock().unwrap();
    for (what, times) in hits.iter() {
        println!("{times:>7}  {what}");
    }
    let least = if scenarios >= 500 { 10 } else { 1 };
    for fault in FAULTS.iter().chain(&["refused", "slow tls"]) {
        assert!(
            hits.get(&format!("fault {fault}")).is_some_and(|times| *times >= least),
            "{fault} was not hit"
        );
    }
    for stage in [
        "delivered",
        "rejected",
        "retried",
        "healed",
        "flush done",
        "flush timed out",
        "shutdown drained",
        "shutdown timed out",
        "observed failure",
    ] {
        assert!(
            hits.get(&format!("stage {stage}")).is_some_and(|times| *times >= least),
            "{stage} was not hit"
        );
    }
}
