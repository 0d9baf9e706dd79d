//! The lines and sums of one ledger, and every rule about them.
//! It refuses to lock and to call anybody: the ledger does both.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    clock::monotonic,
    config::QueueConfig,
    error::DropReason,
    pipeline::{
        completion::{Answer, Call, Fate},
        drop_log::DropLog,
        flush::FlushCell,
        ids::{BatchId, Epoch},
        ledger::{Gauges, Key},
        notice::Level,
    },
    stats::Drops,
};

/// One permit's line in the book. It is there as long as the permit owns spans; once it is gone, the permit is void.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) epoch: Epoch,
    pub(super) spans: u64,
    /// Size of the present representation.
    pub(super) bytes: u64,
    /// How much of it had its place in the bound when it was admitted or last came to wait.
    pub(super) granted: u64,
    /// No attempt completed yet.
    pub(super) fresh: bool,
    pub(super) call: Arc<Call>,
}

#[derive(Debug, Default)]
pub(super) struct EpochCount {
    /// Spans not settled.
    pub(super) unsettled: u64,
    /// Spans neither settled nor through a first attempt.
    pub(super) fresh: u64,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) offered: u64,
    pub(super) accepted: u64,
    pub(super) refused: Drops,
    pub(super) delivered: u64,
    pub(super) rejected: u64,
    pub(super) filtered: u64,
    pub(super) dropped: Drops,
    pub(super) pending: u64,
    pub(super) pending_bytes: u64,
    pub(super) exports_under_way: u32,
    pub(super) entries: BTreeMap<Key, Entry>,
    /// Permits that `drop-oldest` may void, buffered or waiting for a retry, and the batches that hold them.
    pub(super) parked: BTreeMap<Key, BatchId>,
    pub(super) next_key: Key,
    pub(super) epoch: Epoch,
    pub(super) epoch_used: bool,
    pub(super) epochs: BTreeMap<Epoch, EpochCount>,
    pub(super) terminal_waiters: BTreeMap<Epoch, Vec<Arc<FlushCell>>>,
    pub(super) attempt_waiters: BTreeMap<Epoch, Vec<Arc<FlushCell>>>,
    pub(super) closed: bool,
    pub(super) gauges: Gauges,
    /// Why what waits could not be delivered so far.
    pub(super) trouble: Option<String>,
    pub(super) drop_log: DropLog,
    /// Lines that are due; told as soon as the lock is released.
    pub(super) lines: Vec<(Level, String)>,
}

/// Permits voided for one reason, their answers still to be given.
pub(crate) struct Eviction {
    pub(crate) reason: DropReason,
    pub(super) gone: Vec<Gone>,
}

impl Eviction {
    pub(super) fn of(reason: DropReason) -> Self {
        Eviction { reason, gone: Vec::new() }
    }

    /// Spans of each permit in it.
    pub(crate) fn losses(&self) -> Vec<u64> {
        self.gone.iter().map(|gone| gone.spans).collect()
    }
}

pub(super) struct Gone {
    pub(super) epoch: Epoch,
    pub(super) spans: u64,
    pub(super) fresh: bool,
    pub(super) answer: Option<Answer>,
    /// Where it waited, if it did.
    pub(super) batch: Option<BatchId>,
}

impl Book {
    /// The one place where admitted spans end.
    pub(super) fn count(&mut self, spans: u64, fate: Fate, detail: Option<&str>) {
        match fate {
            Fate::Delivered => self.delivered += spans,
            Fate::Rejected => self.rejected += spans,
            Fate::Filtered => self.filtered += spans,
            Fate::Dropped(reason) => {
                self.dropped.add(reason, spans);
                self.log(reason, spans, detail);
            }
        }
        self.pending = self.pending.saturating_sub(spans);
        if self.pending == 0 {
            self.lines.extend(self.drop_log.drained().map(|text| (Level::Info, text)));
        }
    }

    /// The one place where offered spans are turned away.
    pub(super) fn refuse(&mut self, spans: u64, reason: DropReason, detail: Option<&str>) {
        self.refused.add(reason, spans);
        self.log(reason, spans, detail);
    }

    pub(super) fn log(&mut self, reason: DropReason, spans: u64, detail: Option<&str>) {
        if spans > 0 {
            let line = self.drop_log.dropped(monotonic(), reason, spans, detail);
            self.lines.extend(line.map(|text| (Level::Warn, text)));
        }
    }

