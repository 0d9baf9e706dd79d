//! The spans of one export as JSONL, trace by trace, so that each trace is one append (R80).
//! It refuses to name files or write them.

use std::ops::Range;

use super::{input::Input, invalid::Invalid};

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
    /// 32 lower-case hexadecimal digits, checked (R83): safe in a path.
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
    let _ = (spans, environment);
    Lines::default()
}
