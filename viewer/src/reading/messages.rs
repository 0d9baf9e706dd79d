//! What the threads tell each other, and what they share.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use super::budget::Budget;
use crate::{
    following::{Counters, Event},
    parse::Part,
    source::Chunk,
};

/// Bytes of lines that are between the reader and the index. A longer line is there alone.
const IN_FLIGHT: usize = 64 << 20;

/// What the threads know of each other.
pub(crate) struct Shared {
    pub budget: Budget,
    /// Whether nothing more is to be read, because the memory is used up.
    pub is_full: AtomicBool,
    pub counters: Counters,
    /// Files that are to be read again, and from where on.
    rewinds: Mutex<BTreeMap<u32, u64>>,
    /// Whoever parses a long line holds it.
    pub(super) long_line: Mutex<()>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            budget: Budget::new(IN_FLIGHT),
            is_full: AtomicBool::new(false),
            counters: Counters::default(),
            rewinds: Mutex::default(),
            long_line: Mutex::default(),
        }
    }
}

impl Shared {
    pub fn rewind(&self, file: u32, offset: u64) {
        let mut rewinds = self.rewinds.lock().unwrap_or_else(PoisonError::into_inner);
        let from = rewinds.entry(file).or_insert(offset);
        *from = offset.min(*from);
    }

    pub fn take_rewinds(&self) -> BTreeMap<u32, u64> {
        mem::take(&mut *self.rewinds.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What goes from the reader to the index, by way of a parser if it has lines.
pub(crate) enum Step {
    Event {
        file: u32,
        event: Event,
    },
    Lines {
        file: u32,
        part: Box<Part>,
        too_long: Vec<u64>,
        start: Option<u64>,
        bytes: usize,
    },
    /// All files have been looked at, and so many bytes of them have been read.
    Looked {
        bytes: u64,
    },
}

/// A step, and how many there were before it.
pub(crate) type Numbered = (u64, Step);

/// Lines for a parser.
pub(super) struct Job {
    pub number: u64,
    pub file: u32,
    pub chunk: Chunk,
}
