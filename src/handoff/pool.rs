//! The recycled blocks of one environment.
//! It refuses to bound them: how much may be outstanding is decided at admission, by the exporter's ledger.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use super::memory::BlockMemory;
use crate::{contain::contained, lock::lock};

/// Size of an ordinary block: small enough to stay in the second-level cache, large enough that most batches of small
/// spans need one or two.
const BLOCK_BYTES: usize = 256 * 1024;

/// Free blocks that `top_up` keeps ready while a pool grows.
const SPARES: usize = 2;

/// Blocks that JavaScript fills and Rust recycles. Cloning shares the pool. Any thread may call it; nothing blocks
/// longer than a push or pop.
#[derive(Clone, Debug, Default)]
pub struct BlockPool {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    free: Mutex<Free>,
    /// Number of the next block.
    next_id: AtomicU32,
    /// Bytes of all blocks of this pool, free or not.
    bytes: AtomicUsize,
}

/// Blocks nobody holds.
#[derive(Debug, Default)]
struct Free {
    /// The most recently used last: what is not needed stays at the front.
    blocks: Vec<Arc<Block>>,
    /// So many at the front have not been needed since the last look.
    unused: usize,
}

#[derive(Debug)]
struct Block {
    id: u32,
    memory: BlockMemory,
    /// Leases that exist; at zero the block goes back to `free`.
    leases: AtomicUsize,
    /// Bytes from its start on whose pages have been given back.
    released: AtomicUsize,
}

/// The right to keep a block's committed bytes as they are. Dropping the last lease recycles the block.
#[derive(Debug)]
pub struct BlockLease {
    block: Arc<Block>,
    pool: Arc<Shared>,
}

impl BlockPool {
    /// A recycled block of at least `min_bytes`, or a new one. `None` when the system has no memory left.
    pub fn acquire(&self, min_bytes: usize) -> Option<BlockLease> {
        let recycled = {
            let mut free = self.shared.lock_free();
            // Not a large one for a few bytes: who needs that would have to make another.
            let sizes = min_bytes..4 * min_bytes.max(BLOCK_BYTES);
            let fit = free.blocks.iter().rposition(|block| sizes.contains(&block.memory.len()));
            let block = fit.map(|index| free.blocks.remove(index));
            free.unused = free.unused.min(free.blocks.len());
            block
        };
        let block = match recycled {
            Some(block) => block,
            None => self.shared.new_block(min_bytes.max(BLOCK_BYTES))?,
        };
        if block.released.swap(0, Ordering::Relaxed) > 0 {
            block.memory.reclaim_pages();
        }
        block.memory.reset();
        block.leases.store(1, Ordering::Relaxed);
        Some(BlockLease { block, pool: Arc::clone(&self.shared) })
    }

    /// Bytes of all blocks, free or not.
    pub fn bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Gives `most` bytes of physical memory back to the system, of free blocks that have not been needed since the last
    /// call that left none; their addresses stay valid. Whether there may be more. What it does to `most` bytes takes a
    /// while: nobody waits for that, the pool is not locked meanwhile.
    pub fn release_idle_pages(&self, most: usize) -> bool {
        let mut left = most;
        while left > 0 {
            let Some(block) = self.shared.take_idle() else { return false };
            left -= block.release_pages(left);
            self.shared.put_idle(block);
        }
        true
    }

    /// All that is free counts as idle from now on: nothing is under way any more.
    pub fn note_idle(&self) {
        let mut free = self.shared.lock_free();
        free.unused = free.blocks.len();
    }

    /// Lets go of the free blocks that have given all of their memory back; their numbers, which do not come again. A block
    /// is freed when nobody keeps it alive any more.
    pub fn forget_released(&self) -> Vec<u32> {
        let forgotten = self.shared.take_released();
        let bytes = forgotten.iter().map(|block| block.memory.len()).sum();
        self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        forgotten.iter().map(|block| block.id).collect()
    }
}

impl Block {
    /// Goes on where the last call has stopped, for `most` bytes; how many they were. Only for a block that nobody else
    /// can get.
    fn release_pages(&self, most: usize) -> usize {
        let start = self.released.load(Ordering::Relaxed);
        let end = start.saturating_add(most).min(self.memory.len());
        self.memory.release_pages(start, end);
        self.released.store(end, Ordering::Relaxed);
        end - start
    }

    fn is_resident(&self) -> bool {
        self.released.load(Ordering::Relaxed) < self.memory.len()
    }
}