    pub(super) fn make_room(
        &mut self,
        queue: &QueueConfig,
        spans: u64,
        bytes: u64,
    ) -> Result<Eviction, DropReason> {
        if self.closed {
            return Err(DropReason::AfterShutdown);
        }
        // What can never fit evicts nobody.
        if bytes > queue.max_bytes {
            return Err(DropReason::TooLarge);
        }
        if spans > queue.max_spans {
            return Err(DropReason::QueueFull);
        }
        let lack = |book: &Book| {
            if book.pending + spans > queue.max_spans {
                Some(DropReason::QueueFull)
            } else if book.pending_bytes + bytes > queue.max_bytes {
                Some(DropReason::BytesFull)
            } else {
                None
            }
        };
        let lacking = lack(self);
        let mut evicted = Eviction::of(lacking.unwrap_or(DropReason::QueueFull));
        if let Some(reason) = lacking {
            let (mut free_spans, mut free_bytes) = (0, 0);
            let enough = |spans_freed: u64, bytes_freed: u64| {
                self.pending.saturating_sub(spans_freed) + spans <= queue.max_spans
                    && self.pending_bytes.saturating_sub(bytes_freed) + bytes <= queue.max_bytes
            };
            let mut victims = Vec::new();
            for (key, batch) in &self.parked {
                if enough(free_spans, free_bytes) {
                    break;
                }
                if let Some(entry) = self.entries.get(key) {
                    free_spans += entry.spans;
                    free_bytes += entry.bytes;
                    victims.push((*key, *batch));
                }
            }
            // Evicting without making room would lose spans for nothing.
            if !enough(free_spans, free_bytes) {
                return Err(reason);
            }
            for (key, batch) in victims {
                self.void(key, Some(batch), &mut evicted);
            }
        }
        Ok(evicted)
    }

    /// Spans and bytes of the oldest permits that may be voided. It looks at so many of them only, because the event loop
    /// asks: an export that is larger than they are is cut.
    pub(super) fn replaceable(&self) -> (u64, u64) {
        const MOST_LOOKS: usize = 1024;
        let oldest = self.parked.keys().take(MOST_LOOKS).filter_map(|key| self.entries.get(key));
        oldest.fold((0, 0), |(spans, bytes), entry| (spans + entry.spans, bytes + entry.bytes))
    }

    /// Takes a permit its spans, for the reason of `evicted`.
    pub(super) fn void(&mut self, key: Key, batch: Option<BatchId>, evicted: &mut Eviction) {
        self.parked.remove(&key);
        let Some(entry) = self.entries.remove(&key) else { return };
        let fate = Fate::Dropped(evicted.reason);
        self.count(entry.spans, fate, None);
        self.pending_bytes = self.pending_bytes.saturating_sub(entry.bytes);
        let answer = entry.call.settle(entry.spans, fate);
        if answer.is_some() {
            self.exports_under_way = self.exports_under_way.saturating_sub(1);
        }
        evicted.gone.push(Gone {
            epoch: entry.epoch,
            spans: entry.spans,
            fresh: entry.fresh,
            answer,
            batch,
        });
    }

    pub(super) fn finished_flushes(&mut self) -> Vec<Arc<FlushCell>> {
        let mut done = Vec::new();
        if !self.terminal_waiters.is_empty() {
            let low = self.epochs.keys().next().copied();
            take_below(&mut self.terminal_waiters, low, &mut done);
        }
        if !self.attempt_waiters.is_empty() {
            let low =
                self.epochs.iter().find(|(_, count)| count.fresh > 0).map(|(epoch, _)| *epoch);
            take_below(&mut self.attempt_waiters, low, &mut done);
        }
        done
    }
}

/// Takes the waiters of every epoch below `low`, all of them if there is none.
fn take_below(
    waiters: &mut BTreeMap<Epoch, Vec<Arc<FlushCell>>>,
    low: Option<Epoch>,
    done: &mut Vec<Arc<FlushCell>>,
) {
    let rest = match low {
        Some(low) => waiters.split_off(&low),
        None => BTreeMap::new(),
    };
    done.extend(std::mem::replace(waiters, rest).into_values().flatten());
}
