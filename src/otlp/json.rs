//! `ExportTraceServiceRequest` in OTLP/JSON, member for member in the stock order (O30, O60).
//! It refuses to group or split: that is `group` and `body_layout`.

use super::{
    Encoded,
    body_layout::LayoutBuilder,
    group,
    json_text::{LoneSurrogates, put_base64, put_number, put_string},
    wire::as_int,
};
use crate::span::{Attributes, Entry, Event, HrTime, Link, Node, Scope, Span, SpanBatch, Text};

pub(super) fn encode(batch: &SpanBatch<'_>, lone: LoneSurrogates) -> Encoded {
    let mut writer = Writer { batch, lone, out: Vec::with_capacity(batch.spans.len() * 512) };
    let mut layout = LayoutBuilder::new(batch.spans.len());
    writer.request(&mut layout);
    Encoded { body: writer.out, layout: layout.finish(), ..Encoded::default() }
}

struct Writer<'a, 'b> {
    batch: &'b SpanBatch<'a>,
    lone: LoneSurrogates,
    out: Vec<u8>,
}

impl Writer<'_, '_> {
    fn request(&mut self, layout: &mut LayoutBuilder) {
        let batch = self.batch;
        self.raw("{\"resourceSpans\":[");
        for (index, group) in group::by_value(batch).iter().enumerate() {
            let Some(resource) = batch.resources.get(group.resource) else { continue };
            let schema_url = resource.schema_url.filter(|url| !url.is_empty());
            self.comma(index);
            let head = self.out.len();
            self.raw("{\"resource\":{\"attributes\":");
            self.attributes(&resource.attributes);
            self.raw(",\"droppedAttributesCount\":0");
            self.optional(",\"schemaUrl\":", schema_url);
            self.raw("},\"scopeSpans\":[");
            layout.open_resource(head..self.out.len());
            for (index, scope_group) in group.scopes.iter().enumerate() {
                let Some(scope) = batch.scopes.get(scope_group.scope) else { continue };
                self.comma(index);
                let head = self.out.len();
                self.raw("{\"scope\":");
                self.scope(scope);
                self.raw(",\"spans\":[");
                layout.open_scope(head..self.out.len());
                let spans = scope_group.spans.iter().filter_map(|index| batch.spans.get(*index));
                for (index, span) in spans.enumerate() {
                    self.comma(index);
                    let start = self.out.len();
                    self.span(span);
                    layout.span(start..self.out.len());
                }
                let tail = self.out.len();
                self.raw("]");
                self.optional(",\"schemaUrl\":", scope.schema_url);
                self.raw("}");
                layout.close_scope(tail..self.out.len());
            }
            let tail = self.out.len();
            self.raw("]");
            self.optional(",\"schemaUrl\":", schema_url);
            self.raw("}");
            layout.close_resource(tail..self.out.len());
        }
        self.raw("]}");
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        let mut members = Members::open(self);
        members.optional("\"name\":", scope.name);
        members.optional("\"version\":", scope.version);
        if let Some(attributes) =
            scope.attributes.as_ref().filter(|attributes| attributes.count > 0)
        {
            members.name("\"attributes\":").attributes(attributes);
            let dropped = scope.dropped_attributes;
            members.number(
                "\"droppedAttributesCount\":",
                if dropped.is_nan() { 0.0 } else { dropped },
            );
        }
        members.close();
    }

    fn span(&mut self, span: &Span<'_>) {
        let batch = self.batch;
        let mut members = Members::open(self);
        members.optional("\"traceId\":", Some(span.trace_id));
        members.optional("\"spanId\":", Some(span.span_id));
        members.optional("\"parentSpanId\":", span.parent_span_id.filter(|id| !id.is_empty()));
        members.optional("\"traceState\":", span.trace_state);
        members.optional("\"name\":", span.name);
        members.number("\"kind\":", span.kind);
        members.name("\"startTimeUnixNano\":").time(span.start);
        members.name("\"endTimeUnixNano\":").time(span.end);
        members.name("\"attributes\":").attributes(&span.attributes);
        members.count("\"droppedAttributesCount\":", span.dropped_attributes);
        members
            .name("\"events\":")
            .list(batch.events.get(span.events.clone()).unwrap_or_default(), Self::event);
        members.count("\"droppedEventsCount\":", span.dropped_events);
        members.name("\"status\":").status(span);
        members
            .name("\"links\":")
            .list(batch.links.get(span.links.clone()).unwrap_or_default(), Self::link);
        members.count("\"droppedLinksCount\":", span.dropped_links);
        members.number("\"flags\":", span.flags);
        members.close();
    }

