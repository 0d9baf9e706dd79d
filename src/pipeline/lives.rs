//! A process of several exporters in virtual time: the real ledgers, lanes, workers and I/O thread, run by hand on one
//! thread, with sinks that answer as the schedule says.
//! It refuses to choose what happens; that is the schedule's.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task, time};

use crate::{
    clock::{Moment, monotonic},
    config::{Config, QueueConfig, RetryPolicy},
    exporter::{Completion, Engine, Exporter, FlushMode, Outcome, Ticket, Window},
    handoff::{BlockLease, BlockPool, OpenBatch, RawBatch},
    otlp::Encoded,
    pipeline::{engine::Crew, faults::Stage, io::run_by_hand, messages::Job},
    sink::{Reply, Request, SendError, SendErrorKind, SendOutcome, Sending, Sink},
};

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Healthy,
    Slow,
    Hanging,
    Refusing,
    Failing,
    Fickle,
    Panicking,
}

/// What all exporters of the process share.
#[derive(Default)]
pub(super) struct Shortage {
    /// No descriptor is free: nobody connects.
    pub(super) now: AtomicBool,
    /// How often something has happened that may cost an innocent exporter spans.
    pub(super) harms: AtomicU64,
}

struct Peer {
    manner: Manner,
    shortage: Arc<Shortage>,
    requests: AtomicU64,
    /// Spans that it has taken.
    taken: AtomicU64,
}

impl Sink for Peer {
    fn send(&self, request: Request) -> Sending {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if self.shortage.now.load(Ordering::SeqCst) {
            let error = SendError::new(SendErrorKind::Exhausted, "connect EMFILE");
            return Box::pin(async move { SendOutcome::Failed(error) });
        }
        let (latency, status) = match self.manner {
            Manner::Healthy => (5, 200),
            Manner::Slow => (700, 200),
            Manner::Hanging => (3_600_000, 200),
            Manner::Refusing => (0, 0),
            Manner::Failing => (3, 400),
            Manner::Fickle => {
                ([0, 40, 900][number as usize % 3], [503, 200, 0, 429][number as usize % 4])
            }
            Manner::Panicking if number % 2 == 1 => std::panic::resume_unwind(Box::new("sink")),
            Manner::Panicking => (1, 200),
        };
        if status == 200 {
            // Counted when the request goes out: its answer may get lost.
            self.taken.fetch_add(u64::from(request.spans), Ordering::SeqCst);
        }
        Box::pin(async move {
            let latency = Duration::from_millis(latency);
            time::sleep(latency.min(request.time_left)).await;
            if latency > request.time_left {
                return SendOutcome::Failed(SendError::new(SendErrorKind::TimedOut, "timed out"));
            }
            match status {
                0 => SendOutcome::Failed(SendError::new(SendErrorKind::Refused, "refused")),
                status => SendOutcome::Reply(Reply { status, ..Reply::default() }),
            }
        })
    }
}

/// One `export()` and what is owed for it.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) spans: u64,
    pub(super) answers: Arc<Mutex<Vec<Outcome>>>,
    /// How many faults there had been when it was admitted. `None` if its spans may be lost, because of its own exporter or
    /// of a fault at that moment.
    pub(super) harms_before: Option<u64>,
    owner: u64,
}

/// A question with a deadline.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) what: &'static str,
    pub(super) by: Moment,
    pub(super) answers: Arc<AtomicU64>,
}

/// A batch that JavaScript is filling.
pub(super) struct Filling {
    window: Arc<Window>,
    head: BlockLease,
    counted: u32,
    export: usize,
}

/// An exporter as its JavaScript half has it.
pub(super) struct Owner {
    number: u64,
    pub(super) exporter: Arc<Exporter>,
    peer: Arc<Peer>,
    pub(super) manner: Manner,
    /// Admitted, long texts still being copied.
    copying: VecDeque<(Ticket, u32)>,
    filling: Option<Filling>,
    pub(super) is_shut_down: bool,
}

pub(super) struct Process {
    pub(super) engine: Arc<Engine>,
    pub(super) shortage: Arc<Shortage>,
    pub(super) owners: Vec<Owner>,
    pub(super) exports: Vec<Export>,
    pub(super) asked: Vec<Asked>,
    jobs: Vec<crossbeam_channel::Receiver<Job>>,
    made: u64,
}

