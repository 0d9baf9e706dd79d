//! Random faults on loopback against the whole pipeline with a real sink. A scenario is its seed:
//! `OFFLOOP_WEATHER_SEED=17` replays one, `OFFLOOP_WEATHER_SCENARIOS=500` runs the long form.
//! It refuses to know a protocol: how an endpoint misbehaves is its own.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::{Compression, Config, Overflow, QueueConfig, RetryPolicy},
    error::{DropReason, TransformError},
    exporter::{Completion, Engine, Exporter, FlushMode, FlushOutcome, Level, Notice, Outcome},
    handoff::RawBatch,
    otlp::Protocol,
    pipeline::faults::Stage,
    sink::Sink,
};

use super::support::{PATIENCE, otlp, take};

/// xorshift, so that a seed is a scenario.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// How often each fault and each stage of the pipeline was hit.
#[derive(Default)]
pub struct Hits(pub Mutex<BTreeMap<String, u64>>);

impl Hits {
    pub fn add(&self, what: impl Into<String>, times: u64) {
        if times > 0 {
            *self.0.lock().unwrap().entry(what.into()).or_default() += times;
        }
    }
}

/// An endpoint whose weather is bad until it is healthy.
pub trait Place: Sized {
    const PROTOCOL: Protocol;
    const COMPRESSIONS: &'static [Compression];
    /// Every way in which it misbehaves.
    const FAULTS: &'static [&'static str];

    /// The endpoint of a scenario.
    fn new(seed: u64, hits: &Arc<Hits>) -> Self;
    fn url(&self) -> String;
    fn sink(&self) -> Arc<dyn Sink>;
    /// From now on it behaves. False if that cannot be: somebody else has taken its port.
    fn heal(&mut self) -> bool;
    /// Connections that the other side has not ended.
    fn open(&self) -> usize;
    /// What a long run must have met beside the faults.
    fn details() -> Vec<String>;
}

/// Names of one kind, as they are counted.
pub fn named(kind: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{kind} {name}")).collect()
}

/// What each run must have met.
const STAGES: [&str; 14] = [
    "delivered",
    "rejected",
    "retried",
    "healed",
    "successor",
    "flush done",
    "flush timed out",
    "shutdown drained",
    "shutdown timed out",
    "observed failure",
    "evicted",
    "worker panic",
    "dispatcher panic",
    "encoder panic",
];

