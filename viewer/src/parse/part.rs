//! What a parser makes of some lines: columns whose numbers are those of its own small dictionary. The index gives them
//! its own numbers.

use foldhash::quality::RandomState;

use crate::{
    account::LineCounts,
    dictionary::{Dictionary, ValueId},
    span_flags::Flags,
};

/// A key and a value.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct PartAttribute {
    pub key: ValueId,
    pub value: ValueId,
}

#[derive(Clone, Debug)]
pub(crate) struct PartSpan {
    /// Zero if it has none.
    pub trace: u128,
    /// Zero if it has none.
    pub id: u64,
    /// Zero if it has none.
    pub parent: u64,
    /// Nanoseconds since the epoch.
    pub start: u64,
    pub duration: u64,
    pub name: ValueId,
    /// Number in `Part::resources`.
    pub resource: u32,
    /// Number in `Part::scopes`.
    pub scope: u32,
    /// Number in `Part::lines`.
    pub line: u32,
    /// How many spans its line has before it, those that cannot be shown included.
    pub ordinal: u32,
    /// Where its attributes end; they begin where those of the span before end.
    pub attributes_end: u32,
    pub flags: Flags,
}

/// A link of the span `span` to another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartLink {
    /// Number in `Part::spans`.
    pub span: u32,
    pub trace: u128,
    pub id: u64,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct PartScope {
    pub name: ValueId,
    pub version: ValueId,
}

/// A line that has spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartLine {
    /// Where it begins in the file, behind any decompression.
    pub offset: u64,
    pub bytes: u32,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub dictionary: Dictionary,
    pub spans: Vec<PartSpan>,
    pub attributes: Vec<PartAttribute>,
    pub links: Vec<PartLink>,
    pub resources: Vec<Vec<PartAttribute>>,
    pub scopes: Vec<PartScope>,
    pub lines: Vec<PartLine>,
    pub counts: LineCounts,
}

pub(crate) struct Mark {
    spans: usize,
    attributes: usize,
    links: usize,
    resources: usize,
    scopes: usize,
    seen: u64,
}

impl Part {
    pub fn new(key: RandomState) -> Part {
        Part {
            dictionary: Dictionary::for_a_part(key),
            spans: Vec::new(),
            attributes: Vec::new(),
            links: Vec::new(),
            resources: Vec::new(),
            scopes: Vec::new(),
            lines: Vec::new(),
            counts: LineCounts::default(),
        }
    }

    /// How much there is, so that what a line appends can be taken away again.
    pub fn mark(&self) -> Mark {
        Mark {
            spans: self.spans.len(),
            attributes: self.attributes.len(),
            links: self.links.len(),
            resources: self.resources.len(),
            scopes: self.scopes.len(),
            seen: self.counts.seen,
        }
    }

    /// Takes away what was appended since. Values stay in the dictionary, where nothing refers to them.
    pub fn back_to(&mut self, mark: &Mark) {
        self.spans.truncate(mark.spans);
        self.attributes.truncate(mark.attributes);
        self.links.truncate(mark.links);
        self.resources.truncate(mark.resources);
        self.scopes.truncate(mark.scopes);
        self.counts.seen = mark.seen;
    }

    /// The attributes of the span with this number.
    #[inline]
    pub fn attributes_of(&self, span: usize) -> &[PartAttribute] {
        let end_of = |span: &PartSpan| span.attributes_end as usize;
        let start = span.checked_sub(1).and_then(|before| self.spans.get(before)).map_or(0, end_of);
        let end = self.spans.get(span).map_or(start, end_of);
        self.attributes.get(start..end).unwrap_or_default()
    }
}
