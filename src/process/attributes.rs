//! Attribute rules, in the order of their list, after the redaction: they copy and rename only what may leave.
//! A list that a rule changes is written again at the end of the tape.

use super::{
    Process,
    condition::Condition,
    rule::{Part, Parts},
};
use crate::span::{Attributes, Entry, Node, SpanBatch, Text};

/// One rule.
#[derive(Debug)]
pub(super) struct AttributeRule {
    /// Its place in the account.
    pub(super) id: usize,
    pub(super) parts: Parts,
    pub(super) condition: Option<Condition>,
    pub(super) key: String,
    pub(super) change: Change,
}

/// What it does with its key.
#[derive(Debug)]
pub(super) enum Change {
    Insert(Simple),
    Update(Simple),
    Upsert(Simple),
    Rename(String),
    Copy(String),
    Delete,
}

/// A value to set.
#[derive(Debug)]
pub(super) enum Simple {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Simple {
    fn node(&self) -> Node<'_> {
        match self {
            Simple::Text(text) => Node::Text(Text::utf8(text)),
            Simple::Number(number) => Node::Number(*number),
            Simple::Bool(bool) => Node::Bool(*bool),
        }
    }
}

/// Which rules concern which spans, by rule and span: conditions see the spans as they came.
pub(super) fn chosen(rules: &[AttributeRule], batch: &SpanBatch<'_>) -> Vec<Vec<bool>> {
    let of_rule = |rule: &AttributeRule| match &rule.condition {
        None => Vec::new(),
        Some(condition) => {
            batch.spans.iter().map(|span| condition.holds(batch, span)).collect::<Vec<_>>()
        }
    };
    rules.iter().map(of_rule).collect()
}

/// Applies all rules.
pub(super) fn apply<'a>(
    process: &'a Process,
    rules: &'a [AttributeRule],
    chosen: &[Vec<bool>],
    batch: &mut SpanBatch<'a>,
) {
    let SpanBatch { resources, scopes, spans, events, links, tape, .. } = batch;
    for (rule, chosen) in rules.iter().zip(chosen) {
        let takes = |part: Part| rule.parts & part.bit() != 0;
        let mut change = |attributes: &mut Attributes| {
            if rule.change(tape, attributes) {
                process.account.hit(rule.id);
            }
        };
        if takes(Part::Resource) {
            resources.iter_mut().for_each(|resource| change(&mut resource.attributes));
        }
        if takes(Part::Scope) {
            for scope in scopes.iter_mut() {
                change(scope.attributes.get_or_insert_default());
            }
        }
        for (index, span) in spans.iter_mut().enumerate() {
            if rule.condition.is_some() && chosen.get(index) != Some(&true) {
                continue;
            }
            if takes(Part::Attributes) {
                change(&mut span.attributes);
            }
            if takes(Part::Events) {
                let events = events.get_mut(span.events.clone()).unwrap_or_default();
                events.iter_mut().for_each(|event| change(&mut event.attributes));
            }
            if takes(Part::Links) {
                let links = links.get_mut(span.links.clone()).unwrap_or_default();
                links.iter_mut().for_each(|link| change(&mut link.attributes));
            }
        }
    }
}

impl AttributeRule {
    /// Whether it has changed the list.
    fn change<'a>(&'a self, tape: &mut Vec<Entry<'a>>, attributes: &mut Attributes) -> bool {
        let own = find(tape, attributes, self.key.as_bytes());
        let new = |value: &'a Simple| Entry { key: Text::utf8(&self.key), node: value.node() };
        match (&self.change, own) {
            (Change::Insert(value) | Change::Upsert(value), None) => {
                rewrite(tape, attributes, |list, tape| {
                    list.keep_all(tape);
                    list.add(tape, new(value));
                });
            }
            (Change::Update(value) | Change::Upsert(value), Some(own)) => {
                rewrite(tape, attributes, |list, tape| {
                    list.keep_until(tape, own);
                    list.skip(tape);
                    list.add(tape, new(value));
                    list.keep_all(tape);
                });
            }
            (Change::Delete, Some(own)) => {
                rewrite(tape, attributes, |list, tape| {
                    list.keep_until(tape, own);
                    list.skip(tape);
                    list.keep_all(tape);
                });
            }
            (Change::Rename(to), Some(own)) if *to != self.key => {
                let target = find(tape, attributes, to.as_bytes());
                rewrite(tape, attributes, |list, tape| {
                    list.move_to(tape, own, target, Text::utf8(to), false);
                });
            }
            (Change::Copy(to), Some(own)) if *to != self.key => {
                let target = find(tape, attributes, to.as_bytes());
                rewrite(tape, attributes, |list, tape| {
                    list.move_to(tape, own, target, Text::utf8(to), true);
                });
            }
            _ => return false,
        }
        true
    }
}