fn config(manner: Manner, number: u64) -> Config {
    let millis = Duration::from_millis;
    // The healthy have an endpoint of their own: nobody else's failures are theirs.
    let name = if manner == Manner::Healthy { number } else { u64::MAX - manner as u64 };
    Config {
        endpoint: format!("http://{name}.test/"),
        max_concurrency: 2,
        queue: QueueConfig { max_spans: 100_000, ..Config::default().queue },
        retry: RetryPolicy {
            initial_backoff: millis(50),
            max_backoff: millis(400),
            attempt_timeout: millis(1_000),
            ..RetryPolicy::long(millis(50), millis(4_000), 8)
        },
        ..Config::default()
    }
}

impl Process {
    pub(super) fn new() -> Process {
        Process {
            engine: Engine::by_hand(),
            shortage: Arc::default(),
            owners: Vec::new(),
            exports: Vec::new(),
            asked: Vec::new(),
            jobs: Vec::new(),
            made: 0,
        }
    }

    pub(super) fn construct(&mut self, manner: Manner) {
        self.made += 1;
        let peer = Arc::new(Peer {
            manner,
            shortage: Arc::clone(&self.shortage),
            requests: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        });
        let transform = Arc::new(|raw: RawBatch| {
            // What an environment leaves behind lacks a text.
            let spans = raw.spans() - u32::from(raw.is_abandoned());
            Ok(Encoded { body: vec![0; 8], spans, ..Encoded::default() })
        });
        let sink: Arc<dyn Sink> = Arc::<Peer>::clone(&peer);
        let config = config(manner, self.made);
        let exporter = Exporter::on(Arc::clone(&self.engine), config, sink, transform).unwrap();
        let (copying, filling) = (VecDeque::new(), None);
        let (number, is_shut_down) = (self.made, false);
        self.owners.push(Owner { number, exporter, peer, manner, copying, filling, is_shut_down });
    }

