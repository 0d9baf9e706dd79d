//! The time in which a span had no child.

use super::forest::Forest;
use crate::index::Index;

/// For each place of the forest the nanoseconds that none of its children covers.
pub(crate) fn self_times(index: &Index, forest: &Forest) -> Vec<u64> {
    (0..forest.len() as u32)
        .map(|place| {
            let Some(span) = forest.span(index, place) else { return 0 };
            let end = span.end();
            let (mut covered, mut cursor) = (0, span.start);
            for child in forest.children(place) {
                let Some(child) = forest.span(index, *child) else { continue };
                let from = child.start.max(cursor);
                let to = child.end().min(end);
                if to > from {
                    covered += to - from;
                    cursor = to;
                }
            }
            span.duration - covered
        })
        .collect()
}