/// Where the top-level value under `key` is, by its place in the tape.
fn find(tape: &[Entry<'_>], attributes: &Attributes, key: &[u8]) -> Option<usize> {
    let mut at = attributes.entries.start;
    for _ in 0..attributes.count {
        if tape.get(at)?.key.bytes == key {
            return Some(at);
        }
        at = end_of(tape, at);
    }
    None
}

/// The place behind an entry and all that is in it.
fn end_of(tape: &[Entry<'_>], mut at: usize) -> usize {
    let mut left = 1u64;
    while left > 0 {
        let Some(entry) = tape.get(at) else { break };
        if let Node::Array(count) | Node::Map(count) = entry.node {
            left += u64::from(count);
        }
        left -= 1;
        at += 1;
    }
    at
}

/// A list that is being written again.
struct List {
    read: usize,
    end: usize,
    count: u32,
}

fn rewrite<'a>(
    tape: &mut Vec<Entry<'a>>,
    attributes: &mut Attributes,
    write: impl FnOnce(&mut List, &mut Vec<Entry<'a>>),
) {
    let start = tape.len();
    let mut list = List { read: attributes.entries.start, end: attributes.entries.end, count: 0 };
    write(&mut list, tape);
    *attributes = Attributes { entries: start..tape.len(), count: list.count };
}

impl List {
    fn keep_all(&mut self, tape: &mut Vec<Entry<'_>>) {
        self.keep_until(tape, self.end);
    }

    fn keep_until(&mut self, tape: &mut Vec<Entry<'_>>, until: usize) {
        while self.read < until {
            let end = end_of(tape, self.read).max(self.read + 1);
            tape.extend_from_within(self.read..end.min(tape.len()));
            self.count += 1;
            self.read = end;
        }
    }

    fn skip(&mut self, tape: &[Entry<'_>]) {
        self.read = end_of(tape, self.read).max(self.read + 1);
    }

    fn add<'a>(&mut self, tape: &mut Vec<Entry<'a>>, entry: Entry<'a>) {
        tape.push(entry);
        self.count += 1;
    }

    /// The value at `own` comes to stand under `key`: in the place of `target`, or else where it was, or at the end if it is
    /// also to stay.
    fn move_to<'a>(
        &mut self,
        tape: &mut Vec<Entry<'a>>,
        own: usize,
        target: Option<usize>,
        key: Text<'a>,
        stays: bool,
    ) {
        let place = match target {
            Some(target) => target,
            None if stays => self.end,
            None => own,
        };
        while self.read < self.end {
            if self.read == place {
                self.add_as(tape, own, key);
                self.skip(tape);
            } else if self.read == own && !stays {
                self.skip(tape);
            } else {
                let end = end_of(tape, self.read).max(self.read + 1);
                self.keep_until(tape, end);
            }
        }
        if place >= self.end {
            self.add_as(tape, own, key);
        }
    }

    fn add_as<'a>(&mut self, tape: &mut Vec<Entry<'a>>, own: usize, key: Text<'a>) {
        let head = tape.len();
        tape.extend_from_within(own..end_of(tape, own));
        if let Some(entry) = tape.get_mut(head) {
            entry.key = key;
        }
        self.count += 1;
    }
}
