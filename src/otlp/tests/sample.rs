//! A batch with everything in it that a request can hold, spans of several resources and scopes in turns.
//! It holds no absent count and no text that one form leaves out and the other does not: that is another batch, in the tests.

use crate::span::{
    Attributes, Entry, Event, HrTime, Link, Node, Resource, Scope, Span, SpanBatch, Text,
};

/// Takes two bytes of length, and so does what holds it.
const LONG: &str = "a text that is longer than what one byte of a varint can say, which is one hundred and twenty-seven \
                    bytes, so that all lengths around it take two";
/// What would be half of a pair if it were text.
const BYTES: &[u8] = b"\xed\xa0\x80";
const LONE_SURROGATE: Text<'static> =
    Text { bytes: b"half \xed\xa0\x80 of a pair", has_surrogates: true };

pub fn text(text: &'static str) -> Text<'static> {
    Text::utf8(text)
}

/// So many values, in a tape with their descendants behind them.
pub fn attributes(
    batch: &mut SpanBatch<'static>,
    count: u32,
    entries: &[(&'static str, Node<'static>)],
) -> Attributes {
    let first = batch.tape.len();
    batch.tape.extend(entries.iter().map(|(key, node)| Entry { key: text(key), node: *node }));
    Attributes { entries: first..batch.tape.len(), count }
}

/// A span of which nothing is said that can be left unsaid.
pub fn bare_span(resource: u32, scope: u32) -> Span<'static> {
    Span {
        resource,
        scope,
        trace_id: text("0123456789abcdef0123456789abcdef"),
        span_id: text("fedcba9876543210"),
        trace_state: None,
        parent_span_id: None,
        name: None,
        kind: 0.0,
        start: HrTime::default(),
        end: HrTime::default(),
        status_code: f64::NAN,
        status_message: None,
        flags: 0.0,
        attributes: Attributes::default(),
        dropped_attributes: f64::NAN,
        dropped_events: f64::NAN,
        dropped_links: f64::NAN,
        events: 0..0,
        links: 0..0,
        texts: &[],
    }
}

/// An ordinary span of the sample.
fn span(batch: &mut SpanBatch<'static>, place: (u32, u32), name: &'static str) -> Span<'static> {
    let attributes = attributes(batch, 1, &[("of", Node::Text(text(name)))]);
    Span {
        name: Some(text(name)),
        kind: 1.0,
        start: HrTime { seconds: 1_700_000_000.0, nanos: 1.0 },
        end: HrTime { seconds: 1_700_000_001.0, nanos: 999_999_999.0 },
        status_code: 0.0,
        flags: 257.0,
        attributes,
        dropped_attributes: 0.0,
        dropped_events: 0.0,
        dropped_links: 0.0,
        ..bare_span(place.0, place.1)
    }
}

fn full_span(batch: &mut SpanBatch<'static>, place: (u32, u32)) -> Span<'static> {
    let event_attributes = attributes(batch, 1, &[("long", Node::Text(text(LONG)))]);
    let link_attributes = attributes(
        batch,
        2,
        &[
            ("a", Node::Map(1)),
            ("b", Node::Text(LONE_SURROGATE)),
            ("c", Node::Bytes(&[1, 2, 0xff])),
        ],
    );
    let values = attributes(
        batch,
        14,
        &[
            ("empty", Node::Empty),
            ("yes", Node::Bool(true)),
            ("no", Node::Bool(false)),
            ("one", Node::Number(1.0)),
            ("less", Node::Number(-3.0)),
            ("large", Node::Number(300.0)),
            ("half", Node::Number(0.5)),
            ("huge", Node::Number(1e300)),
            ("text", Node::Text(text("täxt"))),
            ("bytes", Node::Bytes(BYTES)),
            ("list", Node::Array(4)),
            ("", Node::Number(7.0)),
            ("", Node::Array(2)),
            ("", Node::Text(text(LONG))),
            ("", Node::Empty),
            ("", Node::Map(2)),
            ("in a list", Node::Bool(true)),
            ("deep", Node::Map(0)),
            ("", Node::Text(text("last"))),
            ("map", Node::Map(2)),
            ("x", Node::Array(0)),
            ("y", Node::Map(1)),
            ("z", Node::Number(2.5)),
            ("none", Node::Array(0)),
            ("end", Node::Text(text("of all"))),
        ],
    );
    let first = batch.events.len();
    batch.events.push(Event {
        time: HrTime { seconds: 1_700_000_000.0, nanos: 5.0 },
        name: Some(text("an event")),
        attributes: event_attributes,
        dropped_attributes: 200.0,
    });
    batch.events.push(Event {
        time: HrTime { seconds: 2.0, nanos: 0.0 },
        name: None,
        attributes: Attributes::default(),
        dropped_attributes: 0.0,
    });
    batch.links.push(Link {
        trace_id: text("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"),
        span_id: text("1212121212121212"),
        trace_state: Some(text("vendor=1")),
        flags: 769.0,
        attributes: link_attributes,
        dropped_attributes: 3.0,
    });
    batch.links.push(Link {
        trace_id: text("ccccccccccccccccdddddddddddddddd"),
        span_id: text("3434343434343434"),
        trace_state: None,
        flags: 0.0,
        attributes: Attributes::default(),
        dropped_attributes: 0.0,
    });
    Span {
        trace_state: Some(text("a=b,c=d")),
        parent_span_id: Some(text("00000000000000ab")),
        kind: 200.0,
        status_code: 2.0,
        status_message: Some(text("it went wrong")),
        attributes: values,
        dropped_attributes: 128.0,
        dropped_events: 16_384.0,
        dropped_links: 1.0,
        events: first..first + 2,
        links: batch.links.len() - 2..batch.links.len(),
        ..span(batch, place, "full")
    }
}

/// Spans in wire order: `full`, `a`, `b` and `c` of one resource, `d` and `e` of another one.
pub fn batch() -> SpanBatch<'static> {
    let mut batch = SpanBatch::default();
    let of_first = attributes(
        &mut batch,
        2,
        &[("service.name", Node::Text(text("shop"))), ("long", Node::Text(text(LONG)))],
    );
    let of_scope = attributes(&mut batch, 1, &[("kind of", Node::Number(3.0))]);
    let of_other = attributes(&mut batch, 1, &[("plain", Node::Bool(true))]);
    batch.resources = vec![
        Resource { attributes: of_first, schema_url: Some(text("https://schema/1")) },
        Resource { attributes: Attributes::default(), schema_url: None },
    ];
    let scope = |name, version, schema_url, attributes, dropped_attributes| Scope {
        name: Some(text(name)),
        version,
        schema_url,
        attributes,
        dropped_attributes,
    };
    batch.scopes = vec![
        scope("http", Some(text("1.2")), Some(text("https://schema/2")), Some(of_scope), 200.0),
        scope("db", None, None, None, f64::NAN),
        scope("rpc", Some(text("3")), None, Some(of_other), f64::NAN),
    ];
    let spans = vec![
        full_span(&mut batch, (0, 0)),
        span(&mut batch, (0, 0), "a"),
        span(&mut batch, (0, 0), "b"),
        span(&mut batch, (0, 1), "c"),
        span(&mut batch, (1, 1), "d"),
        span(&mut batch, (1, 2), "e"),
    ];
    batch.spans = spans;
    batch
}
