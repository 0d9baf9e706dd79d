//! What waits and what has to go: permits that come to wait, and those that are voided to keep the bound.
//! It refuses to free bodies; whoever gets an eviction tells their holder.

use crate::{
    config::Overflow,
    error::DropReason,
    pipeline::{
        ids::BatchId,
        ledger::{Eviction, Key, Ledger},
    },
};

impl Ledger {
    /// The permit waits in `batch` for a place or for its next attempt: `drop-oldest` may void it from now on.
    ///
    /// Encoding and splitting can make a batch larger than what it was admitted with. While it is being worked on or
    /// sent, that is on credit; what waits has to fit. If it does not, somebody has to go: the oldest that wait, or
    /// with `drop-newest` the one that comes to wait. What could never fit evicts nobody.
    pub(crate) fn park(&self, key: Key, batch: BatchId) -> Eviction {
        let mut evicted = Eviction::of(DropReason::BytesFull);
        let mut book = self.lock();
        let book = &mut *book;
        let over = book.pending_bytes > self.queue.max_bytes;
        let Some(entry) = book.entries.get_mut(&key) else { return evicted };
        let on_credit = over && entry.bytes > entry.granted;
        entry.granted = entry.bytes;
        let hopeless = entry.bytes > self.queue.max_bytes;
        let drops_oldest = self.queue.overflow == Overflow::DropOldest;
        if drops_oldest {
            book.parked.insert(key, batch);
        }
        if on_credit && (hopeless || !drops_oldest) {
            book.void(key, Some(batch), &mut evicted);
        }
        while drops_oldest && on_credit && book.pending_bytes > self.queue.max_bytes {
            let Some((&oldest, &batch)) = book.parked.first_key_value() else { break };
            book.void(oldest, Some(batch), &mut evicted);
        }
        evicted
    }

    /// It does not wait any more. False if it has been voided meanwhile.
    pub(crate) fn unpark(&self, key: Key) -> bool {
        let mut book = self.lock();
        book.parked.remove(&key);
        book.entries.contains_key(&key)
    }

    /// Gives the answers of an eviction and lets waiting flushes see it. Returns the batches that have lost permits.
    #[must_use = "their bodies are to be freed"]
    pub(crate) fn finish_eviction(&self, evicted: Eviction) -> Vec<BatchId> {
        let batches = evicted.gone.iter().filter_map(|gone| gone.batch).collect();
        if !evicted.gone.is_empty() {
            self.release(evicted.gone);
        }
        batches
    }

    /// Voids every permit: what is left is dropped for `reason`.
    pub(crate) fn abandon(&self, reason: DropReason) -> Eviction {
        let mut evicted = Eviction::of(reason);
        let mut book = self.lock();
        let keys: Vec<Key> = book.entries.keys().copied().collect();
        for key in keys {
            book.void(key, None, &mut evicted);
        }
        evicted
    }
}
