//! The spans of one export as JSONL, trace by trace, so that each trace is one append (R80).
//! It refuses to name files or write them.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use bumpalo::Bump;

use super::{
    input::Input,
    invalid::{Invalid, Part, Problem},
    json_line::json_line,
    prepare::{Prepare, transformed},
};

/// A span that is not in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpan {
    /// Its place among the spans given.
    pub index: usize,
    /// Why.
    pub why: Invalid,
}

/// Lines of one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLines {
    /// Checked to be 32 lower-case hexadecimal digits, so it is safe in a path (R83).
    pub trace_id: String,
    /// Part of [`Lines::text`]; every line ends with a line feed.
    pub range: Range<usize>,
    /// Lines in it.
    pub spans: u32,
}

/// JSONL of a batch.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The lines of all traces.
    pub text: Vec<u8>,
    /// Traces in the order of their first span; within a trace spans keep their order.
    pub traces: Vec<TraceLines>,
    /// Spans that cannot be written, by index.
    pub invalid: Vec<InvalidSpan>,
    /// Spans whose `td.transformMetadata` was not JSON: written without it, worth a warning. By index.
    pub malformed_transform_metadata: Vec<usize>,
}

/// Transforms and prints a batch. Memory beside the result is one arena, reused from span to span.
pub fn encode_lines(spans: &[Result<Input<'_>, Invalid>], environment: Option<&str>) -> Lines {
    encode_lines_with(spans, environment, None)
}

/// The same of what `prepare` makes of the spans.
pub fn encode_lines_with(
    spans: &[Result<Input<'_>, Invalid>],
    environment: Option<&str>,
    prepare: Option<&dyn Prepare>,
) -> Lines {
    let mut lines = Lines::default();
    let mut arena = Bump::new();
    lines.text.reserve(expected_bytes(spans));
    for (trace_id, members) in by_trace(spans, &mut lines.invalid) {
        let start = lines.text.len();
        let mut written = 0;
        for (index, input) in members {
            match transformed(input, environment, &arena, prepare) {
                Ok(span) => {
                    json_line(&span, &mut lines.text);
                    lines.text.push(b'\n');
                    written += 1;
                    if span.malformed_transform_metadata {
                        lines.malformed_transform_metadata.push(index);
                    }
                }
                Err(why) => lines.invalid.push(InvalidSpan { index, why }),
            }
            arena.reset();
        }
        let range = start..lines.text.len();
        if written > 0 {
            lines.traces.push(TraceLines { trace_id, range, spans: written });
        }
    }
    lines.invalid.sort_unstable_by_key(|invalid| invalid.index);
    lines.malformed_transform_metadata.sort_unstable();
    lines
}

/// Schemas, hashes and names beside the recorded JSON.
const BYTES_PER_SPAN: usize = 2048;

/// What the result will be long, so that growing it does not touch twice the memory.
pub(super) fn expected_bytes(spans: &[Result<Input<'_>, Invalid>]) -> usize {
    let recorded: usize = spans.iter().flatten().map(Input::recorded_bytes).sum();
    recorded + spans.len() * BYTES_PER_SPAN
}

type Members<'s, 'a> = Vec<(usize, &'s Input<'a>)>;

/// The spans of each trace, first seen first. Spans that cannot be grouped are `invalid`.
fn by_trace<'s, 'a>(
    spans: &'s [Result<Input<'a>, Invalid>],
    invalid: &mut Vec<InvalidSpan>,
) -> Vec<(String, Members<'s, 'a>)> {
    let mut places = HashMap::new();
    let mut traces: Vec<(String, Members)> = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let checked = span.as_ref().map_err(|why| *why).and_then(|input| {
            trace_id(input)
                .map(|id| (id, input))
                .ok_or(Invalid::new(Part::TraceId, Problem::NotATraceId))
        });
        let (id, input) = match checked {
            Ok(checked) => checked,
            Err(why) => {
                invalid.push(InvalidSpan { index, why });
                continue;
            }
        };
        let place = match places.entry(id) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(vacant) => {
                traces.push((id.to_owned(), Vec::new()));
                *vacant.insert(traces.len() - 1)
            }
        };
        if let Some((_, members)) = traces.get_mut(place) {
            members.push((index, input));
        }
    }
    traces
}

/// Returns the trace id if it is 32 lower-case hexadecimal digits, because it becomes part of a path (R83).
fn trace_id<'a>(input: &Input<'a>) -> Option<&'a str> {
    let bytes = input.trace_id.bytes;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if bytes.len() != 32 || !bytes.iter().all(is_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}
