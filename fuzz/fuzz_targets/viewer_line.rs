//! Bytes as a line of a span file: parse, repair, cut into spans. Seeds: the lines of `viewer/tests/fixtures`.
//!
//! `cargo +nightly fuzz run viewer_line -- -seed_inputs=../viewer/tests/fixtures/spans/traces-1.jsonl`
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| assert!(offloop_viewer::check_line(line)));
