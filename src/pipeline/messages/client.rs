//! One exporter as a client of the threads: its lane, and the way to the threads as long as it needs them.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{Flush, Message, Threads};
use crate::{
    clock::{clamp_timeout, monotonic},
    lock::lock,
    pipeline::{
        dispatcher::Event,
        flush::{FlushCell, FlushDone, FlushMode},
        lane::Lane,
    },
};

/// A lane with its hold on the threads.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) lane: Arc<Lane>,
    /// Keeps the threads running from the first admission to the end of the shutdown.
    threads: Mutex<Option<Arc<Threads>>>,
}

impl Client {
    pub(crate) fn new(lane: Arc<Lane>) -> Arc<Self> {
        Arc::new(Client { lane, threads: Mutex::new(None) })
    }

    /// The running threads, if it has any.
    pub(crate) fn threads(&self) -> Option<Arc<Threads>> {
        self.lock().clone()
    }

    /// What goes out from now on has other credentials: what was said about the old ones is over.
    pub(crate) fn credentials_changed(&self) {
        if let Some(threads) = self.threads() {
            // Threads that are gone hold nothing.
            let _ = threads.send(Message::Event(Event::CredentialsChanged { lane: self.lane.id }));
        }
    }

    /// Waits for what was accepted before this call; `done` gets the outcome, after `timeout` at the latest.
    pub(crate) fn flush(&self, mode: FlushMode, timeout: Duration, done: FlushDone) {
        let ledger = Arc::clone(&self.lane.ledger);
        // In attempt mode the ledger watches what is on the workers, the dispatcher what it has itself.
        let parts = if mode == FlushMode::Attempt { 2 } else { 1 };
        let cell = Arc::new(FlushCell::new(parts, move |epoch| ledger.outstanding(epoch), done));
        let epoch = self.lane.ledger.flush(&cell, mode);
        if cell.is_answered() {
            return;
        }
        match self.threads() {
            Some(threads) => {
                let deadline = monotonic().after(clamp_timeout(timeout));
                let flush = Flush {
                    lane: Arc::clone(&self.lane),
                    cell: Arc::clone(&cell),
                    mode,
                    epoch,
                    deadline,
                    is_covered: false,
                };
                if !threads.send(Message::Flush(flush)) {
                    // The I/O thread has given up: nobody else would answer.
                    cell.time_out(self.lane.ledger.abandon_flush(epoch, &cell));
                }
            }
            // Nothing was ever admitted, or everything has been settled: there is no dispatcher's part.
            None => cell.part_done(),
        }
    }

    /// Makes sure that threads run, in place of those that have given up. `start` runs at most once at a time; true if it
    /// was needed.
    pub(crate) fn ensure_threads<E>(
        &self,
        start: impl FnOnce() -> Result<Arc<Threads>, E>,
    ) -> Result<bool, E> {
        let mut slot = self.lock();
        if slot.as_ref().is_some_and(|threads| threads.is_alive()) {
            return Ok(false);
        }
        *slot = None;
        *slot = Some(start()?);
        Ok(true)
    }

    /// Lets go of threads that have given up; the next admission starts others.
    pub(crate) fn forget_dead_threads(&self) {
        drop(self.lock().take_if(|threads| !threads.is_alive()));
    }

    /// Lets the threads and the sink go; both are dropped outside of the locks.
    pub(crate) fn release(&self) {
        let sink = self.lane.take_sink();
        let threads = self.lock().take();
        drop((sink, threads));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Threads>>> {
        lock(&self.threads)
    }
}
