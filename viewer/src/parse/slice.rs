//! Where the spans of a line are that is no JSON as a whole. Owns finding their first and last byte with brackets and
//! quotes alone, and finding the next span behind one whose brackets or quotes are wrong.
//! It refuses to know what is in a span: whoever asked says whether it was one.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem::find};

/// Places behind a bad span that are tried, in all of a line: each may take a look at the whole rest of it.
const MOST_ATTEMPTS: usize = 64;
/// How a span begins.
const BEGINNINGS: [&[u8]; 2] = [b"{\"traceId\"", b"{\"trace_id\""];

/// What a schema belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Schema {
    OfResource,
    OfScope,
}

/// Takes what is found, in its order.
pub(super) trait Pieces {
    fn open_resource(&mut self);
    fn resource(&mut self, at: Range<usize>);
    fn open_scope(&mut self);
    fn scope(&mut self, at: Range<usize>);
    /// The address of the schema, which only matters to those who copy a line.
    fn schema(&mut self, _of: Schema, _at: Range<usize>) {}
    /// Returns whether it is a span.
    fn span(&mut self, at: Range<usize>) -> bool;
    fn bad_span(&mut self);
}

/// Finds the spans of `line`, which may have lost its end.
pub(super) fn slice(line: &[u8], has_end: bool, pieces: &mut impl Pieces) {
    let mut scanner = Scanner { line, has_end, at: 0, attempts: 0, pieces };
    if let Some(start) = memchr(b'{', line) {
        scanner.at = start;
        scanner.members(|scanner, name| match name {
            b"resourceSpans" | b"resource_spans" => scanner.elements(Scanner::resource_spans),
            _ => scanner.skip_rest(),
        });
    }
}

struct Scanner<'l, 'p, P> {
    line: &'l [u8],
    has_end: bool,
    at: usize,
    attempts: usize,
    pieces: &'p mut P,
}

impl<'l, P: Pieces> Scanner<'l, '_, P> {
    fn resource_spans(&mut self) {
        self.pieces.open_resource();
        self.members(|scanner, name| match name {
            b"resource" => {
                let at = scanner.skip();
                scanner.pieces.resource(at.0);
            }
            b"schemaUrl" | b"schema_url" => {
                let at = scanner.skip();
                scanner.pieces.schema(Schema::OfResource, at.0);
            }
            b"scopeSpans"
            | b"scope_spans"
            | b"instrumentationLibrarySpans"
            | b"instrumentation_library_spans" => scanner.elements(Scanner::scope_spans),
            _ => scanner.skip_rest(),
        });
    }

    fn scope_spans(&mut self) {
        self.pieces.open_scope();
        self.members(|scanner, name| match name {
            b"scope" | b"instrumentationLibrary" | b"instrumentation_library" => {
                let at = scanner.skip();
                scanner.pieces.scope(at.0);
            }
            b"schemaUrl" | b"schema_url" => {
                let at = scanner.skip();
                scanner.pieces.schema(Schema::OfScope, at.0);
            }
            b"spans" => scanner.elements(Scanner::span),
            // A bracket too many has ended the list before its last span.
            b"" if scanner.byte() == Some(b'{') => scanner.span(),
            _ => scanner.skip_rest(),
        });
    }

    fn span(&mut self) {
        let start = self.at;
        let (range, is_whole) = self.skip();
        let end = range.end;
        if is_whole && self.pieces.span(range) {
            return;
        }
        let mut from = start + 1;
        while let Some(next) = self.next_beginning(from, end) {
            self.at = next;
            let (range, has_end) = self.skip();
            if has_end && self.pieces.span(range) {
                return self.pieces.bad_span();
            }
            from = next + 1;
        }
        self.at = end;
        // A span without an end was cut off with its line.
        if is_whole || self.has_end {
            self.pieces.bad_span();
        }
    }

    /// The next place before `end` where a span may begin.
    fn next_beginning(&mut self, from: usize, end: usize) -> Option<usize> {
        if self.attempts >= MOST_ATTEMPTS {
            return None;
        }
        self.attempts += 1;
        let rest = self.line.get(from..end)?;
        BEGINNINGS.iter().filter_map(|beginning| find(rest, beginning)).min().map(|at| from + at)
    }

    /// Calls `on_member` at the value of each member of the object that begins here. It is called without a name where
    /// there is something else than a member.
    fn members(&mut self, mut on_member: impl FnMut(&mut Self, &'l [u8])) {
        self.at += 1;
        while let Some(byte) = self.next_token() {
            let before = self.at;
            match byte {
                b'}' => {
                    self.at += 1;
                    return;
                }
                b'"' => {
                    let (name, _) = self.skip();
                    if self.next_token() != Some(b':') {
                        continue;
                    }
                    self.at += 1;
                    self.next_token();
                    let name = name.start + 1..name.end.saturating_sub(1);
                    on_member(self, self.line.get(name).unwrap_or_default());
                }
                _ => on_member(self, b""),
            }
            self.at = self.at.max(before + 1);
        }
    }

    /// Calls `on_object` at each object of the list that begins here.
    fn elements(&mut self, mut on_object: impl FnMut(&mut Self)) {
        if self.byte() != Some(b'[') {
            return self.skip_rest();
        }
        self.at += 1;
        while let Some(byte) = self.next_token() {
            let before = self.at;
            match byte {
                b']' => {
                    self.at += 1;
                    return;
                }
                b'{' => on_object(self),
                _ => self.skip_rest(),
            }
            self.at = self.at.max(before + 1);
        }
    }

    fn byte(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// The next byte that is neither blank nor a comma, and stays there.
    fn next_token(&mut self) -> Option<u8> {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace() || byte == b',') {
            self.at += 1;
        }
        self.byte()
    }

    fn skip_rest(&mut self) {
        self.skip();
    }

    /// Goes behind the value that begins here. Returns where it is, and whether it has an end.
    fn skip(&mut self) -> (Range<usize>, bool) {
        let start = self.at;
        let has_end = match self.byte() {
            Some(b'"') => self.skip_text(),
            Some(b'{' | b'[') => self.skip_brackets(),
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}');
                let rest = self.line.get(start..).unwrap_or_default();
                let length = rest.iter().position(ends);
                self.at += length.unwrap_or(rest.len());
                length.is_some()
            }
        };
        (start..self.at, has_end)
    }

    fn skip_text(&mut self) -> bool {
        self.at += 1;
        while let Some(found) = self.line.get(self.at..).and_then(|rest| memchr2(b'"', b'\\', rest))
        {
            self.at += found;
            if self.byte() == Some(b'"') {
                self.at += 1;
                return true;
            }
            self.at += 2;
        }
        self.at = self.line.len();
        false
    }

    /// A bracket that closes another one than the last that was opened is passed over.
    fn skip_brackets(&mut self) -> bool {
        let mut open = Vec::new();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.skip_text();
                    continue;
                }
                Some(b'{') => open.push(b'}'),
                Some(b'[') => open.push(b']'),
                closing if closing == open.last().copied() => drop(open.pop()),
                Some(_) => {}
                None => {
                    self.at = self.line.len();
                    return false;
                }
            }
            self.at += 1;
            if open.is_empty() {
                return true;
            }
            let is_one = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
            let rest = self.line.get(self.at..).unwrap_or_default();
            self.at += rest.iter().position(is_one).unwrap_or(rest.len());
        }
    }
}
