//! The rows that meet a filter. Where the index has only the beginning of a text, the lines in question are read again,
//! each once, and nothing else of their files.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use foldhash::quality::RandomState;
use memchr::memmem::find;

use super::filter::{Evaluator, Filter, SpanView, Truth};
use crate::{
    again::Again,
    index::Index,
    parse::{LineParser, Part, WHOLE_VALUES},
};

const ROWS_BETWEEN_CHECKS: usize = 4096;

#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Matches {
    /// In ascending order.
    pub rows: Vec<u32>,
    /// Spans that could not be looked at, because their file has gone or is another one now.
    pub not_searched: u64,
    /// Bytes that were read again.
    pub bytes_read: u64,
}

/// Finds the rows among all spans.
pub(crate) fn search(index: &Index, filter: &Filter, is_cancelled: &AtomicBool) -> Matches {
    search_in(index, filter, &mut index.rows(), is_cancelled)
}

/// Finds the rows among `rows`. It ends early, with what it has, when it is cancelled.
pub(crate) fn search_in(
    index: &Index,
    filter: &Filter,
    rows: &mut dyn Iterator<Item = u32>,
    is_cancelled: &AtomicBool,
) -> Matches {
    let evaluator = Evaluator::new(index, filter);
    let mut matches = Matches::default();
    // By file, and then by line.
    let mut open_questions: BTreeMap<u32, BTreeMap<u32, Vec<u32>>> = BTreeMap::new();
    for (count, row) in rows.enumerate() {
        if count % ROWS_BETWEEN_CHECKS == 0 && is_cancelled.load(Ordering::Relaxed) {
            return matches;
        }
        match evaluator.row(row) {
            Truth::Yes => matches.rows.push(row),
            Truth::No => {}
            Truth::Unknown => {
                let Some(span) = index.span(row) else { continue };
                let Some(line) = index.lines.get(span.line as usize) else { continue };
                open_questions
                    .entry(line.file)
                    .or_default()
                    .entry(span.line)
                    .or_default()
                    .push(row);
            }
        }
    }
    for (file, lines) in open_questions {
        let Some(state) = index.files.get(file as usize) else { continue };
        let asked: u64 = lines.values().map(|rows| rows.len() as u64).sum();
        let mut search = FileSearch {
            index,
            filter,
            evaluator: &evaluator,
            parser: LineParser::default(),
            answered: 0,
            matches: &mut matches,
        };
        // What cannot be read any more is counted below.
        if let Some(mut again) = Again::open(state) {
            for (line, rows) in &lines {
                if is_cancelled.load(Ordering::Relaxed) {
                    return matches;
                }
                let line = index.lines.get(*line as usize);
                if let Some(text) = line.and_then(|line| again.line(line)) {
                    search.answer(text, rows);
                }
            }
        }
        let answered = search.answered;
        matches.not_searched += asked - answered;
    }
    matches.rows.sort_unstable();
    matches
}

/// Looks at lines of one file that are read again.
struct FileSearch<'a> {
    index: &'a Index,
    filter: &'a Filter,
    evaluator: &'a Evaluator<'a>,
    parser: LineParser,
    /// Spans that have been looked at.
    answered: u64,
    matches: &'a mut Matches,
}

impl FileSearch<'_> {
    /// Whether a line has the ids of these spans, as far as they are written in small letters.
    fn is_as_it_was(&self, text: &[u8], rows: &[u32]) -> bool {
        rows.iter()
            .filter_map(|row| self.index.span(*row))
            .all(|span| find(text, format!("{:016x}", span.id).as_bytes()).is_some())
    }

    /// Looks at the spans in `rows`, which are all in this line.
    fn answer(&mut self, text: &[u8], rows: &[u32]) {
        self.matches.bytes_read += text.len() as u64;
        if self.index.values_left_out == 0
            && self.is_as_it_was(text, rows)
            && self.filter.cannot_be_in(text)
        {
            self.answered += rows.len() as u64;
            return;
        }
        let mut part = Part::new(RandomState::default());
        self.parser.parse(text, 0, true, WHOLE_VALUES, &mut part);
        for row in rows {
            let Some(span) = self.index.span(*row) else { continue };
            let is_it = |other: &crate::parse::PartSpan| {
                other.ordinal == span.ordinal && other.id == span.id && other.start == span.start
            };
            let Some(number) = part.spans.iter().position(is_it) else { continue };
            let Some(found) = part.spans.get(number) else { continue };
            self.answered += 1;
            let view = SpanView {
                row: *row,
                span,
                dictionary: &part.dictionary,
                name: found.name,
                attributes: part.attributes_of(number),
                resource: part.resources.get(found.resource as usize).map_or(&[], Vec::as_slice),
            };
            if self.evaluator.whole(&view) {
                self.matches.rows.push(*row);
            }
        }
    }
}
