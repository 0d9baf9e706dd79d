//! What the targets of `src/process` share: rules as words, and one span of attributes.
#![allow(dead_code, reason = "each target uses some of it")]

use bumpalo::Bump;
use offloop::{
    otlp::{self, Protocol},
    process::Process,
    span::{Attributes, Entry, HrTime, Node, Resource, Scope, Span, SpanBatch, Text},
};

/// What must not leave; in an input it is a byte of zero.
pub const SECRET: &str = "S3CRET";

/// An input as a text with secrets in it; `None`: it is no UTF-8.
pub fn planted(bytes: &[u8]) -> Option<String> {
    Some(std::str::from_utf8(bytes).ok()?.replace('\0', SECRET))
}

/// A rule on keys, by what follows them in the words.
pub fn rule(keys: &[&str], detectors: &[&str], action: &[&str]) -> Vec<String> {
    let parts = "attributes events links resource scope name status eventName traceState";
    let parts: Vec<&str> = parts.split(' ').collect();
    let mut words = vec!["rule".to_owned()];
    words.extend(listed(&parts));
    words.extend(["false", "false"].map(str::to_owned));
    for list in [keys, &[], &[], detectors] {
        words.extend(listed(list));
    }
    words.extend(action.iter().map(|word| (*word).to_owned()));
    words
}

fn listed(items: &[&str]) -> Vec<String> {
    let count = items.len().to_string();
    std::iter::once(count).chain(items.iter().map(|item| (*item).to_owned())).collect()
}

/// Conditions, rules and attribute rules, each as words.
pub fn compiled(drop: &[Vec<String>], rules: &[Vec<String>], attributes: &[Vec<String>]) -> Process {
    let count = |list: &[Vec<String>]| list.len().to_string();
    let mut words = vec!["[redacted]".to_owned(), count(drop)];
    words.extend(drop.concat());
    words.extend(["1".to_owned(), count(rules)]);
    words.extend(rules.concat());
    words.push(count(attributes));
    words.extend(attributes.concat());
    Process::compile(&words, Some(&[7; 32])).expect("the words of a target are rules")
}

/// What becomes of a text under the key `text`, with the system of its database.
pub fn masked(process: &Process, text: &str, system: &str) -> String {
    let arena = Bump::new();
    let entry = |key, text| Entry { key: Text::utf8(key), node: Node::Text(Text::utf8(text)) };
    let tape = vec![entry("db.system", system), entry("text", text)];
    let mut batch = batch_of(tape, &[2]);
    process.apply(&mut batch, &arena);
    match batch.tape.get(1).map(|entry| entry.node) {
        Some(Node::Text(text)) => String::from_utf8(text.bytes.to_vec()).expect("UTF-8 stays UTF-8"),
        other => panic!("the text has become {other:?}"),
    }
}

/// A batch with a span for each number of entries at the top of the tape, which hold no other.
pub fn batch_of<'a>(tape: Vec<Entry<'a>>, counts: &[u32]) -> SpanBatch<'a> {
    let mut batch = SpanBatch { tape, ..SpanBatch::default() };
    let nothing = || Attributes { entries: 0..0, count: 0 };
    batch.resources.push(Resource { attributes: nothing(), schema_url: None });
    batch.scopes.push(Scope {
        name: Some(Text::utf8("scope")),
        version: None,
        schema_url: None,
        attributes: None,
        dropped_attributes: 0.0,
    });
    let mut start = 0;
    for count in counts {
        let end = behind(&batch.tape, start, *count);
        batch.spans.push(Span {
            resource: 0,
            scope: 0,
            trace_id: Text::utf8("0123456789abcdef0123456789abcdef"),
            span_id: Text::utf8("0123456789abcdef"),
            trace_state: None,
            parent_span_id: None,
            name: Some(Text::utf8("name")),
            kind: 1.0,
            start: HrTime { seconds: 1.0, nanos: 0.0 },
            end: HrTime { seconds: 1.0, nanos: 5.0 },
            status_code: 0.0,
            status_message: None,
            flags: 1.0,
            attributes: Attributes { entries: start..end, count: *count },
            dropped_attributes: 0.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            events: 0..0,
            links: 0..0,
            texts: &[],
        });
        start = end;
    }
    batch
}

/// Where so many values from `start` on end.
fn behind(tape: &[Entry<'_>], start: usize, count: u32) -> usize {
    let mut left = count;
    let mut at = start;
    while left > 0 {
        if let Some(Node::Array(inner) | Node::Map(inner)) = tape.get(at).map(|entry| entry.node) {
            left += inner;
        }
        left -= 1;
        at += 1;
    }
    at
}

/// Both bodies of a batch.
pub fn bodies(batch: &SpanBatch<'_>) -> [Vec<u8>; 2] {
    [Protocol::HttpProtobuf, Protocol::HttpJson].map(|protocol| otlp::encode(protocol, batch).body)
}

pub fn holds(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes())
}

/// Some inputs many times in a row: what is not linear exceeds the time of one run.
pub fn repeated(text: &str) -> Option<String> {
    let is_chosen = text.len() > 1 && text.bytes().fold(0u8, u8::wrapping_add) == 0;
    is_chosen.then(|| text.repeat((1 << 18) / text.len() + 1))
}