    fn status(&mut self, span: &Span<'_>) {
        let mut members = Members::open(self);
        members.count("\"code\":", span.status_code);
        members.optional("\"message\":", span.status_message);
        members.close();
    }

    fn event(&mut self, event: &Event<'_>) {
        let mut members = Members::open(self);
        members.name("\"attributes\":").attributes(&event.attributes);
        members.optional("\"name\":", event.name);
        members.name("\"timeUnixNano\":").time(event.time);
        members.number("\"droppedAttributesCount\":", event.dropped_attributes);
        members.close();
    }

    fn link(&mut self, link: &Link<'_>) {
        let mut members = Members::open(self);
        members.name("\"attributes\":").attributes(&link.attributes);
        members.optional("\"spanId\":", Some(link.span_id));
        members.optional("\"traceId\":", Some(link.trace_id));
        members.optional("\"traceState\":", link.trace_state);
        members.number("\"droppedAttributesCount\":", link.dropped_attributes);
        members.number("\"flags\":", link.flags);
        members.close();
    }

    fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) {
        self.raw("[");
        for (index, item) in items.iter().enumerate() {
            self.comma(index);
            put(self, item);
        }
        self.raw("]");
    }

    fn attributes(&mut self, attributes: &Attributes) {
        let batch = self.batch;
        let mut entries = batch.entries(attributes).iter();
        self.key_values(attributes.count, &mut entries);
    }

    fn key_values<'t, 'a: 't>(
        &mut self,
        count: u32,
        rest: &mut impl Iterator<Item = &'t Entry<'a>>,
    ) {
        self.raw("[");
        for index in 0..count {
            let Some(entry) = rest.next() else { break };
            self.comma(index as usize);
            self.raw("{\"key\":");
            self.string(entry.key);
            self.raw(",\"value\":");
            self.any_value(entry, rest);
            self.raw("}");
        }
        self.raw("]");
    }

    fn any_value<'t, 'a: 't>(
        &mut self,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'a>>,
    ) {
        match entry.node {
            Node::Empty => self.raw("{"),
            Node::Text(text) => {
                self.raw("{\"stringValue\":");
                self.string(text);
            }
            Node::Bool(value) => {
                self.raw(if value { "{\"boolValue\":true" } else { "{\"boolValue\":false" })
            }
            Node::Number(number) => {
                self.raw(if as_int(number).is_some() {
                    "{\"intValue\":"
                } else {
                    "{\"doubleValue\":"
                });
                put_number(&mut self.out, number);
            }
            Node::Bytes(bytes) => {
                self.raw("{\"bytesValue\":");
                put_base64(&mut self.out, bytes);
            }
            Node::Array(count) => {
                self.raw("{\"arrayValue\":{\"values\":[");
                for index in 0..count {
                    let Some(element) = rest.next() else { break };
                    self.comma(index as usize);
                    self.any_value(element, rest);
                }
                self.raw("]}");
            }
            Node::Map(count) => {
                self.raw("{\"kvlistValue\":{\"values\":");
                self.key_values(count, rest);
                self.raw("}");
            }
        }
        self.raw("}");
    }

    fn time(&mut self, time: HrTime) {
        self.raw("\"");
        self.raw(&time.unix_nanos().to_string());
        self.raw("\"");
    }

    fn optional(&mut self, name: &str, text: Option<Text<'_>>) {
        if let Some(text) = text {
            self.raw(name);
            self.string(text);
        }
    }

    fn string(&mut self, text: Text<'_>) {
        put_string(&mut self.out, text, self.lone);
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// The members of one object, with commas between those that are there.
struct Members<'w, 'a, 'b> {
    writer: &'w mut Writer<'a, 'b>,
    count: usize,
}

impl<'w, 'a, 'b> Members<'w, 'a, 'b> {
    fn open(writer: &'w mut Writer<'a, 'b>) -> Self {
        writer.raw("{");
        Self { writer, count: 0 }
    }

    /// Writes a member's name and hands out the writer for its value.
    fn name(&mut self, name: &str) -> &mut Writer<'a, 'b> {
        self.writer.comma(self.count);
        self.count += 1;
        self.writer.raw(name);
        self.writer
    }

    fn optional(&mut self, name: &str, text: Option<Text<'_>>) {
        if let Some(text) = text {
            self.name(name).string(text);
        }
    }

    fn number(&mut self, name: &str, number: f64) {
        put_number(&mut self.name(name).out, number);
    }

    /// A number that `undefined` (NaN here) leaves out.
    fn count(&mut self, name: &str, number: f64) {
        if !number.is_nan() {
            self.number(name, number);
        }
    }

    fn close(self) {
        self.writer.raw("}");
    }
}
