//! The accounts of one exporter: admission, fates, flush epochs, all under one short lock.
//! It refuses to hold that lock across I/O, encoding or foreign code.
//!
//! Every admitted span belongs to the epoch that was current at its admission. A flush closes the current epoch and
//! is over when no epoch up to that one owns an unsettled span; so it can neither miss an earlier span nor be delayed
//! by a later one. Only epochs that still own spans are kept, so memory is bounded by min(pending, flushes).

mod book;
mod readings;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use book::Eviction;
use book::{Book, Entry, Gone};
pub(crate) use readings::Gauges;

use crate::{
    config::QueueConfig,
    error::DropReason,
    lock::lock,
    pipeline::{
        completion::{Call, Completion, Fate},
        drop_log::DropLog,
        flush::{FlushCell, FlushMode},
        ids::Epoch,
        notice::Herald,
    },
};

/// Number of a permit; grows in admission order.
pub(crate) type Key = u64;

/// The accounts of one exporter.
#[derive(Debug)]
pub(crate) struct Ledger {
    book: Mutex<Book>,
    queue: QueueConfig,
    herald: Arc<Herald>,
}

/// An admission: the new permit's key and epoch, and what had to go to make room.
pub(crate) struct Admission {
    pub(crate) key: Key,
    pub(crate) epoch: Epoch,
    pub(crate) evicted: Eviction,
}

