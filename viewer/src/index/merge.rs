//! Takes parts in: owns giving what a parser has found the numbers of the index.

use super::{
    Index,
    columns::{Attribute, Line, Link, NONE, Span, Trace},
    identities::{Content, Seen},
};
use crate::{
    account::Skipped,
    dictionary::ValueId,
    parse::{Part, PartLink, PartSpan},
    span_flags::Flags,
};

/// From this share of the memory on, no more values are indexed: columns and ids have the rest.
pub(super) const VALUES_SHARE: (u64, u64) = (3, 4);

/// Numbers of a part and those of the index in their place.
struct Numbers {
    values: Vec<ValueId>,
    resources: Vec<u32>,
    scopes: Vec<u32>,
    /// Number of the first line of the part.
    line: u32,
}

/// A part that is being taken in.
pub(crate) struct Merge {
    part: Box<Part>,
    file: u32,
    numbers: Numbers,
    leaves_values_out: bool,
    /// The next span of the part, and the next link.
    span: usize,
    link: usize,
    shown: u64,
    duplicates: u64,
}

impl Index {
    /// Appends the spans of a part of the file with the number `file`, and its account.
    #[cfg(test)]
    pub fn merge(&mut self, part: Part, file: u32) {
        let mut merge = self.begin(Box::new(part), file);
        while !self.go_on(&mut merge, usize::MAX) {}
    }

    /// Begins to take in a part of the file with the number `file`. One part is finished before the next one begins.
    pub fn begin(&mut self, part: Box<Part>, file: u32) -> Merge {
        let numbers = Numbers {
            values: vec![NONE; part.dictionary.len()],
            resources: vec![NONE; part.resources.len()],
            scopes: vec![NONE; part.scopes.len()],
            line: self.lines.len() as u32,
        };
        let lines = part.lines.iter();
        self.lines.extend(lines.map(|line| Line { file, bytes: line.bytes, offset: line.offset }));
        let leaves_values_out = self.is_pressed();
        Merge { part, file, numbers, leaves_values_out, span: 0, link: 0, shown: 0, duplicates: 0 }
    }

    /// Takes in some spans: `most` is how many, with their attributes. Returns whether these were the last.
    pub fn go_on(&mut self, merge: &mut Merge, most: usize) -> bool {
        let Merge { part, file, numbers, leaves_values_out, span: number, link, .. } = merge;
        let mut done = 0;
        while let Some(span) = part.spans.get(*number).filter(|_| done < most) {
            done += 1 + part.attributes_of(*number).len();
            let row = self.add(part, *number, span, *file, *leaves_values_out, numbers);
            let of_this = |link: &&PartLink| link.span as usize == *number;
            while let Some(found) = part.links.get(*link).filter(of_this) {
                if let Some(row) = row {
                    self.links.push(Link { row, trace: found.trace, id: found.id });
                }
                *link += 1;
            }
            match row {
                Some(_) => merge.shown += 1,
                None => merge.duplicates += 1,
            }
            *number += 1;
        }
        let is_over = *number >= part.spans.len();
        // Not before: the account of a file adds up at any time.
        if let Some(state) = self.files.get_mut(*file as usize).filter(|_| is_over) {
            state.shown += merge.shown;
            state.duplicates += merge.duplicates;
            state.counts.add(&part.counts);
        }
        let is_near_the_last_number = self.attributes.len() > (u32::MAX - (1 << 28)) as usize;
        self.is_full |= self.memory() >= self.max_memory || is_near_the_last_number;
        is_over
    }

    /// Counts lines that were not even handed to a parser.
    pub fn skip_too_long(&mut self, file: u32, offsets: &[u64]) {
        let Some(state) = self.files.get_mut(file as usize) else { return };
        for offset in offsets {
            state.counts.lines += 1;
            state.counts.skip(Skipped::TooLong);
            state.remember_too_long(*offset);
        }
    }

