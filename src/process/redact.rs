//! Redaction of one batch by the rules of one stage, in its tape: a value that is deleted closes the gap inside of its own
//! list, new text goes to the arena, and what no rule takes stays where it is.

mod leaf;
mod near;
mod recorded;
mod search;
mod seen;

use bumpalo::Bump;

use self::{
    near::Near,
    seen::{Effect, Seen, SeenKeys},
};
use super::{
    Process,
    detect::Hit,
    rule::{Action, MOST_PATH_BYTES, NONE, Part, Stage, Verdict},
    sql::Dialect,
};
use crate::span::{Attributes, Entry, Node, SpanBatch, Text};

/// Redacts what one stage asks for.
pub(super) fn redact<'a>(
    process: &'a Process,
    stage: &'a Stage,
    batch: &mut SpanBatch<'a>,
    arena: &'a Bump,
) {
    let mut redactor = Redactor {
        process,
        stage,
        arena,
        seen: SeenKeys::default(),
        near: Near::default(),
        path: Vec::new(),
        hits: Vec::new(),
        system: Some(Dialect::Generic),
        keeps_types: false,
        depth: 0,
        has_changed: false,
    };
    redactor.batch(batch);
}

pub(super) struct Redactor<'a> {
    process: &'a Process,
    stage: &'a Stage,
    arena: &'a Bump,
    seen: SeenKeys,
    /// The texts of the span at hand that stand side by side.
    near: Near<'a>,
    /// Keys from the attribute to the value at hand.
    path: Vec<u8>,
    hits: Vec<Hit>,
    /// How the database of the span at hand writes; `None`: no SQL.
    system: Option<Dialect>,
    /// Values stay what they were: numbers, texts, containers.
    keeps_types: bool,
    /// Containers around the value at hand, where types are kept.
    depth: usize,
    /// A value of a recording has become another.
    has_changed: bool,
}

/// Where the next entry is read, and where it is put.
struct Cursor {
    read: usize,
    write: usize,
}

/// Keys of one map that have become the marker.
struct Renamed {
    /// The number of the next; 0: nobody has looked which are taken.
    next: usize,
    /// Where the map begins, as it is written.
    head: usize,
    /// Members that are not read yet.
    left: u32,
}

impl<'a> Redactor<'a> {
    fn batch(&mut self, batch: &mut SpanBatch<'a>) {
        let SpanBatch { resources, scopes, spans, events, links, tape, .. } = batch;
        for resource in resources {
            self.list(tape, &mut resource.attributes, Part::Resource);
            self.optional(&mut resource.schema_url, Part::Resource);
        }
        for scope in scopes {
            if let Some(attributes) = &mut scope.attributes {
                self.list(tape, attributes, Part::Scope);
            }
            for text in [&mut scope.name, &mut scope.version, &mut scope.schema_url] {
                self.optional(text, Part::Scope);
            }
        }
        let searched = self.stage.of_part(Part::Attributes).detectors;
        for span in spans {
            if searched != 0 {
                self.near = Near::new(span.texts, searched);
            }
            if self.stage.searches_texts {
                self.optional(&mut span.name, Part::Name);
                self.optional(&mut span.status_message, Part::Status);
                self.optional(&mut span.trace_state, Part::TraceState);
            }
            if self.stage.has_sql {
                self.system = self.system_of(tape, &span.attributes);
            }
            self.list(tape, &mut span.attributes, Part::Attributes);
            if !span.events.is_empty() {
                for event in events.get_mut(span.events.clone()).unwrap_or_default() {
                    self.optional(&mut event.name, Part::EventName);
                    self.list(tape, &mut event.attributes, Part::Events);
                }
            }
            if !span.links.is_empty() {
                for link in links.get_mut(span.links.clone()).unwrap_or_default() {
                    self.optional(&mut link.trace_state, Part::TraceState);
                    self.list(tape, &mut link.attributes, Part::Links);
                }
            }
        }
    }

    /// A text without a key.
    fn optional(&mut self, text: &mut Option<Text<'a>>, part: Part) {
        let stage = self.stage;
        let (Some(text), Some(verdict)) = (text, stage.everywhere.get(part as usize)) else {
            return;
        };
        if verdict.detectors != 0 {
            *text = self.searched(*text, verdict);
        }
    }

