//! Takes what was read into the index, in the order in which it was read, and a little at a time: between two steps whoever
//! owns the index can do something else.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::{
    FULL,
    pipeline::{Numbered, Shared, Step},
};
use crate::index::{Index, Merge};

/// Spans and attributes that are taken in at once: what takes a few milliseconds.
const SLICE: usize = 1 << 15;

pub(crate) struct Merger {
    shared: Arc<Shared>,
    /// What came before it was its turn.
    waiting: BTreeMap<u64, Step>,
    next: u64,
    /// The part that is being taken in, and the bytes of its lines.
    current: Option<(Merge, usize)>,
}

impl Merger {
    pub fn new(shared: Arc<Shared>) -> Merger {
        Merger { shared, waiting: BTreeMap::new(), next: 0, current: None }
    }

    pub fn take(&mut self, (number, step): Numbered) {
        self.waiting.insert(number, step);
    }

    /// Does a little of what there is to do. Returns whether that was anything.
    pub fn go_on(&mut self, index: &mut Index) -> bool {
        if let Some((merge, bytes)) = &mut self.current {
            if index.go_on(merge, SLICE) {
                self.shared.budget.give(*bytes);
                self.current = None;
                self.shared.is_stopped.fetch_or(index.is_full, Ordering::Relaxed);
            }
            return true;
        }
        let Some(step) = self.waiting.remove(&self.next) else { return false };
        self.next += 1;
        self.step(index, step);
        true
    }

    fn step(&mut self, index: &mut Index, step: Step) {
        match step {
            Step::Open { file, bytes, is_plain, identity } => {
                if let Some(state) = index.files.get_mut(file as usize) {
                    (state.bytes, state.is_plain, state.identity) = (bytes, is_plain, identity);
                }
            }
            Step::Lines { file, bytes, .. } if index.is_full => {
                if let Some(state) = index.files.get_mut(file as usize) {
                    state.failure = Some(FULL.into());
                }
                self.shared.budget.give(bytes);
            }
            Step::Lines { file, part, too_long, bytes } => {
                index.skip_too_long(file, &too_long);
                self.current = Some((index.begin(part, file), bytes));
            }
            Step::Close { file, failure } => {
                if let Some(state) = index.files.get_mut(file as usize) {
                    state.failure = failure.or(state.failure.take());
                }
            }
        }
    }
}
