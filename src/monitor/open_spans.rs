//! The recorded spans that are open on a loop's thread: a table that JavaScript writes and the watchdog reads.
//! It refuses to trust it: an entry that is being written is left out.
//!
//! An entry is 16 words of 32 bits: 0 version (0: free, odd: being written, highest bit: the span has ended), 1 what is told
//! of the span, 2–3 start as `performance.now()` (f64, little-endian), 4–15 trace id and span id as 48 hex digits. JavaScript
//! (`js/monitor/open_spans.js`) makes the version odd, writes the rest and makes it even again. The entry of a span that has
//! ended stays as it is until it is needed again: a span that ends in a block is asked for when the block is over.
//!
//! Word 1 may change at any time, at once: bit 0 says that the span serves a request or takes a message, bit 1 that the text
//! is its `http.route` and not its name, and the rest is the number of the text, from 1; 0 is none.
//!
//! Every change of a version is an exchange, the reader's too, who exchanges it for itself when it has copied the entry. So
//! all of them have one order. If the reader's comes before the writer's next one, then that one acquires what the reader
//! released, and none of the plain stores behind it can have been seen; if it comes later, then it finds another version.
//! Stores and loads of the version would not do: a processor may perform a plain store before an atomic store in front of
//! it (`tests/orderings.rs`).

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{clock::Moment, lock::lock, span::owned::SpanIds};

/// Spans that are remembered at most, the latest ones.
pub const ENTRIES: usize = 512;
const ENTRY_WORDS: usize = 16;
const TRACE_DIGITS: usize = 32;
const HAS_ENDED: u32 = 1 << 31;
const IS_REQUEST: u32 = 1;
const IS_ROUTE: u32 = 2;
const TEXT_SHIFT: u32 = 2;
/// Texts that are remembered at most: routes are few, and names should be.
const MAX_TEXTS: usize = 2048;
/// Bytes of a text.
const MAX_TEXT_BYTES: usize = 512;

/// Memory shared with JavaScript.
#[derive(Debug)]
pub struct OpenSpanTable {
    words: Box<[AtomicU32]>,
    texts: Mutex<Vec<String>>,
}

/// A span of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenSpan {
    /// Its identity.
    pub ids: SpanIds,
    /// When it began.
    pub start: Moment,
    /// It has ended.
    pub has_ended: bool,
    /// What is told of it.
    pub about: About,
}

/// What is told of a span besides its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About(u32);

impl About {
    /// Of a text by its number.
    #[cfg(test)]
    pub(super) fn new(text: u32, is_request: bool, is_route: bool) -> About {
        let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
        About(text << TEXT_SHIFT | flag(is_request, IS_REQUEST) | flag(is_route, IS_ROUTE))
    }

    /// It serves a request or takes a message.
    pub fn is_request(self) -> bool {
        self.0 & IS_REQUEST != 0
    }

    /// Its `http.route` is known.
    pub fn has_route(self) -> bool {
        self.0 & IS_ROUTE != 0
    }
}

impl Default for OpenSpanTable {
    fn default() -> Self {
        OpenSpanTable {
            words: (0..ENTRIES * ENTRY_WORDS).map(|_| AtomicU32::new(0)).collect(),
            texts: Mutex::default(),
        }
    }
}

impl OpenSpanTable {
    /// The words, for the ArrayBuffer that JavaScript writes through.
    pub fn words(&self) -> &[AtomicU32] {
        &self.words
    }

    /// The number of a text that has none yet; 0: there are too many.
    pub fn add_text(&self, text: &str) -> u32 {
        let mut texts = lock(&self.texts);
        if texts.len() >= MAX_TEXTS {
            return 0;
        }
        texts.push(text.chars().scan(0, within(MAX_TEXT_BYTES)).collect());
        u32::try_from(texts.len()).unwrap_or_default()
    }

    /// The route or the name that `about` tells.
    pub fn text(&self, about: About) -> Option<String> {
        let nth = (about.0 >> TEXT_SHIFT).checked_sub(1)?;
        lock(&self.texts).get(nth as usize).cloned()
    }

    /// The open spans, and those that have ended and whose entry has not been needed again, first begun first. `origin`:
    /// the moment when `performance.now()` was 0, relative to the clock's own origin in milliseconds (possibly negative).
    pub fn read(&self, origin_millis: f64) -> Vec<OpenSpan> {
        let entries = self.words.chunks_exact(ENTRY_WORDS);
        let mut spans: Vec<_> =
            entries.filter_map(|words| read_entry(words, origin_millis)).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

/// Lets characters through that begin within `bytes` bytes and end there.
fn within(bytes: usize) -> impl FnMut(&mut usize, char) -> Option<char> {
    move |so_far, character| {
        *so_far += character.len_utf8();
        (*so_far <= bytes).then_some(character)
    }
}

fn read_entry(words: &[AtomicU32], origin_millis: f64) -> Option<OpenSpan> {
    let (version_word, rest) = words.split_first()?;
    let version = version_word.load(Ordering::Acquire);
    if version == 0 || version % 2 == 1 {
        return None;
    }
    let about = About(rest.first()?.load(Ordering::Relaxed));
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
    Some(OpenSpan { ids, start, has_ended: version & HAS_ENDED != 0, about })
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

    #[test]
    fn what_is_told_of_a_span_stays_readable_when_it_has_ended() {
        let table = OpenSpanTable::default();
        write(&table, 0, 2, 30.0, &"a".repeat(48));
        let route = table.add_text("/users/:id");
        table.words()[1].store(route << TEXT_SHIFT | IS_ROUTE | IS_REQUEST, Ordering::Relaxed);
        let about = table.read(0.0)[0].about;
        assert!(about.is_request() && about.has_route());
        assert_eq!(table.text(about).as_deref(), Some("/users/:id"));
        assert!(!table.read(0.0)[0].has_ended);
        table.words()[0].store(2 | HAS_ENDED, Ordering::Relaxed);
        let span = &table.read(0.0)[0];
        assert!(span.has_ended);
        assert_eq!(span.about, about);
    }

    #[test]
    fn texts_are_bounded_and_a_number_that_is_none_is_no_text() {
        let table = OpenSpanTable::default();
        let numbers: Vec<_> = (0..3000).map(|n| table.add_text(&n.to_string())).collect();
        assert_eq!(numbers.iter().filter(|number| **number != 0).count(), MAX_TEXTS);
        for number in [0, MAX_TEXTS as u32 + 1, u32::MAX >> TEXT_SHIFT] {
            assert_eq!(table.text(About(number << TEXT_SHIFT)), None);
        }
        let table = OpenSpanTable::default();
        let number = table.add_text(&"é".repeat(1000));
        assert_eq!(table.text(About(number << TEXT_SHIFT)), Some("é".repeat(256)));
    }
}
