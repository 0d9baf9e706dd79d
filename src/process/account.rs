//! What rules have done, as numbers: nothing of a value is in them.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Why a whole text, or the rest of one, was replaced although no rule had named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailClosed {
    /// It was no JSON to its end.
    Json,
    /// It was no SQL, or databases disagree about where a literal in it ends.
    Sql,
    /// Its path was too long, or it was nested too deeply.
    Depth,
    /// A member of a recording was said to be base64, and is none.
    Base64,
}

impl FailClosed {
    /// All of them, with their names.
    pub const ALL: [(FailClosed, &'static str); 4] = [
        (FailClosed::Json, "json"),
        (FailClosed::Sql, "sql"),
        (FailClosed::Depth, "depth"),
        (FailClosed::Base64, "base64"),
    ];
}

/// A rule without a hit in so many spans is told.
const MANY_SPANS: u64 = 10_000;

const SILENT: u8 = 0;
const TOLD_WITHOUT: u8 = 1;
const TOLD: u8 = 2;

/// The account of one lane.
#[derive(Debug, Default)]
pub(super) struct Account {
    rules: Vec<Counted>,
    spans: AtomicU64,
    failed_closed: [AtomicU64; FailClosed::ALL.len()],
    judged: AtomicU64,
}

#[derive(Debug)]
struct Counted {
    name: String,
    hits: AtomicU64,
    told: AtomicU8,
}

impl Account {
    /// The number of a new rule.
    pub(super) fn add(&mut self, name: &str) -> usize {
        let counted =
            Counted { name: name.to_owned(), hits: AtomicU64::new(0), told: AtomicU8::new(SILENT) };
        self.rules.push(counted);
        self.rules.len() - 1
    }

    pub(super) fn hit(&self, rule: usize) {
        if let Some(rule) = self.rules.get(rule) {
            rule.hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn failed_closed(&self, why: FailClosed) {
        if let Some(count) = self.failed_closed.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A key was looked at.
    pub(super) fn judged(&self) {
        self.judged.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn keys_judged(&self) -> u64 {
        self.judged.load(Ordering::Relaxed)
    }

    pub(super) fn rules(&self) -> Vec<(String, u64)> {
        let load = |rule: &Counted| (rule.name.clone(), rule.hits.load(Ordering::Relaxed));
        self.rules.iter().map(load).collect()
    }

    pub(super) fn fail_closed(&self) -> Vec<(&'static str, u64)> {
        let counts = self.failed_closed.iter().map(|count| count.load(Ordering::Relaxed));
        FailClosed::ALL.into_iter().zip(counts).map(|((_, name), count)| (name, count)).collect()
    }

    /// Lines that are due after a batch: a rule's first hit, and that a rule has none. Each once.
    pub(super) fn lines(&self, spans: u64) -> Vec<String> {
        let seen = self.spans.fetch_add(spans, Ordering::Relaxed).saturating_add(spans);
        let mut lines = Vec::new();
        for Counted { name, hits, told } in &self.rules {
            let before = told.load(Ordering::Relaxed);
            let has_hits = hits.load(Ordering::Relaxed) > 0;
            let now = match before {
                TOLD => continue,
                _ if has_hits => TOLD,
                SILENT if seen >= MANY_SPANS => TOLD_WITHOUT,
                _ => continue,
            };
            if told.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
                continue; // another worker tells it
            }
            lines.push(match now {
                TOLD => format!("process: {name} has its first hit"),
                _ => format!("process: {name} has had no hit in {seen} spans"),
            });
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p58_a_first_hit_is_told_once_and_its_absence_after_ten_thousand_spans() {
        let mut account = Account::default();
        let (first, second) = (account.add("redact[0]"), account.add("drop[0]"));
        assert_eq!(account.lines(9_999), Vec::<String>::new());
        account.hit(first);
        let lines = account.lines(1);
        assert_eq!(
            lines,
            [
                "process: redact[0] has its first hit",
                "process: drop[0] has had no hit in 10000 spans"
            ]
        );
        account.hit(first);
        assert_eq!(account.lines(1), Vec::<String>::new());
        account.hit(second);
        assert_eq!(account.lines(1), ["process: drop[0] has its first hit"]);
        assert_eq!(account.rules(), [("redact[0]".to_owned(), 2), ("drop[0]".to_owned(), 1)]);
        account.failed_closed(FailClosed::Sql);
        assert_eq!(account.fail_closed(), [("json", 0), ("sql", 1), ("depth", 0), ("base64", 0)]);
    }
}
