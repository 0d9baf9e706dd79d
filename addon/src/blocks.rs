//! The blocks that an environment's JavaScript holds open for writing.
//! It refuses to look into them: layout and decoding are the core's.
#![expect(unsafe_code, reason = "JavaScript writes into our memory through an ArrayBuffer")]

use std::collections::HashMap;

use napi::{Env, Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::handoff::{BlockLease, BlockPool, RawBatch, Segment};

use crate::environment::Environment;

/// Blocks by number. Recycling is the pool's; this only remembers what JavaScript may still write.
#[derive(Default)]
pub(crate) struct Blocks {
    pool: BlockPool,
    open: HashMap<u32, BlockLease>,
}

impl Blocks {
    /// The batch that lies in `segments`: flat triples of block number, first word, end word.
    pub fn batch(&self, segments: &[u32], spans: u32) -> Result<RawBatch> {
        let parts = segments.as_chunks::<3>().0.iter().map(|&[id, start, end]| {
            let lease = self.open.get(&id).or_else(|| None);
            lease.map(|lease| Segment::in_block(lease.clone(), start, end))
        });
        let parts: Option<Vec<Segment>> = parts.collect();
        parts.map(|parts| RawBatch::new(parts, spans)).ok_or_else(|| invalid("unknown block"))
    }
}

#[napi]
impl Environment {
    /// A block of at least `min_bytes` to write to; its number.
    #[napi(catch_unwind)]
    pub fn acquire_block(&self, min_bytes: u32) -> Result<u32> {
        self.with_blocks(|blocks| {
            let lease = blocks.pool.acquire(min_bytes as usize);
            let lease = lease.ok_or_else(|| Error::new(Status::GenericFailure, "out of memory"))?;
            let id = lease.id();
            blocks.open.insert(id, lease);
            Ok(id)
        })
    }

    /// JavaScript will not write to the block any more and has submitted what it wrote.
    #[napi(catch_unwind)]
    pub fn release_block(&self, id: u32) {
        self.with_blocks(|blocks| blocks.open.remove(&id));
    }

    /// The memory of a block just acquired. Asked once per block: JavaScript keeps its views for as long as it lives.
    /// Throws where the runtime forbids memory that is not its own (Electron).
    #[napi(catch_unwind)]
    pub fn block_buffer<'env>(&self, env: &'env Env, id: u32) -> Result<ArrayBuffer<'env>> {
        self.with_blocks(|blocks| {
            let lease = blocks.open.get(&id).ok_or_else(|| invalid("unknown block"))?;
            // SAFETY: the address is valid for `len` bytes until `keep_alive` is dropped, which the finalizer does. Rust
            // reads the block only through `BlockLease`, behind the commit protocol.
            unsafe {
                ArrayBuffer::from_external(env, lease.address(), lease.len(), lease.keep_alive(), |_, memory| drop(memory))
            }
        })
    }
}

fn invalid(message: &str) -> Error {
    Error::new(Status::InvalidArg, message.to_owned())
}
