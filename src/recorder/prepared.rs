//! Clean spans that JavaScript had as objects and has printed itself: lines for trace files, parts of a request body.
//! It refuses to look into them. What happens to them afterwards is what happens to every other recorded span.

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    otlp::Encoded,
    sink::trace_files::{bundle, is_trace_id},
    span::{Node, Span, SpanBatch, Text},
};

/// The lines of each trace, first seen first, as a body of [`crate::sink::trace_files`].
pub(super) fn lines(batch: &SpanBatch<'_>) -> Option<Encoded> {
    let mut places = HashMap::new();
    let mut traces: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut spans = 0;
    for span in &batch.spans {
        let (Some(id), Some(line)) = (trace_id(span), printed(batch, span)) else { continue };
        let place = match places.entry(id) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(vacant) => {
                traces.push((id, Vec::new()));
                *vacant.insert(traces.len() - 1)
            }
        };
        if let Some((_, lines)) = traces.get_mut(place) {
            put(lines, line);
            lines.push(b'\n');
            spans += 1;
        }
    }
    let mut text = Vec::new();
    let mut ranges = Vec::new();
    for (id, lines) in &traces {
        let start = text.len();
        text.extend_from_slice(lines);
        ranges.push((*id, start..text.len()));
    }
    Some(encoded(batch, bundle(text, ranges.into_iter())?, spans))
}

/// The parts of one request body, one after the other: protobuf messages merge by concatenation.
pub(super) fn request(batch: &SpanBatch<'_>) -> Encoded {
    let mut body = Vec::new();
    let mut spans = 0;
    for part in batch.spans.iter().filter_map(|span| printed(batch, span)) {
        put(&mut body, part);
        spans += 1;
    }
    encoded(batch, body, spans)
}

fn encoded(batch: &SpanBatch<'_>, body: Vec<u8>, spans: u32) -> Encoded {
    let lost = u32::try_from(batch.spans.len()).unwrap_or(u32::MAX).saturating_sub(spans);
    Encoded { body, spans, invalid: batch.invalid.saturating_add(lost), ..Encoded::default() }
}

/// What stands in for the attributes of such a span: one text or byte array.
fn printed<'b, 'a>(batch: &'b SpanBatch<'a>, span: &Span<'a>) -> Option<&'b Node<'a>> {
    batch.entries(&span.attributes).first().map(|entry| &entry.node)
}

fn put(out: &mut Vec<u8>, node: &Node<'_>) {
    match node {
        Node::Bytes(bytes) => out.extend_from_slice(bytes),
        // A raw half of a surrogate pair (`JSON.rawJSON` lets it through) would make the file unreadable.
        Node::Text(Text { bytes, has_surrogates: true }) => {
            out.extend_from_slice(&crate::drift::without_surrogates(bytes));
        }
        Node::Text(text) => out.extend_from_slice(text.bytes),
        _ => {}
    }
}

/// Returns the trace id if it has the form of one, because it becomes part of a path (F76).
fn trace_id<'a>(span: &Span<'a>) -> Option<&'a str> {
    is_trace_id(span.trace_id.bytes).then(|| std::str::from_utf8(span.trace_id.bytes).ok())?
}
