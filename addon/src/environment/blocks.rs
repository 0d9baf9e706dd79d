//! The blocks that an environment's JavaScript holds open for writing.
//! It refuses to look into them: layout and decoding are the core's.
#![expect(unsafe_code, reason = "JavaScript writes into our memory through an ArrayBuffer")]

use std::collections::HashMap;

use napi::{Env, Error, Status, bindgen_prelude::*};
use napi_derive::napi;
use offloop::{
    contain::contained,
    exporter::is_forked_child,
    handoff::{BlockLease, BlockPool, OpenBatch, Segment},
};

use super::Environment;
use crate::text_writer::TextWriter;

/// Blocks by number. Recycling is the pool's; this only remembers what JavaScript may still write.
#[derive(Default)]
pub(crate) struct Blocks {
    pool: BlockPool,
    open: HashMap<u32, BlockLease>,
}

impl Blocks {
    /// Flat triples of block number, first word, end word as segments that hold their blocks.
    fn segments(&self, triples: &[u32]) -> Option<Vec<Segment>> {
        let triples = triples.as_chunks::<3>().0.iter();
        triples
            .map(|&[id, start, end]| {
                Some(Segment::in_block(self.open.get(&id)?.clone(), start, end))
            })
            .collect()
    }
}

impl Environment {
    fn text_writer_of(&self, id: u32) -> Result<TextWriter> {
        let writer = self.with_blocks(|blocks| blocks.open.get(&id).map(TextWriter::of));
        writer.ok_or_else(|| invalid("unknown block"))
    }

    /// A batch that JavaScript is filling: its spans are counted in block `head`. `None`: it has been open before, and has
    /// been taken.
    pub(crate) fn open_batch(&self, head: u32, parts: &[u32]) -> Result<Option<OpenBatch>> {
        let head = self.with_blocks(|blocks| blocks.open.get(&head).cloned());
        let head = head.ok_or_else(|| invalid("unknown block"))?;
        let parts = self.parts(parts)?;
        Ok((!head.is_taken()).then(|| OpenBatch::new(head, parts)))
    }

    /// Flat pairs of block number and first word, from now on held against recycling.
    pub(crate) fn parts(&self, pairs: &[u32]) -> Result<Vec<(BlockLease, u32)>> {
        self.with_blocks(|blocks| {
            let pairs = pairs.as_chunks::<2>().0.iter();
            let parts =
                pairs.map(|&[id, first_word]| Some((blocks.open.get(&id)?.clone(), first_word)));
            parts.collect::<Option<_>>().ok_or_else(|| invalid("unknown block"))
        })
    }

    /// What JavaScript wrote, from now on held against recycling.
    pub(crate) fn segments(
        &self,
        segments: &Either<Uint32Array, Vec<Uint8Array>>,
    ) -> Result<Vec<Segment>> {
        match segments {
            Either::A(triples) => self
                .with_blocks(|blocks| blocks.segments(triples))
                .ok_or_else(|| invalid("unknown block")),
            Either::B(copied) => {
                Ok(copied.iter().map(|records| Segment::copied(records)).collect())
            }
        }
    }
}

#[napi]
impl Environment {
    /// A block of at least `min_bytes` to write to; its number.
    #[napi(catch_unwind)]
    pub fn acquire_block(&self, min_bytes: u32) -> Result<u32> {
        if is_forked_child() {
            return Err(invalid("the blocks are the parent process's"));
        }
        self.with_blocks(|blocks| {
            let lease = blocks.pool.acquire(min_bytes as usize);
            let lease = lease.ok_or_else(|| Error::new(Status::GenericFailure, "out of memory"))?;
            let id = lease.id();
            blocks.open.insert(id, lease);
            Ok(id)
        })
    }

    /// JavaScript will not write to the block any more and has had what it wrote admitted.
    #[napi(catch_unwind)]
    pub fn release_block(&self, id: u32) {
        if is_forked_child() {
            return;
        }
        self.with_blocks(|blocks| blocks.open.remove(&id));
    }

    /// Gives `most_bytes` of physical memory back to the system, of blocks that have been idle since the last call that
    /// left none. Whether there may be more.
    #[napi(catch_unwind)]
    pub fn release_idle_pages(&self, most_bytes: u32) -> bool {
        if is_forked_child() {
            return false;
        }
        let pool = self.with_blocks(|blocks| blocks.pool.clone());
        pool.release_idle_pages(most_bytes as usize)
    }

    /// Blocks that nobody holds count as idle from now on: nothing is under way any more.
    #[napi(catch_unwind)]
    pub fn note_idle_blocks(&self) {
        if !is_forked_child() {
            self.with_blocks(|blocks| blocks.pool.note_idle());
        }
    }

    /// Numbers of the blocks that have given all of their memory back. They do not come again: each is freed when the
    /// garbage collector has taken the views that JavaScript has of it.
    #[napi(catch_unwind)]
    pub fn forget_idle_blocks(&self) -> Vec<u32> {
        if is_forked_child() {
            return Vec::new();
        }
        self.with_blocks(|blocks| blocks.pool.forget_released())
    }

    /// `(word, number, text, …)` writes texts of one byte per unit as bulk records into a block just acquired, from `word`
    /// on, and returns the word behind them; -1 if they do not fit. Asked once per block.
    #[napi(
        catch_unwind,
        ts_return_type = "(word: number, ...numbersAndTexts: (number | string)[]) => number"
    )]
    pub fn bulk_writer<'env>(&self, env: &'env Env, id: u32) -> Result<Function<'env, (), f64>> {
        self.text_writer_of(id)?.records(env)
    }

    /// `(byte, text)` writes a text of one byte per unit into a block just acquired, and returns its length; -1 if it does
    /// not fit. Asked once per block.
    #[napi(catch_unwind, ts_return_type = "(byte: number, text: string) => number")]
    pub fn text_writer<'env>(&self, env: &'env Env, id: u32) -> Result<Function<'env, (), f64>> {
        self.text_writer_of(id)?.text(env)
    }

    /// The memory of a block just acquired. Asked once per block: JavaScript keeps its views for as long as it lives.
    /// Throws where the runtime forbids memory that is not its own (Electron).
    #[napi(catch_unwind)]
    pub fn block_buffer<'env>(&self, env: &'env Env, id: u32) -> Result<ArrayBuffer<'env>> {
        self.with_blocks(|blocks| {
            let lease = blocks.open.get(&id).ok_or_else(|| invalid("unknown block"))?;
            let address = lease.address();
            // SAFETY: the address is valid for `len` bytes until `keep_alive` is dropped, which the finalizer does. Rust
            // reads and writes the block only behind the protocol of `BlockMemory`, and through a `TextWriter` while
            // JavaScript waits for it.
            let buffer = unsafe {
                ArrayBuffer::from_external(
                    env,
                    address,
                    lease.len(),
                    lease.keep_alive(),
                    |_, memory| contained((), || drop(memory)),
                )?
            };
            // Where external memory is forbidden napi hands out a copy, which Rust would never see again.
            if std::ptr::eq(buffer.as_ptr(), address) {
                Ok(buffer)
            } else {
                Err(invalid("external memory is forbidden"))
            }
        })
    }
}

fn invalid(message: &str) -> Error {
    Error::new(Status::InvalidArg, message.to_owned())
}
