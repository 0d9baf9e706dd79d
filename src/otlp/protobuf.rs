//! `ExportTraceServiceRequest` in protobuf: fields ascending, minimal varints, in two passes over the tape (lengths,
//! then bytes), so nothing is moved (O30, O60).
//! It refuses to group or split: that is `group` and `body_layout`.

use super::{
    Encoded,
    body_layout::{LayoutBuilder, ResourceSizes},
    group::{self, ResourceGroup},
    lengths::{Measure, leaf_len, nonzero_varint, status_len},
    wire::{as_int, delimited_len, number_as_varint, put_bytes, put_head, put_varint},
};
use crate::span::{
    Attributes, Entry, Event, HrTime, Link, Node, Resource, Scope, Span, SpanBatch, Text,
};

pub(super) fn encode(batch: &SpanBatch<'_>) -> Encoded {
    let groups = group::by_identity(batch);
    let mut measure = Measure::new(batch);
    let sizes: Vec<ResourceSizes> =
        groups.iter().map(|group| measure.resource_spans(group)).collect();
    let body_len = sizes.iter().map(|sizes| delimited_len(sizes.total)).sum();
    let mut writer =
        Writer { batch, lengths: measure.lengths, at: 0, out: Vec::with_capacity(body_len) };
    let mut layout = LayoutBuilder::new(batch.spans.len());
    for (group, sizes) in groups.iter().zip(&sizes) {
        writer.resource_spans(group, sizes, &mut layout);
    }
    Encoded { body: writer.out, layout: layout.finish(), ..Encoded::default() }
}

/// Second pass.
struct Writer<'a, 'b> {
    batch: &'b SpanBatch<'a>,
    lengths: Vec<usize>,
    at: usize,
    out: Vec<u8>,
}

impl Writer<'_, '_> {
    fn next_length(&mut self) -> usize {
        let length = self.lengths.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        length
    }

    fn resource_spans(
        &mut self,
        group: &ResourceGroup,
        sizes: &ResourceSizes,
        layout: &mut LayoutBuilder,
    ) {
        let batch = self.batch;
        let Some(resource) = batch.resources.get(group.resource) else { return };
        put_head(&mut self.out, 0x0a, sizes.total);
        let head = self.out.len();
        self.resource(resource);
        layout.open_resource(head..self.out.len());
        for (scope_group, size) in group.scopes.iter().zip(&sizes.scopes) {
            let Some(scope) = batch.scopes.get(scope_group.scope) else { continue };
            put_head(&mut self.out, 0x12, *size);
            let head = self.out.len();
            self.scope(scope);
            layout.open_scope(head..self.out.len());
            for span in scope_group.spans.iter().filter_map(|index| batch.spans.get(*index)) {
                let start = self.out.len();
                self.span(span);
                layout.span(start..self.out.len());
            }
            let tail = self.out.len();
            self.optional(0x1a, scope.schema_url);
            layout.close_scope(tail..self.out.len());
        }
        let tail = self.out.len();
        self.optional(0x1a, resource.schema_url);
        layout.close_resource(tail..self.out.len());
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        let length = self.next_length();
        put_head(&mut self.out, 0x0a, length);
        self.attributes(0x0a, &resource.attributes);
        self.out.extend_from_slice(&[0x10, 0]);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        let length = self.next_length();
        put_head(&mut self.out, 0x0a, length);
        self.text(0x0a, scope.name.unwrap_or_default());
        self.optional(0x12, scope.version);
        if let Some(attributes) = &scope.attributes {
            self.attributes(0x1a, attributes);
        }
        if let Some(dropped) = nonzero_varint(scope.dropped_attributes) {
            self.varint(0x20, dropped);
        }
    }

    fn span(&mut self, span: &Span<'_>) {
        let batch = self.batch;
        let length = self.next_length();
        put_head(&mut self.out, 0x12, length);
        self.id(0x0a, span.trace_id);
        self.id(0x12, span.span_id);
        self.optional(0x1a, span.trace_state);
        if let Some(id) = span.parent_span_id.filter(|id| !id.is_empty()) {
            self.id(0x22, id);
        }
        self.text(0x2a, span.name.unwrap_or_default());
        if let Some(kind) = nonzero_varint(span.kind) {
            self.varint(0x30, kind);
        }
        self.time(0x39, span.start);
        self.time(0x41, span.end);
        self.attributes(0x4a, &span.attributes);
        self.varint(0x50, number_as_varint(span.dropped_attributes));
        for event in batch.events.get(span.events.clone()).unwrap_or_default() {
            self.event(event);
        }
        self.varint(0x60, number_as_varint(span.dropped_events));
        for link in batch.links.get(span.links.clone()).unwrap_or_default() {
            self.link(link);
        }
        self.varint(0x70, number_as_varint(span.dropped_links));
        put_head(&mut self.out, 0x7a, status_len(span));
        self.optional(0x12, span.status_message);
        self.varint(0x18, number_as_varint(span.status_code));
        self.out.extend_from_slice(&[0x85, 0x01]);
        self.out.extend_from_slice(&(span.flags as u32).to_le_bytes());
    }

