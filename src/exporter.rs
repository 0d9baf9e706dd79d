//! The face of the core: one exporter, from admission to shutdown.
//! It refuses to block its caller, except in `drain_blocking`, which is bounded.

use std::{
    mem,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

pub use crate::pipeline::{
    completion::{Completion, Outcome},
    drain::{DrainDone, Owing},
    engine::Engine,
    flush::{FlushDone, FlushMode, FlushOutcome},
    lane::Transform,
    notice::{FailedBatch, Level, Notice, Observer},
    permit::Ticket,
    platform::is_forked_child,
    shutdown::{ShutdownDone, ShutdownOutcome},
    window::Window,
};
use crate::{
    clock::{clamp_timeout, monotonic},
    config::Config,
    contain::contained,
    error::{ConfigError, DropReason, ExportFailure},
    handoff::RawBatch,
    pipeline::{
        dispatcher::Event,
        drain,
        due::Due,
        flush::FlushCell,
        lane::Lane,
        messages::{Client, Job, Message, Task},
        permit::Permit,
        process_end,
        shutdown::ShutdownAnswer,
    },
    sink::Sink,
    stats::Stats,
};

/// One exporter: a lane of its own through the threads of the process.
///
/// Every method may be called from any thread, also after `shutdown`. Dropping it shuts it down in the background.
#[derive(Debug)]
pub struct Exporter {
    client: Arc<Client>,
    /// What takes its place in the child of a process that forked: there it is never touched.
    orphan: OnceLock<Arc<Client>>,
    engine: Arc<Engine>,
}

/// A refused admission. The spans are counted; the completion comes back unanswered.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub reason: DropReason,
    /// What the system has said, where that is the cause.
    pub cause: Option<String>,
    /// Spans of the call.
    pub spans: u32,
    /// Still owed to the caller.
    pub completion: Completion,
}

impl Refused {
    /// Answers the caller: everything dropped for the reason.
    pub fn answer(self) {
        let mut error = ExportFailure::from(self.reason);
        if let Some(cause) = self.cause {
            error.message = cause;
        }
        let mut outcome = Outcome { error: Some(error), ..Outcome::default() };
        outcome.dropped.add(self.reason, u64::from(self.spans));
        self.completion.complete(outcome);
    }
}

