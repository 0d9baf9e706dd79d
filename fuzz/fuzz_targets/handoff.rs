//! Bytes as a hand-off batch: decode, encode, split. Seeds: `tests/fixtures/handoff`.
//!
//! `cargo +nightly fuzz run handoff -- -seed_inputs=$(ls ../tests/fixtures/handoff/*.bin | paste -sd,)`
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use offloop::{
    handoff::{RawBatch, Segment, decode},
    otlp::{self, Protocol},
};

fuzz_target!(|bytes: &[u8]| {
    let raw = RawBatch::new(vec![Segment::copied(bytes)], 4);
    let arena = Bump::new();
    if let Ok(batch) = decode(&raw, &arena) {
        for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
            let encoded = otlp::encode(protocol, &batch);
            otlp::split(protocol, &encoded.body, &encoded.layout, 1);
        }
    }
});
