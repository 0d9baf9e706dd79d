//! Lines of OTLP/JSON with the chosen spans of each line. Resources, scopes and spans are copied byte for byte; only what
//! is around them is written anew.

use std::{collections::HashMap, ops::Range};

use foldhash::quality::RandomState;

use crate::{
    again::Again,
    index::{Index, NONE},
    parse::{PartSpan, ResourcePiece, ScopePiece, SpanPiece, pieces},
};

#[derive(Default)]
pub(super) struct OtlpLines {
    /// The file that is being read, and its number; nothing if it cannot be read.
    file: Option<(u32, Option<Again>)>,
}

/// Where a span stands: file, offset of its line, place in the line.
pub(super) fn place(index: &Index, row: u32) -> (u32, u64, u32) {
    let Some(span) = index.span(row) else { return (NONE, 0, 0) };
    let line =
        index.lines.get(span.line as usize).map_or((NONE, 0), |line| (line.file, line.offset));
    (line.0, line.1, span.ordinal)
}

/// Of rows in the order of `place` those that are in one line with the first.
pub(super) fn first_line<'r>(index: &Index, rows: &'r [u32]) -> &'r [u32] {
    let line = |row: &u32| index.span(*row).map(|span| span.line);
    let first = rows.first().and_then(line);
    let length = rows.iter().take_while(|row| line(row) == first).count();
    rows.get(..length.max(1)).unwrap_or(rows)
}

impl OtlpLines {
    /// Appends a line with the spans in `rows`, which are all of one line. Returns how many could not be found in it.
    pub fn line(&mut self, index: &Index, rows: &[u32], out: &mut Vec<u8>) -> u64 {
        let text = self.read(index, rows);
        let Some(text) = text else { return rows.len() as u64 };
        let mut chosen = Chosen::new(index, rows);
        let mut resources = pieces(text);
        for resource in &mut resources {
            for scope in &mut resource.scopes {
                scope.spans.retain(|piece| chosen.take(&piece.span));
            }
            resource.scopes.retain(|scope| !scope.spans.is_empty());
        }
        resources.retain(|resource| !resource.scopes.is_empty());
        if !resources.is_empty() {
            let mut copy = Copy { text, out };
            copy.raw(b"{\"resourceSpans\":");
            copy.list(&resources, Copy::resource);
            copy.raw(b"}\n");
        }
        chosen.is_found.iter().filter(|is_found| !**is_found).count() as u64
    }

    /// Closes the file: it may be long until the next line is asked for. One that has to be read from its beginning stays
    /// open.
    pub fn pause(&mut self) {
        if self.file.as_ref().is_some_and(|(_, again)| again.as_ref().is_none_or(Again::is_plain)) {
            self.file = None;
        }
    }

    fn read(&mut self, index: &Index, rows: &[u32]) -> Option<&[u8]> {
        let span = index.span(*rows.first()?)?;
        let line = index.lines.get(span.line as usize)?;
        if self.file.as_ref().is_none_or(|(file, _)| *file != line.file) {
            let state = index.files.get(line.file as usize)?;
            self.file = Some((line.file, Again::open(state)));
        }
        self.file.as_mut()?.1.as_mut()?.line(line)
    }
}

/// The rows that are looked for in a line.
struct Chosen<'a> {
    index: &'a Index,
    rows: &'a [u32],
    is_found: Vec<bool>,
    /// Places by id and start, made when a span is not where the index has it: a line with odd members can be counted in
    /// two ways.
    by_id: Option<HashMap<(u64, u64), usize, RandomState>>,
}

impl<'a> Chosen<'a> {
    fn new(index: &'a Index, rows: &'a [u32]) -> Chosen<'a> {
        Chosen { index, rows, is_found: vec![false; rows.len()], by_id: None }
    }

    /// Whether a span of the line is one of them.
    fn take(&mut self, found: &PartSpan) -> bool {
        let Chosen { index, rows, .. } = *self;
        let key = |row: &u32| index.span(*row).map_or((0, 0), |span| (span.id, span.start));
        let ordinal = |row: &u32| index.span(*row).map_or(0, |span| span.ordinal);
        let wanted = (found.id, found.start);
        let place = rows.binary_search_by_key(&found.ordinal, ordinal).ok();
        let place = place.filter(|place| rows.get(*place).map(key) == Some(wanted));
        let place = place.or_else(|| {
            let all = || rows.iter().map(key).zip(0..).collect();
            self.by_id.get_or_insert_with(all).get(&wanted).copied()
        });
        let is_found = place.and_then(|place| self.is_found.get_mut(place));
        is_found.is_some_and(|is_found| !std::mem::replace(is_found, true))
    }
}

struct Copy<'a> {
    text: &'a [u8],
    out: &'a mut Vec<u8>,
}

impl Copy<'_> {
    fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A line feed, which can only be between values, would end the line.
    fn piece(&mut self, at: &Range<usize>) {
        let start = self.out.len();
        self.out.extend_from_slice(self.text.get(at.clone()).unwrap_or_default());
        for byte in self.out.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    fn list<T>(&mut self, items: &[T], write: fn(&mut Self, &T)) {
        self.raw(b"[");
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.raw(b",");
            }
            write(self, item);
        }
        self.raw(b"]");
    }

    /// A member with a comma behind it, if it is there.
    fn member(&mut self, name: &[u8], at: Option<&Range<usize>>) {
        if let Some(at) = at {
            self.raw(name);
            self.piece(at);
            self.raw(b",");
        }
    }

    fn resource(&mut self, piece: &ResourcePiece) {
        self.raw(b"{");
        self.member(b"\"resource\":", piece.resource.as_ref());
        self.member(b"\"schemaUrl\":", piece.schema.as_ref());
        self.raw(b"\"scopeSpans\":");
        self.list(&piece.scopes, Copy::scope);
        self.raw(b"}");
    }

    fn scope(&mut self, piece: &ScopePiece) {
        self.raw(b"{");
        self.member(b"\"scope\":", piece.scope.as_ref());
        self.member(b"\"schemaUrl\":", piece.schema.as_ref());
        self.raw(b"\"spans\":");
        self.list(&piece.spans, |copy, span: &SpanPiece| copy.piece(&span.at));
        self.raw(b"}");
    }
}
