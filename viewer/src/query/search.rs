//! The rows that meet a filter. Where the index has only the beginning of a text, the lines in question are read again,
//! each once, and nothing else of their files.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, atomic::AtomicU64},
};

use foldhash::quality::RandomState;
use memchr::memmem::find;

use super::filter::{Evaluator, Filter, SpanView, Truth};
use crate::{
    index::{FileState, Identity, Index, Line},
    parse::{LineParser, Part, WHOLE_VALUES, without_blanks},
    source::{Input, open},
};

#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Matches {
    /// In ascending order.
    pub rows: Vec<u32>,
    /// Spans that could not be looked at, because their file has gone or is another one now.
    pub not_searched: u64,
    /// Bytes that were read again.
    pub bytes_read: u64,
}

/// Finds the rows.
pub(crate) fn search(index: &Index, filter: &Filter) -> Matches {
    let evaluator = Evaluator::new(index, filter);
    let mut matches = Matches::default();
    // By file, and then by line.
    let mut open_questions: BTreeMap<u32, BTreeMap<u32, Vec<u32>>> = BTreeMap::new();
    for row in index.rows() {
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
        let mut again = Again {
            index,
            filter,
            evaluator: &evaluator,
            parser: LineParser::default(),
            answered: 0,
            matches: &mut matches,
        };
        // What cannot be read any more is counted below.
        let _ = again.file(state, &lines);
        let answered = again.answered;
        matches.not_searched += asked - answered;
    }
    matches.rows.sort_unstable();
    matches
}

/// Reads lines of one file again.
struct Again<'a> {
    index: &'a Index,
    filter: &'a Filter,
    evaluator: &'a Evaluator<'a>,
    parser: LineParser,
    /// Spans that have been looked at.
    answered: u64,
    matches: &'a mut Matches,
}

impl Again<'_> {
    fn file(&mut self, state: &FileState, lines: &BTreeMap<u32, Vec<u32>>) -> io::Result<()> {
        let Input::File(path) = &state.input else { return Ok(()) };
        let metadata = fs::metadata(path)?;
        // A pipe would be waited for.
        if !metadata.is_file() || state.identity != Some(Identity::of(&metadata)) {
            return Ok(());
        }
        if state.is_plain {
            return self.plain(File::open(path)?, lines);
        }
        let by_offset: BTreeMap<u64, &Vec<u32>> = lines
            .iter()
            .filter_map(|(line, rows)| Some((self.line(*line)?.offset, rows)))
            .collect();
        let Ok(mut opened) = open(&state.input, &Arc::new(AtomicU64::new(0)))? else {
            return Ok(());
        };
        while let Some(chunk) = opened.next() {
            for (offset, line, _) in chunk.lines() {
                let (offset, text) = without_blanks(offset, line);
                if let Some(rows) = by_offset.get(&offset) {
                    self.answer(text, rows);
                }
            }
        }
        Ok(())
    }

    /// A file in which the offset of a line is its place.
    fn plain(&mut self, mut file: File, lines: &BTreeMap<u32, Vec<u32>>) -> io::Result<()> {
        let mut text = Vec::new();
        for (line, rows) in lines {
            let Some(&Line { offset, bytes, .. }) = self.line(*line) else { continue };
            file.seek(SeekFrom::Start(offset))?;
            text.clear();
            (&file).take(u64::from(bytes)).read_to_end(&mut text)?;
            self.answer(&text, rows);
        }
        Ok(())
    }

    fn line(&self, line: u32) -> Option<&Line> {
        self.index.lines.get(line as usize)
    }

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
