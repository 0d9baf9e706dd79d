//! A line taken apart: where its resources, scopes and spans are, so that their bytes can be shown and copied as they were
//! written.

use std::ops::Range;

use foldhash::quality::RandomState;

use super::{
    line::{JsonParser, LONGEST_VALUE},
    part::{Part, PartSpan},
    request::RequestReader,
    slice::{self, Schema, slice},
};

/// Spans of one resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourcePiece {
    pub resource: Option<Range<usize>>,
    pub schema: Option<Range<usize>>,
    pub scopes: Vec<ScopePiece>,
}

/// Spans of one scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopePiece {
    pub scope: Option<Range<usize>>,
    pub schema: Option<Range<usize>>,
    pub spans: Vec<SpanPiece>,
}

/// A span, and what it was read as.
#[derive(Clone, Debug)]
pub(crate) struct SpanPiece {
    pub at: Range<usize>,
    pub span: PartSpan,
}

/// Takes a line apart, also one that is no JSON as a whole. What cannot be read is left out.
pub(crate) fn pieces(line: &[u8]) -> Vec<ResourcePiece> {
    let mut part = Part::new(RandomState::default());
    let reader = RequestReader { part: &mut part, longest: LONGEST_VALUE, line: 0, ordinal: 0 };
    let mut found = Found { line, json: &mut JsonParser::default(), reader, resources: Vec::new() };
    slice(line, true, &mut found);
    found.resources
}

struct Found<'a> {
    line: &'a [u8],
    json: &'a mut JsonParser,
    reader: RequestReader<'a>,
    resources: Vec<ResourcePiece>,
}

impl Found<'_> {
    fn readable(&mut self, at: Range<usize>) -> Option<Range<usize>> {
        let piece = self.line.get(at.clone())?;
        self.json.parse(piece, |_| at)
    }

    fn scope_piece(&mut self) -> Option<&mut ScopePiece> {
        self.resources.last_mut()?.scopes.last_mut()
    }
}

impl slice::Pieces for Found<'_> {
    fn open_resource(&mut self) {
        self.resources.push(ResourcePiece::default());
    }

    fn resource(&mut self, at: Range<usize>) {
        let readable = self.readable(at);
        if let (Some(piece), Some(at)) = (self.resources.last_mut(), readable) {
            piece.resource = Some(at);
        }
    }

    fn open_scope(&mut self) {
        if let Some(resource) = self.resources.last_mut() {
            resource.scopes.push(ScopePiece::default());
        }
    }

    fn scope(&mut self, at: Range<usize>) {
        let readable = self.readable(at);
        if let (Some(piece), Some(at)) = (self.scope_piece(), readable) {
            piece.scope = Some(at);
        }
    }

    fn schema(&mut self, of: Schema, at: Range<usize>) {
        let readable = self.readable(at);
        let place = match of {
            Schema::OfResource => self.resources.last_mut().map(|piece| &mut piece.schema),
            Schema::OfScope => self.scope_piece().map(|piece| &mut piece.schema),
        };
        if let (Some(place), Some(at)) = (place, readable) {
            *place = Some(at);
        }
    }

    fn span(&mut self, at: Range<usize>) -> bool {
        let piece = self.line.get(at.clone()).unwrap_or_default();
        let reader = &mut self.reader;
        let is_span = self.json.parse(piece, |item| reader.try_span(item, 0, 0)).unwrap_or(false);
        let span = reader.part.spans.pop().filter(|_| is_span);
        reader.part.attributes.clear();
        reader.part.links.clear();
        if let (Some(scope), Some(span)) = (self.scope_piece(), span) {
            scope.spans.push(SpanPiece { at, span });
        }
        is_span
    }

    fn bad_span(&mut self) {
        self.reader.bad_span();
    }
}
