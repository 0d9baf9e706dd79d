//! What JavaScript and native threads tell each other through shared words, in every order that an arm64 processor may
//! choose: a model of the protocols, searched whole, and of versions of them that are wrong and must be found.
//! It is no loom model: loom performs the stores of a thread in program order, and what is at stake here is that a plain
//! store of JavaScript's may become visible before the atomic one in front of it.
#![allow(clippy::indexing_slicing, reason = "a test may fail by panicking")]

#[path = "support/processor.rs"]
mod processor;

use processor::{Op, Outcome, every_outcome};

fn source(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default()
}

/// `src/monitor/open_spans.rs` and `js/monitor/open_spans.js`: an entry of two words and its version. It holds the span 1
/// under version 2; the writer puts the span 2 there under version 4.
mod open_spans {
    use super::*;

    const VERSION: usize = 0;
    const WORDS: [usize; 2] = [1, 2];
    const BEFORE: &str = "before";
    const AFTER: &str = "after";

    fn exchange(value: u32) -> Op {
        Op::Change { at: VERSION, to: "writer", change: |_, value| Some(value), value }
    }

    /// Registers as `read_entry` judges them: the versions before and after are the same even one.
    fn torn(outcome: &Outcome) -> bool {
        let is_taken = outcome[BEFORE].is_multiple_of(2) && outcome[BEFORE] == outcome[AFTER];
        let span = if outcome[BEFORE] == 2 { 1 } else { 2 };
        is_taken && (outcome["first"] != span || outcome["second"] != span)
    }

    fn is_safe(writer: Vec<Op>, last_look: Vec<Op>) -> bool {
        let mut reader = vec![
            Op::Load { at: VERSION, to: BEFORE, acquire: true },
            Op::Load { at: WORDS[0], to: "first", acquire: false },
            Op::Load { at: WORDS[1], to: "second", acquire: false },
        ];
        reader.extend(last_look);
        let outcomes = every_outcome(&[2, 1, 1], &[writer, reader]);
        // The model would also be content if nothing were ever read.
        for version in [2, 4] {
            assert!(outcomes.iter().any(|seen| seen[BEFORE] == version && seen[AFTER] == version));
        }
        !outcomes.iter().any(torn)
    }

    fn plain(value: u32) -> [Op; 2] {
        WORDS.map(|at| Op::Store { at, value, release: false })
    }

    fn exchanging_writer() -> Vec<Op> {
        let [first, second] = plain(2);
        vec![exchange(3), first, second, exchange(4)]
    }

    fn storing_writer() -> Vec<Op> {
        let version = |value| Op::Store { at: VERSION, value, release: true };
        let [first, second] = plain(2);
        vec![version(3), first, second, version(4)]
    }

    /// The version is exchanged for itself: the reader's place in the order of all changes of it.
    fn exchanging_look() -> Vec<Op> {
        let change = |seen, _| (seen == 2 || seen == 4).then_some(seen);
        vec![Op::Change { at: VERSION, to: AFTER, change, value: 0 }]
    }

    fn loading_look() -> Vec<Op> {
        vec![Op::FenceAfterLoads, Op::Load { at: VERSION, to: AFTER, acquire: false }]
    }

    /// The stamps of `src/monitor/turns.rs`, where both sides are Rust and the writer has a fence.
    #[test]
    fn no_torn_turn_is_taken() {
        let version = |value, release| Op::Store { at: VERSION, value, release };
        let [first, second] = plain(2);
        let fenced = vec![version(3, false), Op::FullFence, first, second, version(4, true)];
        assert!(is_safe(fenced, loading_look()));
        let turns = source("src/monitor/turns.rs");
        for part in [
            "fence(Ordering::Release);",
            "fence(Ordering::Acquire);",
            "version.load(Ordering::Acquire)",
        ] {
            assert!(turns.contains(part), "{part}, as the model says");
        }
        let unfenced = vec![version(3, false), first, second, version(4, true)];
        assert!(!is_safe(unfenced, loading_look()));
    }

