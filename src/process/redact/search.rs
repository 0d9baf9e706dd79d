//! Parts of texts: what the rules with `match` find is replaced, everything around it stays.

use super::{Cursor, Redactor, Renamed, skip};
use crate::process::{
    detect::find,
    json::Leaves,
    rule::{Action, Rule, Verdict},
};
use crate::span::{Entry, Text};

impl<'a> Redactor<'a> {
    pub(super) fn searched(&mut self, text: Text<'a>, verdict: &Verdict) -> Text<'a> {
        let mut out = Vec::new();
        if self.search(text.bytes, verdict, &mut out) { self.new_text(&out, text) } else { text }
    }

    /// Writes `text` to `out` with what was found replaced, if anything was. Finds that overlap are one.
    pub(super) fn search(&mut self, text: &[u8], verdict: &Verdict, out: &mut Vec<u8>) -> bool {
        let possible = self.near.possible(text, verdict.detectors);
        if possible == 0 {
            return false;
        }
        let mut hits = std::mem::take(&mut self.hits);
        find(text, possible, &mut hits);
        let stage = self.stage;
        let mut copied = 0;
        let mut rest = hits.iter().filter_map(|hit| {
            let found = text.get(hit.range.clone())?;
            Some((hit.range.clone(), stage.searcher(verdict, found, hit.detector)?))
        });
        let mut next = rest.next();
        let is_hit = next.is_some();
        while let Some((mut range, rule)) = next {
            let mut is_token = matches!(rule.action, Action::Hash);
            self.process.account.hit(rule.id);
            next = rest.next();
            while let Some((other, by)) = next.clone().filter(|(other, _)| other.start < range.end)
            {
                is_token &= other.end <= range.end && matches!(by.action, Action::Hash);
                range.end = range.end.max(other.end);
                next = rest.next();
            }
            out.extend_from_slice(text.get(copied..range.start).unwrap_or_default());
            let instead = match text.get(range.clone()) {
                Some(found) if is_token => self.token(found),
                _ => self.process.marker(),
            };
            out.extend_from_slice(instead.bytes);
            copied = range.end;
        }
        if is_hit {
            out.extend_from_slice(text.get(copied..).unwrap_or_default());
        }
        drop(rest);
        self.hits = hits;
        is_hit
    }

    /// Somebody has deleted an attribute or a member, by its key or by what stands in the key.
    pub(super) fn count_gone(&mut self, verdict: &Verdict, key: &[u8]) {
        let stage = self.stage;
        match stage.rule(verdict.gone) {
            Some(rule) => self.process.account.hit(rule.id),
            None => {
                self.search(key, verdict, &mut Vec::new());
            }
        }
    }

    /// The marker as a key, with a number if it is taken in its map.
    pub(super) fn renamed(
        &self,
        tape: &[Entry<'a>],
        cursor: &Cursor,
        renamed: &mut Renamed,
    ) -> Text<'a> {
        let marker = self.process.marker();
        if renamed.next == 0 {
            let mut end = Cursor { read: cursor.read, write: 0 };
            (0..renamed.left).for_each(|_| skip(tape, &mut end));
            let written = tape.get(renamed.head + 1..cursor.write).unwrap_or_default();
            let unread = tape.get(cursor.read..end.read).unwrap_or_default();
            let numbers = written.iter().chain(unread).filter_map(|entry| {
                let behind = entry.key.bytes.strip_prefix(marker.bytes)?;
                if behind.is_empty() {
                    return Some(1);
                }
                std::str::from_utf8(behind.strip_prefix(b"#")?).ok()?.parse::<usize>().ok()
            });
            renamed.next = numbers.max().unwrap_or_default().saturating_add(1);
        }
        let number = renamed.next;
        renamed.next = number.saturating_add(1);
        if number == 1 {
            return marker;
        }
        let mut key = marker.bytes.to_vec();
        key.extend_from_slice(format!("#{number}").as_bytes());
        self.new_text(&key, marker)
    }
}

/// The redaction of what stays in a text of JSON.
pub(super) struct JsonLeaves<'r, 'a> {
    pub(super) redactor: &'r mut Redactor<'a>,
    pub(super) verdict: &'r Verdict,
    pub(super) rule: &'a Rule,
}

impl Leaves for JsonLeaves<'_, '_> {
    fn marker(&self) -> &[u8] {
        self.redactor.process.marker().bytes
    }

    fn token(&mut self, value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.redactor.token(value).bytes);
    }

    fn is_searching(&self) -> bool {
        self.verdict.detectors != 0
    }

    fn patterns(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        self.redactor.search(text, self.verdict, out)
    }

    fn hit(&mut self) {
        self.redactor.process.account.hit(self.rule.id);
    }
}
