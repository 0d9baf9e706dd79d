//! The requirements of the pool.

use super::*;

#[test]
fn a_block_is_recycled_when_its_last_lease_goes() {
    let pool = BlockPool::default();
    let writer = pool.acquire(1).unwrap();
    let reader = writer.clone();
    let id = writer.id();
    drop(writer);
    assert_ne!(pool.acquire(1).unwrap().id(), id, "a reader still holds it");
    drop(reader);
    assert_eq!(pool.acquire(1).unwrap().id(), id);
    assert_eq!(pool.bytes(), 2 * BLOCK_BYTES);
}

#[test]
fn a_large_block_waits_for_who_needs_one() {
    let pool = BlockPool::default();
    let large = pool.acquire(4 * BLOCK_BYTES).unwrap();
    let id = large.id();
    drop(large);
    assert_ne!(pool.acquire(1).unwrap().id(), id);
    assert_eq!(pool.acquire(4 * BLOCK_BYTES).unwrap().id(), id);
    assert_eq!(pool.acquire(2 * BLOCK_BYTES).unwrap().id(), id, "no more than four times");
}

#[test]
fn spares_are_ready_before_javascript_asks() {
    let pool = BlockPool::default();
    let lease = pool.acquire(1).unwrap();
    lease.top_up_pool();
    lease.top_up_pool();
    assert_eq!(pool.bytes(), 3 * BLOCK_BYTES, "two spares, once");
    let (first, second) = (pool.acquire(1).unwrap(), pool.acquire(1).unwrap());
    assert_eq!(pool.bytes(), 3 * BLOCK_BYTES, "both were taken from the spares");
    drop((first, second));
}

#[test]
fn what_one_burst_needed_is_given_back_while_others_go_on() {
    let pool = BlockPool::default();
    let burst: Vec<_> = (0..5).map(|_| pool.acquire(1).unwrap()).collect();
    drop(burst);
    let is_released = |pool: &BlockPool| {
        pool.shared.lock_free().blocks.iter().filter(|block| !block.is_resident()).count()
    };
    assert!(!pool.release_idle_pages(9 * BLOCK_BYTES));
    assert_eq!(is_released(&pool), 0, "all were needed since the start");
    let (one, other) = (pool.acquire(1).unwrap(), pool.acquire(1).unwrap());
    drop((one, other));
    assert!(pool.release_idle_pages(2 * BLOCK_BYTES), "three are idle, two were asked for");
    assert!(!pool.release_idle_pages(2 * BLOCK_BYTES));
    assert_eq!(is_released(&pool), 3, "two were in use");
    assert!(!pool.release_idle_pages(9 * BLOCK_BYTES));
    assert_eq!(is_released(&pool), 5, "now nobody has needed them either");
    assert_eq!(pool.acquire(1).unwrap().read(16, 16), None);
    assert_eq!(is_released(&pool), 4, "a block in use has pages");
}

#[test]
fn a_large_block_goes_back_bit_by_bit_and_is_nobodys_meanwhile() {
    let pool = BlockPool::default();
    let large = pool.acquire(64 << 20).unwrap();
    let block = Arc::clone(&large.block);
    drop(large);
    block.memory.touch();
    assert!(!pool.release_idle_pages(1 << 20), "from here on it is idle");
    for part in 1..=64 {
        assert!(pool.release_idle_pages(1 << 20));
        assert_eq!(block.released.load(Ordering::Relaxed), part << 20);
    }
    assert!(!pool.release_idle_pages(1 << 20));
    let taken = pool.shared.take_idle();
    assert!(taken.is_none(), "it has nothing more to give");
    let again = pool.acquire(64 << 20).unwrap();
    assert_eq!(again.id(), block.id);
    again.write_word(2, 7.0);
    again.commit(3);
    assert_eq!(again.read(16, 24), Some(7_f64.to_le_bytes().as_slice()), "its address is valid");
    drop(again);
    assert!(!pool.release_idle_pages(1 << 20), "it has been needed");
    let held = pool.shared.take_idle().unwrap();
    assert_ne!(pool.acquire(64 << 20).unwrap().id(), held.id, "it cannot be acquired now");
}

#[test]
fn a_pool_shrinks_by_what_is_idle() {
    let pool = BlockPool::default();
    let burst: Vec<_> = (0..3).map(|_| pool.acquire(1).unwrap()).collect();
    let (held, id) = (pool.acquire(1).unwrap(), burst[2].id());
    drop(burst);
    assert!(pool.forget_released().is_empty(), "all have pages");
    pool.note_idle();
    let needed = pool.acquire(1).unwrap();
    assert_eq!(needed.id(), id);
    assert!(!pool.release_idle_pages(9 * BLOCK_BYTES));
    let mut forgotten = pool.forget_released();
    forgotten.sort_unstable();
    assert_eq!(forgotten, [0, 1]);
    assert_eq!(pool.bytes(), 2 * BLOCK_BYTES, "two are held");
    drop((held, needed));
    pool.note_idle();
    assert!(!pool.release_idle_pages(9 * BLOCK_BYTES));
    assert_eq!(pool.forget_released().len(), 2);
    assert_eq!(pool.bytes(), 0);
    assert_eq!(pool.acquire(1).unwrap().id(), 4, "JavaScript may still have views of the others");
}

#[test]
fn nothing_uncommitted_can_be_read() {
    let pool = BlockPool::default();
    let lease = pool.acquire(1 << 20).unwrap();
    assert_eq!(lease.len(), 1 << 20);
    assert!(lease.read(16, 24).is_none());
    assert!(lease.read(0, 8).is_none(), "the header is not data");
}