    fn event(&mut self, event: &Event<'_>) {
        let length = self.next_length();
        put_head(&mut self.out, 0x5a, length);
        self.time(0x09, event.time);
        self.text(0x12, event.name.unwrap_or_default());
        self.attributes(0x1a, &event.attributes);
        self.varint(0x20, number_as_varint(event.dropped_attributes));
    }

    fn link(&mut self, link: &Link<'_>) {
        let length = self.next_length();
        put_head(&mut self.out, 0x6a, length);
        self.id(0x0a, link.trace_id);
        self.id(0x12, link.span_id);
        self.optional(0x1a, link.trace_state);
        self.attributes(0x22, &link.attributes);
        self.varint(0x28, number_as_varint(link.dropped_attributes));
        self.out.push(0x35);
        self.out.extend_from_slice(&(link.flags as u32).to_le_bytes());
    }

    fn attributes(&mut self, tag: u8, attributes: &Attributes) {
        let batch = self.batch;
        let mut entries = batch.entries(attributes).iter();
        for _ in 0..attributes.count {
            let Some(entry) = entries.next() else { break };
            self.key_value(tag, entry, &mut entries);
        }
    }

    fn key_value<'t, 'a: 't>(
        &mut self,
        tag: u8,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'a>>,
    ) {
        let value = self.any_value_len(entry);
        put_head(&mut self.out, tag, delimited_len(entry.key.bytes.len()) + delimited_len(value));
        self.text(0x0a, entry.key);
        put_head(&mut self.out, 0x12, value);
        self.any_value(entry, rest);
    }

    /// Length of the value that is written next; a container's stands at `self.at`.
    fn any_value_len(&self, entry: &Entry<'_>) -> usize {
        match entry.node {
            Node::Array(_) | Node::Map(_) => {
                delimited_len(self.lengths.get(self.at).copied().unwrap_or_default())
            }
            leaf => leaf_len(leaf),
        }
    }

    fn any_value<'t, 'a: 't>(
        &mut self,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'a>>,
    ) {
        match entry.node {
            Node::Text(text) => self.text(0x0a, text),
            Node::Bool(value) => self.out.extend_from_slice(&[0x10, u8::from(value)]),
            Node::Number(number) => match as_int(number) {
                Some(int) => self.varint(0x18, int as u64),
                None => {
                    self.out.push(0x21);
                    self.out.extend_from_slice(&number.to_le_bytes());
                }
            },
            Node::Bytes(bytes) => put_bytes(&mut self.out, 0x3a, bytes),
            Node::Empty => {}
            Node::Array(count) => {
                let length = self.next_length();
                put_head(&mut self.out, 0x2a, length);
                for _ in 0..count {
                    let Some(element) = rest.next() else { break };
                    let length = self.any_value_len(element);
                    put_head(&mut self.out, 0x0a, length);
                    self.any_value(element, rest);
                }
            }
            Node::Map(count) => {
                let length = self.next_length();
                put_head(&mut self.out, 0x32, length);
                for _ in 0..count {
                    let Some(member) = rest.next() else { break };
                    self.key_value(0x0a, member, rest);
                }
            }
        }
    }

    fn optional(&mut self, tag: u8, text: Option<Text<'_>>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(tag, text);
        }
    }

    fn text(&mut self, tag: u8, text: Text<'_>) {
        put_bytes(&mut self.out, tag, text.bytes);
        if text.has_surrogates {
            let start = self.out.len() - text.bytes.len();
            replace_surrogates(self.out.get_mut(start..).unwrap_or_default());
        }
    }

    #[inline(always)]
    fn id(&mut self, tag: u8, hex: Text<'_>) {
        put_head(&mut self.out, tag, hex.bytes.len() / 2);
        let pairs = hex.bytes.as_chunks::<2>().0.iter();
        self.out.extend(pairs.map(|[high, low]| hex_digit(*high) << 4 | hex_digit(*low)));
    }

    fn varint(&mut self, tag: u8, value: u64) {
        self.out.push(tag);
        put_varint(&mut self.out, value);
    }

    fn time(&mut self, tag: u8, time: HrTime) {
        self.out.push(tag);
        self.out.extend_from_slice(&(time.unix_nanos() as u64).to_le_bytes());
    }
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// U+FFFD for each lone surrogate, as `TextEncoder` writes it; both take three bytes.
fn replace_surrogates(wtf8: &mut [u8]) {
    for at in 0..wtf8.len().saturating_sub(2) {
        if let Some(window @ [0xed, 0xa0..=0xbf, _]) = wtf8.get_mut(at..at + 3) {
            window.copy_from_slice("\u{fffd}".as_bytes());
        }
    }
}
