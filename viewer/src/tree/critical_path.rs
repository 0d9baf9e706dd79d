//! What a span waited for: backwards from its end, always the child that ended last.

use super::forest::Forest;
use crate::{index::Index, sorted::sort_by_key};

/// A part of the path: from `start` to `end` it runs through the span at `place`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    pub place: u32,
    pub start: u64,
    pub end: u64,
}

/// A span whose part of the path is being found.
struct Frame {
    place: u32,
    start: u64,
    end: u64,
    /// What is behind it has been found.
    cursor: u64,
    /// The children that have not been looked at, the one that ends last at the end.
    children: Vec<u32>,
}

/// Spans that a path has run through. A span may be among its own descendants, so each is visited once.
pub(crate) struct Visited(Vec<bool>);

impl Visited {
    pub fn new(forest: &Forest) -> Visited {
        Visited(vec![false; forest.len()])
    }

    /// Whether it is the first visit.
    fn visit(&mut self, place: u32) -> bool {
        self.0.get_mut(place as usize).is_some_and(|visited| !std::mem::replace(visited, true))
    }
}

/// The pieces in the order of time. They do not overlap, and together they are as long as the span at `root`. Several roots
/// share what was visited.
pub(crate) fn critical_path(
    index: &Index,
    forest: &Forest,
    root: u32,
    visited: &mut Visited,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut frames = Vec::new();
    if let Some(span) = forest.span(index, root) {
        visited.visit(root);
        frames.push(frame(index, forest, root, span.start, span.end()));
    }
    while let Some(top) = frames.last_mut() {
        let Some(place) = top.children.pop() else {
            push(&mut pieces, top.place, top.start, top.cursor);
            frames.pop();
            continue;
        };
        let Some(child) = forest.span(index, place) else { continue };
        // A child that outlives its parent counts up to the parent's end.
        let (start, end) = (child.start.max(top.start), child.end().min(top.end));
        if end > top.cursor || end <= start || !visited.visit(place) {
            continue;
        }
        push(&mut pieces, top.place, end, top.cursor);
        top.cursor = start;
        frames.push(frame(index, forest, place, start, end));
    }
    pieces.reverse();
    pieces
}

fn frame(index: &Index, forest: &Forest, place: u32, start: u64, end: u64) -> Frame {
    let mut children = forest.children(place).to_vec();
    sort_by_key(&mut children, |child| {
        (forest.span(index, *child).map_or(0, |span| span.end()), 0)
    });
    Frame { place, start, end, cursor: end, children }
}

fn push(pieces: &mut Vec<Piece>, place: u32, start: u64, end: u64) {
    if end > start {
        pieces.push(Piece { place, start, end });
    }
}