impl Shared {
    fn new_block(&self, bytes: usize) -> Option<Arc<Block>> {
        let memory = BlockMemory::new(bytes)?;
        self.bytes.fetch_add(memory.len(), Ordering::Relaxed);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (leases, released) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Some(Arc::new(Block { id, memory, leases, released }))
    }

    /// A free block that has not been needed and has memory to give; nobody can acquire it until it is put back. `None`:
    /// there is none, and from now on all that are free have not been needed.
    fn take_idle(&self) -> Option<Arc<Block>> {
        let mut free = self.lock_free();
        let Some(index) =
            free.blocks.iter().take(free.unused).position(|block| block.is_resident())
        else {
            free.unused = free.blocks.len();
            return None;
        };
        free.unused -= 1;
        Some(free.blocks.remove(index))
    }

    fn put_idle(&self, block: Arc<Block>) {
        let mut free = self.lock_free();
        free.blocks.insert(0, block);
        free.unused += 1;
    }

    fn take_released(&self) -> Vec<Arc<Block>> {
        let mut free = self.lock_free();
        let Free { blocks, unused } = &mut *free;
        // A block that has been acquired since has pages again: those without are all among the unused ones.
        let taken: Vec<_> = blocks.extract_if(..*unused, |block| !block.is_resident()).collect();
        *unused -= taken.len();
        taken
    }

    fn top_up(&self) {
        while self.lock_free().blocks.len() < SPARES {
            let Some(block) = self.new_block(BLOCK_BYTES) else { return };
            block.memory.touch();
            // Behind the recycled ones: those are warm.
            self.lock_free().blocks.insert(0, block);
        }
    }

    fn lock_free(&self) -> MutexGuard<'_, Free> {
        lock(&self.free)
    }
}

impl BlockLease {
    /// Number of the block in its pool; JavaScript finds its views by it.
    pub fn id(&self) -> u32 {
        self.block.id
    }

    /// Where the block lies, for the ArrayBuffer that JavaScript writes through.
    pub fn address(&self) -> *mut u8 {
        self.block.memory.as_ptr()
    }

    /// Size of the block.
    pub fn len(&self) -> usize {
        self.block.memory.len()
    }

    /// Never: blocks have a size.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Keeps the memory itself alive, without holding the block back from being recycled: for the ArrayBuffer.
    pub fn keep_alive(&self) -> impl Send + Sync + 'static + use<> {
        Arc::clone(&self.block)
    }

    pub(super) fn committed(&self) -> usize {
        self.block.memory.committed()
    }

    /// Whether the spans counted in this block have been taken.
    pub fn is_taken(&self) -> bool {
        self.block.memory.is_taken()
    }

    pub(super) fn is_same_block(&self, other: &BlockLease) -> bool {
        Arc::ptr_eq(&self.block, &other.block)
    }

    pub(super) fn take_count(&self) -> u32 {
        self.block.memory.take_count()
    }

    /// Has a few free blocks ready, their pages faulted in by the calling thread, so that JavaScript need not. For a
    /// worker, while the pool grows; in steady state blocks come back and there is nothing to do.
    pub(super) fn top_up_pool(&self) {
        self.pool.top_up();
    }

    pub(super) fn read(&self, start: usize, end: usize) -> Option<&[u8]> {
        self.block.memory.read(start, end)
    }
}

/// What JavaScript does.
#[cfg(test)]
impl BlockLease {
    pub(super) fn write_word(&self, index: usize, value: f64) {
        self.block.memory.write_word(index, value);
    }

    pub(super) fn commit(&self, words: u32) {
        self.block.memory.commit(words);
    }

    pub(crate) fn reset_count(&self) {
        self.block.memory.reset_count();
    }

    pub(crate) fn count_from(&self, count: u32) -> bool {
        self.block.memory.count_from(count)
    }
}

impl Clone for BlockLease {
    fn clone(&self) -> Self {
        self.block.leases.fetch_add(1, Ordering::Relaxed);
        Self { block: Arc::clone(&self.block), pool: Arc::clone(&self.pool) }
    }
}

/// The system counts pages that were given back and are in use again, so it has to hear of that also where they are freed.
impl Drop for Block {
    fn drop(&mut self) {
        contained((), || {
            if *self.released.get_mut() > 0 {
                self.memory.reclaim_pages();
            }
        });
    }
}

impl Drop for BlockLease {
    fn drop(&mut self) {
        contained((), || {
            if self.block.leases.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.pool.lock_free().blocks.push(Arc::clone(&self.block));
            }
        });
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
