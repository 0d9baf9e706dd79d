//! Spans that go: owns taking those of a file out of the index, so that it is as if they had never been read. Their rows stay
//! empty: no row gets another number.

use std::collections::BTreeSet;

use super::{
    Index,
    columns::{NONE, Span},
    files::{FileFacts, FileState},
    identities::{Content, Seen},
};
use crate::span_flags::Flags;

impl Index {
    /// Takes up what is known of a file, which may be a new one.
    pub fn learn(&mut self, file: u32, facts: FileFacts) {
        if file as usize == self.files.len() {
            self.files.push(FileState::new(facts.input.clone()));
        }
        if let Some(state) = self.files.get_mut(file as usize) {
            state.learn(facts);
        }
    }

    /// Takes all spans of a file out, and empties its account. Returns files that have to be read anew: they had spans that
    /// were left out because this one had them.
    pub fn forget_file(&mut self, file: u32) -> Vec<u32> {
        if let Some(state) = self.files.get_mut(file as usize) {
            state.begin_anew();
        }
        self.forget_lines(file, 0);
        self.copies.retain(|(copy, _)| *copy != file);
        self.take_copies_of(file)
    }

    /// Takes the spans of the last line of a file out, which was shown without its end. Returns what `forget_file` returns.
    pub fn forget_cut(&mut self, file: u32) -> Vec<u32> {
        let state = self.files.get_mut(file as usize);
        let Some(offset) = state.and_then(|state| state.end_cut()) else { return Vec::new() };
        match self.forget_lines(file, offset) {
            true => self.take_copies_of(file),
            false => Vec::new(),
        }
    }

    /// Remembers that a span of `file` was left out because it is in row `other`.
    pub(super) fn note_copy(&mut self, file: u32, other: u32) {
        let line = self.span(other).and_then(|span| self.lines.get(span.line as usize));
        if let Some(line) = line.filter(|line| line.file != file) {
            self.copies.insert((file, line.file));
        }
    }

    fn take_copies_of(&mut self, file: u32) -> Vec<u32> {
        let copies: Vec<u32> = self
            .copies
            .iter()
            .filter(|(_, original)| *original == file)
            .map(|(copy, _)| *copy)
            .collect();
        self.copies.retain(|(_, original)| *original != file);
        copies
    }

    /// Takes out what is in lines of `file` that begin at `from` or later. Returns whether that was anything.
    fn forget_lines(&mut self, file: u32, from: u64) -> bool {
        let (mut rows, mut traces) = (BTreeSet::new(), BTreeSet::new());
        for (number, line) in (0..).zip(&mut self.lines) {
            if line.file != file || line.offset < from {
                continue;
            }
            line.file = NONE;
            // Rows are in the order of their lines.
            let first = self.spans.partition_point(|span| span.line < number);
            let spans = self.spans.get(first..).unwrap_or_default();
            for (row, span) in (first as u32..).zip(spans) {
                if span.line != number {
                    break;
                }
                if span.trace != NONE {
                    rows.insert(row);
                    traces.insert(span.trace);
                }
            }
        }
        self.forget_rows(&rows, &traces);
        !rows.is_empty()
    }

    /// Takes `rows` out, which are in `traces`. What is left of these traces is put together anew.
    pub(super) fn forget_rows(&mut self, rows: &BTreeSet<u32>, traces: &BTreeSet<u32>) {
        self.forgotten.extend(traces);
        for number in traces {
            let all: Vec<u32> = self.rows_of(*number).collect();
            for row in &all {
                self.identities.remove(&self.spans, *row);
            }
            let Some(trace) = self.traces.get_mut(*number as usize) else { continue };
            (trace.first, trace.last, trace.spans) = (NONE, NONE, 0);
            (trace.errors, trace.start, trace.end) = (0, 0, 0);
            self.empty_traces += 1;
            let id = trace.id;
            for row in all {
                match rows.contains(&row) {
                    true => self.empty_row(row),
                    false => self.add_again(row, id),
                }
            }
        }
        if !rows.is_empty() {
            self.links.retain(|link| !rows.contains(&link.row));
        }
    }

    /// The traces that have lost spans since this was asked last.
    pub fn take_forgotten(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.forgotten)
    }

    fn empty_row(&mut self, row: u32) {
        if let Some(span) = self.spans.get_mut(row as usize) {
            span.trace = NONE;
            span.next = NONE;
            self.gone_spans += 1;
        }
    }

    /// Puts a row that stays back into its trace.
    fn add_again(&mut self, row: u32, trace: u128) {
        let Some(span) = self.spans.get_mut(row as usize) else { return };
        span.next = NONE;
        span.flags = span.flags.without(Flags::ID_TWICE);
        let span = span.clone();
        if span.id != 0 && trace != 0 {
            let Span { start, duration, name, .. } = span;
            let content = Content { start, duration, name };
            let seen = self.identities.see(&self.spans, (span.trace, span.id), content, row);
            if let Seen::IdTwice(other) = seen {
                for row in [row, other] {
                    if let Some(span) = self.spans.get_mut(row as usize) {
                        span.flags = span.flags.with(Flags::ID_TWICE, true);
                    }
                }
            }
        }
        self.add_to_trace(&span, row, trace);
    }
}
