//! The face of the core: one exporter, from admission to shutdown.
//! It refuses to block its caller, except in `drain_blocking`, which is bounded.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

pub use crate::pipeline::{
    completion::{Completion, Outcome},
    engine::Engine,
    flush::{FlushDone, FlushMode, FlushOutcome},
    io::{ShutdownDone, ShutdownOutcome},
    lane::Transform,
    permit::Ticket,
};
use crate::{
    clock::{clamp_timeout, monotonic},
    config::Config,
    error::{ConfigError, DropReason},
    handoff::RawBatch,
    pipeline::{
        completion::Fate, dispatcher::Event, flush::FlushCell, io::Message, lane::Lane,
        permit::Permit, worker::Job,
    },
    sink::Sink,
    stats::Stats,
};

/// One exporter: a lane of its own through the threads of the process.
///
/// Every method may be called from any thread, also after `shutdown`. Dropping it shuts it down in the background.
#[derive(Debug)]
pub struct Exporter {
    lane: Arc<Lane>,
    engine: Arc<Engine>,
}

/// A refused admission. The spans are counted; the completion comes back unanswered.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub reason: DropReason,
    /// Spans of the call.
    pub spans: u32,
    /// Still owed to the caller.
    pub completion: Completion,
}

impl Refused {
    /// Answers the caller: everything dropped for the reason.
    pub fn answer(self) {
        let mut outcome = Outcome { error: Some(self.reason.into()), ..Outcome::default() };
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
        Ok(Arc::new(Exporter { lane, engine }))
    }

    /// Spans and bytes free, for a cheap check before anything is written; (0, 0) after shutdown.
    pub fn room(&self) -> Room {
        let (spans, bytes) = self.lane.ledger.room();
        Room { spans, bytes }
    }

    /// Reserves room for one export call. Never waits: no room is a counted drop and an immediate refusal.
    pub fn admit(&self, spans: u32, bytes: u64, completion: Completion) -> Result<Ticket, Refused> {
        let ledger = &self.lane.ledger;
        let started = !ledger.is_closed() && {
            let Ok(started) = self.start() else {
                ledger.refuse(u64::from(spans), DropReason::InternalError);
                return Err(Refused { reason: DropReason::InternalError, spans, completion });
            };
            started
        };
        match ledger.admit(u64::from(spans), bytes, completion) {
            Ok(admission) => {
                ledger.finish_eviction(admission.evicted);
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
                    self.lane.release_engine();
                }
                Err(Refused { reason, spans, completion })
            }
        }
    }

    /// Counts spans that were turned away before admission, for instance by their size or by the check of `room`.
    pub fn refuse(&self, spans: u32, reason: DropReason) {
        self.lane.ledger.refuse(u64::from(spans), reason);
    }

    /// Hands the spans of an admitted call over; the charge becomes that of `raw`. Returns at once.
    pub fn submit(&self, ticket: Ticket, raw: RawBatch) {
        let mut permit = ticket.into_permit();
        permit.recharge(raw.bytes());
        let surplus = permit.spans().saturating_sub(u64::from(raw.spans()));
        if surplus > 0 {
            permit.settle_some(surplus, Fate::Dropped(DropReason::Invalid));
        }
        // No engine: an abandoned shutdown was faster and has settled the permit.
        if let Some(engine) = self.lane.engine() {
            let (lane, batch, admitted) = (Arc::clone(&self.lane), permit.key(), monotonic());
            engine.submit(Job { lane, engine: Arc::clone(&engine), permit, batch, raw, admitted });
        }
    }

    /// Waits for what was accepted before this call; `done` gets the outcome, after `timeout` at the latest.
    pub fn force_flush(&self, mode: FlushMode, timeout: Duration, done: FlushDone) {
        let ledger = Arc::clone(&self.lane.ledger);
        let outstanding = Arc::clone(&ledger);
        let cell = Arc::new(FlushCell::new(1, move || outstanding.pending(), done));
        let epoch = ledger.flush(&cell, mode == FlushMode::Attempt);
        if cell.is_answered() {
            return;
        }
        if let Some(engine) = self.lane.engine() {
            let deadline = monotonic().after(clamp_timeout(timeout));
            engine.send(Message::Flush { lane: Arc::clone(&self.lane), cell, epoch, deadline });
        }
    }

    /// Refuses later exports, gives what is pending its last attempts, ends after `timeout` at the latest: what is
    /// left then is aborted and counted. Idempotent: every caller's `done` gets the same outcome.
    pub fn shutdown(&self, timeout: Duration, done: ShutdownDone) {
        let first = self.lane.ledger.close();
        let Some(engine) = self.lane.engine() else {
            return done(ShutdownOutcome::default());
        };
        let deadline = monotonic().after(clamp_timeout(timeout));
        engine.send(Message::Shutdown { lane: Arc::clone(&self.lane), deadline, done });
        if first {
            let lane = self.lane.id;
            let drained = move |_| engine.send(Message::Event(Event::Drained { lane }));
            let cell = Arc::new(FlushCell::new(1, || 0, Box::new(drained)));
            self.lane.ledger.flush(&cell, false);
        }
    }

    /// One consistent snapshot.
    pub fn stats(&self) -> Stats {
        Stats { threads: self.engine.threads(), ..self.lane.ledger.snapshot() }
    }

    /// Blocks the caller until everything accepted is terminal, or until `deadline`. For the end of a process, when
    /// the event loop will not turn any more. Returns the number of spans left.
    pub fn drain_blocking(&self, deadline: Instant) -> u64 {
        let left = deadline.saturating_duration_since(Instant::now());
        let (done, wait) = mpsc::sync_channel(1);
        let answer: FlushDone = Box::new(move |outcome| {
            let _ = done.send(outcome);
        });
        self.force_flush(FlushMode::Terminal, left, answer);
        let _ = wait.recv_timeout(left);
        self.lane.ledger.pending()
    }

    fn start(&self) -> std::io::Result<bool> {
        self.lane.ensure_engine(|| {
            let handle = self.engine.start()?;
            handle.send(Message::Open(Arc::clone(&self.lane)));
            Ok(handle)
        })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if !self.lane.ledger.is_closed() {
            self.shutdown(self.lane.config.shutdown_timeout, Box::new(|_| ()));
        }
    }
}