    /// Before anything is deleted: the database may be named behind its statement.
    fn system_of(&mut self, tape: &[Entry<'a>], attributes: &Attributes) -> Option<Dialect> {
        let mut found = None;
        let mut cursor = Cursor { read: attributes.entries.start, write: 0 };
        for _ in 0..attributes.count {
            let Some(entry) = tape.get(cursor.read) else { break };
            if self.judged(Part::Attributes, entry.key.bytes).is_db_system
                && let Node::Text(system) = entry.node
                && (found.is_none() || entry.key.bytes == b"db.system.name")
            {
                found = Some(system.bytes);
            }
            skip(tape, &mut cursor);
        }
        found.map_or(Some(Dialect::Generic), Dialect::of_system)
    }

    fn judged(&mut self, part: Part, key: &[u8]) -> Verdict {
        if let [seen, ..] = self.seen.from(part, key) {
            return seen.verdict;
        }
        self.process.account.judged();
        let verdict = self.stage.judge(part, key, key, true);
        self.seen.put(part, key, verdict);
        verdict
    }

    /// Whether all keys have been seen and nothing happens to their values: most lists are left where they are.
    #[inline(never)]
    fn is_left_alone(&self, tape: &[Entry<'a>], attributes: &Attributes, part: Part) -> bool {
        let entries = tape.get(attributes.entries.clone()).unwrap_or_default();
        if entries.len() != attributes.count as usize {
            return false; // something stands in a container
        }
        let seen = self.seen.all(part);
        let is_same = |(entry, seen): &(&Entry<'_>, &Seen)| {
            seen.is_of(entry.key.bytes) && seen.effect == Effect::Nothing
        };
        let same = entries.iter().zip(seen).take_while(is_same).count();
        let mut expected = seen.get(same..).unwrap_or_default();
        entries.get(same..).unwrap_or_default().iter().all(|Entry { key, node }| {
            let (seen, next) = match expected {
                [seen, next @ ..] if seen.is_of(key.bytes) => (seen, next),
                _ => match self.seen.from(part, key.bytes) {
                    [seen, next @ ..] => (seen, next),
                    [] => return false,
                },
            };
            expected = next;
            match seen.effect {
                Effect::Nothing => true,
                Effect::Search => self.finds_nothing(node, &seen.verdict),
                Effect::Other => false,
            }
        })
    }

    #[inline]
    fn finds_nothing(&self, node: &Node<'a>, verdict: &Verdict) -> bool {
        if let Node::Text(text) = node {
            return self.near.possible(text.bytes, verdict.detectors) == 0;
        }
        match node {
            Node::Number(number) => !leaf::may_be_card(*number),
            Node::Bytes(_) => false,
            _ => true,
        }
    }

    fn list(&mut self, tape: &mut [Entry<'a>], attributes: &mut Attributes, part: Part) {
        if !self.is_left_alone(tape, attributes, part) {
            self.edit(tape, attributes, part);
        }
    }

    #[inline(never)]
    fn edit(&mut self, tape: &mut [Entry<'a>], attributes: &mut Attributes, part: Part) {
        let start = attributes.entries.start;
        let mut cursor = Cursor { read: start, write: start };
        let mut kept = 0;
        for _ in 0..attributes.count {
            let Some(&Entry { key, node }) = tape.get(cursor.read) else { break };
            let verdict = self.judged(part, key.bytes);
            if verdict.gone != NONE || verdict.is_key_hit {
                self.count_gone(&verdict, key.bytes);
                skip(tape, &mut cursor);
                continue;
            }
            self.path.clear();
            if matches!(node, Node::Array(_) | Node::Map(_)) {
                // What is too long is not judged; a little more says so.
                let shown = key.bytes.len().min(MOST_PATH_BYTES + 1);
                self.path.extend_from_slice(key.bytes.get(..shown).unwrap_or_default());
            }
            self.value(tape, &mut cursor, Entry { key, node }, &verdict, part);
            kept += 1;
        }
        attributes.entries = start..cursor.write;
        attributes.count = kept;
    }

    /// A member of a map inside an attribute. Whether it stays.
    fn member(
        &mut self,
        tape: &mut [Entry<'a>],
        cursor: &mut Cursor,
        part: Part,
        outer: &Verdict,
        renamed: &mut Renamed,
    ) -> bool {
        let Some(&Entry { mut key, node }) = tape.get(cursor.read) else { return false };
        let verdict = if self.stage.has_keys || outer.detectors != 0 {
            self.stage.judge(part, &self.path, key.bytes, false).inside(outer)
        } else {
            *outer
        };
        if verdict.gone != NONE {
            self.count_gone(&verdict, key.bytes);
            skip(tape, cursor);
            return false;
        }
        if verdict.is_key_hit {
            self.count_gone(&verdict, key.bytes);
            key = self.renamed(tape, cursor, renamed);
            self.has_changed = true;
        }
        self.value(tape, cursor, Entry { key, node }, &verdict, part);
        true
    }

    fn value(
        &mut self,
        tape: &mut [Entry<'a>],
        cursor: &mut Cursor,
        entry: Entry<'a>,
        verdict: &Verdict,
        part: Part,
    ) {
        let Entry { key, node } = entry;
        if let Some(why) = self.cannot_judge(node, verdict) {
            self.process.account.failed_closed(why);
            if self.keeps_types {
                return self.taken(tape, cursor, key, false, part);
            }
            skip(tape, cursor);
            return put(tape, cursor, Entry { key, node: Node::Text(self.process.marker()) });
        }
        let (Node::Array(count) | Node::Map(count)) = node else {
            cursor.read += 1;
            let path = std::mem::take(&mut self.path);
            let shown = if path.is_empty() { key.bytes } else { &path };
            let node = self.changed_leaf(node, verdict, part, shown);
            self.path = path;
            return put(tape, cursor, Entry { key, node });
        };
        let stage = self.stage;
        if let Some(rule) = stage.whole(verdict, None, part, &self.path) {
            self.process.account.hit(rule.id);
            if rule.keep_type {
                let is_token = matches!(rule.action, Action::Hash);
                return self.taken(tape, cursor, key, is_token, part);
            }
            skip(tape, cursor);
            return put(tape, cursor, Entry { key, node: Node::Text(self.process.marker()) });
        }
        let head = cursor.write;
        cursor.read += 1;
        put(tape, cursor, entry);
        self.depth += 1;
        if matches!(node, Node::Array(_)) {
            for _ in 0..count {
                let Some(&element) = tape.get(cursor.read) else { break };
                self.value(tape, cursor, element, verdict, part);
            }
            self.depth -= 1;
            return;
        }
        let path = self.path.len();
        let mut kept = 0;
        let mut renamed = Renamed { next: 0, head, left: count };
        while renamed.left > 0 {
            let Some(member) = tape.get(cursor.read) else { break };
            if self.path.len() <= MOST_PATH_BYTES {
                self.path.push(b'.');
                let room = (MOST_PATH_BYTES + 1).saturating_sub(self.path.len());
                let shown = member.key.bytes.len().min(room);
                self.path.extend_from_slice(member.key.bytes.get(..shown).unwrap_or_default());
            }
            kept += u32::from(self.member(tape, cursor, part, verdict, &mut renamed));
            self.path.truncate(path);
            renamed.left -= 1;
        }
        self.depth -= 1;
        if let Some(head) = tape.get_mut(head) {
            head.node = Node::Map(kept);
        }
    }
}

fn put<'a>(tape: &mut [Entry<'a>], cursor: &mut Cursor, entry: Entry<'a>) {
    if let Some(place) = tape.get_mut(cursor.write) {
        *place = entry;
    }
    cursor.write += 1;
}

/// Moves behind an entry and all that is in it.
fn skip(tape: &[Entry<'_>], cursor: &mut Cursor) {
    let mut left = 1u64;
    while left > 0 {
        let Some(entry) = tape.get(cursor.read) else { return };
        if let Node::Array(count) | Node::Map(count) = entry.node {
            left += u64::from(count);
        }
        left -= 1;
        cursor.read += 1;
    }
}