/// Spans and bytes that an admission would find free at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Spans.
    pub spans: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Exporter {
    /// Makes an exporter. No thread is started before the first admission.
    pub fn new(
        config: Config,
        sink: Arc<dyn Sink>,
        transform: Transform,
    ) -> Result<Arc<Exporter>, ConfigError> {
        Exporter::on(Engine::global(), config, sink, transform)
    }

    /// Makes an exporter on an engine of the caller's choice.
    pub fn on(
        engine: Arc<Engine>,
        config: Config,
        sink: Arc<dyn Sink>,
        transform: Transform,
    ) -> Result<Arc<Exporter>, ConfigError> {
        let lane = Lane::new(config.normalised()?, sink, transform);
        Ok(Arc::new(Exporter { client: Client::new(lane), orphan: OnceLock::new(), engine }))
    }

    /// Spans and bytes free, for a cheap check before anything is written; (0, 0) after shutdown.
    pub fn room(&self) -> Room {
        let (spans, bytes) = self.lane().ledger.room();
        Room { spans, bytes }
    }

    /// Reserves room for one export call. Never waits: no room is a counted drop and an immediate refusal.
    pub fn admit(&self, spans: u32, bytes: u64, completion: Completion) -> Result<Ticket, Refused> {
        let ledger = &self.lane().ledger;
        // An export of nothing is a success without a request (R109).
        if spans == 0 {
            completion.complete(Outcome::default());
            return Ok(Ticket::new(Permit::empty(Arc::clone(ledger))));
        }
        let started = !ledger.is_closed() && {
            match self.start() {
                Ok(started) if !self.engine.is_degraded() => started,
                start => return Err(self.refuse_without_threads(start.err(), spans, completion)),
            }
        };
        match ledger.admit(u64::from(spans), bytes, completion) {
            Ok(admission) => {
                self.lane().forget_waited();
                let bereft = self.client.lane.finish_eviction(admission.evicted);
                if let Some(threads) = self.client.threads().filter(|_| !bereft.is_empty()) {
                    threads.send(Message::Evicted(bereft));
                }
                let permit = Permit::new(
                    Arc::clone(ledger),
                    admission.key,
                    admission.epoch,
                    u64::from(spans),
                );
                Ok(Ticket::new(permit))
            }
            Err((reason, completion)) => {
                // A shutdown came between the two looks: nobody else would end the engine that it did not see.
                if started && reason == DropReason::AfterShutdown {
                    self.client().release();
                }
                Err(Refused { reason, cause: None, spans, completion })
            }
        }
    }

    /// There are no threads that could send anything: the caller and `onError` are told why, and where to.
    fn refuse_without_threads(
        &self,
        error: Option<std::io::Error>,
        spans: u32,
        completion: Completion,
    ) -> Refused {
        let reason = DropReason::InternalError;
        let lane = self.lane();
        let error =
            error.map_or_else(|| "they keep panicking".to_owned(), |error| error.to_string());
        let cause = format!(
            "no threads to export to {}: {error}. Limits of the process (open files, threads, memory) may be too low; the \
             next export tries again",
            lane.config.endpoint
        );
        lane.ledger.refuse(u64::from(spans), reason, Some(&cause));
        lane.herald.lost_because(reason, u64::from(spans), Some(cause.clone()));
        Refused { reason, cause: Some(cause), spans, completion }
    }

    /// Counts spans that were turned away before admission, for instance by their size or by the check of `room`.
    pub fn refuse(&self, spans: u32, reason: DropReason, detail: Option<&str>) {
        self.lane().ledger.refuse(u64::from(spans), reason, detail);
    }

    /// Hands the spans of an admitted call over; the charge becomes that of `raw`. Returns at once.
    pub fn submit(&self, ticket: Ticket, raw: RawBatch) {
        if is_forked_child() {
            return mem::forget((ticket, raw)); // admitted in the parent, which has its own
        }
        let permit = ticket.into_permit();
        permit.recharge(raw.bytes());
        // No threads: an abandoned shutdown was faster and has settled the permit.
        if let Some(threads) = self.client().threads() {
            let task = Task::Transform { permit, raw, admitted: monotonic() };
            let job = Job { lane: Arc::clone(self.lane()), threads: Arc::clone(&threads), task };
            threads.submit(job);
        }
    }

    /// Hands `window` over when `delay` has passed, unless somebody has done so before.
    pub fn schedule(self: &Arc<Self>, window: &Arc<Window>, delay: Duration) {
        let started = !self.lane().ledger.is_closed() && self.start().is_ok();
        let (Some(threads), true) = (self.client().threads(), started) else {
            self.hand_over(window); // to be refused
            return;
        };
        let (exporter, weak_window) = (Arc::downgrade(self), Arc::downgrade(window));
        let hand_over = move || {
            if let (Some(exporter), Some(window)) = (exporter.upgrade(), weak_window.upgrade()) {
                exporter.hand_over(&window);
            }
        };
        self.lane().windows.add(window, hand_over.clone());
        let taken = window.alarm();
        let due = Due::new(hand_over);
        let at = monotonic().after(clamp_timeout(delay));
        threads.send(Message::Later { at, due, cancelled: taken });
    }

    /// Admits and submits what is in `window`. False: that has happened before.
    pub fn hand_over(&self, window: &Window) -> bool {
        if is_forked_child() {
            return false; // the parent hands it over
        }
        let Some((raw, completion)) = window.take() else { return false };
        match self.admit(raw.spans(), raw.bytes(), completion) {
            Ok(ticket) => self.submit(ticket, raw),
            Err(refused) => refused.answer(),
        }
        true
    }

    /// What goes out from now on has other credentials: batches that are held because the endpoint has refused the old
    /// ones may go.
    pub fn credentials_changed(&self) {
        self.client().credentials_changed();
    }

    /// Waits for what was accepted before this call; `done` gets the outcome, after `timeout` at the latest.
    pub fn force_flush(&self, mode: FlushMode, timeout: Duration, done: FlushDone) {
        self.client().flush(mode, timeout, done);
    }

    /// Refuses later exports, gives what is pending its last attempts, ends after `timeout` at the latest: what is
    /// left then is aborted and counted. Idempotent: every caller's `done` gets the same outcome.
    pub fn shutdown(&self, timeout: Duration, done: ShutdownDone) {
        let client = self.client();
        let lane = &client.lane;
        lane.windows.hand_over(); // what is in them ended before this call
        let first = lane.ledger.close();
        let answer = ShutdownAnswer::new(done);
        let Some(threads) = client.threads() else { return };
        let deadline = monotonic().after(clamp_timeout(timeout));
        if !threads.send(Message::Shutdown { client: Arc::clone(client), deadline, answer }) {
            // The I/O thread has given up: there is nobody else to end this.
            lane.abandon(DropReason::InternalError);
            client.release();
            return;
        }
        if first {
            let id = lane.id;
            let drained = move |_| {
                threads.send(Message::Event(Event::Drained { lane: id }));
            };
            let cell = Arc::new(FlushCell::new(1, |_| 0, Box::new(drained)));
            lane.ledger.flush(&cell, FlushMode::Terminal);
        }
    }

    /// One consistent snapshot.
    pub fn stats(&self) -> Stats {
        let (threads, degraded) = (self.engine.threads(), self.engine.is_degraded());
        Stats { threads, degraded, ..self.lane().ledger.snapshot() }
    }

    /// Sets who is told about failed batches, and about everything else up to `level`. Once; later calls do nothing.
    pub fn observe(&self, level: Level, observer: Observer) {
        self.lane().herald.set(level, observer);
    }

    /// Blocks the caller until everything accepted is terminal, until an endpoint has proved not to answer, or until
    /// `deadline`. For the end of a process, when the event loop will not turn any more. Returns the spans left.
    pub fn drain_blocking(&self, deadline: Instant) -> u64 {
        Exporter::drain_all_blocking(&[self], deadline)
    }

    /// The same for several exporters at once: the deadline is for all of them together.
    pub fn drain_all_blocking(exporters: &[&Exporter], deadline: Instant) -> u64 {
        drain::drain_blocking(clients(exporters), deadline)
    }

    /// The same without blocking: `done` gets the number of spans left, after `timeout` at the latest.
    pub fn drain_all(exporters: &[&Exporter], timeout: Duration, done: DrainDone) {
        drain::drain(clients(exporters), timeout, done);
    }

    /// The JavaScript environment of this exporter has waited at its end: the end of the process does not wait again, unless
    /// spans come behind this call.
    pub fn note_waited(&self) {
        self.lane().note_waited();
    }

    /// That was not the end of the environment.
    pub fn forget_waited(&self) {
        self.lane().forget_waited();
    }

    /// Spans accepted and not terminal.
    pub fn pending(&self) -> u64 {
        self.lane().ledger.pending()
    }

    /// The client of this process.
    fn client(&self) -> &Arc<Client> {
        if is_forked_child() {
            return self.orphan.get_or_init(|| Client::new(self.client.lane.orphan()));
        }
        &self.client
    }

    fn lane(&self) -> &Arc<Lane> {
        &self.client().lane
    }

    fn start(&self) -> std::io::Result<bool> {
        self.client().ensure_threads(|| {
            let threads = self.engine.start()?;
            process_end::watch();
            self.engine.enlist(self.client());
            threads.send(Message::Open(Arc::clone(self.client())));
            Ok(threads)
        })
    }
}

fn clients(exporters: &[&Exporter]) -> Vec<Arc<Client>> {
    exporters.iter().map(|exporter| Arc::clone(exporter.client())).collect()
}

/// An exporter that nobody holds any more drains like one that was shut down, in the background (R107).
impl Drop for Exporter {
    fn drop(&mut self) {
        contained((), || {
            if !is_forked_child() && !self.lane().ledger.is_closed() {
                self.shutdown(self.lane().config.shutdown_timeout, Box::new(|_| ()));
            }
        });
    }
}
