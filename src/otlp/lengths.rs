//! Lengths of the messages of a request, the first pass over the tape: what a length-delimited field needs to know before
//! its content is written.
//! It refuses to write a byte: that is `protobuf`.

use super::{
    body_layout::ResourceSizes,
    group::ResourceGroup,
    wire::{as_int, delimited_len, number_as_varint, varint_len},
};
use crate::span::{Attributes, Entry, Node, Scope, Span, SpanBatch, Text};

/// `lengths` holds, in the order the second pass needs them, the content length of every resource, scope,
/// span, event, link, array and key-value list.
pub(super) struct Measure<'a, 'b> {
    batch: &'b SpanBatch<'a>,
    pub lengths: Vec<usize>,
}

impl<'a, 'b> Measure<'a, 'b> {
    pub fn new(batch: &'b SpanBatch<'a>) -> Self {
        Self { batch, lengths: Vec::with_capacity(batch.spans.len() * 2) }
    }

    /// Keeps the lengths of what is in `group`.
    pub fn resource_spans(&mut self, group: &ResourceGroup) -> ResourceSizes {
        let batch = self.batch;
        let Some(resource) = batch.resources.get(group.resource) else {
            return ResourceSizes::default();
        };
        let mut total = delimited_len(self.message(|m| m.attributes(&resource.attributes) + 2));
        let mut scopes = Vec::with_capacity(group.scopes.len());
        for scope_group in &group.scopes {
            let Some(scope) = batch.scopes.get(scope_group.scope) else { continue };
            let mut size = delimited_len(self.message(|m| m.scope(scope)));
            for span in scope_group.spans.iter().filter_map(|index| batch.spans.get(*index)) {
                size += delimited_len(self.message(|m| m.span(span)));
            }
            size += optional_len(scope.schema_url);
            total += delimited_len(size);
            scopes.push(size);
        }
        total += optional_len(resource.schema_url);
        ResourceSizes { total, scopes }
    }

    /// Keeps a place in `lengths` for a message before those inside it.
    fn message(&mut self, content: impl FnOnce(&mut Self) -> usize) -> usize {
        let place = self.lengths.len();
        self.lengths.push(0);
        let length = content(self);
        if let Some(slot) = self.lengths.get_mut(place) {
            *slot = length;
        }
        length
    }

    fn scope(&mut self, scope: &Scope<'_>) -> usize {
        let name = scope.name.unwrap_or_default();
        let attributes =
            scope.attributes.as_ref().map_or(0, |attributes| self.attributes(attributes));
        let dropped =
            nonzero_varint(scope.dropped_attributes).map_or(0, |value| 1 + varint_len(value));
        delimited_len(name.bytes.len()) + optional_len(scope.version) + attributes + dropped
    }

    fn span(&mut self, span: &Span<'_>) -> usize {
        let mut length = delimited_len(span.trace_id.bytes.len() / 2)
            + delimited_len(span.span_id.bytes.len() / 2);
        length += optional_len(span.trace_state);
        length += span
            .parent_span_id
            .filter(|id| !id.is_empty())
            .map_or(0, |id| delimited_len(id.bytes.len() / 2));
        length += delimited_len(span.name.unwrap_or_default().bytes.len());
        length += nonzero_varint(span.kind).map_or(0, |kind| 1 + varint_len(kind));
        length += 9 + 9; // start, end
        length += self.attributes(&span.attributes);
        length += count_len(span.dropped_attributes);
        for event in self.batch.events.get(span.events.clone()).unwrap_or_default() {
            length += delimited_len(self.message(|m| {
                9 + delimited_len(event.name.unwrap_or_default().bytes.len())
                    + m.attributes(&event.attributes)
                    + count_len(event.dropped_attributes)
            }));
        }
        length += count_len(span.dropped_events);
        for link in self.batch.links.get(span.links.clone()).unwrap_or_default() {
            length += delimited_len(self.message(|m| {
                delimited_len(link.trace_id.bytes.len() / 2)
                    + delimited_len(link.span_id.bytes.len() / 2)
                    + optional_len(link.trace_state)
                    + m.attributes(&link.attributes)
                    + count_len(link.dropped_attributes)
                    + 5
            }));
        }
        length + count_len(span.dropped_links) + delimited_len(status_len(span)) + 2 + 4
    }

    fn attributes(&mut self, attributes: &Attributes) -> usize {
        let batch = self.batch;
        let mut entries = batch.entries(attributes).iter();
        let mut length = 0;
        for _ in 0..attributes.count {
            let Some(entry) = entries.next() else { break };
            length += delimited_len(self.key_value(entry, &mut entries));
        }
        length
    }

    #[inline(always)] // as `Writer::id`: out of line a request takes a twentieth more instructions
    fn key_value<'t, 'e: 't>(
        &mut self,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'e>>,
    ) -> usize {
        delimited_len(entry.key.bytes.len()) + delimited_len(self.any_value(entry, rest))
    }

    #[inline(always)]
    fn any_value<'t, 'e: 't>(
        &mut self,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'e>>,
    ) -> usize {
        match entry.node {
            Node::Array(_) | Node::Map(_) => self.nested(entry, rest),
            leaf => leaf_len(leaf),
        }
    }

    #[inline(never)]
    fn nested<'t, 'e: 't>(
        &mut self,
        entry: &Entry<'_>,
        rest: &mut impl Iterator<Item = &'t Entry<'e>>,
    ) -> usize {
        match entry.node {
            Node::Array(count) => delimited_len(self.container(count, |m| {
                rest.next().map(|element| delimited_len(m.any_value(element, rest)))
            })),
            Node::Map(count) => delimited_len(self.container(count, |m| {
                rest.next().map(|member| delimited_len(m.key_value(member, rest)))
            })),
            leaf => leaf_len(leaf),
        }
    }

    fn container(&mut self, count: u32, mut next: impl FnMut(&mut Self) -> Option<usize>) -> usize {
        self.message(|m| (0..count).map_while(|_| next(m)).sum())
    }
}

pub(super) fn leaf_len(node: Node<'_>) -> usize {
    match node {
        Node::Text(text) => delimited_len(text.bytes.len()),
        Node::Bool(_) => 2,
        Node::Number(number) => match as_int(number) {
            Some(int) => 1 + varint_len(int as u64),
            None => 9,
        },
        Node::Bytes(bytes) => delimited_len(bytes.len()),
        Node::Empty | Node::Array(_) | Node::Map(_) => 0,
    }
}

fn optional_len(text: Option<Text<'_>>) -> usize {
    text.filter(|text| !text.is_empty()).map_or(0, |text| delimited_len(text.bytes.len()))
}

fn count_len(count: f64) -> usize {
    1 + varint_len(number_as_varint(count))
}

pub(super) fn nonzero_varint(value: f64) -> Option<u64> {
    Some(number_as_varint(value)).filter(|value| *value != 0)
}

pub(super) fn status_len(span: &Span<'_>) -> usize {
    optional_len(span.status_message) + count_len(span.status_code)
}
