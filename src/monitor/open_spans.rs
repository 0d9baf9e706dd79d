//! The recorded spans that are open on a loop's thread: a table that JavaScript writes and the watchdog reads.
//! It refuses to trust it: an entry that is being written is left out.
//!
//! An entry is 16 words of 32 bits: 0 version (0: free, odd: being written), 1 unused, 2–3 start as `performance.now()`
//! (f64, little-endian), 4–15 trace id and span id as 48 hex digits. JavaScript (`js/monitor/open_spans.js`) makes the
//! version odd, writes the rest and makes it even again.
//!
//! Every change of a version is an exchange, the reader's too, who exchanges it for itself when it has copied the entry. So
//! all of them have one order. If the reader's comes before the writer's next one, then that one acquires what the reader
//! released, and none of the plain stores behind it can have been seen; if it comes later, then it finds another version.
//! Stores and loads of the version would not do: a processor may perform a plain store before an atomic store in front of
//! it (`tests/orderings.rs`).

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::{clock::Moment, span::owned::SpanIds};

/// Spans that are remembered at most, the latest ones.
pub const ENTRIES: usize = 512;
const ENTRY_WORDS: usize = 16;
const TRACE_DIGITS: usize = 32;

/// Memory shared with JavaScript.
#[derive(Debug)]
pub struct OpenSpanTable(Box<[AtomicU32]>);

/// An open span.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenSpan {
    /// Its identity.
    pub ids: SpanIds,
    /// When it began.
    pub start: Moment,
}

impl Default for OpenSpanTable {
    fn default() -> Self {
        OpenSpanTable((0..ENTRIES * ENTRY_WORDS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl OpenSpanTable {
    /// The words, for the ArrayBuffer that JavaScript writes through.
    pub fn words(&self) -> &[AtomicU32] {
        &self.0
    }

    /// The open spans, first begun first. `origin`: the moment when `performance.now()` was 0, relative to the clock's
    /// own origin in milliseconds (possibly negative).
    pub fn read(&self, origin_millis: f64) -> Vec<OpenSpan> {
        let entries = self.0.chunks_exact(ENTRY_WORDS);
        let mut spans: Vec<_> =
            entries.filter_map(|words| read_entry(words, origin_millis)).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

fn read_entry(words: &[AtomicU32], origin_millis: f64) -> Option<OpenSpan> {
    let (version_word, rest) = words.split_first()?;
    let version = version_word.load(Ordering::Acquire);
    if version == 0 || version % 2 == 1 {
        return None;
    }
    let bytes: Vec<u8> =
        rest.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
    let (order, failed) = (Ordering::AcqRel, Ordering::Relaxed);
    version_word.compare_exchange(version, version, order, failed).ok()?;
    let millis = f64::from_le_bytes(*bytes.get(4..)?.first_chunk::<8>()?) + origin_millis;
    let digits = std::str::from_utf8(bytes.get(12..)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let (trace_id, span_id) = digits.split_at_checked(TRACE_DIGITS)?;
    let ids = SpanIds { trace_id: trace_id.to_owned(), span_id: span_id.to_owned() };
    let start = Moment(Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default());
    Some(OpenSpan { ids, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(table: &OpenSpanTable, entry: usize, version: u32, millis: f64, digits: &str) {
        let words = &table.words()[entry * ENTRY_WORDS..];
        words[0].store(version, Ordering::Relaxed);
        let mut bytes = millis.to_le_bytes().to_vec();
        bytes.extend_from_slice(digits.as_bytes());
        for (index, word) in bytes.as_chunks::<4>().0.iter().enumerate() {
            words[2 + index].store(u32::from_le_bytes(*word), Ordering::Relaxed);
        }
    }

    #[test]
    fn complete_entries_are_read_in_the_order_they_began() {
        let table = OpenSpanTable::default();
        let digits = |digit: &str| digit.repeat(48);
        write(&table, 0, 2, 30.0, &digits("a"));
        write(&table, 1, 3, 10.0, &digits("b"));
        write(&table, 2, 4, 20.0, &digits("c"));
        write(&table, 511, 6, 1.0, &digits("é"[..0].to_owned().as_str()));
        let spans = table.read(1000.0);
        let trace_ids: Vec<_> = spans.iter().map(|span| &span.ids.trace_id[..1]).collect();
        assert_eq!(trace_ids, ["c", "a"], "odd and malformed ones are left out");
        assert_eq!(spans[0].start, Moment(Duration::from_millis(1020)));
        assert_eq!(spans[1].ids.span_id, "a".repeat(16));
    }
}
