//! The 104 recorded cases in js mode: what the recorder's own TypeScript path wrote and sent, byte for byte. Its
//! synchronous filters are JavaScript here too, so the support module has its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod drift_support;

use base64::{Engine, engine::general_purpose::STANDARD};
use bumpalo::Bump;
use drift_support::{batch, canonical, cases, filtered};
use offloop::drift::{
    Input, InvalidSpan, Lines, Part, Problem, Request, RequestHeader, encode_lines, encode_request,
};
use ring::digest::{SHA256, digest};
use serde_json::Value as Json;

/// Better on purpose: where the recorder loses the whole batch, these spans are lost and the others written.
const BAD_SPANS: [(&str, usize, Part, Problem); 9] = [
    ("metadata-malformed", 0, Part::Metadata, Problem::NotJson),
    ("merge-null-member", 0, Part::InputSchemaMerges, Problem::NullMerge),
    ("merge-malformed", 0, Part::InputSchemaMerges, Problem::NotJson),
    ("malformed-input-in-batch", 1, Part::InputValue, Problem::NotJson),
    ("malformed-output", 0, Part::OutputValue, Problem::NotJson),
    ("missing-input", 0, Part::InputValue, Problem::Missing),
    ("empty-input-string", 0, Part::InputValue, Problem::NotJson),
    ("non-string-input", 0, Part::InputValue, Problem::NotText),
    // Only protobuf minds that; it is written last field first.
    ("merge-string-enums", 0, Part::OutputSchemaMerges, Problem::NotProtobuf),
];

fn hex_digest(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(case: &Json) -> (Vec<String>, Lines, Request) {
    let arena = Bump::new();
    let (spans, blocked) = filtered(case);
    let batch = batch(&spans, &arena);
    let inputs: Vec<_> =
        batch.spans.iter().map(|span| Input::from_span(&batch, span, &arena)).collect();
    let config = &case["config"];
    let environment = config["environment"].as_str();
    let header = RequestHeader {
        observable_service_id: config["observableServiceId"].as_str().unwrap_or_default(),
        environment,
        sdk_version: config["sdkVersion"].as_str().unwrap_or_default(),
        sdk_instance_id: config["sdkInstanceId"].as_str().unwrap_or_default(),
    };
    (blocked, encode_lines(&inputs, environment), encode_request(&inputs, &header))
}

/// Lines of a trace in their order.
fn trace_lines<'l>(lines: &'l Lines, trace_id: &str) -> Vec<&'l str> {
    let trace = lines.traces.iter().find(|trace| trace.trace_id == trace_id).unwrap();
    let text = std::str::from_utf8(&lines.text[trace.range.clone()]).unwrap();
    assert_eq!(text.lines().count(), trace.spans as usize);
    assert!(text.ends_with('\n'));
    text.lines().collect()
}

fn compare_lines(id: &str, expected: &Json, lines: &Lines) {
    let expected = expected.as_array().unwrap();
    let written: u32 = lines.traces.iter().map(|trace| trace.spans).sum();
    assert_eq!(written as usize, expected.len(), "{id}");
    for line in expected {
        let own = trace_lines(lines, line["traceId"].as_str().unwrap());
        let own = own[line["indexInFile"].as_u64().unwrap() as usize];
        if let Some(text) = line["text"].as_str() {
            assert_eq!(own, text, "{id}");
        }
        assert_eq!(own.len() as u64, line["bytes"].as_u64().unwrap(), "{id}");
        assert_eq!(hex_digest(own.as_bytes()), line["sha256"].as_str().unwrap(), "{id}");
    }
}

fn compare_request(id: &str, expected: &Json, request: &Request) {
    let canonical = canonical::request(&request.body);
    if let Some(text) = expected["canonicalBase64"].as_str() {
        assert_eq!(STANDARD.encode(&canonical), text, "{id}");
    }
    assert_eq!(hex_digest(&canonical), expected["canonicalSha256"].as_str().unwrap(), "{id}");
    // Map entries come in the order of enumeration here and there.
    assert_eq!(request.body.len() as u64, expected["bytes"].as_u64().unwrap(), "{id}");
}

#[test]
fn r82_r102_f38_the_recorded_cases_come_out_byte_for_byte() {
    let cases = cases();
    assert_eq!(cases.len(), 104);
    let mut bad = BAD_SPANS.to_vec();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let js = &case["js"];
        let (blocked, lines, request) = run(case);
        assert_eq!(Json::from(blocked), js["blockedTraceIds"], "{id}");
        let expected_bad = bad.iter().position(|(name, ..)| *name == id).map(|at| bad.remove(at));
        let why_not = |invalid: &[InvalidSpan]| {
            let found: Vec<_> =
                invalid.iter().map(|i| (id, i.index, i.why.part, i.why.problem)).collect();
            assert_eq!(found, expected_bad.into_iter().collect::<Vec<_>>(), "{id}");
        };
        why_not(&request.invalid);
        let fails = js["result"]["code"] == 1;
        if fails {
            why_not(&lines.invalid);
        } else {
            assert_eq!(lines.invalid, [], "{id}");
            compare_lines(id, &js["lines"], &lines);
        }
        let is_malformed = id == "transform-metadata-malformed";
        assert_eq!(lines.malformed_transform_metadata, vec![0; is_malformed.into()], "{id}");
        let requests = js["remote"]["requests"].as_array().unwrap();
        if expected_bad.is_none() && case["config"]["mode"] == "RECORD" {
            assert_eq!(requests.len(), 1, "{id}");
            compare_request(id, &requests[0], &request);
        } else {
            assert_eq!(requests.len(), 0, "{id}");
        }
    }
    assert_eq!(bad, [], "cases that were not there");
}

#[test]
fn r77_one_bad_span_costs_one_span() {
    let cases = cases();
    let case = cases.iter().find(|case| case["id"] == "malformed-input-in-batch").unwrap();
    let spans = case["spans"].as_array().unwrap().len();
    let (_, lines, request) = run(case);
    assert_eq!((lines.invalid.len(), request.invalid.len()), (1, 1));
    let written: u32 = lines.traces.iter().map(|trace| trace.spans).sum();
    assert_eq!((written as usize, request.spans.len()), (spans - 1, spans - 1));
}
