//! A span that native code made: it owns its text, and becomes a batch of views like any other.
//! It refuses to be large: one span, its resource and its scope.

use std::time::Duration;

use super::{Attributes, Entry, Event, HrTime, Link, Node, Resource, Scope, Span, SpanBatch, Text};

/// Sampled, and "is remote" known to be false: OTLP's flags of a local span.
const LOCAL_SAMPLED: f64 = 0x101 as f64;
/// OTLP's kind of a span without a peer.
const INTERNAL: f64 = 1.0;

/// An attribute value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A JavaScript number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Value>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// Key and value.
pub type Pair = (String, Value);

/// Whom a span belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanIds {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
}

/// A timed event.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedEvent {
    /// Time since the Unix epoch.
    pub time: Duration,
    /// Name.
    pub name: String,
    /// Attributes.
    pub attributes: Vec<Pair>,
}

/// A finished span with everything around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedSpan {
    /// Attributes of the resource.
    pub resource: Vec<Pair>,
    /// Name of the instrumentation scope.
    pub scope_name: String,
    /// Version of the instrumentation scope.
    pub scope_version: String,
    /// Its identity.
    pub ids: SpanIds,
    /// The parent, in the same trace.
    pub parent_span_id: Option<String>,
    /// Name.
    pub name: String,
    /// Since the Unix epoch.
    pub start: Duration,
    /// Since the Unix epoch.
    pub end: Duration,
    /// Attributes.
    pub attributes: Vec<Pair>,
    /// Events.
    pub events: Vec<OwnedEvent>,
    /// Spans it has to do with.
    pub links: Vec<SpanIds>,
}

impl OwnedSpan {
    /// The attribute `key`.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A batch of this span alone.
    pub fn batch(&self) -> SpanBatch<'_> {
        let mut batch = SpanBatch::default();
        let resource = push(&mut batch.tape, &self.resource);
        batch.resources.push(Resource { attributes: resource, schema_url: None });
        batch.scopes.push(Scope {
            name: Some(Text::utf8(&self.scope_name)),
            version: Some(Text::utf8(&self.scope_version)),
            schema_url: None,
            attributes: None,
            dropped_attributes: f64::NAN,
        });
        let attributes = push(&mut batch.tape, &self.attributes);
        for event in &self.events {
            let attributes = push(&mut batch.tape, &event.attributes);
            batch.events.push(Event {
                time: hr_time(event.time),
                name: Some(Text::utf8(&event.name)),
                attributes,
                dropped_attributes: 0.0,
            });
        }
        for SpanIds { trace_id, span_id } in &self.links {
            batch.links.push(Link {
                trace_id: Text::utf8(trace_id),
                span_id: Text::utf8(span_id),
                trace_state: None,
                flags: LOCAL_SAMPLED,
                attributes: Attributes::default(),
                dropped_attributes: 0.0,
            });
        }
        batch.spans.push(Span {
            resource: 0,
            scope: 0,
            trace_id: Text::utf8(&self.ids.trace_id),
            span_id: Text::utf8(&self.ids.span_id),
            trace_state: None,
            parent_span_id: self.parent_span_id.as_deref().map(Text::utf8),
            name: Some(Text::utf8(&self.name)),
            kind: INTERNAL,
            start: hr_time(self.start),
            end: hr_time(self.end),
            status_code: 0.0,
            status_message: None,
            flags: LOCAL_SAMPLED,
            attributes,
            dropped_attributes: 0.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            events: 0..batch.events.len(),
            links: 0..batch.links.len(),
            texts: &[],
        });
        batch
    }

    /// Memory that it occupies, roughly: what a queue charges for it until it is encoded.
    pub fn bytes(&self) -> u64 {
        let events: usize = self.events.iter().map(|event| 64 + size(&event.attributes)).sum();
        (512 + size(&self.resource) + size(&self.attributes) + events + self.links.len() * 64)
            as u64
    }
}

fn size(pairs: &[Pair]) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Text(text) => text.len(),
            Value::Number(_) | Value::Bool(_) => 8,
            Value::List(items) => items.iter().map(of).sum(),
        }
    }
    pairs.iter().map(|(key, value)| 32 + key.len() + of(value)).sum()
}

fn push<'a>(tape: &mut Vec<Entry<'a>>, pairs: &'a [Pair]) -> Attributes {
    let from = tape.len();
    for (key, value) in pairs {
        push_value(tape, Text::utf8(key), value);
    }
    Attributes { entries: from..tape.len(), count: count(pairs.len()) }
}

fn push_value<'a>(tape: &mut Vec<Entry<'a>>, key: Text<'a>, value: &'a Value) {
    let node = match value {
        Value::Text(text) => Node::Text(Text::utf8(text)),
        Value::Number(number) => Node::Number(*number),
        Value::Bool(bool) => Node::Bool(*bool),
        Value::List(items) => Node::Array(count(items.len())),
    };
    tape.push(Entry { key, node });
    if let Value::List(items) = value {
        for item in items {
            push_value(tape, Text::default(), item);
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn hr_time(since_epoch: Duration) -> HrTime {
    HrTime { seconds: since_epoch.as_secs() as f64, nanos: f64::from(since_epoch.subsec_nanos()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_span_is_a_batch_with_resource_scope_events_and_links() {
        let span = OwnedSpan {
            resource: vec![
                ("service.name".to_owned(), "orders".into()),
                (
                    "process.command_args".to_owned(),
                    Value::List(vec!["node".into(), "app.js".into()]),
                ),
            ],
            scope_name: "offloop".to_owned(),
            ids: SpanIds { trace_id: "ab".repeat(16), span_id: "cd".repeat(8) },
            start: Duration::new(5, 7),
            attributes: vec![("a".to_owned(), Value::Bool(true))],
            events: vec![OwnedEvent {
                time: Duration::from_secs(6),
                name: "stack".to_owned(),
                attributes: vec![("b".to_owned(), Value::Number(2.5))],
            }],
            links: vec![SpanIds::default()],
            ..OwnedSpan::default()
        };
        let batch = span.batch();
        let resource = batch.resources.first().unwrap();
        let nodes: Vec<_> =
            batch.entries(&resource.attributes).iter().map(|entry| entry.node).collect();
        assert_eq!(resource.attributes.count, 2);
        assert_eq!(nodes[1], Node::Array(2));
        assert_eq!(nodes[3], Node::Text(Text::utf8("app.js")));
        let made = batch.spans.first().unwrap();
        assert_eq!(made.start.unix_nanos(), 5_000_000_007);
        assert_eq!(batch.entries(&made.attributes)[0].node, Node::Bool(true));
        assert_eq!((made.events.clone(), made.links.clone()), (0..1, 0..1));
        assert_eq!(batch.entries(&batch.events[0].attributes)[0].node, Node::Number(2.5));
        assert!(span.bytes() > 500);
    }
}
