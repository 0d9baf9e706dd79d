//! What becomes of one value: the order of the phases, and the form of what stands in for it.

use super::{Cursor, Redactor, put, search::JsonLeaves};
use crate::process::{
    account::FailClosed,
    json,
    rule::{Action, NONE, Part, Rule, Verdict},
    sql, url,
};
use crate::span::{Entry, Node, Text};

impl<'a> Redactor<'a> {
    pub(super) fn leaf(
        &mut self,
        node: Node<'a>,
        verdict: &Verdict,
        part: Part,
        path: &[u8],
    ) -> Node<'a> {
        match node {
            Node::Text(text) => Node::Text(self.text(text, verdict, part, path)),
            Node::Number(number) => self.number(number, verdict, part, path),
            Node::Bytes(bytes) => self.bytes(bytes, verdict, part, path),
            Node::Bool(_) | Node::Empty => {
                let text: &[u8] = match node {
                    Node::Bool(true) => b"true",
                    Node::Bool(false) => b"false",
                    _ => b"null",
                };
                let stage = self.stage;
                match stage.whole(verdict, Some(text), part, path) {
                    Some(rule) => self.whole(node, text, rule),
                    None => self.unread(node, text, verdict, part, path).unwrap_or(node),
                }
            }
            container @ (Node::Array(_) | Node::Map(_)) => container,
        }
    }

    /// Structured, whole, searched, truncated: each phase sees what the one before has left.
    fn text(&mut self, text: Text<'a>, verdict: &Verdict, part: Part, path: &[u8]) -> Text<'a> {
        let stage = self.stage;
        let mut text = text;
        let mut is_searched = verdict.detectors == 0;
        if let Some(rule) = stage.structured(verdict, text.bytes, part, path) {
            is_searched |= matches!(rule.action, Action::Json(_));
            text = self.structured(text, rule, verdict);
        }
        if let Some(rule) = stage.whole(verdict, Some(text.bytes), part, path) {
            self.process.account.hit(rule.id);
            return match rule.action {
                Action::Hash => self.token(text.bytes),
                _ => self.process.marker(),
            };
        }
        if !is_searched {
            text = self.searched(text, verdict);
        }
        self.truncated(text, verdict, part, path)
    }

    /// An action that knows the form of a text.
    fn structured(&mut self, text: Text<'a>, rule: &'a Rule, verdict: &Verdict) -> Text<'a> {
        let account = &self.process.account;
        let mut out = Vec::new();
        let mut is_new = false;
        match &rule.action {
            Action::Url(keys) => is_new = url::mask(text.bytes, keys, &mut out),
            Action::Sql(dialect) => match dialect.or(self.system) {
                Some(dialect) => match sql::mask(text.bytes, dialect, &mut out) {
                    sql::Masked::Unchanged => {}
                    sql::Masked::Changed => is_new = true,
                    sql::Masked::CutShort => {
                        account.failed_closed(FailClosed::Sql);
                        is_new = true;
                    }
                },
                None if text.is_empty() => {}
                None => {
                    account.failed_closed(FailClosed::Sql);
                    account.hit(rule.id);
                    return self.process.marker();
                }
            },
            Action::Json(json) if !text.bytes.trim_ascii().is_empty() => {
                let mut leaves = JsonLeaves { redactor: self, verdict, rule };
                let masked = json::mask(text.bytes, json, &mut leaves, &mut out);
                is_new = masked != json::Masked::Unchanged;
                match masked {
                    json::Masked::Broken => account.failed_closed(FailClosed::Json),
                    json::Masked::TooDeep => account.failed_closed(FailClosed::Depth),
                    json::Masked::Unchanged | json::Masked::Changed => {}
                }
                // Its hits are counted where they are.
                return if is_new { self.new_text(&out, text) } else { text };
            }
            _ => {}
        }
        if !is_new {
            return text;
        }
        account.hit(rule.id);
        self.new_text(&out, text)
    }

    fn number(&mut self, number: f64, verdict: &Verdict, part: Part, path: &[u8]) -> Node<'a> {
        let stage = self.stage;
        let is_taken = verdict.whole != NONE;
        let is_structured = verdict.structured != NONE;
        let is_searched = verdict.detectors & CHECKED != 0 && may_be_card(number);
        if !is_taken && !is_structured && !is_searched {
            return Node::Number(number);
        }
        let mut buffer = ryu_js::Buffer::new();
        let digits = buffer.format(number);
        if let Some(rule) = stage.whole(verdict, Some(digits.as_bytes()), part, path) {
            return self.whole(Node::Number(number), digits.as_bytes(), rule);
        }
        if let Some(node) =
            self.unread(Node::Number(number), digits.as_bytes(), verdict, part, path)
        {
            return node;
        }
        if digits.contains('.') {
            return Node::Number(number); // the digits of a fraction are no card
        }
        let checked = Verdict { detectors: verdict.detectors & CHECKED, ..*verdict };
        let mut out = Vec::new();
        if self.search(digits.as_bytes(), &checked, &mut out) {
            if self.keeps_types {
                return Node::Number(0.0);
            }
            return Node::Text(self.new_text(&out, Text::default()));
        }
        Node::Number(number)
    }

    fn bytes(&mut self, bytes: &'a [u8], verdict: &Verdict, part: Part, path: &[u8]) -> Node<'a> {
        let stage = self.stage;
        if let Some(rule) = stage.whole(verdict, Some(bytes), part, path) {
            return self.whole(Node::Bytes(bytes), bytes, rule);
        }
        if let Some(node) = self.unread(Node::Bytes(bytes), bytes, verdict, part, path) {
            return node;
        }
        if self.search(bytes, verdict, &mut Vec::new()) {
            return Node::Text(self.process.marker());
        }
        match stage.rule(verdict.truncate).map(|rule| (rule, &rule.action)) {
            Some((rule, Action::Truncate(limit))) if bytes.len() > *limit => {
                self.process.account.hit(rule.id);
                Node::Bytes(bytes.get(..*limit).unwrap_or_default())
            }
            _ => Node::Bytes(bytes),
        }
    }

    /// What stands in for a value that is no text, if an action for texts would change `text`, which says the same. A number has
    /// neither a user nor a literal of text: only a rule about JSON looks at it.
    fn unread(
        &mut self,
        node: Node<'a>,
        text: &[u8],
        verdict: &Verdict,
        part: Part,
        path: &[u8],
    ) -> Option<Node<'a>> {
        let stage = self.stage;
        let rule = stage.structured(verdict, text, part, path)?;
        let is_looked_at = matches!(node, Node::Bytes(_)) || matches!(rule.action, Action::Json(_));
        if !is_looked_at {
            return None;
        }
        let given = Text { bytes: self.arena.alloc_slice_copy(text), has_surrogates: false };
        let new = self.structured(given, rule, verdict);
        if std::ptr::eq(new.bytes, given.bytes) {
            return None;
        }
        let is_typed = rule.keep_type || self.keeps_types;
        Some(if is_typed { self.typed(node, false) } else { Node::Text(self.process.marker()) })
    }

    /// What stands in for a whole value; `text` is what its token is made of.
    fn whole(&mut self, node: Node<'a>, text: &[u8], rule: &Rule) -> Node<'a> {
        self.process.account.hit(rule.id);
        if rule.keep_type {
            return self.typed(node, matches!(rule.action, Action::Hash));
        }
        Node::Text(match rule.action {
            Action::Hash => self.token(text),
            _ => self.process.marker(),
        })
    }

    /// The same type without the value.
    fn typed(&self, node: Node<'a>, is_token: bool) -> Node<'a> {
        match node {
            Node::Text(text) if is_token => Node::Text(self.token(text.bytes)),
            Node::Text(_) => Node::Text(self.process.marker()),
            // JSON has no infinity: in the schema of a recording it is null, and would not be as 0.
            Node::Number(number) if self.keeps_types && number.is_infinite() => node,
            Node::Number(_) => Node::Number(0.0),
            Node::Bool(_) => Node::Bool(false),
            Node::Bytes(_) => Node::Bytes(self.process.marker().bytes),
            Node::Empty | Node::Array(_) | Node::Map(_) => node,
        }
    }

    /// A value that a rule takes: its keys, lengths and types stay.
    pub(super) fn taken(
        &mut self,
        tape: &mut [Entry<'a>],
        cursor: &mut Cursor,
        key: Text<'a>,
        is_token: bool,
        part: Part,
    ) {
        self.has_changed = true;
        let of_keys = self.stage.of_part(part);
        let mut key = key;
        let mut left = 1u64;
        while left > 0 {
            let Some(&entry) = tape.get(cursor.read) else { return };
            if let Node::Array(count) | Node::Map(count) = entry.node {
                left += u64::from(count);
            }
            left -= 1;
            cursor.read += 1;
            let node = self.typed(entry.node, is_token);
            put(tape, cursor, Entry { key, node });
            key = tape.get(cursor.read).map(|next| next.key).unwrap_or_default();
            if of_keys.detectors != 0
                && left > 0
                && self.search(key.bytes, &of_keys, &mut Vec::new())
            {
                key = self.process.marker();
            }
        }
    }

    pub(super) fn token(&self, value: &[u8]) -> Text<'a> {
        match self.process.key() {
            Some(key) => {
                let token = key.token(value);
                Text { bytes: self.arena.alloc_slice_copy(&token), has_surrogates: false }
            }
            // The configuration refuses it.
            None => self.process.marker(),
        }
    }

    /// New bytes in the place of `old`, whose halves of surrogate pairs they may have.
    pub(super) fn new_text(&self, bytes: &[u8], old: Text<'_>) -> Text<'a> {
        let has_surrogates = old.has_surrogates || self.process.marker().has_surrogates;
        Text { bytes: self.arena.alloc_slice_copy(bytes), has_surrogates }
    }

    fn truncated(
        &mut self,
        text: Text<'a>,
        verdict: &Verdict,
        part: Part,
        path: &[u8],
    ) -> Text<'a> {
        let rule = self.stage.truncating(verdict, text.bytes, part, path);
        let Some(rule) = rule else { return text };
        let Action::Truncate(limit) = rule.action else { return text };
        let starts = text.bytes.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
        let Some((end, _)) = starts.into_iter().nth(limit) else { return text };
        self.process.account.hit(rule.id);
        Text { bytes: text.bytes.get(..end).unwrap_or_default(), ..text }
    }
}

/// Whether its decimal form has as many digits as a card, and no fraction.
pub(super) fn may_be_card(number: f64) -> bool {
    (1e12..1e19).contains(&number.abs()) && number.abs() as u64 as f64 == number.abs()
}

/// Detectors that look at numbers: a card fits a double.
const CHECKED: u16 = {
    use crate::process::detect::Detector;
    1 << Detector::CreditCard as u8 | 1 << Detector::Iban as u8
};
