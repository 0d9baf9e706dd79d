//! One block of memory that JavaScript writes and Rust reads.
//! It refuses to know who holds it: leases and recycling are the pool's.
#![expect(unsafe_code, reason = "the hand-off blocks are shared with JavaScript by address")]

use std::{
    alloc::Layout,
    ptr::NonNull,
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
};

use crate::{contain::contained, pipeline::platform};

const PAGE_BYTES: usize = 4096;

/// Set in the count of spans by the thread that takes them: JavaScript counts no more.
const TAKEN: u32 = 1 << 31;

/// Bytes before the first record: the commit index in words, the count of spans of a batch being filled, padding.
pub(super) const HEADER_BYTES: usize = 16;

/// A page-aligned, zeroed allocation of fixed size.
#[derive(Debug)]
pub(super) struct BlockMemory {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its memory, which no thread-local allocator binds to a thread.
unsafe impl Send for BlockMemory {}
// SAFETY: two sides reach the memory. Writers are the ArrayBuffer and the `TextWriter` that have its address, both on one
// thread, the owning environment's, one at a time: they write behind the commit index while that environment holds a
// lease. Readers are the methods below, on any thread: they read before the index, after an acquire load of it, while
// they hold a lease. The index and the count are atomics on both sides. Without leases, the block is reached by the pool
// alone, which gives it to one caller at a time.
unsafe impl Sync for BlockMemory {}

impl BlockMemory {
    /// `None` when the system has no memory left.
    pub fn new(bytes: usize) -> Option<Self> {
        let layout =
            Layout::from_size_align(bytes.checked_next_multiple_of(PAGE_BYTES)?, PAGE_BYTES)
                .ok()?;
        if layout.size() == 0 {
            return None;
        }
        // SAFETY: the layout has a size, and the alignment of a page.
        let base = unsafe { platform::allocate_pages(layout) }?;
        Some(Self { base, layout })
    }

    pub fn len(&self) -> usize {
        self.layout.size()
    }

    /// Address for the ArrayBuffer that JavaScript writes through.
    pub fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Bytes that JavaScript has declared finished; it never writes them again before the block is recycled.
    pub fn committed(&self) -> usize {
        // SAFETY: the first four bytes are the commit index, aligned by the page; both sides change it with atomics.
        let words =
            unsafe { AtomicI32::from_ptr(self.base.as_ptr().cast()) }.load(Ordering::Acquire);
        usize::try_from(words).unwrap_or(0).saturating_mul(8).min(self.len())
    }

    /// Bytes `start..end`, if all of them are committed records.
    pub fn read(&self, start: usize, end: usize) -> Option<&[u8]> {
        if start < HEADER_BYTES || start > end || end > self.committed() {
            return None;
        }
        // SAFETY: in bounds by the check above. Committed bytes are not written while a lease on the block exists (the
        // caller holds one): JavaScript begins behind them, and `reset`, `touch` and `release_pages` are for blocks without
        // leases. The acquire load in `committed` orders the reads after JavaScript's writes.
        Some(unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(start), end - start) })
    }

    /// Takes the spans counted in this block: how many they are. See `open_batch`.
    pub fn take_count(&self) -> u32 {
        self.count().fetch_or(TAKEN, Ordering::AcqRel) & !TAKEN
    }

    /// Whether somebody has taken them.
    pub fn is_taken(&self) -> bool {
        self.count().load(Ordering::Acquire) & TAKEN != 0
    }

    fn count(&self) -> &AtomicU32 {
        // SAFETY: the second four bytes are the count, aligned by the page and inside the smallest allocation; both sides
        // change it with atomics, and the reference does not outlive `self`.
        unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(4).cast()) }
    }

    /// Declares nothing committed. Only for a block without leases.
    pub fn reset(&self) {
        // SAFETY: as in `committed`.
        unsafe { AtomicI32::from_ptr(self.base.as_ptr().cast()) }.store(0, Ordering::Release);
    }

    /// Faults every page in. Only for a block without leases.
    pub fn touch(&self) {
        for page in (0..self.len()).step_by(PAGE_BYTES) {
            // SAFETY: in bounds; without a lease nobody else uses the block. Volatile, or the write of a zero to zeroed
            // memory would be optimised away.
            unsafe { self.base.as_ptr().add(page).write_volatile(0) };
        }
    }

    /// Gives the physical pages of bytes `start..end` back while the addresses stay valid; what they hold is lost. Only
    /// for a block without leases.
    pub fn release_pages(&self, start: usize, end: usize) {
        if start > end || end > self.len() {
            return;
        }
        // SAFETY: in bounds by the check above. Without a lease nobody reads or writes the block, and whoever acquires it
        // reads nothing that has not been written since: `reset` comes first.
        unsafe { platform::release_pages(self.base.as_ptr().add(start), end - start) };
    }

    /// Pages that were given back will be used again. Only for a block without leases.
    pub fn reclaim_pages(&self) {
        // SAFETY: the range is exactly this allocation.
        unsafe { platform::reclaim_pages(self.base.as_ptr(), self.len()) };
    }
}

/// What JavaScript does.
#[cfg(test)]
impl BlockMemory {
    pub fn write_word(&self, index: usize, value: f64) {
        assert!(index * 8 + 8 <= self.len());
        // SAFETY: in bounds; the test writes behind the commit index only.
        unsafe { self.base.as_ptr().cast::<f64>().add(index).write(value) }
    }

    pub fn commit(&self, words: u32) {
        // SAFETY: as in `committed`.
        unsafe { AtomicI32::from_ptr(self.base.as_ptr().cast()) }
            .store(words as i32, Ordering::SeqCst);
    }

    pub fn reset_count(&self) {
        self.count().store(0, Ordering::SeqCst);
    }

    pub fn count_from(&self, count: u32) -> bool {
        let (order, count_word) = (Ordering::SeqCst, self.count());
        count_word.compare_exchange(count, count + 1, order, order).is_ok()
    }
}

impl Drop for BlockMemory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout. Whoever keeps an address keeps the block too (`keep_alive`).
        contained((), || unsafe { platform::free_pages(self.base, self.layout) });
    }
}
