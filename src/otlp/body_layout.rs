//! Where the parts of a request lie in its body, and cutting it in two (F26, F36).
//! It refuses to look into a span: spans and envelopes are copied as they are.

use std::ops::Range;

use super::{
    Encoded, Protocol,
    wire::{delimited_len, put_head},
};

/// Offsets of the spans of an [`Encoded`] body, in wire order, with the resource and scope envelopes around them.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    resources: Vec<ResourcePart>,
    spans: Vec<Range<usize>>,
}

#[derive(Clone, Debug, Default)]
struct ResourcePart {
    /// What stands before the first scope.
    head: Range<usize>,
    /// What stands behind the last scope.
    tail: Range<usize>,
    scopes: Vec<ScopePart>,
}

#[derive(Clone, Debug, Default)]
struct ScopePart {
    /// What stands before the first span.
    head: Range<usize>,
    /// What stands behind the last span.
    tail: Range<usize>,
    /// Indices into [`Layout::spans`].
    spans: Range<usize>,
}

/// Content lengths of one protobuf `ResourceSpans`.
#[derive(Default)]
pub(super) struct ResourceSizes {
    /// The message itself.
    pub total: usize,
    /// Its `ScopeSpans`.
    pub scopes: Vec<usize>,
}

/// Records a [`Layout`] while a body is written.
pub(super) struct LayoutBuilder {
    layout: Layout,
}

impl LayoutBuilder {
    pub fn new(spans: usize) -> Self {
        Self { layout: Layout { resources: Vec::new(), spans: Vec::with_capacity(spans) } }
    }

    pub fn open_resource(&mut self, head: Range<usize>) {
        self.layout.resources.push(ResourcePart { head, ..ResourcePart::default() });
    }

    pub fn open_scope(&mut self, head: Range<usize>) {
        let first = self.layout.spans.len();
        if let Some(resource) = self.layout.resources.last_mut() {
            resource.scopes.push(ScopePart { head, tail: 0..0, spans: first..first });
        }
    }

    pub fn span(&mut self, span: Range<usize>) {
        self.layout.spans.push(span);
    }

    pub fn close_scope(&mut self, tail: Range<usize>) {
        let end = self.layout.spans.len();
        if let Some(scope) =
            self.layout.resources.last_mut().and_then(|resource| resource.scopes.last_mut())
        {
            scope.tail = tail;
            scope.spans.end = end;
        }
    }

    pub fn close_resource(&mut self, tail: Range<usize>) {
        if let Some(resource) = self.layout.resources.last_mut() {
            resource.tail = tail;
        }
    }

    pub fn finish(self) -> Layout {
        self.layout
    }
}

/// Splits a body into two requests: the first `first_spans` spans in wire order, and the rest (F26, F36).
/// `None` if it holds fewer than two spans or `layout` does not belong to `body`.
pub fn split(
    protocol: Protocol,
    body: &[u8],
    layout: &Layout,
    first_spans: u32,
) -> Option<[Encoded; 2]> {
    let at = first_spans as usize;
    let all = layout.spans.len();
    if at == 0 || at >= all {
        return None;
    }
    let assemble = match protocol {
        Protocol::HttpProtobuf | Protocol::Grpc => assemble_protobuf,
        Protocol::HttpJson => assemble_json,
    };
    Some([assemble(body, layout, 0..at)?, assemble(body, layout, at..all)?])
}

/// The part of a scope's spans that lies in `wanted`.
fn overlap(spans: &Range<usize>, wanted: &Range<usize>) -> Range<usize> {
    let start = spans.start.max(wanted.start);
    start..spans.end.min(wanted.end).max(start)
}

/// Bytes that a part of a body takes, nearly: its spans and all envelopes.
fn expected_bytes(body: &[u8], layout: &Layout, wanted: &Range<usize>) -> usize {
    let bytes = |spans: &[Range<usize>]| spans.iter().map(ExactSizeIterator::len).sum::<usize>();
    let part = layout.spans.get(wanted.clone()).map_or(0, bytes);
    part + body.len().saturating_sub(bytes(&layout.spans)) + wanted.len() // commas of JSON
}