    /// Appends a span. Returns its row, or nothing if it is there already.
    #[inline]
    fn add(
        &mut self,
        part: &Part,
        number: usize,
        span: &PartSpan,
        file: u32,
        leaves_values_out: bool,
        numbers: &mut Numbers,
    ) -> Option<u32> {
        let row = self.spans.len() as u32;
        let name = self.number_of(part, span.name, numbers);
        let trace = self.identities.trace(span.trace, file, self.traces.len() as u32);
        let content = Content { start: span.start, duration: span.duration, name };
        let mut flags = span.flags;
        if span.id != 0 && span.trace != 0 {
            match self.identities.see(&self.spans, (trace, span.id), content, row) {
                Seen::New => {}
                Seen::Duplicate(other) => {
                    self.note_copy(file, other);
                    return None;
                }
                Seen::IdTwice(other) => {
                    flags = flags.with(Flags::ID_TWICE, true);
                    if let Some(other) = self.spans.get_mut(other as usize) {
                        other.flags = other.flags.with(Flags::ID_TWICE, true);
                    }
                }
            }
        }
        for attribute in part.attributes_of(number) {
            let attribute = self.attribute_of(part, *attribute, leaves_values_out, numbers);
            self.attributes.push(attribute);
        }
        let span = Span {
            id: span.id,
            parent: span.parent,
            start: span.start,
            duration: span.duration,
            trace,
            name,
            resource: self.resource_of(part, span.resource, numbers),
            scope: self.scope_of(part, span.scope, numbers),
            line: numbers.line + span.line,
            ordinal: span.ordinal,
            attributes_end: self.attributes.len() as u32,
            next: NONE,
            flags,
        };
        self.add_to_trace(&span, row, part.spans.get(number).map_or(0, |span| span.trace));
        self.spans.push(span);
        Some(row)
    }

    #[inline]
    pub(super) fn add_to_trace(&mut self, span: &Span, row: u32, id: u128) {
        let at = span.trace as usize;
        if at == self.traces.len() {
            let nothing =
                Trace { id, first: NONE, last: NONE, spans: 0, errors: 0, start: 0, end: 0 };
            self.traces.push(nothing);
            self.empty_traces += 1;
        }
        let Some(trace) = self.traces.get_mut(at) else { return };
        match self.spans.get_mut(trace.last as usize) {
            Some(last) => last.next = row,
            None => {
                trace.first = row;
                self.empty_traces -= 1;
            }
        }
        trace.last = row;
        trace.spans += 1;
        trace.errors += u32::from(span.flags.is_error());
        if span.start > 0 {
            trace.start = if trace.start == 0 { span.start } else { trace.start.min(span.start) };
            trace.end = trace.end.max(span.end());
        }
    }

    #[inline]
    fn number_of(&mut self, part: &Part, id: ValueId, numbers: &mut Numbers) -> ValueId {
        let Some(known) = numbers.values.get_mut(id as usize) else { return self.in_file };
        if *known == NONE {
            *known = self.dictionary.adopt(&part.dictionary, id);
        }
        *known
    }

    #[inline]
    fn attribute_of(
        &mut self,
        part: &Part,
        Attribute { key, value }: Attribute,
        leaves_values_out: bool,
        numbers: &mut Numbers,
    ) -> Attribute {
        let key = self.number_of(part, key, numbers);
        if !leaves_values_out {
            return Attribute { key, value: self.number_of(part, value, numbers) };
        }
        let value = self.dictionary.lookup_in(&part.dictionary, value).unwrap_or_else(|| {
            self.values_left_out += 1;
            self.in_file
        });
        Attribute { key, value }
    }

    #[inline]
    fn resource_of(&mut self, part: &Part, id: u32, numbers: &mut Numbers) -> u32 {
        if let Some(known) = numbers.resources.get(id as usize).filter(|known| **known != NONE) {
            return *known;
        }
        let attributes = part.resources.get(id as usize).map_or(&[][..], Vec::as_slice);
        let attributes = attributes
            .iter()
            .map(|attribute| self.attribute_of(part, *attribute, false, numbers))
            .collect();
        let number = self.resources.intern(attributes);
        if let Some(known) = numbers.resources.get_mut(id as usize) {
            *known = number;
        }
        number
    }

    #[inline]
    fn scope_of(&mut self, part: &Part, id: u32, numbers: &mut Numbers) -> u32 {
        if let Some(known) = numbers.scopes.get(id as usize).filter(|known| **known != NONE) {
            return *known;
        }
        let Some(mut scope) = part.scopes.get(id as usize).copied() else { return NONE };
        scope.name = self.number_of(part, scope.name, numbers);
        scope.version = self.number_of(part, scope.version, numbers);
        let number = self.intern_scope(scope);
        if let Some(known) = numbers.scopes.get_mut(id as usize) {
            *known = number;
        }
        number
    }
}
