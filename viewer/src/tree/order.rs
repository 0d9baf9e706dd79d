//! The order in which a trace is read: each span before its children, children by their start.

use std::collections::HashMap;

use super::forest::Forest;
use crate::{index::Index, sorted::sort_by_key};

/// Why a span is at the top although it names a parent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    None,
    /// It is its own ancestor; the circle has been opened here.
    Circle,
}

/// A line of the tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    Span {
        place: u32,
        depth: u32,
        mark: Mark,
    },
    /// A parent that is not in the files; the spans that name it follow one level below.
    MissingParent {
        id: u64,
    },
}

impl Entry {
    /// The place of a span.
    pub fn place(&self) -> Option<u32> {
        match self {
            Entry::Span { place, .. } => Some(*place),
            Entry::MissingParent { .. } => None,
        }
    }

    pub fn depth(&self) -> u32 {
        match self {
            Entry::Span { depth, .. } => *depth,
            Entry::MissingParent { .. } => 0,
        }
    }
}

/// Where the order begins: a span, or a parent that is missing with its children.
struct Top {
    start: u64,
    first: u32,
    missing: Option<u64>,
    mark: Mark,
    places: Vec<u32>,
}

/// Every span of the forest exactly once.
pub(crate) fn order(index: &Index, forest: &Forest) -> Vec<Entry> {
    let mut walk = Walk { forest, entries: Vec::new(), is_seen: vec![false; forest.len()] };
    for top in tops(index, forest) {
        if let Some(id) = top.missing {
            walk.entries.push(Entry::MissingParent { id });
        }
        let depth = u32::from(top.missing.is_some());
        for place in top.places {
            walk.from(place, depth, top.mark);
        }
    }
    for place in 0..forest.len() as u32 {
        if !walk.is_seen(place) {
            walk.from(opening(index, forest, place), 0, Mark::Circle);
        }
    }
    walk.entries
}

/// Spans without a parent and missing parents, by their start.
fn tops(index: &Index, forest: &Forest) -> Vec<Top> {
    let mut tops: Vec<Top> = Vec::new();
    let mut missing: HashMap<u64, usize> = HashMap::new();
    for place in 0..forest.len() as u32 {
        let Some(span) = forest.span(index, place).filter(|_| forest.parent(place).is_none())
        else {
            continue;
        };
        let has_id = index.traces.get(span.trace as usize).is_some_and(|trace| trace.id != 0);
        let is_own_parent = span.parent != 0 && span.parent == span.id && has_id;
        let is_orphan = span.parent != 0 && !is_own_parent && has_id;
        let top = Top {
            start: span.start,
            first: place,
            missing: is_orphan.then_some(span.parent),
            mark: if is_own_parent { Mark::Circle } else { Mark::None },
            places: vec![place],
        };
        match missing.get(&span.parent).filter(|_| is_orphan).and_then(|at| tops.get_mut(*at)) {
            Some(known) => {
                known.start = known.start.min(span.start);
                known.places.push(place);
            }
            None => {
                if is_orphan {
                    missing.insert(span.parent, tops.len());
                }
                tops.push(top);
            }
        }
    }
    let start_of = |place: &u32| forest.span(index, *place).map_or(0, |span| span.start);
    for top in &mut tops {
        sort_by_key(&mut top.places, |place| (start_of(place), 0));
    }
    sort_by_key(&mut tops, |top| (top.start, top.first.into()));
    tops
}

/// The earliest span of the circle that the parents of `place` lead into.
fn opening(index: &Index, forest: &Forest, place: u32) -> u32 {
    let steps = |place: u32| forest.parent(place).unwrap_or(place);
    let mut inside = place;
    // After as many steps as there are spans, one is in the circle.
    let (mut slow, mut fast) = (place, place);
    for _ in 0..=forest.len() {
        (slow, fast) = (steps(slow), steps(steps(fast)));
        inside = slow;
        if slow == fast {
            break;
        }
    }
    let key = |place: u32| (forest.span(index, place).map_or(0, |span| span.start), place);
    let mut earliest = inside;
    let mut at = steps(inside);
    while at != inside {
        if key(at) < key(earliest) {
            earliest = at;
        }
        at = steps(at);
    }
    earliest
}

struct Walk<'f> {
    forest: &'f Forest,
    entries: Vec<Entry>,
    is_seen: Vec<bool>,
}

impl Walk<'_> {
    fn is_seen(&self, place: u32) -> bool {
        self.is_seen.get(place as usize).copied().unwrap_or(true)
    }

    fn from(&mut self, top: u32, depth: u32, mark: Mark) {
        let mut waiting = vec![(top, depth, mark)];
        while let Some((place, depth, mark)) = waiting.pop() {
            if self.is_seen(place) {
                continue;
            }
            if let Some(is_seen) = self.is_seen.get_mut(place as usize) {
                *is_seen = true;
            }
            self.entries.push(Entry::Span { place, depth, mark });
            let children = self.forest.children(place).iter().rev();
            waiting.extend(children.map(|child| (*child, depth + 1, Mark::None)));
        }
    }
}
