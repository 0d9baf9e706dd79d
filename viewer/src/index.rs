//! All spans in memory, as columns: owns what is kept of a span and the numbers by which things are found again.
//! One thread owns it; parts come to it in the order of files and lines, so that rows have the same order in every run.

mod columns;
mod files;
mod forget;
mod identities;
mod merge;
mod release;
mod resources;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::RandomState;

pub(crate) use self::{
    columns::{Attribute, Line, Link, NONE, Span, Trace},
    files::{FileFacts, FileState, Identity},
    merge::Merge,
};
use self::{identities::Identities, resources::Resources};
use crate::{
    dictionary::{Dictionary, ValueId},
    parse::PartScope,
    value::Value,
};

/// The service of a resource that names none.
pub(crate) const UNKNOWN_SERVICE: &str = "unknown_service";

#[derive(Debug)]
pub(crate) struct Index {
    pub dictionary: Dictionary,
    /// By row. Whoever asks takes `span` and `shown`, which leave out what has gone.
    pub spans: Vec<Span>,
    /// Rows whose spans have gone from their files.
    gone_spans: u64,
    empty_traces: u64,
    /// Traces that have lost spans since somebody has asked for them.
    forgotten: BTreeSet<u32>,
    /// A file that has spans which another file had before it, and that other file.
    copies: BTreeSet<(u32, u32)>,
    attributes: Vec<Attribute>,
    /// By the row of the span that has the link.
    pub links: Vec<Link>,
    resources: Resources,
    scopes: Vec<PartScope>,
    scope_numbers: HashMap<PartScope, u32, RandomState>,
    pub lines: Vec<Line>,
    pub files: Vec<FileState>,
    pub traces: Vec<Trace>,
    identities: Identities,
    /// What stands for values that are not indexed, from `max_memory` on.
    in_file: ValueId,
    /// Values that stay in the file because the memory was used up.
    pub values_left_out: u64,
    max_memory: u64,
    /// Whether the rest of the files has been left out because the memory was used up.
    pub is_full: bool,
}

impl Index {
    /// `key` is that of the dictionaries of the parts.
    pub fn new(key: &RandomState, max_memory: u64) -> Index {
        let mut dictionary = Dictionary::new(key.clone());
        let in_file = dictionary.intern(Value::InFile);
        Index {
            dictionary,
            spans: Vec::new(),
            gone_spans: 0,
            empty_traces: 0,
            forgotten: BTreeSet::new(),
            copies: BTreeSet::new(),
            attributes: Vec::new(),
            links: Vec::new(),
            resources: Resources::new(key),
            scopes: Vec::new(),
            scope_numbers: HashMap::with_hasher(key.clone()),
            lines: Vec::new(),
            files: Vec::new(),
            traces: Vec::new(),
            identities: Identities::new(key),
            in_file,
            values_left_out: 0,
            max_memory,
            is_full: false,
        }
    }

    /// The span in a row; nothing if the span has gone from its file.
    pub fn span(&self, row: u32) -> Option<&Span> {
        self.spans.get(row as usize).filter(|span| span.trace != NONE)
    }

    /// One more than the last row.
    pub fn end_row(&self) -> u32 {
        self.spans.len() as u32
    }

    pub fn span_count(&self) -> u64 {
        self.spans.len() as u64 - self.gone_spans
    }

    /// How many traces have spans.
    pub fn trace_count(&self) -> u64 {
        self.traces.len() as u64 - self.empty_traces
    }

    /// The rows and spans that are shown, in ascending order. A span keeps its row while the program runs.
    pub fn shown(&self) -> impl Iterator<Item = (u32, &Span)> {
        (0..).zip(&self.spans).filter(|(_, span)| span.trace != NONE)
    }

    pub fn rows(&self) -> impl Iterator<Item = u32> {
        self.shown().map(|(row, _)| row)
    }