fn config<P: Place>(dice: &mut Dice, endpoint: String) -> Config {
    let millis = Duration::from_millis;
    Config {
        endpoint,
        protocol: P::PROTOCOL,
        queue: QueueConfig {
            max_spans: 60 + dice.below(200),
            max_bytes: 4_000 + dice.below(60_000),
            overflow: if dice.below(2) == 0 { Overflow::DropNewest } else { Overflow::DropOldest },
        },
        max_concurrency: 1 + dice.below(4) as u32,
        compression: P::COMPRESSIONS[dice.below(P::COMPRESSIONS.len() as u64) as usize],
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

const POISON: u32 = 13;
const UNREADABLE: u32 = 17;

/// Batches of 13 make the encoder panic, batches of 17 are refused by it.
fn transform(protocol: Protocol) -> offloop::exporter::Transform {
    let encode = otlp::transform(protocol);
    Arc::new(move |raw: RawBatch| match raw.spans() {
        POISON => resume_unwind(Box::new("poison")),
        UNREADABLE => {
            Err(TransformError { reason: DropReason::Invalid, message: "seventeen".to_owned() })
        }
        _ => encode(raw),
    })
}

struct Scenario {
    seed: u64,
    exporter: Arc<Exporter>,
    answers: mpsc::Sender<(usize, Outcome)>,
    inbox: mpsc::Receiver<(usize, Outcome)>,
    /// Spans of each export and how often it was answered.
    exports: Vec<(u32, u32)>,
}

impl Scenario {
    fn new(seed: u64, exporter: Arc<Exporter>) -> Scenario {
        let (answers, inbox) = mpsc::channel();
        Scenario { seed, exporter, answers, inbox, exports: Vec::new() }
    }

    fn export(&mut self, spans: u32) -> usize {
        let (number, answers) = (self.exports.len(), self.answers.clone());
        self.exports.push((spans, 0));
        let completion = Completion::new(move |outcome| drop(answers.send((number, outcome))));
        match self.exporter.admit(spans, u64::from(spans) * 60, completion) {
            Ok(ticket) => {
                self.exporter.submit(ticket, RawBatch::for_test(spans, u64::from(spans) * 60))
            }
            Err(refused) => refused.answer(),
        }
        number
    }

    /// Takes one answer, which must account for every span of its export.
    fn answer(&mut self) -> (usize, Outcome) {
        let (number, outcome) = self
            .inbox
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("seed {}: an export was never answered", self.seed));
        let (spans, answered) = &mut self.exports[number];
        *answered += 1;
        let counted = outcome.delivered + outcome.rejected + outcome.dropped.total();
        assert_eq!(counted, u64::from(*spans), "seed {}: {outcome:?}", self.seed);
        (number, outcome)
    }

    /// (f) of the fault matrix: a healthy export works.
    fn prove_healthy(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let stats = self.exporter.stats();
            assert!(Instant::now() < end, "seed {}: never works again: {stats:?}", self.seed);
            let number = self.export(1);
            let outcome = loop {
                let (answered, outcome) = self.answer();
                if answered == number {
                    break outcome;
                }
            };
            if outcome.delivered == 1 {
                return;
            }
        }
    }

    /// Ends it within `timeout`; afterwards everything is answered once and accounted for. Whether time ran out.
    fn close(&mut self, timeout: Duration) -> bool {
        let seed = self.seed;
        let (done, closed) = mpsc::channel();
        let started = Instant::now();
        self.exporter
            .shutdown(timeout, Box::new(move |outcome| done.send(outcome).unwrap_or_default()));
        let outcome = take(&closed);
        let took = started.elapsed();
        assert!(took < timeout + Duration::from_secs(5), "seed {seed}: {took:?} of {timeout:?}");
        while self.exports.iter().any(|(_, answered)| *answered == 0) {
            self.answer();
        }
        assert!(self.inbox.try_recv().is_err(), "seed {seed}: answered twice");
        assert!(self.exports.iter().all(|(_, answered)| *answered == 1), "seed {seed}");
        let stats = self.exporter.stats();
        assert!(stats.is_conserved(), "seed {seed}: {stats:?}");
        assert_eq!(
            (stats.pending, stats.pending_bytes, stats.in_flight, stats.exports_under_way),
            (0, 0, 0, 0),
            "seed {seed}"
        );
        // Whoever comes too late is answered at once.
        self.export(1);
        assert_eq!(self.answer().1.dropped[DropReason::AfterShutdown], 1, "seed {seed}");
        outcome.timed_out
    }

    /// One random step. Whether it asked for a flush.
    fn step(
        &mut self,
        dice: &mut Dice,
        engine: &Engine,
        hits: &Hits,
        flushes: &FlushInbox,
    ) -> bool {
        match dice.below(40) {
            0..5 => {
                let mode =
                    if dice.below(2) == 0 { FlushMode::Attempt } else { FlushMode::Terminal };
                let flushes = flushes.clone();
                let done = Box::new(move |outcome| flushes.send(outcome).unwrap_or_default());
                self.exporter.force_flush(mode, Duration::from_millis(dice.below(200)), done);
                return true;
            }
            5..10 => thread::sleep(Duration::from_millis(dice.below(30))),
            10 if dice.below(4) == 0 => {
                let (stage, name) = [
                    (Stage::Worker, "stage worker panic"),
                    (Stage::Dispatcher, "stage dispatcher panic"),
                ][dice.below(2) as usize];
                engine.inject_fault(stage, 1);
                hits.add(name, 1);
            }
            _ => {
                let spans = 1 + dice.below(24) as u32;
                hits.add("stage encoder panic", u64::from(spans == POISON));
                self.export(spans);
            }
        }
        false
    }
}

type FlushInbox = mpsc::Sender<FlushOutcome>;

