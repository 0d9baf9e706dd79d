//! Takes what was read into the index, in the order in which it was read, and a little at a time: between two steps whoever
//! owns the index can do something else.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, atomic::Ordering},
};

use super::messages::{Numbered, Shared, Step};
use crate::{
    following::{Event, FULL},
    index::{Index, Merge},
};

/// Spans and attributes that are taken in at once: what takes a few milliseconds.
const SLICE: usize = 1 << 15;

pub(crate) struct Merger {
    shared: Arc<Shared>,
    /// What came before it was its turn.
    waiting: BTreeMap<u64, Step>,
    next: u64,
    /// The part that is being taken in, and the bytes of its lines.
    current: Option<(Merge, usize)>,
    /// Files of which lines were left out because the index was full.
    left_out: BTreeSet<u32>,
    /// The removed files when there was no room the last time.
    removed: HashSet<u32>,
    /// What the last look at all files has told, the bytes that have been read.
    pub looked: Option<u64>,
}

impl Merger {
    pub fn new(shared: Arc<Shared>) -> Merger {
        Merger {
            shared,
            waiting: BTreeMap::new(),
            next: 0,
            current: None,
            left_out: BTreeSet::new(),
            removed: HashSet::new(),
            looked: None,
        }
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
                self.shared.is_full.store(index.is_full, Ordering::Relaxed);
            }
            return true;
        }
        let Some(step) = self.waiting.remove(&self.next) else { return false };
        self.next += 1;
        self.step(index, step);
        true
    }

    /// Makes room if it is needed and if files have been removed. Returns whether there is more room now; values have other
    /// numbers then.
    pub fn relieve(&mut self, index: &mut Index) -> bool {
        if self.current.is_some() || !(index.is_full || index.is_pressed()) {
            return false;
        }
        let removed = index.removed_files();
        // It was no use the last time.
        if removed == self.removed {
            return false;
        }
        self.removed = removed;
        let is_relieved = index.release();
        self.shared.is_full.store(index.is_full, Ordering::Relaxed);
        is_relieved
    }

    fn step(&mut self, index: &mut Index, step: Step) {
        match step {
            Step::Event { file, event } => self.event(index, file, event),
            Step::Lines { file, start, bytes, .. }
                if index.is_full || self.left_out.contains(&file) =>
            {
                // All that follows of this file is left out, too, until it is read from here on.
                self.left_out.insert(file);
                if let Some(start) = start {
                    self.shared.rewind(file, start);
                }
                if let Some(state) = index.files.get_mut(file as usize) {
                    state.failure = Some(FULL.into());
                }
                self.shared.budget.give(bytes);
            }
            Step::Lines { file, part, too_long, bytes, .. } => {
                index.skip_too_long(file, &too_long);
                self.current = Some((index.begin(part, file), bytes));
            }
            Step::Looked { bytes } => self.looked = Some(bytes),
        }
    }

    fn event(&mut self, index: &mut Index, file: u32, event: Event) {
        let copies = match event {
            Event::Facts(mut facts) => {
                if self.left_out.contains(&file) {
                    facts.failure.get_or_insert_with(|| FULL.into());
                }
                return index.learn(file, *facts);
            }
            Event::Cut(offset) => {
                if let Some(state) = index.files.get_mut(file as usize) {
                    state.begin_cut(offset);
                }
                return;
            }
            Event::Forget => {
                self.left_out.remove(&file);
                index.forget_file(file)
            }
            Event::ForgetCut => index.forget_cut(file),
            Event::Resume => {
                self.left_out.remove(&file);
                return;
            }
        };
        for copy in copies {
            self.shared.rewind(copy, 0);
        }
    }
}
