//! A sink whose every answer is a gate in the test's hand.
//! It refuses to sleep.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed wait fails the test")]

pub mod otlp;
pub mod real;

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use offloop::{
    config::{Config, RetryPolicy},
    exporter::{
        Completion, Engine, Exporter, FlushMode, FlushOutcome, Outcome, ShutdownOutcome, Ticket,
        Transform,
    },
    handoff::RawBatch,
    otlp::Encoded,
    sink::{Reply, Request, SendError, SendErrorKind, SendOutcome, Sending, Sink},
};
use tokio::sync::oneshot;

/// Longest time that a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A request at the gate.
pub struct AtGate {
    pub request: Request,
    answer: oneshot::Sender<SendOutcome>,
}

impl AtGate {
    pub fn status(self, status: u16) {
        self.reply(Reply { status, ..Reply::default() });
    }

    pub fn reply(self, reply: Reply) {
        let _ = self.answer.send(SendOutcome::Reply(reply));
    }

    pub fn fail(self, kind: SendErrorKind) {
        let error = SendError::new(kind, format!("{kind:?}"));
        let _ = self.answer.send(SendOutcome::Failed(error));
    }

    /// Whether the attempt has been aborted.
    pub fn is_aborted(&self) -> bool {
        self.answer.is_closed()
    }
}

/// Its attempts wait for the test.
pub struct GateSink(Mutex<mpsc::Sender<AtGate>>);

impl Sink for GateSink {
    fn send(&self, request: Request) -> Sending {
        let (answer, result) = oneshot::channel();
        let gate = self.0.lock().unwrap().send(AtGate { request, answer });
        Box::pin(async move {
            gate.expect("the test has ended");
            result.await.expect("the test dropped the gate")
        })
    }
}

pub struct Bench {
    pub exporter: Arc<Exporter>,
    pub engine: Arc<Engine>,
    pub gate: mpsc::Receiver<AtGate>,
}

/// A transform that makes a body of as many bytes as the batch is charged for.
pub fn plain() -> Transform {
    Arc::new(|raw: RawBatch| {
        let body = vec![b'x'; raw.bytes() as usize];
        Ok(Encoded { body, spans: raw.spans(), ..Encoded::default() })
    })
}

/// Waits of hours, so that nothing happens by itself (R99).
pub fn patient() -> Config {
    let hour = Duration::from_secs(3600);
    Config {
        retry: RetryPolicy {
            initial_backoff: hour,
            max_backoff: hour,
            ..RetryPolicy::long(hour, hour * 20, 10)
        },
        ..Config::default()
    }
}

pub fn bench(config: Config) -> Bench {
    bench_with(config, plain())
}

pub fn bench_with(config: Config, transform: Transform) -> Bench {
    let (sender, gate) = mpsc::channel();
    let engine = Engine::new(1);
    let sink = Arc::new(GateSink(Mutex::new(sender)));
    let exporter = Exporter::on(Arc::clone(&engine), config, sink, transform).unwrap();
    Bench { exporter, engine, gate }
}

impl Bench {
    pub fn ticket(&self, spans: u32) -> (Ticket, mpsc::Receiver<Outcome>) {
        let (done, outcome) = mpsc::channel();
        let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
        (self.exporter.admit(spans, u64::from(spans) * 10, completion).unwrap(), outcome)
    }

    pub fn export(&self, spans: u32) -> mpsc::Receiver<Outcome> {
        let (ticket, outcome) = self.ticket(spans);
        self.exporter.submit(ticket, RawBatch::for_test(spans, u64::from(spans) * 10));
        outcome
    }

    pub fn next(&self) -> AtGate {
        self.gate.recv_timeout(PATIENCE).expect("no request arrived")
    }

    pub fn flush(&self, mode: FlushMode, timeout: Duration) -> mpsc::Receiver<FlushOutcome> {
        let (done, outcome) = mpsc::channel();
        self.exporter.force_flush(
            mode,
            timeout,
            Box::new(move |outcome| done.send(outcome).unwrap()),
        );
        outcome
    }

    pub fn shutdown(&self, timeout: Duration) -> mpsc::Receiver<ShutdownOutcome> {
        let (done, outcome) = mpsc::channel();
        self.exporter.shutdown(
            timeout,
            Box::new(move |outcome| {
                let _ = done.send(outcome);
            }),
        );
        outcome
    }

    /// Waits for the threads to end.
    pub fn wait_for_threads(&self) {
        let end = std::time::Instant::now() + PATIENCE;
        while self.engine.threads() > 0 {
            assert!(std::time::Instant::now() < end, "{} threads are left", self.engine.threads());
            std::thread::yield_now();
        }
    }
}

/// Takes what must arrive.
pub fn take<T>(receiver: &mpsc::Receiver<T>) -> T {
    receiver.recv_timeout(PATIENCE).expect("nothing arrived")
}

/// Answers everything with 200 at once.
pub struct Accept;

impl Sink for Accept {
    fn send(&self, _request: Request) -> Sending {
        Box::pin(async { SendOutcome::Reply(Reply { status: 200, ..Reply::default() }) })
    }
}

/// Exports `spans` spans; a refusal is answered like any other end.
pub fn export(exporter: &Exporter, spans: u32) -> mpsc::Receiver<Outcome> {
    let (done, outcome) = mpsc::channel();
    let completion = Completion::new(move |outcome| done.send(outcome).unwrap());
    match exporter.admit(spans, 10, completion) {
        Ok(ticket) => exporter.submit(ticket, RawBatch::for_test(spans, 10)),
        Err(refused) => refused.answer(),
    }
    outcome
}
