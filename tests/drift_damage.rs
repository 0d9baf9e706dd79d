//! What the record/replay transform does with damaged, random and deeply nested payloads: no harm.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod drift_support;

use bumpalo::Bump;
use drift_support::cases;
use offloop::{
    drift::{
        Input, Invalid, MAX_DEPTH, Part, Problem, RequestHeader, encode_lines, encode_request,
        json_line, protobuf, transform,
    },
    span::Text,
};

const TRACE: &str = "6850012aeed07445be1798ca2445ba1f";

fn recorded<'a>(value: &'a str, merges: &'a str) -> Input<'a> {
    Input {
        trace_id: Text::utf8(TRACE),
        input_value: Some(Text::utf8(value)),
        input_schema_merges: Some(Text::utf8(merges)),
        ..Input::default()
    }
}

fn line(input: &Input<'_>) -> Result<(), Invalid> {
    let arena = Bump::new();
    json_line(&transform(input, None, &arena)?, &mut Vec::new());
    Ok(())
}

#[test]
fn f41_depth_costs_no_stack() {
    let deep = |depth: usize, inner: &str| {
        format!("{}{inner}{}", "{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2))
    };
    let run = move || {
        for depth in [1_000, MAX_DEPTH] {
            let value = deep(depth, "");
            let input = recorded(&value, r#"{"a":{"encoding":1}}"#);
            let arena = Bump::new();
            let span = transform(&input, None, &arena).unwrap();
            let (mut text, mut message) = (Vec::new(), Vec::new());
            json_line(&span, &mut text);
            protobuf(&span, &mut message).unwrap();
            assert!(text.len() > depth * 20 && message.len() > depth * 3);
        }
        for depth in [MAX_DEPTH + 2, 100_000, 1_000_000] {
            let value = deep(depth, "1");
            let why = line(&recorded(&value, "")).unwrap_err();
            assert_eq!((why.part, why.problem), (Part::InputValue, Problem::TooDeep));
        }
    };
    // A quarter of what the workers have.
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Bytes that matter to a JSON parser.
const TELLING: &[u8] =
    b"{}[]\":,\\u0123456789eE+-.tfn \n\x00\x1f\x7f\xed\xa0\x80\xbf\xf0\x9f\xc3\xff=_/A";

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let byte = TELLING[random.below(TELLING.len())];
        match random.below(5) {
            0 => bytes.insert(at, byte),
            1 if at < bytes.len() => bytes[at] = byte,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => {
                let piece: Vec<u8> = bytes[at..].iter().take(random.below(20)).copied().collect();
                bytes.extend(piece);
            }
        }
    }
}

/// Whether it could be transformed; panics are failures.
fn survives(parts: [&[u8]; 3], arena: &mut Bump) -> bool {
    // Lone surrogates are announced, or not, whatever there is.
    let text = |bytes, has_surrogates| Some(Text { bytes, has_surrogates });
    let input = Input {
        trace_id: Text::utf8(TRACE),
        input_value: text(parts[0], true),
        input_schema_merges: text(parts[1], false),
        output_value: text(parts[2], false),
        output_schema_merges: text(parts[0], true),
        metadata: text(parts[1], true),
        ..Input::default()
    };
    let lines = encode_lines(&[Ok(input)], None);
    let request = encode_request(&[Ok(input)], &RequestHeader::default());
    let alone = Input { input_schema_merges: None, output_value: None, metadata: None, ..input };
    let ok = match transform(&alone, None, arena) {
        Ok(span) => {
            let mut out = Vec::new();
            json_line(&span, &mut out);
            protobuf(&span, &mut out).is_ok()
        }
        Err(_) => false,
    };
    assert_eq!(lines.invalid.len() + lines.traces.len(), 1);
    assert!(request.invalid.len() + request.spans.len() == 1);
    arena.reset();
    ok
}

#[test]
fn damaged_and_random_payloads_do_no_harm() {
    let mut corpus = Vec::new();
    for case in cases() {
        for span in case["spans"].as_array().unwrap() {
            let texts = span["attributes"].as_object().unwrap().values();
            corpus.extend(
                texts
                    .filter_map(|text| text.as_str())
                    .filter(|text| text.len() < 2_000 && text.starts_with(['{', '[']))
                    .map(str::to_owned),
            );
        }
    }
    let mut random = Random(0x0ff1_00b5);
    let mut arena = Bump::new();
    let mut transformed = 0;
    for _ in 0..20_000 {
        let parts = [0; 3].map(|_| {
            let mut bytes = corpus[random.below(corpus.len())].clone().into_bytes();
            mutate(&mut bytes, &mut random);
            bytes
        });
        transformed += u32::from(survives([&parts[0], &parts[1], &parts[2]], &mut arena));
    }
    for _ in 0..2_000 {
        let bytes: Vec<u8> =
            (0..random.below(60)).map(|_| TELLING[random.below(TELLING.len())]).collect();
        survives([&bytes, &bytes, &bytes], &mut arena);
    }
    // Both ways are taken often, or the test proves little.
    assert!((1_000..19_000).contains(&transformed), "{transformed} of 20,000");
}
