//! Blocks of the event loop: owns which spans are blocks, and what they say about the code.

use std::collections::{HashMap, HashSet};

use crate::{index::Index, sorted::sort_by, value::Value};

const NAME: &str = "event-loop-blocked";
const SCOPE: &str = "offloop/event-loop-monitor";

/// All blocks of one line of code. Times are in nanoseconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BlockLine {
    pub at: BlockPlace,
    pub count: u64,
    pub total: u64,
    pub longest: u64,
    pub cpu: u64,
    pub gc: u64,
    /// The start of the last one, in nanoseconds since the epoch.
    pub last: u64,
    /// What was held up, by its route, else by the name of its span; what was held up longest comes first.
    pub routes: Vec<RouteTime>,
    pub rows: Vec<u32>,
}

/// The blocks of a line that held up requests of one route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RouteTime {
    pub route: String,
    pub count: u64,
    pub total: u64,
}

impl BlockLine {
    fn of(at: BlockPlace) -> BlockLine {
        let (count, total, longest, cpu, gc, last) = (0, 0, 0, 0, 0, 0);
        let (routes, rows) = (Vec::new(), Vec::new());
        BlockLine { at, count, total, longest, cpu, gc, last, routes, rows }
    }

    fn add_route(&mut self, route: String, duration: u64) {
        if route.is_empty() {
            return;
        }
        match self.routes.iter_mut().find(|known| known.route == route) {
            Some(known) => {
                known.count += 1;
                known.total += duration;
            }
            None => self.routes.push(RouteTime { route, count: 1, total: duration }),
        }
    }
}

/// The rows of all blocks, without those that were reported while they went on and once more when they had ended.
pub(crate) fn block_rows(index: &Index) -> Vec<u32> {
    let mut rows = rows_of_reports(index);
    let again = reported_again(index, &rows);
    rows.retain(|row| !again.contains_key(row));
    rows
}

/// `rows` with one for each block: the report of one that went on is left out if the one of its end is among them.
pub(crate) fn with_blocks_once(index: &Index, mut rows: Vec<u32>) -> Vec<u32> {
    let again = reported_again(index, &rows_of_reports(index));
    if again.is_empty() {
        return rows;
    }
    let ends: HashSet<u32> = again.values().copied().collect();
    let found: HashSet<u32> = rows.iter().copied().filter(|row| ends.contains(row)).collect();
    rows.retain(|row| !again.get(row).is_some_and(|end| found.contains(end)));
    rows
}

/// Of the blocks in `reports` those that went on, by row, and the row of their end.
fn reported_again(index: &Index, reports: &[u32]) -> HashMap<u32, u32> {
    let blocks: HashSet<u32> = reports.iter().copied().collect();
    let is_ongoing =
        |row: u32| index.attribute(row, "event_loop.block.ongoing") == Some(Value::Bool(true));
    let links = index.links.iter().filter(|link| blocks.contains(&link.row));
    let ended = links.filter_map(|link| Some((index.row_of(link.trace, link.id)?, link.row)));
    ended.filter(|(row, end)| row != end && blocks.contains(row) && is_ongoing(*row)).collect()
}

/// The rows of all spans that report a block, also those of one that went on and has ended since.
pub(crate) fn rows_of_reports(index: &Index) -> Vec<u32> {
    let Some(name) = index.text_id(NAME) else { return Vec::new() };
    let is_block = |row: &u32| {
        index.span(*row).is_some_and(|span| span.name == name && index.scope(span) == SCOPE)
    };
    index.rows().filter(is_block).collect()
}

/// Where a block happened.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct BlockPlace {
    /// Empty if the stack is not known.
    pub function: String,
    /// File and line; empty if the stack is not known.
    pub place: String,
    pub cause: String,
}

/// Empty if the span has no such attribute.
fn text_of(index: &Index, row: u32, key: &str) -> String {
    index.attribute(row, key).map_or_else(String::new, |value| value.to_string())
}

pub(crate) fn block_place(index: &Index, row: u32) -> BlockPlace {
    let text = |key| text_of(index, row, key);
    let file = text("code.file.path");
    let place = if file.is_empty() { file } else { [file, text("code.line.number")].join(":") };
    BlockPlace {
        function: text("code.function.name"),
        place,
        cause: text("event_loop.block.cause"),
    }
}

/// Blocks by their line of code and cause, those that took the most time first.
pub(crate) fn block_lines(index: &Index) -> Vec<BlockLine> {
    let mut lines: HashMap<BlockPlace, BlockLine> = HashMap::new();
    for row in block_rows(index) {
        let Some(span) = index.span(row) else { continue };
        let nanos = |key| match index.attribute(row, key) {
            Some(Value::Int(millis)) => millis.max(0) as u64 * 1_000_000,
            Some(Value::Double(millis)) => (millis * 1e6) as u64,
            _ => 0,
        };
        let at = block_place(index, row);
        let line = lines.entry(at.clone()).or_insert_with(|| BlockLine::of(at));
        line.count += 1;
        line.total += span.duration;
        line.longest = line.longest.max(span.duration);
        line.cpu += nanos("event_loop.block.cpu_ms");
        line.gc += nanos("event_loop.block.gc_ms");
        line.last = line.last.max(span.start);
        line.rows.push(row);
        let route = Some(text_of(index, row, "http.route")).filter(|route| !route.is_empty());
        let root = || text_of(index, row, "event_loop.block.root_span.name");
        line.add_route(route.unwrap_or_else(root), span.duration);
    }
    let mut lines: Vec<BlockLine> = lines.into_values().collect();
    for line in &mut lines {
        sort_by(&mut line.routes, |one, other| {
            (other.total, &one.route).cmp(&(one.total, &other.route))
        });
    }
    sort_by(&mut lines, |one, other| {
        let key = (one.total, &other.at.place, &other.at.cause);
        (other.total, &one.at.place, &one.at.cause).cmp(&key)
    });
    lines
}
