//! The one who parses: owns the buffers, and the order in which a line is tried: as it is, repaired, span by span.

use std::{mem, ops::Range};

use simd_json::{Buffers, Tape, fill_tape};

use super::{
    part::{Part, PartLine},
    repair::repair,
    request::{Content, RequestReader},
    slice::{Pieces, slice},
    tape::Item,
};
use crate::account::Skipped;

/// Bytes of the longest text that the index keeps as a whole.
pub(crate) const LONGEST_VALUE: usize = 256;
/// For a line that is read once more, because the whole of a text is asked for.
pub(crate) const WHOLE_VALUES: usize = usize::MAX;

/// What a line of this length needed is given back behind it.
const KEPT_BUFFER: usize = 8 << 20;

/// A line without the blanks around it, and where it begins then.
pub(crate) fn without_blanks(offset: u64, line: &[u8]) -> (u64, &[u8]) {
    let text = line.trim_ascii_start();
    (offset + (line.len() - text.len()) as u64, text.trim_ascii_end())
}

#[derive(Default)]
pub(crate) struct LineParser {
    json: JsonParser,
}

/// A parser with its buffers.
#[derive(Default)]
pub(super) struct JsonParser {
    buffers: Buffers,
    /// The line, which the parser writes into.
    copy: Vec<u8>,
    tape: Vec<simd_json::Node<'static>>,
}

impl JsonParser {
    /// Hands the value that `text` is to `take`; nothing if it is none.
    pub fn parse<T>(&mut self, text: &[u8], take: impl FnOnce(Item<'_, '_>) -> T) -> Option<T> {
        let mut tape = Tape(mem::take(&mut self.tape)).reset();
        self.copy.clear();
        self.copy.extend_from_slice(text);
        let mut is_json = fill_tape(&mut self.copy, &mut self.buffers, &mut tape).is_ok();
        if !is_json {
            tape = tape.reset();
            self.copy.clear();
            self.copy.extend_from_slice(text);
            is_json = repair(&mut self.copy)
                && fill_tape(&mut self.copy, &mut self.buffers, &mut tape).is_ok();
        }
        let taken = is_json.then(|| take(Item::new(&tape.0)));
        self.tape = tape.reset().0;
        if text.len() > KEPT_BUFFER {
            *self = JsonParser::default();
        }
        taken
    }
}

/// Hands the value that `text` is to `take`; nothing if it is no JSON.
pub(crate) fn value_of<T>(text: &[u8], take: impl FnOnce(Item<'_, '_>) -> T) -> Option<T> {
    JsonParser::default().parse(text, take)
}

impl LineParser {
    /// Appends what the line `text` at `offset` holds, and counts it. A line without its end (`has_end`) is the last of
    /// a file. Texts longer than `longest` are not kept as a whole.
    pub fn parse(
        &mut self,
        text: &[u8],
        offset: u64,
        has_end: bool,
        longest: usize,
        part: &mut Part,
    ) {
        let (offset, text) = without_blanks(offset, text);
        if text.is_empty() {
            return;
        }
        part.counts.lines += 1;
        let first = part.spans.len();
        let line = part.lines.len() as u32;
        let mut reader = RequestReader { part, longest, line, ordinal: 0 };
        let content = self.json.parse(text, |request| reader.request(request));
        let is_json = content.is_some();
        let content = content.unwrap_or_else(|| {
            let mut pieces =
                Sliced { line: text, json: &mut self.json, reader, resource: 0, scope: 0 };
            slice(text, has_end, &mut pieces);
            Content { spans: pieces.reader.ordinal > 0, ..Content::default() }
        });
        part.counts.logs += u64::from(content.logs);
        part.counts.metrics += u64::from(content.metrics);
        part.counts.profiles += u64::from(content.profiles);
        match (is_json, has_end) {
            _ if is_json && content.spans => part.counts.parsed += 1,
            _ if content.logs || content.metrics || content.profiles => {
                part.counts.skip(Skipped::OtherSignal);
            }
            (true, _) => part.counts.skip(Skipped::NotOtlp),
            (false, false) => part.counts.skip(Skipped::Cut),
            (false, true) if content.spans => part.counts.parsed += 1,
            (false, true) => part.counts.skip(Skipped::NotJson),
        }
        if part.spans.len() > first {
            part.lines.push(PartLine { offset, bytes: text.len() as u32 });
        }
    }
}

/// Parses the pieces of a line one by one.
struct Sliced<'a> {
    line: &'a [u8],
    json: &'a mut JsonParser,
    reader: RequestReader<'a>,
    /// The resource and the scope that the next spans belong to.
    resource: u32,
    scope: u32,
}

impl Pieces for Sliced<'_> {
    fn open_resource(&mut self) {
        self.resource = self.reader.open_resource();
    }

    fn resource(&mut self, at: Range<usize>) {
        let piece = self.line.get(at).unwrap_or_default();
        self.json.parse(piece, |item| self.reader.set_resource(self.resource, item));
    }

    fn open_scope(&mut self) {
        self.scope = self.reader.open_scope();
    }

    fn scope(&mut self, at: Range<usize>) {
        let piece = self.line.get(at).unwrap_or_default();
        self.json.parse(piece, |item| self.reader.set_scope(self.scope, item));
    }

    fn span(&mut self, at: Range<usize>) -> bool {
        let piece = self.line.get(at).unwrap_or_default();
        let (reader, resource, scope) = (&mut self.reader, self.resource, self.scope);
        self.json.parse(piece, |item| reader.try_span(item, resource, scope)).unwrap_or(false)
    }

    fn bad_span(&mut self) {
        self.reader.bad_span();
    }
}
