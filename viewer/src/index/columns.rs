//! What is kept of a span, a link, a line and a trace.

use crate::{dictionary::ValueId, parse::PartAttribute, span_flags::Flags};

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// A key and a value; both are numbers of the dictionary of the index.
pub(crate) type Attribute = PartAttribute;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// Zero if it has none.
    pub id: u64,
    /// Zero if it has none.
    pub parent: u64,
    /// Nanoseconds since the epoch; zero if it has none.
    pub start: u64,
    pub duration: u64,
    /// Number in `Index::traces`.
    pub trace: u32,
    pub name: ValueId,
    pub resource: u32,
    pub scope: u32,
    /// Number in `Index::lines`.
    pub line: u32,
    /// How many spans its line has before it.
    pub ordinal: u32,
    /// Where its attributes end; they begin where those of the row before end.
    pub attributes_end: u32,
    /// The row of the next span of its trace.
    pub next: u32,
    pub flags: Flags,
}

impl Span {
    /// Nanoseconds since the epoch.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }
}

/// A link of the span in `row` to another span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Link {
    pub row: u32,
    pub trace: u128,
    pub id: u64,
}

/// A line that has spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    /// Number in `Index::files`.
    pub file: u32,
    pub bytes: u32,
    /// Where it begins in the file, behind any decompression.
    pub offset: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    /// Zero for the spans of one file that have none.
    pub id: u128,
    /// The row of its first span, and of its last one.
    pub first: u32,
    pub last: u32,
    pub spans: u32,
    pub errors: u32,
    /// Of the spans that have a time of start.
    pub start: u64,
    pub end: u64,
}

impl Trace {
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}
