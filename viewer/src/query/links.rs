//! Links between spans, in both directions and across traces.

use crate::index::{Index, Link};

/// A link of a span: the ids that it names, and the row of the span that has them, if it is in these files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Linked {
    pub trace: u128,
    pub id: u64,
    pub row: Option<u32>,
}

/// What the span in `row` links to, in the order in which it is written.
pub(crate) fn links_to(index: &Index, row: u32) -> Vec<Linked> {
    // They are in the order of the rows.
    let from = index.links.partition_point(|link| link.row < row);
    let rest = index.links.get(from..).unwrap_or_default();
    let linked = |link: &Link| Linked {
        trace: link.trace,
        id: link.id,
        row: index.row_of(link.trace, link.id),
    };
    rest.iter().take_while(|link| link.row == row).map(linked).collect()
}

/// The rows of the spans that link to the one in `row`.
pub(crate) fn links_from(index: &Index, row: u32) -> Vec<u32> {
    let Some(span) = index.span(row) else { return Vec::new() };
    let Some(trace) = index.traces.get(span.trace as usize) else { return Vec::new() };
    let is_here = |link: &&Link| link.id == span.id && link.trace == trace.id;
    let mut rows: Vec<u32> = index.links.iter().filter(is_here).map(|link| link.row).collect();
    rows.dedup();
    rows
}
