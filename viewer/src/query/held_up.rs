//! What was open in the same process while its event loop was blocked. That a block caused the delay is not said: the
//! spans were open, no more.

use std::collections::{HashMap, HashSet};

use super::blocks::rows_of_reports;
use crate::{
    index::{Index, NONE, Span},
    sorted::{sort_by, sort_by_key},
};

/// A span that was open during a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Open {
    pub row: u32,
    /// Nanoseconds of the block in which it was open.
    pub overlap: u64,
}

/// What a block held up.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct HeldUp {
    /// Spans that were open, the longest first, without blocks and without the ancestors of the block.
    pub open: Vec<Open>,
    /// The spans in which the block happened, the innermost first.
    pub ancestors: Vec<u32>,
}

/// For each of the block rows what it held up.
pub(crate) fn held_up(index: &Index, blocks: &[u32]) -> Vec<HeldUp> {
    let resources: HashSet<u32> =
        blocks.iter().filter_map(|row| index.span(*row)).map(|span| span.resource).collect();
    let are_blocks: HashSet<u32> = rows_of_reports(index).into_iter().collect();
    let mut timelines: HashMap<u32, Timeline> = HashMap::new();
    for row in index.rows() {
        let Some(span) = index.span(row) else { continue };
        if span.start > 0 && resources.contains(&span.resource) && !are_blocks.contains(&row) {
            timelines.entry(span.resource).or_default().rows.push(row);
        }
    }
    timelines.values_mut().for_each(|timeline| timeline.sort(index));
    let of = |row: &u32| {
        let Some(block) = index.span(*row) else { return HeldUp::default() };
        let ancestors = ancestors(index, *row);
        let mut open = timelines
            .get(&block.resource)
            .map_or_else(Vec::new, |timeline| timeline.open(index, block));
        open.retain(|span| !ancestors.contains(&span.row));
        sort_by_key(&mut open, |span| (!span.overlap, span.row.into()));
        HeldUp { open, ancestors }
    };
    blocks.iter().map(of).collect()
}

/// Spans with one service and name that were open during some blocks.
pub(crate) struct Operation {
    pub name: String,
    pub count: u64,
    pub overlap: u64,
}

/// Those with the most blocked time first.
pub(crate) fn operations(index: &Index, blocks: &[u32]) -> Vec<Operation> {
    let mut found: HashMap<(u32, u32), Operation> = HashMap::new();
    for open in held_up(index, blocks).iter().flat_map(|HeldUp { open, .. }| open) {
        let Some(span) = index.span(open.row) else { continue };
        let service = index.service_id(span.resource).unwrap_or(NONE);
        let operation = found.entry((service, span.name)).or_insert_with(|| Operation {
            name: [index.service(span.resource), index.name(span)].join(" "),
            count: 0,
            overlap: 0,
        });
        operation.count += 1;
        operation.overlap += open.overlap;
    }
    let mut operations: Vec<Operation> = found.into_values().collect();
    sort_by(&mut operations, |one, other| {
        (other.overlap, &one.name).cmp(&(one.overlap, &other.name))
    });
    operations
}

fn ancestors(index: &Index, row: u32) -> Vec<u32> {
    let parent = |row: &u32| index.span(*row).and_then(|span| index.parent_row(span));
    let mut seen = HashSet::from([row]);
    let mut rows = Vec::new();
    let mut next = parent(&row);
    while let Some(row) = next.filter(|row| seen.insert(*row)) {
        rows.push(row);
        next = parent(&row);
    }
    rows
}

/// The spans of a resource by their start.
#[derive(Default)]
struct Timeline {
    rows: Vec<u32>,
    starts: Vec<u64>,
    /// The latest end of a span and all before it.
    latest_ends: Vec<u64>,
}

impl Timeline {
    fn sort(&mut self, index: &Index) {
        let start_of = |row: &u32| index.span(*row).map_or(0, |span| span.start);
        sort_by_key(&mut self.rows, |row| (start_of(row), 0));
        self.starts = self.rows.iter().map(start_of).collect();
        let mut latest = 0;
        let ends = self.rows.iter().filter_map(|row| index.span(*row)).map(Span::end);
        self.latest_ends = ends
            .map(|end| {
                latest = end.max(latest);
                latest
            })
            .collect();
    }

    fn open(&self, index: &Index, block: &Span) -> Vec<Open> {
        let first = self.latest_ends.partition_point(|end| *end <= block.start);
        let last = self.starts.partition_point(|start| *start < block.end());
        let candidates = self.rows.get(first..last).unwrap_or_default();
        let overlap = |row: &u32| {
            let span = index.span(*row)?;
            let overlap = span.end().min(block.end()).saturating_sub(span.start.max(block.start));
            (overlap > 0).then_some(Open { row: *row, overlap })
        };
        candidates.iter().filter_map(overlap).collect()
    }
}
