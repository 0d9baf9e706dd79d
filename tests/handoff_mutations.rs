//! The decoder trusts nothing: a million damaged batches end in an error or in spans that can be encoded, never in a
//! panic or a read outside the batch. Everything here is safe code, so a bad read would be a panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::{fs, path::Path};

use bumpalo::Bump;
use offloop::{
    handoff::{RawBatch, Segment, decode},
    otlp::{self, Protocol},
};

/// Words that lengths, counts, slots and tags are compared with.
const TELLING: [f64; 22] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    -2.0,
    2.0,
    3.0,
    4.0,
    5.0,
    7.0,
    9.0,
    15.0,
    16.0,
    26.0,
    4096.0,
    65536.0,
    4294967295.0,
    4294967296.0,
    1e300,
    f64::NAN,
    f64::INFINITY,
    0.5,
];

const ROUNDS: usize = 500_000;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn recorded() -> Vec<(Vec<u8>, u32)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/handoff");
    let mut batches: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let spans = name.rsplit('-').next().unwrap().parse().unwrap();
            (fs::read(path).unwrap(), spans)
        })
        .collect();
    batches.sort_by_key(|(bytes, _)| bytes.len());
    batches
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let word = (at / 8 * 8).min(bytes.len() - 8);
        match random.below(6) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 | 3 => {
                let value = TELLING[random.below(TELLING.len())];
                bytes[word..word + 8].copy_from_slice(&value.to_le_bytes());
            }
            4 => {
                let from = random.below(bytes.len() / 8 - 1) * 8;
                bytes.copy_within(from..from + 8, word);
            }
            _ => bytes.truncate(if random.below(2) == 0 { at.max(1) } else { word.max(8) }),
        }
        if bytes.len() < 16 {
            return;
        }
    }
}

/// Whether the batch decoded.
fn run(bytes: &[u8], spans: u32, arena: &mut Bump) -> bool {
    let raw = RawBatch::new(vec![Segment::copied(bytes)], spans);
    let decoded = match decode(&raw, arena) {
        Ok(batch) => {
            for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
                let encoded = otlp::encode(protocol, &batch);
                assert_eq!(encoded.spans + encoded.invalid, spans);
                otlp::split(protocol, &encoded.body, &encoded.layout, 1);
            }
            true
        }
        Err(_) => false,
    };
    arena.reset();
    decoded
}

#[test]
fn recorded_batches_decode() {
    for (bytes, spans) in recorded() {
        assert!(run(&bytes, spans, &mut Bump::new()));
    }
}

/// Damages `ROUNDS` batches and runs them.
fn damage(seed: u64) {
    let batches = recorded();
    let mut random = Random(seed);
    let mut arena = Bump::new();
    let mut decoded = 0;
    for round in 0..ROUNDS {
        // Small batches more often than large ones: there a damaged byte is more telling.
        let chosen = match round % 16 {
            0 => batches.len() - 1,
            8 => batches.len() - 2,
            _ => round % 3,
        };
        let (bytes, spans) = &batches[chosen];
        let mut damaged = bytes.clone();
        mutate(&mut damaged, &mut random);
        decoded += usize::from(run(&damaged, *spans, &mut arena));
    }
    // Both ways are taken often, or the test proves little.
    assert!((ROUNDS / 10..ROUNDS / 10 * 9).contains(&decoded), "{decoded} of {ROUNDS} decoded");
}

// Each half of the million has a core.

#[test]
fn half_a_million_damaged_batches_do_no_harm() {
    damage(0x0ff1_00b5);
}

#[test]
fn another_half_a_million_damaged_batches_do_no_harm() {
    damage(0x5eed_0ff1_00b5);
}
