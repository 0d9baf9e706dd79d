//! What can be read off the accounts, and what the I/O thread reports for whoever reads them.
//! It refuses to settle anything.

use std::time::Duration;

use crate::{
    pipeline::ledger::Ledger,
    stats::{BreakerState, Stats},
};

/// Facts that the I/O thread reports for the snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) in_flight: u32,
    pub(crate) requests: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) retries: u64,
    pub(crate) breaker: BreakerState,
    pub(crate) last_export_latency: Option<Duration>,
    pub(crate) refused_connection: bool,
}

impl Ledger {
    /// Changes what the I/O thread reports.
    pub(crate) fn gauge(&self, change: impl FnOnce(&mut Gauges)) {
        change(&mut self.lock().gauges);
    }

    /// Takes note of why what waits could not be delivered so far.
    pub(crate) fn note_trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Spans accepted and not terminal.
    pub(crate) fn pending(&self) -> u64 {
        self.lock().pending
    }

    /// One consistent snapshot. Threads are the engine's, added by the caller.
    pub(crate) fn snapshot(&self) -> Stats {
        let book = self.lock();
        Stats {
            offered: book.offered,
            accepted: book.accepted,
            refused: book.refused,
            delivered: book.delivered,
            rejected: book.rejected,
            filtered: book.filtered,
            dropped: book.dropped,
            pending: book.pending,
            pending_bytes: book.pending_bytes,
            in_flight: book.gauges.in_flight,
            exports_under_way: book.exports_under_way,
            requests: book.gauges.requests,
            sent_bytes: book.gauges.sent_bytes,
            retries: book.gauges.retries,
            breaker: book.gauges.breaker,
            last_export_latency: book.gauges.last_export_latency,
            refused_connection: book.gauges.refused_connection,
            threads: 0,
            degraded: false,
        }
    }

    /// Epochs kept, for the bound on memory.
    #[cfg(test)]
    pub(crate) fn footprint(&self) -> usize {
        let book = self.lock();
        book.epochs.len() + book.terminal_waiters.len() + book.attempt_waiters.len()
    }
}