fn assemble_protobuf(body: &[u8], layout: &Layout, wanted: Range<usize>) -> Option<Encoded> {
    let mut out = Vec::with_capacity(expected_bytes(body, layout, &wanted));
    let mut builder = LayoutBuilder::new(wanted.len());
    for resource in &layout.resources {
        let scopes: Vec<(&ScopePart, Range<usize>, usize)> = resource
            .scopes
            .iter()
            .map(|scope| (scope, overlap(&scope.spans, &wanted)))
            .filter(|(_, spans)| !spans.is_empty())
            .map(|(scope, spans)| {
                let bytes: usize =
                    layout.spans.get(spans.clone())?.iter().map(ExactSizeIterator::len).sum();
                Some((scope, spans, scope.head.len() + bytes + scope.tail.len()))
            })
            .collect::<Option<_>>()?;
        if scopes.is_empty() {
            continue;
        }
        let inner: usize = scopes.iter().map(|(_, _, size)| delimited_len(*size)).sum();
        put_head(&mut out, 0x0a, resource.head.len() + inner + resource.tail.len());
        builder.open_resource(copy(&mut out, body, &resource.head)?);
        for (scope, spans, size) in scopes {
            put_head(&mut out, 0x12, size);
            builder.open_scope(copy(&mut out, body, &scope.head)?);
            for span in layout.spans.get(spans)? {
                builder.span(copy(&mut out, body, span)?);
            }
            builder.close_scope(copy(&mut out, body, &scope.tail)?);
        }
        builder.close_resource(copy(&mut out, body, &resource.tail)?);
    }
    encoded(out, builder, wanted.len())
}

fn assemble_json(body: &[u8], layout: &Layout, wanted: Range<usize>) -> Option<Encoded> {
    let mut out = Vec::with_capacity(expected_bytes(body, layout, &wanted));
    out.extend_from_slice(b"{\"resourceSpans\":[");
    let mut builder = LayoutBuilder::new(wanted.len());
    let mut resources = 0;
    for resource in &layout.resources {
        if resource.scopes.iter().all(|scope| overlap(&scope.spans, &wanted).is_empty()) {
            continue;
        }
        separate(&mut out, &mut resources);
        builder.open_resource(copy(&mut out, body, &resource.head)?);
        let mut scopes = 0;
        for scope in &resource.scopes {
            let spans = overlap(&scope.spans, &wanted);
            if spans.is_empty() {
                continue;
            }
            separate(&mut out, &mut scopes);
            builder.open_scope(copy(&mut out, body, &scope.head)?);
            let mut count = 0;
            for span in layout.spans.get(spans)? {
                separate(&mut out, &mut count);
                builder.span(copy(&mut out, body, span)?);
            }
            builder.close_scope(copy(&mut out, body, &scope.tail)?);
        }
        builder.close_resource(copy(&mut out, body, &resource.tail)?);
    }
    out.extend_from_slice(b"]}");
    if body.ends_with(b"\n") {
        out.push(b'\n'); // a line makes two lines
    }
    encoded(out, builder, wanted.len())
}

fn separate(out: &mut Vec<u8>, written: &mut usize) {
    if *written > 0 {
        out.push(b',');
    }
    *written += 1;
}

fn copy(out: &mut Vec<u8>, body: &[u8], part: &Range<usize>) -> Option<Range<usize>> {
    let start = out.len();
    out.extend_from_slice(body.get(part.clone())?);
    Some(start..out.len())
}

fn encoded(body: Vec<u8>, builder: LayoutBuilder, spans: usize) -> Option<Encoded> {
    let spans = u32::try_from(spans).ok()?;
    Some(Encoded { body, spans, layout: builder.finish(), ..Encoded::default() })
}
