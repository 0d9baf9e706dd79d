//! A batch that JavaScript is still filling and that a native thread may take at any moment.
//! It refuses to wait for JavaScript: what is not counted yet stays out, and JavaScript learns of it.
//!
//! The protocol. Byte 4 of the batch's first block, the *head*, holds a 32-bit word: the number of spans that are
//! complete, and the bit TAKEN. JavaScript writes a span with its bulk records, stores the commit index of every block
//! that it touched, tells us any new block (`grow`), and then counts the span by a compare-exchange from n to n + 1.
//! We take by setting TAKEN with one read-modify-write. Both go through the same word, so exactly one of two things
//! happens to each span: the exchange came first, then our (acquiring) operation reads n + 1 and, by that, sees all
//! that JavaScript stored before; or TAKEN came first, then the exchange fails and JavaScript writes the span again,
//! into another batch. No byte before a commit index is ever written again, so nothing that is read here can change;
//! what such a late span left behind the last counted one is skipped.

use std::sync::Mutex;

use super::{
    batch::{RawBatch, Segment},
    layout::{KIND_BULK, KIND_RESOURCE, KIND_SCOPE, KIND_SPAN, RECORD_HEADER_WORDS},
    pool::BlockLease,
    reader::{whole, word},
};
use crate::lock::lock;

/// A batch being filled. Any thread may take it, once.
#[derive(Debug)]
pub struct OpenBatch(Mutex<Option<Filling>>);

#[derive(Debug)]
struct Filling {
    head: BlockLease,
    /// Where records begin, block by block in the order they are written.
    parts: Vec<(BlockLease, u32)>,
}

impl OpenBatch {
    /// A batch whose spans are counted in `head` and begin at the first word of each part.
    pub fn new(head: BlockLease, parts: Vec<(BlockLease, u32)>) -> Self {
        Self(Mutex::new(Some(Filling { head, parts })))
    }

    /// Adds the blocks that JavaScript continues in. Blocks that are part of the batch already are ignored, because a call
    /// that was cut off is made again. Returns false if a native thread has taken the batch.
    pub fn grow(&self, parts: impl IntoIterator<Item = (BlockLease, u32)>) -> bool {
        let mut filling = lock(&self.0);
        match filling.as_mut() {
            Some(filling) => {
                for (lease, first_word) in parts {
                    if !filling.parts.iter().any(|(held, _)| held.is_same_block(&lease)) {
                        filling.parts.push((lease, first_word));
                    }
                }
                true
            }
            None => false,
        }
    }

    /// Whether it has been taken.
    pub fn is_taken(&self) -> bool {
        lock(&self.0).is_none()
    }

    /// Everything counted so far. `None`: it has been taken before.
    pub fn take(&self) -> Option<RawBatch> {
        let (filling, spans) = {
            let mut slot = lock(&self.0);
            let filling = slot.take()?;
            // Under the lock: whoever finds the batch taken may begin the next one with the same head.
            let spans = filling.head.take_count();
            (filling, spans)
        };
        let mut cut = Cut { spans_left: spans, is_over: false };
        let mut segments = Vec::with_capacity(filling.parts.len());
        for (lease, first_word) in filling.parts {
            let end_word = cut.end(&lease, first_word);
            if end_word > first_word {
                segments.push(Segment::in_block(lease, first_word, end_word));
            }
        }
        Some(RawBatch::new(segments, spans))
    }
}

/// Finds the end of the last counted span. Its bulk records follow it, possibly in the next block.
struct Cut {
    spans_left: u32,
    is_over: bool,
}

impl Cut {
    fn end(&mut self, lease: &BlockLease, first_word: u32) -> u32 {
        let start = first_word as usize * 8;
        let mut rest = lease.read(start, lease.committed()).unwrap_or_default();
        let mut end_word = first_word;
        while !self.is_over {
            // What does not follow the layout is left to the decoder: it misses spans then.
            let Some((kind, words, next)) = split_record(rest) else { break };
            match kind {
                KIND_SPAN if self.spans_left > 0 => self.spans_left -= 1,
                KIND_RESOURCE | KIND_SCOPE if self.spans_left > 0 => {}
                KIND_BULK => {}
                _ => {
                    self.is_over = true;
                    break;
                }
            }
            end_word += words;
            rest = next;
        }
        end_word
    }
}

fn split_record(bytes: &[u8]) -> Option<(u32, u32, &[u8])> {
    let kind = whole(word(bytes, 0).ok()?).ok()?;
    let words = whole(word(bytes, 1).ok()?).ok()?;
    let (_, next) = bytes.split_at_checked((words as usize).checked_mul(8)?)?;
    (words as usize >= RECORD_HEADER_WORDS).then_some((kind, words, next))
}

#[cfg(test)]
#[path = "open_batch_tests.rs"]
mod tests;