    #[test]
    fn no_torn_entry_is_taken() {
        assert!(is_safe(exchanging_writer(), exchanging_look()));
        let (js, rust) = (source("js/monitor/open_spans.js"), source("src/monitor/open_spans.rs"));
        assert_eq!(js.matches("Atomics.exchange(this.#versions").count(), 4, "as the model says");
        assert_eq!(js.matches("Atomics.").count(), 4);
        assert!(rust.contains("let (order, failed) = (Ordering::AcqRel, Ordering::Relaxed);"));
        assert!(rust.contains("compare_exchange(version, version, order, failed)"));
        assert!(rust.contains("version_word.load(Ordering::Acquire)"));
    }

    #[test]
    fn versions_that_are_stored_or_loaded_are_found_wrong() {
        assert!(!is_safe(storing_writer(), loading_look()), "as it was");
        assert!(!is_safe(storing_writer(), exchanging_look()), "only the reader is mended");
        assert!(!is_safe(exchanging_writer(), loading_look()), "only the writer is mended");
    }
}

/// `src/handoff/open_batch.rs` and `js/handoff/open_batch.js`: a batch of one counted span, and JavaScript that writes,
/// commits and counts a second one while a native thread takes the batch.
mod open_batch {
    use super::*;

    const COUNT: usize = 0;
    const COMMITTED: usize = 1;
    const RECORD: usize = 2;
    const TAKEN: u32 = 1 << 31;

    fn count() -> Op {
        let change = |seen, _| (seen == 1).then_some(2);
        Op::Change { at: COUNT, to: "counted from", change, value: 0 }
    }

    fn record() -> Op {
        Op::Store { at: RECORD, value: 7, release: false }
    }

    fn commit(release: bool) -> Op {
        Op::Store { at: COMMITTED, value: 2, release }
    }

    fn take() -> Op {
        Op::Change { at: COUNT, to: "taken at", change: |seen, _| Some(seen | TAKEN), value: 0 }
    }

    /// The span is in the batch or JavaScript knows that it is not, and what is in the batch is there to be read.
    fn is_exact(outcome: &Outcome) -> bool {
        let is_counted = outcome["counted from"] == 1;
        let is_taken = outcome["taken at"] == 2;
        let is_readable = outcome["committed"] == 2 && outcome["record"] == 7;
        is_counted == is_taken && (!is_taken || is_readable)
    }

    fn is_safe(writer: Vec<Op>, take: Vec<Op>, acquire: bool) -> bool {
        let mut taker = take;
        taker.extend([
            Op::Load { at: COMMITTED, to: "committed", acquire },
            Op::Load { at: RECORD, to: "record", acquire: false },
        ]);
        let outcomes = every_outcome(&[1, 1, 0], &[writer, taker]);
        for spans in [1, 2] {
            assert!(outcomes.iter().any(|seen| seen["taken at"] == spans), "both can be first");
        }
        outcomes.iter().all(is_exact)
    }

    #[test]
    fn every_span_is_in_exactly_one_batch() {
        assert!(is_safe(vec![record(), commit(true), count()], vec![take()], true));
        let (js, rust) = (source("js/handoff/open_batch.js"), source("src/handoff/memory.rs"));
        assert!(js.contains("Atomics.compareExchange(this.#head.i32, COUNT_AT"));
        assert!(rust.contains("fetch_or(TAKEN, Ordering::AcqRel)"));
        assert!(rust.contains(".load(Ordering::Acquire)"));
    }

    #[test]
    fn weaker_protocols_are_found_wrong() {
        let early = vec![count(), record(), commit(true)];
        assert!(!is_safe(early, vec![take()], true), "counted before it is written");
        let look = Op::Load { at: COUNT, to: "taken at", acquire: false };
        let set = Op::Store { at: COUNT, value: TAKEN | 1, release: true };
        assert!(
            !is_safe(vec![record(), commit(true), count()], vec![look, set], true),
            "two steps"
        );
        let change = |seen, _| (seen == 1).then_some(2);
        let weak = Op::Weak { at: COUNT, to: "counted from", change };
        assert!(
            !is_safe(vec![record(), commit(false), weak], vec![take()], true),
            "without release"
        );
        let weak = Op::Weak { at: COUNT, to: "taken at", change: |seen, _| Some(seen | TAKEN) };
        assert!(
            !is_safe(vec![record(), commit(true), count()], vec![weak], false),
            "without acquire"
        );
    }
}
