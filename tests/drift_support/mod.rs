//! Recorded spans out of the vectors, by the way they take in the product: as a decoded batch.
//! It refuses to transform them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
#![allow(dead_code, reason = "each test file uses its part")]

pub mod canonical;

use bumpalo::Bump;
use offloop::span::{Attributes, Entry, HrTime, Node, Scope, Span, SpanBatch, Text};
use serde_json::Value as Json;

/// The cases of the vectors.
pub fn cases() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tusk.json");
    let text = std::fs::read(path).unwrap();
    let mut vectors: Json = serde_json::from_slice(&text).unwrap();
    match vectors["cases"].take() {
        Json::Array(cases) => cases,
        _ => panic!("no cases"),
    }
}

/// The text of an attribute, which may be given as a recipe.
pub fn attribute_text(value: &Json) -> Option<String> {
    let part = |name: &str| value["$gen"][name].as_str().unwrap_or_default();
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Object(members) if members.contains_key("$gen") => {
            let count = value["$gen"]["count"].as_u64().unwrap() as usize;
            let unit = part("unit").repeat(count);
            Some([part("prefix"), &unit, part("pad"), part("suffix")].concat())
        }
        _ => None,
    }
}

/// The spans that the exporter hands over: its filters are JavaScript (T3). Ids of the traces they block.
pub fn filtered(case: &Json) -> (Vec<&Json>, Vec<String>) {
    let mut blocked = Vec::new();
    let mut kept = Vec::new();
    if case["config"]["mode"] != "RECORD" {
        return (kept, blocked);
    }
    for span in case["spans"].as_array().unwrap() {
        let id = span["traceId"].as_str().unwrap().to_owned();
        if span["instrumentationLibrary"]["name"] != "tusk-drift-sdk" || blocked.contains(&id) {
            continue;
        }
        let size =
            |name: &str| attribute_text(&span["attributes"][name]).map_or(0, |text| text.len());
        let is_failed_server = span["kind"] == 1 && span["status"]["code"] == 2;
        if is_failed_server || size("td.inputValue") + size("td.outputValue") + 50_000 > 1 << 20 {
            blocked.push(id);
        } else {
            kept.push(span);
        }
    }
    (kept, blocked)
}

/// The batch that a lane would decode.
pub fn batch<'a>(spans: &[&Json], arena: &'a Bump) -> SpanBatch<'a> {
    let mut batch = SpanBatch::default();
    let text = |value: &Json| value.as_str().map(|text| Text::utf8(arena.alloc_str(text)));
    let time = |value: &Json| HrTime {
        seconds: value[0].as_f64().unwrap(),
        nanos: value[1].as_f64().unwrap(),
    };
    for span in spans {
        let start = batch.tape.len();
        let attributes = span["attributes"].as_object().unwrap();
        for (key, value) in attributes {
            let node = match value {
                Json::Bool(value) => Node::Bool(*value),
                Json::Number(number) => Node::Number(number.as_f64().unwrap()),
                Json::Null => Node::Empty,
                value => {
                    let text = attribute_text(value).unwrap();
                    Node::Text(Text::utf8(arena.alloc_str(&text)))
                }
            };
            batch.tape.push(Entry { key: Text::utf8(arena.alloc_str(key)), node });
        }
        batch.scopes.push(Scope {
            name: text(&span["instrumentationLibrary"]["name"]),
            version: None,
            schema_url: None,
            attributes: None,
            dropped_attributes: f64::NAN,
        });
        batch.spans.push(Span {
            resource: 0,
            scope: batch.scopes.len() as u32 - 1,
            trace_id: text(&span["traceId"]).unwrap(),
            span_id: text(&span["spanId"]).unwrap(),
            trace_state: None,
            parent_span_id: text(&span["parentSpanId"]),
            name: text(&span["name"]),
            kind: span["kind"].as_f64().unwrap() + 1.0,
            start: time(&span["startTime"]),
            end: time(&span["duration"]),
            status_code: span["status"]["code"].as_f64().unwrap(),
            status_message: text(&span["status"]["message"]),
            flags: 0.0,
            attributes: Attributes {
                entries: start..batch.tape.len(),
                count: attributes.len() as u32,
            },
            dropped_attributes: 0.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            events: 0..0,
            links: 0..0,
            texts: &[],
        });
    }
    batch
}
