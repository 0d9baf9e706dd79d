//! Who is who: owns finding a trace by its id, a span by its ids, and a span that is there already.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::columns::{Span, Trace};
use crate::dictionary::ValueId;

/// What makes two spans with the same ids the same span.
#[derive(Clone, Copy, Hash, PartialEq)]
pub(super) struct Content {
    pub start: u64,
    pub duration: u64,
    pub name: ValueId,
}

/// How a span relates to those before it.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Seen {
    New,
    /// It is there already, in this row.
    Duplicate(u32),
    /// Another span with its ids is in this row.
    IdTwice(u32),
}

#[derive(Debug)]
pub(super) struct Identities {
    key: RandomState,
    /// By the id of the trace and, for spans without one, their file.
    traces: HashMap<(u128, u32), u32, RandomState>,
    /// The last one that was asked for.
    last: ((u128, u32), u32),
    /// The first row of each pair of ids.
    first: HashTable<u32>,
    /// All further rows of such a pair.
    more: HashTable<u32>,
}

impl Identities {
    pub fn new(key: &RandomState) -> Identities {
        Identities {
            key: key.clone(),
            traces: HashMap::with_hasher(key.clone()),
            last: ((0, 0), 0),
            first: HashTable::new(),
            more: HashTable::new(),
        }
    }

    /// The number of the trace with `id`, or of the group of spans of `file` without one; `next` if it is new.
    #[inline]
    pub fn trace(&mut self, id: u128, file: u32, next: u32) -> u32 {
        let file = if id == 0 { file } else { 0 };
        // Spans of one trace often follow each other.
        if self.last.0 != (id, file) || next == 0 {
            self.last = ((id, file), *self.traces.entry((id, file)).or_insert(next));
        }
        self.last.1
    }

    /// The number of the trace with `id`.
    pub fn trace_of(&self, id: u128) -> Option<u32> {
        self.traces.get(&(id, 0)).copied().filter(|_| id != 0)
    }

    pub fn find(&self, spans: &[Span], traces: &[Trace], trace: u128, id: u64) -> Option<u32> {
        let trace_number = self.trace_of(trace)?;
        debug_assert!(traces.get(trace_number as usize).is_some_and(|known| known.id == trace));
        self.find_in(spans, trace_number, id)
    }

    /// The first row of the span with this id in the trace with this number.
    pub fn find_in(&self, spans: &[Span], trace: u32, id: u64) -> Option<u32> {
        let is_it = |row: &u32| has_ids(spans, *row, trace, id);
        self.first.find(self.key.hash_one((trace, id)), is_it).copied()
    }

    /// Looks for the span with these ids and this content, and remembers `row`, where it will be, unless it is there.
    #[inline]
    pub fn see(
        &mut self,
        spans: &[Span],
        (trace, id): (u32, u64),
        content: Content,
        row: u32,
    ) -> Seen {
        let Identities { key, first, more, .. } = self;
        let hash = key.hash_one((trace, id));
        let Some(other) = first.find(hash, |row| has_ids(spans, *row, trace, id)).copied() else {
            first.insert_unique(hash, row, |row| {
                spans.get(*row as usize).map_or(0, |span| key.hash_one((span.trace, span.id)))
            });
            return Seen::New;
        };
        if content_of(spans, other) == Some(content) {
            return Seen::Duplicate(other);
        }
        let hash_all = |trace: u32, id: u64, content: Content| key.hash_one((trace, id, content));
        let hash = hash_all(trace, id, content);
        let is_it =
            |row: &u32| has_ids(spans, *row, trace, id) && content_of(spans, *row) == Some(content);
        if let Some(known) = more.find(hash, is_it) {
            return Seen::Duplicate(*known);
        }
        more.insert_unique(hash, row, |row| {
            let Some(span) = spans.get(*row as usize) else { return 0 };
            content_of(spans, *row).map_or(0, |content| hash_all(span.trace, span.id, content))
        });
        Seen::IdTwice(other)
    }

    /// Takes the span in a row out. Its ids are those that it was seen with.
    pub fn remove(&mut self, spans: &[Span], row: u32) {
        let Identities { key, first, more, .. } = self;
        let Some(span) = spans.get(row as usize) else { return };
        let hash = key.hash_one((span.trace, span.id));
        let found = first.find_entry(hash, |other| *other == row);
        if let Ok(entry) = found {
            entry.remove();
        } else if let Some(content) = content_of(spans, row) {
            let hash = key.hash_one((span.trace, span.id, content));
            if let Ok(entry) = more.find_entry(hash, |other| *other == row) {
                entry.remove();
            }
        }
    }

    /// Makes the tables anew, as small as they can be: names have other numbers.
    pub fn rebuild(&mut self, spans: &[Span]) {
        let Identities { key, first, more, .. } = self;
        let hash = |row: &u32| {
            spans.get(*row as usize).map_or(0, |span| key.hash_one((span.trace, span.id)))
        };
        first.shrink_to_fit(hash);
        let hash = |row: &u32| {
            let ids = spans.get(*row as usize).map_or((0, 0), |span| (span.trace, span.id));
            content_of(spans, *row).map_or(0, |content| key.hash_one((ids.0, ids.1, content)))
        };
        let rows: Vec<u32> = more.drain().collect();
        for row in rows {
            more.insert_unique(hash(&row), row, hash);
        }
        more.shrink_to_fit(hash);
    }

    pub fn memory(&self) -> u64 {
        let rows = (self.first.len() + self.more.len()) * 2 * size_of::<u32>();
        let traces = self.traces.len() * 2 * size_of::<((u128, u32), u32)>();
        (rows + traces) as u64
    }
}

#[inline]
fn has_ids(spans: &[Span], row: u32, trace: u32, id: u64) -> bool {
    spans.get(row as usize).is_some_and(|span| span.id == id && span.trace == trace)
}

fn content_of(spans: &[Span], row: u32) -> Option<Content> {
    let Span { start, duration, name, .. } = *spans.get(row as usize)?;
    Some(Content { start, duration, name })
}
