//! Blocks of the event loop: `blocks` by line of code, `held-up` for one of them, `bands` for a trace.

use super::{Answer, Asked, Cache, ROOM, Refusal, json_of_span};
use crate::{
    index::Index,
    json::Json,
    query::{
        BlockLine, Open, block_lines, block_place, block_rows, held_up, operations, whole_text,
    },
    sorted::sort_by_key,
};

/// Blocks of a line of code that are named, the longest ones.
const MOST_ROWS: usize = 20;
const MOST_ROUTES: usize = 20;
/// Spans that a block held up.
const MOST_SPANS: usize = 50;
const MOST_BANDS: usize = 2000;
/// Bytes of a stack.
const LONGEST_STACK: usize = 16 << 10;

pub(super) fn lines(asked: &Asked<'_>) -> Answer {
    let lines = block_lines(asked.index);
    let mut json = asked.json();
    json.name("lines").array();
    let mut told = 0;
    for line in &lines {
        asked.check()?;
        if json.len() > ROOM {
            break;
        }
        told += 1;
        block_line(&mut json, asked.index, line);
    }
    json.end_array().name("more").number((lines.len() - told) as u64).end_object();
    Ok(json)
}

fn block_line(json: &mut Json, index: &Index, line: &BlockLine) {
    json.object().name("function").text(&line.at.function).name("place").text(&line.at.place);
    json.name("cause").text(&line.at.cause).name("count").number(line.count);
    json.name("total").number(line.total).name("longest").number(line.longest);
    json.name("cpu").number(line.cpu).name("gc").number(line.gc).name("last").time(line.last);
    let duration = |row: &u32| index.span(*row).map_or(0, |span| span.duration);
    let mut rows = line.rows.clone();
    sort_by_key(&mut rows, |row| (!duration(row), 0));
    let stack = rows.first().map_or_else(String::new, |row| stack(index, *row));
    json.name("stack").text(&stack).name("rows").array();
    for row in rows.iter().take(MOST_ROWS) {
        json_of_span(json.object(), index, *row);
        json.end_object();
    }
    json.end_array().name("routes").array();
    for operation in operations(index, &line.rows).iter().take(MOST_ROUTES) {
        json.object().name("operation").text(&operation.name);
        json.name("spans").number(operation.count).name("blocked").number(operation.overlap);
        json.end_object();
    }
    json.end_array().end_object();
}

/// The stack of a block, without the lines that are too many.
fn stack(index: &Index, row: u32) -> String {
    let mut stack = whole_text(index, row, "code.stacktrace");
    if stack.len() > LONGEST_STACK {
        let end = (0..=LONGEST_STACK).rev().find(|end| stack.is_char_boundary(*end));
        stack.truncate(end.unwrap_or(0));
        stack.push('…');
    }
    stack
}

pub(super) fn held_up_by(asked: &Asked<'_>) -> Answer {
    let (index, row) = (asked.index, asked.with.row()?);
    if !block_rows(index).contains(&row) {
        return Err(Refusal::unknown("this span is no block of the event loop"));
    }
    let Some(found) = held_up(index, &[row]).pop() else {
        return Err(Refusal::unknown("there is no such span"));
    };
    let mut json = asked.json();
    json.name("count").number(found.open.len() as u64).name("spans").array();
    for Open { row, overlap } in found.open.iter().take(MOST_SPANS) {
        json_of_span(json.object(), index, *row);
        json.name("overlap").number(*overlap).end_object();
    }
    json.end_array().name("ancestors").array();
    let block = index.span(row).map_or((0, 0), |span| (span.start, span.end()));
    for row in found.ancestors.iter().take(MOST_SPANS) {
        let span = index.span(*row).map_or((0, 0), |span| (span.start, span.end()));
        let overlap = span.1.min(block.1).saturating_sub(span.0.max(block.0));
        json_of_span(json.object(), index, *row);
        json.name("overlap").number(overlap).end_object();
    }
    json.end_array().end_object();
    Ok(json)
}

/// Every block of a resource of the trace in the time of the trace, whatever trace it belongs to itself.
pub(super) fn bands(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let tree = cache.tree(asked)?;
    let index = asked.index;
    let trace = index.traces.get(tree.trace as usize);
    let (start, end) = trace.map_or((0, 0), |trace| (trace.start, trace.end));
    let mut bands = Vec::new();
    for row in block_rows(index) {
        let Some(span) = index.span(row) else { continue };
        let overlaps = span.start > 0 && span.start < end && span.end() > start;
        if let (true, Some(resource)) = (overlaps, tree.resources.number(span.resource)) {
            bands.push((row, span, resource));
        }
    }
    let all = bands.len();
    sort_by_key(&mut bands, |(_, span, _)| (!span.duration, 0));
    bands.truncate(MOST_BANDS);
    sort_by_key(&mut bands, |(row, span, _)| (span.start, (*row).into()));
    let mut json = Json::default();
    json.object().name("generation").number(tree.generation.into()).name("bands").array();
    let mut told = 0;
    for (row, span, resource) in bands {
        if json.len() > ROOM {
            break;
        }
        told += 1;
        let at = block_place(index, row);
        json.object().name("resource").number(resource.into()).name("start");
        json.signed(i128::from(span.start) - i128::from(start));
        json.name("function").text(&at.function).name("place").text(&at.place);
        json.name("cause").text(&at.cause);
        // The rest is what every span has.
        json_of_band(&mut json, index, row, span.duration);
        json.end_object();
    }
    json.end_array().name("more").number((all - told) as u64).end_object();
    Ok(json)
}

fn json_of_band(json: &mut Json, index: &Index, row: u32, duration: u64) {
    let trace = index.span(row).and_then(|span| index.traces.get(span.trace as usize));
    json.name("duration").number(duration).name("row").number(row.into());
    json.name("trace").text(&super::trace_text(trace.map_or(0, |trace| trace.id)));
}
