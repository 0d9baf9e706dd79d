//! Values of recordings: types stay, and what cannot be judged is taken with all that is in it.

use bumpalo::Bump;

use super::{Cursor, Redactor, near::Near, seen::SeenKeys};
use crate::process::{
    Process,
    account::FailClosed,
    rule::{Action, Part, Stage, Verdict},
    sql::Dialect,
};
use crate::span::{Entry, Node};

/// Containers inside each other that rules are asked about.
const MAX_DEPTH: usize = 512;

impl<'a> Redactor<'a> {
    pub(in crate::process) fn of_recording(
        process: &'a Process,
        stage: &'a Stage,
        arena: &'a Bump,
    ) -> Self {
        Redactor {
            process,
            stage,
            arena,
            seen: SeenKeys::default(),
            near: Near::default(),
            path: Vec::new(),
            hits: Vec::new(),
            // No attribute names the database of a recording.
            system: Some(Dialect::Generic),
            keeps_types: true,
            depth: 0,
            has_changed: false,
        }
    }

    /// Whether the value, or something in it, has changed.
    pub(in crate::process) fn recorded(&mut self, tape: &mut [Entry<'a>]) -> bool {
        let Some(&entry) = tape.first() else { return false };
        let key = entry.key.bytes;
        self.path.clear();
        self.path.extend_from_slice(key);
        self.has_changed = false;
        let verdict = self.stage.judge(Part::Attributes, key, key, true);
        self.value(tape, &mut Cursor { read: 0, write: 0 }, entry, &verdict, Part::Attributes);
        self.has_changed
    }

    /// Whether a key or a text has changed. Rules with keys have no say.
    pub(in crate::process) fn recorded_texts(
        &mut self,
        part: Part,
        tape: &mut [Entry<'a>],
    ) -> bool {
        let verdict = self.stage.of_part(part);
        self.has_changed = false;
        if verdict.detectors == 0 {
            return false;
        }
        for entry in tape {
            let mut unused = Vec::new();
            if !entry.key.is_empty() && self.search(entry.key.bytes, &verdict, &mut unused) {
                entry.key = self.process.marker();
                self.has_changed = true;
            }
            entry.node = self.changed_leaf(entry.node, &verdict, part, &[]);
        }
        self.has_changed
    }

    /// Whether a rule that concerns what is under `key` in `root` finds something in `text`; elements have no key.
    pub(in crate::process) fn finds(&mut self, root: &[u8], key: &[u8], text: &[u8]) -> bool {
        let part = Part::Attributes;
        let mut verdict = self.stage.judge(part, root, root, true);
        verdict = verdict.inside(&self.stage.of_part(part));
        if !key.is_empty() {
            let path = [root, b".", key].concat();
            verdict = self.stage.judge(part, &path, key, false).inside(&verdict);
        }
        self.search(text, &verdict, &mut Vec::new())
    }

    /// What becomes of a leaf, noticing whether that is something else.
    pub(super) fn changed_leaf(
        &mut self,
        node: Node<'a>,
        verdict: &Verdict,
        part: Part,
        path: &[u8],
    ) -> Node<'a> {
        let new = self.leaf(node, verdict, part, path);
        let is_same = match (node, new) {
            (Node::Text(old), Node::Text(new)) => std::ptr::eq(old.bytes, new.bytes),
            (Node::Bytes(old), Node::Bytes(new)) => std::ptr::eq(old, new),
            (old, new) => old == new,
        };
        self.has_changed |= !is_same;
        new
    }

    /// Why a value is taken as a whole although no rule takes it so: it cannot be judged.
    pub(super) fn cannot_judge(&self, node: Node<'a>, verdict: &Verdict) -> Option<FailClosed> {
        if verdict.is_unjudged {
            return Some(FailClosed::Depth);
        }
        match node {
            // The attributes of spans may have lists of texts.
            Node::Array(_) if !self.keeps_types => return None,
            Node::Array(_) | Node::Map(_) => {}
            _ => return None,
        }
        if self.keeps_types && self.depth >= MAX_DEPTH {
            return Some(FailClosed::Depth);
        }
        // A rule about a text of JSON has met what is no text: its paths cannot be followed.
        let rule = self.stage.rule(verdict.structured)?;
        matches!(rule.action, Action::Json(_)).then_some(FailClosed::Json)
    }
}