    /// The attributes of a span and of its events.
    pub fn attributes_of(&self, row: u32) -> &[Attribute] {
        let end_of =
            |row: u32| self.spans.get(row as usize).map(|span| span.attributes_end as usize);
        let start = row.checked_sub(1).and_then(end_of).unwrap_or(0);
        let end = end_of(row).unwrap_or(start);
        self.attributes.get(start..end).unwrap_or_default()
    }

    /// The attributes of a resource.
    pub fn resource(&self, resource: u32) -> &[Attribute] {
        self.resources.get(resource)
    }

    pub fn resources(&self) -> usize {
        self.resources.len()
    }

    /// The number of a text, as a key, a name or a value.
    pub fn text_id(&self, text: &str) -> Option<ValueId> {
        self.dictionary.lookup(Value::Text(text))
    }

    /// The value that one of `attributes` has for `key`.
    pub fn value_of(&self, attributes: &[Attribute], key: ValueId) -> Option<Value<'_>> {
        let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
        Some(self.dictionary.value(attribute.value))
    }

    /// The value that a span has for the key `key`.
    pub fn attribute(&self, row: u32, key: &str) -> Option<Value<'_>> {
        self.value_of(self.attributes_of(row), self.text_id(key)?)
    }

    pub fn name(&self, span: &Span) -> &str {
        self.dictionary.text(span.name)
    }

    /// The name of the service of a resource.
    pub fn service(&self, resource: u32) -> &str {
        self.service_id(resource).map_or(UNKNOWN_SERVICE, |id| self.dictionary.text(id))
    }

    pub fn service_id(&self, resource: u32) -> Option<ValueId> {
        let key = self.text_id("service.name")?;
        let attribute = self.resource(resource).iter().find(|attribute| attribute.key == key)?;
        Some(attribute.value).filter(|value| !self.dictionary.text(*value).is_empty())
    }

    pub fn scope(&self, span: &Span) -> &str {
        self.scopes.get(span.scope as usize).map_or("", |scope| self.dictionary.text(scope.name))
    }

    /// The row of the first span with these ids.
    pub fn row_of(&self, trace: u128, span: u64) -> Option<u32> {
        self.identities.find(&self.spans, &self.traces, trace, span)
    }

    /// The number of the trace with this id.
    pub fn trace_of(&self, id: u128) -> Option<u32> {
        self.identities.trace_of(id)
    }

    pub fn max_memory(&self) -> u64 {
        self.max_memory
    }

    /// The row of the parent of a span, if it is in these files.
    pub fn parent_row(&self, span: &Span) -> Option<u32> {
        let trace = self.traces.get(span.trace as usize)?;
        if span.parent == 0 || trace.id == 0 {
            return None;
        }
        self.identities.find_in(&self.spans, span.trace, span.parent)
    }

    /// The rows of a trace, in their order.
    pub fn rows_of(&self, trace: u32) -> impl Iterator<Item = u32> {
        let first = self.traces.get(trace as usize).map(|trace| trace.first);
        let first = first.filter(|first| *first != NONE);
        std::iter::successors(first, |row| {
            self.span(*row).map(|span| span.next).filter(|next| *next != NONE)
        })
    }

    /// The file that a span is in.
    pub fn file_of(&self, span: &Span) -> Option<&FileState> {
        let line = self.lines.get(span.line as usize)?;
        self.files.get(line.file as usize)
    }

    /// The number of a scope; scopes with equal names and versions are one.
    fn intern_scope(&mut self, scope: PartScope) -> u32 {
        *self.scope_numbers.entry(scope).or_insert_with(|| {
            self.scopes.push(scope);
            self.scopes.len() as u32 - 1
        })
    }

    /// Bytes of memory that spans take.
    pub fn memory(&self) -> u64 {
        let columns = self.spans.len() * size_of::<Span>()
            + self.attributes.len() * size_of::<Attribute>()
            + self.links.len() * size_of::<Link>()
            + self.lines.len() * size_of::<Line>()
            + self.traces.len() * size_of::<Trace>();
        columns as u64
            + self.dictionary.memory()
            + self.identities.memory()
            + self.resources.memory()
    }
}
