//! From the bytes of a line to spans: owns everything that is known about OTLP/JSON.
//! It refuses to know files, threads and the index.

mod attributes;
mod id;
mod line;
mod part;
mod pieces;
mod repair;
mod request;
mod scalar;
mod slice;
mod span;
mod tape;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    id::{hex_id, hex_span_id, parse_trace_id},
    line::{LONGEST_VALUE, LineParser, WHOLE_VALUES, value_of, without_blanks},
    part::{Part, PartAttribute, PartLink, PartScope, PartSpan},
    pieces::{ResourcePiece, ScopePiece, SpanPiece, pieces},
    scalar::unsigned,
    tape::Item,
};