impl Ledger {
    pub(crate) fn new(queue: QueueConfig, herald: Arc<Herald>) -> Arc<Self> {
        let drop_log = DropLog::of(herald.shown_endpoint());
        let book = Mutex::new(Book { drop_log, ..Book::default() });
        Arc::new(Ledger { book, queue, herald })
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Admits `spans` or gives the completion back with the reason. The refusal is counted.
    pub(crate) fn admit(
        &self,
        spans: u64,
        bytes: u64,
        completion: Completion,
    ) -> Result<Admission, (DropReason, Completion)> {
        let mut book = self.lock();
        book.offered += spans;
        let evicted = match book.make_room(&self.queue, spans, bytes) {
            Ok(evicted) => evicted,
            Err(reason) => {
                book.refuse(spans, reason, None);
                self.tell(book);
                return Err((reason, completion));
            }
        };
        let (key, epoch) = (book.next_key, book.epoch);
        book.next_key += 1;
        book.accepted += spans;
        book.pending += spans;
        book.pending_bytes += bytes;
        book.exports_under_way += 1;
        book.epoch_used = true;
        let count = book.epochs.entry(epoch).or_default();
        count.unsettled += spans;
        count.fresh += spans;
        let call = Arc::new(Call::new(spans, completion));
        book.entries.insert(key, Entry { epoch, spans, bytes, granted: bytes, fresh: true, call });
        Ok(Admission { key, epoch, evicted })
    }

    /// Counts spans that were turned away before admission.
    pub(crate) fn refuse(&self, spans: u64, reason: DropReason, detail: Option<&str>) {
        let mut book = self.lock();
        book.offered += spans;
        book.refuse(spans, reason, detail);
        self.tell(book);
    }

    /// Tells the lines that are due, outside of the lock.
    fn tell(&self, mut book: MutexGuard<'_, Book>) {
        let lines = std::mem::take(&mut book.lines);
        drop(book);
        for (level, text) in lines {
            self.herald.line(level, text);
        }
    }

    /// Spans and bytes that an admission would find room for, what `drop-oldest` would void for it included; nothing after
    /// shutdown.
    pub(crate) fn room(&self) -> (u64, u64) {
        let book = self.lock();
        if book.closed {
            return (0, 0);
        }
        let (spans, bytes) = book.replaceable();
        (
            self.queue.max_spans.saturating_sub(book.pending.saturating_sub(spans)),
            self.queue.max_bytes.saturating_sub(book.pending_bytes.saturating_sub(bytes)),
        )
    }

    /// Settles up to `spans` of a permit. A void permit settles nothing: its spans are accounted for already.
    /// `detail` words a drop better than its reason does.
    /// Returns how many it has settled.
    pub(crate) fn settle(&self, key: Key, spans: u64, fate: Fate, detail: Option<&str>) -> u64 {
        let gone = {
            let mut book = self.lock();
            let book = &mut *book;
            let Some(entry) = book.entries.get_mut(&key) else { return 0 };
            let spans = spans.min(entry.spans);
            if spans == 0 && entry.spans > 0 {
                return 0;
            }
            entry.spans -= spans;
            let gone = Gone {
                epoch: entry.epoch,
                spans,
                fresh: entry.fresh,
                answer: entry.call.settle(spans, fate),
                batch: None,
            };
            if entry.spans == 0 {
                book.pending_bytes = book.pending_bytes.saturating_sub(entry.bytes);
                book.entries.remove(&key);
                book.parked.remove(&key);
            }
            book.count(spans, fate, detail);
            if gone.answer.is_some() {
                book.exports_under_way = book.exports_under_way.saturating_sub(1);
            }
            gone
        };
        let spans = gone.spans;
        self.release(vec![gone]);
        spans
    }

    /// Nobody has settled these spans: whoever held them has unwound, or its environment is gone.
    pub(crate) fn lose(&self, key: Key, spans: u64, reason: DropReason) {
        let lost = self.settle(key, spans, Fate::Dropped(reason), None);
        if lost > 0 {
            self.herald.lost(reason, lost);
        }
    }

    /// Answers first, flushes second: a flush that returns has the answers of all it covers behind it.
    fn release(&self, gone: Vec<Gone>) {
        let mut epochs = Vec::with_capacity(gone.len());
        for each in gone {
            if let Some(answer) = each.answer {
                answer.give();
            }
            epochs.push((each.epoch, each.spans, each.fresh));
        }
        let done = {
            let mut book = self.lock();
            for (epoch, spans, fresh) in epochs {
                if let Some(count) = book.epochs.get_mut(&epoch) {
                    count.unsettled = count.unsettled.saturating_sub(spans);
                    if fresh {
                        count.fresh = count.fresh.saturating_sub(spans);
                    }
                    if count.unsettled == 0 {
                        book.epochs.remove(&epoch);
                    }
                }
            }
            let done = book.finished_flushes();
            self.tell(book);
            done
        };
        done.iter().for_each(|cell| cell.part_done());
    }

    /// Moves `spans` of a permit, with their share of its bytes, to a new one. `None`: there is nothing to move.
    pub(crate) fn split(&self, key: Key, spans: u64) -> Option<Key> {
        let mut book = self.lock();
        let entry = book.entries.get_mut(&key)?;
        let moved = spans.min(entry.spans);
        if moved == 0 {
            return None;
        }
        // A line without spans would never be settled: with all spans go all bytes.
        let share = |bytes: u64| {
            if moved == entry.spans { bytes } else { bytes / entry.spans * moved }
        };
        let (bytes, granted) = (share(entry.bytes), share(entry.granted));
        entry.spans -= moved;
        entry.bytes -= bytes;
        entry.granted -= granted;
        let (epoch, fresh, call) = (entry.epoch, entry.fresh, Arc::clone(&entry.call));
        if entry.spans == 0 {
            book.entries.remove(&key);
            book.parked.remove(&key);
        }
        let new_key = book.next_key;
        book.next_key += 1;
        book.entries.insert(new_key, Entry { epoch, spans: moved, bytes, granted, fresh, call });
        Some(new_key)
    }

    /// Changes the charge of a permit to the size of its present representation.
    pub(crate) fn recharge(&self, key: Key, bytes: u64) {
        let mut book = self.lock();
        let book = &mut *book;
        if let Some(entry) = book.entries.get_mut(&key) {
            book.pending_bytes =
                book.pending_bytes.saturating_sub(entry.bytes).saturating_add(bytes);
            entry.bytes = bytes;
        }
    }

    /// Whether the permit still owns spans.
    pub(crate) fn is_live(&self, key: Key) -> bool {
        self.lock().entries.contains_key(&key)
    }

    /// Adds facts to the outcome of the permit's call.
    pub(crate) fn call(&self, key: Key) -> Option<Arc<Call>> {
        self.lock().entries.get(&key).map(|entry| Arc::clone(&entry.call))
    }

    /// A first attempt has completed for this permit.
    pub(crate) fn attempted(&self, key: Key) {
        let done = {
            let mut book = self.lock();
            let book = &mut *book;
            let Some(entry) = book.entries.get_mut(&key) else { return };
            if !std::mem::take(&mut entry.fresh) {
                return;
            }
            if let Some(count) = book.epochs.get_mut(&entry.epoch) {
                count.fresh = count.fresh.saturating_sub(entry.spans);
            }
            book.finished_flushes()
        };
        done.iter().for_each(|cell| cell.part_done());
    }

    /// The attempt has only led to a split or to another compression. It counts as if it had not been made, so that a flush
    /// waits for the next one.
    pub(crate) fn owe_attempt(&self, key: Key) {
        let mut book = self.lock();
        let book = &mut *book;
        let Some(entry) = book.entries.get_mut(&key) else { return };
        if !std::mem::replace(&mut entry.fresh, true)
            && let Some(count) = book.epochs.get_mut(&entry.epoch)
        {
            count.fresh += entry.spans;
        }
    }

    /// Gives a flush one part more: it waits for the attempts that everything up to `epoch` owes now.
    pub(crate) fn await_attempts(&self, cell: &Arc<FlushCell>, epoch: Epoch) {
        if !cell.add_part() {
            return;
        }
        let done = {
            let mut book = self.lock();
            book.attempt_waiters.entry(epoch).or_default().push(Arc::clone(cell));
            book.finished_flushes()
        };
        done.iter().for_each(|cell| cell.part_done());
    }

    /// Closes the current epoch and reports one part of `cell` done when everything admitted so far is settled; in
    /// attempt mode, when all of it has had its first attempt. Returns the last epoch covered.
    pub(crate) fn flush(&self, cell: &Arc<FlushCell>, mode: FlushMode) -> Epoch {
        let (epoch, done) = {
            let mut book = self.lock();
            let last = if book.epoch_used {
                book.epoch += 1;
                book.epoch_used = false;
                book.epoch - 1
            } else {
                // The current epoch owns nothing; what is open belongs to earlier ones.
                book.epoch.saturating_sub(1)
            };
            cell.cover(last);
            let waiters = match mode {
                FlushMode::Attempt => &mut book.attempt_waiters,
                FlushMode::Terminal => &mut book.terminal_waiters,
            };
            waiters.entry(last).or_default().push(Arc::clone(cell));
            (last, book.finished_flushes())
        };
        done.iter().for_each(|cell| cell.part_done());
        epoch
    }

    /// Forgets a flush that has timed out. Returns the number of spans it was still waiting for.
    pub(crate) fn abandon_flush(&self, epoch: Epoch, cell: &Arc<FlushCell>) -> u64 {
        let mut book = self.lock();
        let book = &mut *book;
        for waiters in [&mut book.terminal_waiters, &mut book.attempt_waiters] {
            if let Some(cells) = waiters.get_mut(&epoch) {
                cells.retain(|each| !Arc::ptr_eq(each, cell));
                if cells.is_empty() {
                    waiters.remove(&epoch);
                }
            }
        }
        book.epochs.range(..=epoch).map(|(_, count)| count.unsettled).sum()
    }

    /// Spans of all epochs up to `epoch` that are not settled.
    pub(crate) fn outstanding(&self, epoch: Epoch) -> u64 {
        self.lock().epochs.range(..=epoch).map(|(_, count)| count.unsettled).sum()
    }

    /// Refuses every later admission. Returns whether this call did it.
    pub(crate) fn close(&self) -> bool {
        !std::mem::replace(&mut self.lock().closed, true)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}
