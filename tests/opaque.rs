//! What the sink does not need is carried as it is: nobody opens, copies or repairs it on the way.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use bumpalo::Bump;
use offloop::{
    handoff::{RawBatch, Segment, decode},
    otlp::{self, Protocol},
    span::Node,
};

/// Appends one record of the hand-off layout: words, then bytes up to the next whole word.
fn record(to: &mut Vec<u8>, kind: f64, body: &[f64], bytes: &[u8]) {
    let words = 2 + body.len() + bytes.len().div_ceil(8);
    for word in [kind, words as f64].iter().chain(body) {
        to.extend_from_slice(&word.to_le_bytes());
    }
    to.extend_from_slice(bytes);
    to.resize(to.len().next_multiple_of(8), 0);
}

/// A span with `value` as its attribute `body`, as the hand-off layout has it.
fn span_with(value: &[u8]) -> Vec<u8> {
    const SPAN: f64 = 1.0;
    const RESOURCE: f64 = 2.0;
    const SCOPE: f64 = 3.0;
    const BULK: f64 = 4.0;
    const ABSENT: f64 = -1.0;
    const TAG_BULK: f64 = 5.0;
    let mut batch = Vec::new();
    record(&mut batch, RESOURCE, &[7.0, 0.0, 0.0, ABSENT, 0.0], b"");
    record(&mut batch, SCOPE, &[11.0, 0.0, 0.0, ABSENT, ABSENT, ABSENT, 0.0, 0.0, 0.0], b"");
    let text = b"0af7651916cd43dd8448eb211c80319cb7ad6b7169203331body";
    let key = -1.0 - (4.0 * 16.0 + TAG_BULK);
    let words = [
        &[28.0, text.len() as f64, 0.0][..],
        &[0.0, 0.0, 32.0, 16.0, ABSENT, ABSENT, ABSENT, 0.0],
        &[0.0, 0.0, 0.0, 0.0, 0.0, ABSENT, 1.0],
        &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, key, 0.0],
    ];
    record(&mut batch, SPAN, &words.concat(), text);
    record(&mut batch, BULK, &[0.0, 0.0, value.len() as f64], value);
    batch
}

#[test]
fn r13_an_opaque_value_of_ten_megabytes_is_carried_and_not_parsed() {
    // JSON that breaks off: whoever parses it has to notice.
    let value = br#"{"rows":[1,2,{"deep":[[[["#.repeat(400_000);
    assert_eq!(value.len(), 10_000_000);
    let raw = RawBatch::new(vec![Segment::copied(&span_with(&value))], 1);
    let arena = Bump::new();
    let batch = decode(&raw, &arena).unwrap();
    assert_eq!((batch.spans.len(), batch.tape.len()), (1, 1), "one value, not a tree of them");
    let Node::Text(text) = batch.tape.first().unwrap().node else { unreachable!("it is a text") };
    assert!(text.bytes == value, "byte for byte");
    // Whatever is parsed, copied or repaired lands in the arena.
    assert!(arena.allocated_bytes() < 1_000_000, "{} bytes in the arena", arena.allocated_bytes());
    let body = otlp::encode(Protocol::HttpProtobuf, &batch).body;
    assert!(body.len() < value.len() + 500, "{} bytes of request", body.len());
    assert!(body.windows(value.len()).any(|window| window == value), "in one piece");
}