    fn owe(&mut self, at: usize, spans: u64) -> Completion {
        let owner = &self.owners[at];
        let innocent = owner.manner == Manner::Healthy && !owner.is_shut_down;
        let unharmed = innocent && !self.shortage.now.load(Ordering::SeqCst);
        let harms_before = unharmed.then(|| self.shortage.harms.load(Ordering::SeqCst));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&answers);
        let owner = owner.number;
        self.exports.push(Export { spans, answers, harms_before, owner });
        Completion::new(move |outcome| told.lock().unwrap().push(outcome))
    }

    /// `later`: long texts are copied in later turns.
    pub(super) fn export(&mut self, at: usize, spans: u32, later: bool) {
        let completion = self.owe(at, u64::from(spans));
        let owner = &mut self.owners[at];
        match owner.exporter.admit(spans, u64::from(spans) * 10, completion) {
            Ok(ticket) if later => owner.copying.push_back((ticket, spans)),
            Ok(ticket) => owner.exporter.submit(ticket, RawBatch::for_test(spans, 10)),
            Err(refused) => refused.answer(),
        }
    }

    pub(super) fn copy(&mut self, at: usize) {
        let owner = &mut self.owners[at];
        if let Some((ticket, spans)) = owner.copying.pop_front() {
            owner.exporter.submit(ticket, RawBatch::for_test(spans, 10));
        }
    }

    /// A span ends: it goes into the batch being filled, or begins one that leaves after `delay`.
    pub(super) fn end_span(&mut self, at: usize, delay: Duration) {
        if let Some(filling) = &mut self.owners[at].filling {
            if filling.head.count_from(filling.counted) {
                filling.counted += 1;
                self.exports[filling.export].spans += 1;
                return;
            }
            self.owners[at].filling = None; // its clock has taken it
        }
        let completion = self.owe(at, 1);
        let head = BlockPool::default().acquire(1).unwrap();
        head.reset_count();
        assert!(head.count_from(0));
        let batch = OpenBatch::new(head.clone(), Vec::new());
        let window = Arc::new(Window::new(batch, 0, completion));
        let owner = &mut self.owners[at];
        owner.exporter.schedule(&window, delay);
        let export = self.exports.len() - 1;
        owner.filling = Some(Filling { window, head, counted: 1, export });
    }

    pub(super) fn hand_over(&mut self, at: usize) {
        let owner = &mut self.owners[at];
        if let Some(filling) = owner.filling.take() {
            owner.exporter.hand_over(&filling.window);
        }
    }

    fn ask(&mut self, what: &'static str, timeout: Duration) -> Arc<AtomicU64> {
        let answers = Arc::<AtomicU64>::default();
        let by = monotonic().after(timeout);
        self.asked.push(Asked { what, by, answers: Arc::clone(&answers) });
        answers
    }

    pub(super) fn flush(&mut self, at: usize, mode: FlushMode, timeout: Duration) {
        let answers = self.ask("flush", timeout);
        let done = move |_| {
            answers.fetch_add(1, Ordering::SeqCst);
        };
        self.owners[at].exporter.force_flush(mode, timeout, Box::new(done));
    }

    pub(super) fn shutdown(&mut self, at: usize, timeout: Duration) {
        let answers = self.ask("shutdown", timeout);
        let done = move |_| {
            answers.fetch_add(1, Ordering::SeqCst);
        };
        let owner = &mut self.owners[at];
        owner.is_shut_down = true;
        owner.exporter.shutdown(timeout, Box::new(done));
        // What the endpoint was still asked for is lost in good order.
        self.excuse(at);
    }

    /// Nobody holds the exporter any more. What is being copied holds it until it is copied.
    pub(super) fn collect(&mut self, at: usize) {
        self.hand_over(at);
        self.copy_all(at);
        drop(self.owners.swap_remove(at));
    }

    pub(super) fn copy_all(&mut self, at: usize) {
        while !self.owners[at].copying.is_empty() {
            self.copy(at);
        }
    }

    /// Its worker thread ends: what is not copied is left as it is.
    pub(super) fn terminate(&mut self, at: usize) {
        self.hand_over(at);
        if !self.owners[at].copying.is_empty() {
            self.excuse(at);
        }
        let mut owner = self.owners.swap_remove(at);
        for (ticket, spans) in owner.copying.drain(..) {
            owner.exporter.submit(ticket, RawBatch::for_test(spans, 10).abandoned());
        }
    }

    /// Exports of this one may lose spans.
    fn excuse(&mut self, at: usize) {
        let owner = self.owners[at].number;
        let own = self.exports.iter_mut().filter(|export| export.owner == owner);
        let open = own.filter(|export| export.answers.lock().unwrap().is_empty());
        open.for_each(|export| export.harms_before = None);
    }

    pub(super) fn set_shortage(&mut self, is_short: bool) {
        self.harm();
        self.shortage.now.store(is_short, Ordering::SeqCst);
        self.engine.inject_fault(Stage::Reactor, if is_short { u32::MAX } else { 0 });
    }

    pub(super) fn panic(&mut self, stage: Stage) {
        self.harm();
        self.engine.inject_fault(stage, 1);
    }

    fn harm(&self) {
        self.shortage.harms.fetch_add(1, Ordering::SeqCst);
    }

    /// The I/O threads of new starts begin to run.
    fn muster(&mut self) {
        for Crew { inbox, jobs } in self.engine.take_crews() {
            task::spawn_local(run_by_hand(inbox, self.engine.health()));
            self.jobs.push(jobs);
        }
    }

    /// A worker does one job.
    pub(super) fn work(&mut self) -> bool {
        self.muster();
        let health = self.engine.health();
        let job = self.jobs.iter().find_map(|jobs| jobs.try_recv().ok());
        let Some(job) = job else { return false };
        // As `worker::run` has it.
        if !health.has_given_up() {
            let work = || {
                health.faults.pass(Stage::Worker);
                job.run();
            };
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                health.panicked();
            }
        }
        true
    }

    /// The I/O threads take some turns.
    pub(super) async fn turn(&mut self, turns: u32) {
        self.muster();
        for _ in 0..turns {
            task::yield_now().await;
        }
    }

    /// Everything that can happen at this moment happens.
    pub(super) async fn settle(&mut self) {
        loop {
            self.turn(8).await;
            if !self.work() {
                break;
            }
        }
        self.turn(8).await;
    }

    pub(super) async fn advance(&mut self, time: Duration) {
        self.muster();
        time::advance(time).await;
    }

    /// Time passes, and everything happens in it.
    pub(super) async fn pass(&mut self, time: Duration) {
        let end = monotonic().after(time);
        while monotonic() < end {
            self.settle().await;
            self.advance(Duration::from_millis(250)).await;
        }
        self.settle().await;
    }

    /// Spans that the endpoint of this one has taken.
    pub(super) fn taken(&self, at: usize) -> u64 {
        self.owners[at].peer.taken.load(Ordering::SeqCst)
    }
}
