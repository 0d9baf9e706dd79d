//! The tree of one trace as it is drawn: owns the positions of its spans, and the numbers of names and resources.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::{Asked, Refusal};
use crate::{
    dictionary::ValueId,
    index::{Index, NONE},
    query::block_rows,
    tree::{Entry, Forest, Mark, order},
};

/// What a row of the tree is called.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Name {
    Value(ValueId),
    /// The id of a parent that is not in the files.
    Missing(u64),
}

/// Things by their number, which is that of their first use, and the number that each position uses.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    numbers: HashMap<T, u32, RandomState>,
    /// Each with the position of its first use.
    all: Vec<(T, u32)>,
    used: Vec<u32>,
}

impl<T: Copy + Eq + std::hash::Hash> Numbered<T> {
    fn new() -> Numbered<T> {
        Numbered { numbers: HashMap::default(), all: Vec::new(), used: Vec::new() }
    }

    /// Appends what the next position uses.
    fn push(&mut self, thing: T) {
        let position = self.used.len() as u32;
        let next = self.all.len() as u32;
        // Neighbours often use the same.
        let before = self.used.last().copied();
        let is_same = |number: &u32| self.all.get(*number as usize).map(|all| all.0) == Some(thing);
        let number =
            before.filter(is_same).unwrap_or_else(|| *self.numbers.entry(thing).or_insert(next));
        if number == next {
            self.all.push((thing, position));
        }
        self.used.push(number);
    }

    /// The number that is used at a position.
    pub fn at(&self, position: u32) -> u32 {
        self.used.get(position as usize).copied().unwrap_or(0)
    }

    pub fn number(&self, thing: T) -> Option<u32> {
        self.numbers.get(&thing).copied()
    }

    /// Those that are used first at positions from `from` to before `to`.
    pub fn used_first(&self, from: u32, to: u32) -> impl Iterator<Item = T> {
        let start = self.all.partition_point(|(_, position)| *position < from);
        let end = self.all.partition_point(|(_, position)| *position < to);
        self.all.get(start..end).unwrap_or_default().iter().map(|(thing, _)| *thing)
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    /// Another one for each tree that is built.
    pub generation: u32,
    pub trace: u32,
    pub forest: Forest,
    /// The rows, in the order in which they are drawn.
    pub entries: Vec<Entry>,
    /// Rows of the subtree of each position, itself included.
    pub sizes: Vec<u32>,
    /// The position of each place of the forest.
    positions: Vec<u32>,
    pub names: Numbered<Name>,
    pub resources: Numbered<u32>,
    /// The rows of blocks of the event loop in this trace, in ascending order.
    blocks: Vec<u32>,
    /// What the trace was when the tree was built: spans, and the row of the last one.
    built_of: (u32, u32),
}

impl Tree {
    pub fn new(asked: &Asked<'_>, trace: u32, generation: u32) -> Result<Tree, Refusal> {
        let index = asked.index;
        let forest = Forest::new(index, index.rows_of(trace).collect());
        asked.check()?;
        let entries = order(index, &forest);
        asked.check()?;
        let is_here = |row: &u32| index.span(*row).is_some_and(|span| span.trace == trace);
        let mut tree = Tree {
            generation,
            trace,
            sizes: sizes(&entries),
            positions: vec![NONE; forest.len()],
            names: Numbered::new(),
            resources: Numbered::new(),
            blocks: block_rows(index).into_iter().filter(is_here).collect(),
            built_of: state_of(index, trace),
            forest,
            entries,
        };
        for position in 0..tree.entries.len() as u32 {
            tree.enter(index, position);
        }
        Ok(tree)
    }

    fn enter(&mut self, index: &Index, position: u32) {
        let Some(entry) = self.entries.get(position as usize) else { return };
        let span_at = |place: Option<u32>| place.and_then(|place| self.forest.span(index, place));
        let (name, span) = match *entry {
            Entry::MissingParent { id } => {
                // It is drawn with the resource of its first child.
                let child = self.entries.get(position as usize + 1).and_then(Entry::place);
                (Name::Missing(id), span_at(child))
            }
            Entry::Span { place, .. } => {
                if let Some(known) = self.positions.get_mut(place as usize) {
                    *known = position;
                }
                let span = span_at(Some(place));
                (Name::Value(span.map_or(NONE, |span| span.name)), span)
            }
        };
        self.names.push(name);
        self.resources.push(span.map_or(NONE, |span| span.resource));
    }

    /// Whether the trace still is what the tree was built of.
    pub fn is_current(&self, index: &Index) -> bool {
        self.built_of == state_of(index, self.trace)
    }

    pub fn position(&self, place: u32) -> u32 {
        self.positions.get(place as usize).copied().unwrap_or(NONE)
    }

    /// The position of the span in a row of the index, if it is in this tree.
    pub fn position_of_row(&self, row: u32) -> Option<u32> {
        let place = self.forest.rows.binary_search(&row).ok()?;
        self.positions.get(place).copied()
    }

    pub fn is_block(&self, row: u32) -> bool {
        self.blocks.binary_search(&row).is_ok()
    }

    /// Places of the spans at the top: those without a parent in these files, and where circles were opened.
    pub fn roots(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().filter_map(|entry| match *entry {
            Entry::Span { place, mark: Mark::Circle, .. } => Some(place),
            Entry::Span { place, .. } => self.forest.parent(place).is_none().then_some(place),
            Entry::MissingParent { .. } => None,
        })
    }
}

fn state_of(index: &Index, trace: u32) -> (u32, u32) {
    index.traces.get(trace as usize).map_or((0, NONE), |trace| (trace.spans, trace.last))
}

/// The rows of each subtree: of the entries that follow, those that are deeper.
fn sizes(entries: &[Entry]) -> Vec<u32> {
    let mut sizes = vec![1; entries.len()];
    // Rows of the subtrees behind the current one, by their depth.
    let mut open: Vec<u32> = Vec::new();
    for (entry, size) in entries.iter().zip(&mut sizes).rev() {
        let depth = entry.depth() as usize;
        if open.len() < depth + 2 {
            open.resize(depth + 2, 0);
        }
        if let Some(below) = open.get_mut(depth + 1) {
            *size += std::mem::take(below);
        }
        if let Some(beside) = open.get_mut(depth) {
            *beside += *size;
        }
    }
    sizes
}