fn run<P: Place>(seed: u64, hits: &Arc<Hits>) {
    let mut dice = Dice(seed * 104_729 + 1);
    let mut endpoint = P::new(seed, hits);
    let engine = Engine::new(1);
    let config = config::<P>(&mut dice, endpoint.url());
    let transform = || transform(P::PROTOCOL);
    let exporter =
        Exporter::on(Arc::clone(&engine), config.clone(), endpoint.sink(), transform()).unwrap();
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
    let mut scenario = Scenario::new(seed, exporter);
    let (flushes, flushed) = mpsc::channel();
    let mut flushes_asked = 0;
    for _ in 0..20 + dice.below(20) {
        flushes_asked += u64::from(scenario.step(&mut dice, &engine, hits, &flushes));
        let stats = scenario.exporter.stats();
        assert!(stats.is_conserved(), "seed {seed}: {stats:?}");
    }
    for _ in 0..flushes_asked {
        let outcome =
            flushed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("seed {seed}: a flush hangs"));
        hits.add("stage flush timed out", u64::from(outcome.timed_out));
        hits.add("stage flush done", u64::from(!outcome.timed_out));
    }
    if dice.below(2) == 0 && endpoint.heal() {
        scenario.prove_healthy();
        hits.add("stage healed", 1);
    }
    let timed_out = scenario.close(Duration::from_millis(50 + dice.below(300)));
    hits.add("stage shutdown timed out", u64::from(timed_out));
    hits.add("stage shutdown drained", u64::from(!timed_out));
    let stats = scenario.exporter.stats();
    hits.add("stage delivered", stats.delivered);
    hits.add("stage rejected", stats.rejected);
    hits.add("stage retried", stats.retries);
    hits.add("stage observed failure", failed.load(Ordering::SeqCst));
    let full = [DropReason::QueueFull, DropReason::BytesFull];
    hits.add("stage evicted", full.map(|reason| stats.dropped[reason]).iter().sum());
    for (what, drops) in [("refused", stats.refused), ("dropped", stats.dropped)] {
        drops.iter().for_each(|(reason, spans)| hits.add(format!("{what} {reason}"), spans));
    }
    nothing_is_left(seed, &engine, &endpoint);
    // The threads start again for whoever comes next, whatever has happened to their predecessors.
    if endpoint.heal() {
        let sink = endpoint.sink();
        let patient = RetryPolicy { attempt_timeout: PATIENCE, ..config.retry };
        let config = Config { retry: patient, ..config };
        let successor = Exporter::on(Arc::clone(&engine), config, sink, transform()).unwrap();
        let mut scenario = Scenario::new(seed, successor);
        scenario.prove_healthy();
        assert!(!scenario.close(PATIENCE), "seed {seed}: the successor ran out of time");
        hits.add("stage successor", 1);
        nothing_is_left(seed, &engine, &endpoint);
    }
}

/// No thread and no socket, although the exporter itself is still held.
fn nothing_is_left(seed: u64, engine: &Engine, endpoint: &impl Place) {
    let end = Instant::now() + PATIENCE;
    while engine.threads() > 0 || endpoint.open() > 0 {
        let (threads, sockets) = (engine.threads(), endpoint.open());
        assert!(Instant::now() < end, "seed {seed}: {threads} threads, {sockets} sockets are left");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What the process holds, where the system tells: descriptors, and threads of ours.
fn holdings() -> (usize, usize) {
    let entries = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    let ours = |task: &fs::DirEntry| name(task).is_ok_and(|name| name.starts_with("offloop-"));
    (entries("/proc/self/fd").count(), entries("/proc/self/task").filter(ours).count())
}

/// Runs `usual` scenarios of the test file `name`, unless the environment says how many or which.
pub fn run_all<P: Place>(name: &str, usual: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let hits = Arc::new(Hits::default());
    if let Some(seed) = number("OFFLOOP_WEATHER_SEED") {
        return run::<P>(seed, &hits);
    }
    let scenarios = number("OFFLOOP_WEATHER_SCENARIOS").unwrap_or(usual);
    let next = AtomicU64::new(0);
    let before = holdings();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= scenarios {
                        break;
                    }
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run::<P>(seed, &hits))) {
                        eprintln!(
                            "to replay: OFFLOOP_WEATHER_SEED={seed} cargo test --test {name}"
                        );
                        next.store(scenarios, Ordering::SeqCst);
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
    let end = Instant::now() + PATIENCE;
    while holdings().0 > before.0 || holdings().1 > before.1 {
        assert!(Instant::now() < end, "descriptors, threads: {:?}, before {before:?}", holdings());
        thread::sleep(Duration::from_millis(5));
    }
    let hits = hits.0.lock().unwrap();
    for (what, times) in hits.iter() {
        println!("{times:>7}  {what}");
    }
    let long = scenarios >= 500;
    let least = if long { 10 } else { 1 };
    let mut wanted = [named("fault", P::FAULTS), named("stage", &STAGES)].concat();
    if long {
        wanted.extend(P::details());
    }
    let few = wanted.into_iter().filter(|what| hits.get(what).is_none_or(|times| *times < least));
    assert_eq!(few.collect::<Vec<_>>(), [""; 0], "were hit less than {least} times");
}
