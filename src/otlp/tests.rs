//! The two forms of a request against each other, and halves of a request against requests of half the spans.

mod decoded;
mod sample;

use std::ops::Range;

use serde_json::{Value, json};

use self::sample::{bare_span, text};
use super::{Encoded, Protocol, encode, encode_line, split};
use crate::span::{Attributes, HrTime, Resource, Scope, SpanBatch, Text};

const FORMS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::HttpJson];

fn json(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

/// `[resources: [scopes: [names of spans]]]`
fn names(request: &Value) -> Value {
    let list = |value: &Value, item: &dyn Fn(&Value) -> Value| -> Value {
        value.as_array().unwrap().iter().map(item).collect()
    };
    let spans = |of: &Value| list(&of["spans"], &|span| span["name"].clone());
    list(&request["resourceSpans"], &|of| list(&of["scopeSpans"], &spans))
}

#[test]
fn both_forms_of_a_request_say_the_same() {
    let batch = sample::batch();
    let [protobuf, line] = [encode(Protocol::HttpProtobuf, &batch), encode_line(&batch)];
    assert_eq!(decoded::request(&protobuf.body), json(&line));
    assert_eq!((protobuf.spans, protobuf.invalid), (6, 0));
    let grpc = encode(Protocol::Grpc, &batch);
    assert_eq!(grpc.body, protobuf.body);
    // A request to a collector differs from a line in the half of a pair alone.
    let request = String::from_utf8(encode(Protocol::HttpJson, &batch).body).unwrap();
    let line = String::from_utf8(line.body).unwrap();
    assert_eq!(request + "\n", line.replace('\u{fffd}', r"\ud800"));
    assert!(line.contains('\u{fffd}'));
}

#[test]
fn what_a_span_holds_is_where_it_belongs() {
    let batch = sample::batch();
    let request = decoded::request(&encode(Protocol::HttpProtobuf, &batch).body);
    let full = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(full["parentSpanId"], json!("00000000000000ab"));
    assert_eq!(full["endTimeUnixNano"], json!("1700000001999999999"));
    assert_eq!(full["status"], json!({ "message": "it went wrong", "code": 2 }));
    assert_eq!(full["events"][0]["attributes"].as_array().unwrap().len(), 1);
    assert_eq!(full["links"][0]["attributes"][0]["key"], json!("a"));
    assert_eq!(full["attributes"].as_array().unwrap().len(), 14);
    let list = &full["attributes"][10]["value"]["arrayValue"]["values"];
    assert_eq!(list[2]["kvlistValue"]["values"][1]["key"], json!("deep"));
    assert_eq!(list[3], json!({ "stringValue": "last" }));
}

#[test]
fn what_is_absent_is_zero_in_protobuf_and_left_out_of_json() {
    let scope = Scope {
        name: Some(text("s")),
        version: None,
        schema_url: Some(Text::default()),
        attributes: Some(Attributes::default()),
        dropped_attributes: 4.0,
    };
    let mut batch = SpanBatch {
        resources: vec![Resource { attributes: Attributes::default(), schema_url: None }],
        scopes: vec![scope],
        invalid: 3,
        ..SpanBatch::default()
    };
    batch.spans = vec![bare_span(0, 0)];
    batch.spans[0].parent_span_id = Some(Text::default());
    batch.spans[0].trace_state = Some(Text::default());
    let encoded = encode(Protocol::HttpJson, &batch);
    assert_eq!((encoded.spans, encoded.invalid), (1, 3));
    let in_json = json!({
        "traceId": "0123456789abcdef0123456789abcdef",
        "spanId": "fedcba9876543210",
        "traceState": "",
        "kind": 0,
        "startTimeUnixNano": "0",
        "endTimeUnixNano": "0",
        "attributes": [],
        "events": [],
        "status": {},
        "links": [],
        "flags": 0,
    });
    // Without attributes the stock exporter does not say how many were dropped.
    assert_eq!(
        json(&encoded)["resourceSpans"][0]["scopeSpans"][0],
        json!({
            "scope": { "name": "s" },
            "spans": [in_json],
            "schemaUrl": "",
        })
    );
    let request = decoded::request(&encode(Protocol::HttpProtobuf, &batch).body);
    assert_eq!(
        request["resourceSpans"][0]["scopeSpans"][0],
        json!({
            "scope": { "name": "s", "droppedAttributesCount": 4 },
            "spans": [{
                "traceId": "0123456789abcdef0123456789abcdef",
                "spanId": "fedcba9876543210",
                "name": "",
                "kind": 0,
                "startTimeUnixNano": "0",
                "endTimeUnixNano": "0",
                "attributes": [],
                "droppedAttributesCount": 0,
                "events": [],
                "droppedEventsCount": 0,
                "links": [],
                "droppedLinksCount": 0,
                "status": { "code": 0 },
                "flags": 0,
            }],
        })
    );
}

#[test]
fn ids_are_read_in_both_letter_cases() {
    let mut batch = sample::batch();
    batch.spans.truncate(1);
    batch.spans[0].trace_id = text("0123456789abcdefABCDEF9876543210");
    let request = decoded::request(&encode(Protocol::HttpProtobuf, &batch).body);
    let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], json!("0123456789abcdefabcdef9876543210"));
}

#[test]
fn times_are_nanoseconds_whatever_they_are_made_of() {
    for (seconds, nanos, sum) in [
        (1.9, 5.9, 1_000_000_005),
        (0.0, 2e9, 2_000_000_000),
        (3.0, f64::NAN, 3_000_000_000),
        (2.0, -1.0, 1_999_999_999),
    ] {
        assert_eq!(HrTime { seconds, nanos }.unix_nanos(), sum);
    }
}

#[test]
fn spans_are_grouped_first_seen_first_with_what_came_between() {
    let mut batch = sample::batch();
    let order = [3, 5, 0, 4, 2, 1];
    let mut spans: Vec<_> = batch.spans.drain(..).map(Some).collect();
    batch.spans = order.iter().map(|at| spans[*at].take().unwrap()).collect();
    let grouped = json!([[["c"], ["full", "b", "a"]], [["e"], ["d"]]]);
    assert_eq!(names(&decoded::request(&encode(Protocol::HttpProtobuf, &batch).body)), grouped);
    assert_eq!(names(&json(&encode_line(&batch))), grouped);
}

#[test]
fn scopes_that_say_the_same_are_one_in_json_and_two_in_protobuf() {
    let groups = |change: &dyn Fn(&mut Scope<'static>)| {
        let mut batch = sample::batch();
        batch.scopes[1] = batch.scopes[0].clone();
        change(&mut batch.scopes[1]);
        batch.spans.truncate(4);
        let protobuf = names(&decoded::request(&encode(Protocol::HttpProtobuf, &batch).body));
        assert_eq!(protobuf, json!([[["full", "a", "b"], ["c"]]]));
        names(&json(&encode_line(&batch)))[0].as_array().unwrap().len()
    };
    assert_eq!(groups(&|_| ()), 1);
    assert_eq!(groups(&|scope| scope.attributes = None), 1);
    assert_eq!(groups(&|scope| scope.name = Some(text("other"))), 2);
    assert_eq!(groups(&|scope| scope.version = None), 2);
    assert_eq!(groups(&|scope| scope.schema_url = Some(text("https://schema/3"))), 2);
    // Between the parts stand an `@` and a colon.
    let cut = |scope: &mut Scope<'static>| {
        (scope.version, scope.schema_url) = (Some(text("1.")), Some(text("2https://schema/2")));
    };
    assert_eq!(groups(&cut), 2);
}

/// The sample with these of its spans alone.
fn part(wanted: Range<usize>) -> SpanBatch<'static> {
    let mut batch = sample::batch();
    batch.spans = batch.spans.drain(wanted).collect();
    batch
}

/// Whether `whole`, a body of the spans `range`, can be cut everywhere, and its parts again.
fn cut_everywhere(form: Protocol, whole: &Encoded, range: Range<usize>) {
    let count = range.len() as u32;
    for at in [0, count, count + 1] {
        assert!(split(form, &whole.body, &whole.layout, at).is_none(), "{form:?}: {at} of {count}");
    }
    for at in 1..count {
        let halves = split(form, &whole.body, &whole.layout, at).unwrap();
        let middle = range.start + at as usize;
        for (half, range) in halves.iter().zip([range.start..middle, middle..range.end]) {
            assert_eq!(half.body, encode(form, &part(range.clone())).body, "{form:?}, {range:?}");
            assert_eq!((half.spans as usize, half.invalid), (range.len(), 0));
            cut_everywhere(form, half, range);
        }
    }
}

#[test]
fn the_halves_of_a_request_are_the_requests_of_half_its_spans() {
    for form in FORMS {
        cut_everywhere(form, &encode(form, &part(0..6)), 0..6);
    }
}

#[test]
fn the_halves_of_a_line_are_lines() {
    let whole = encode_line(&part(0..6));
    let halves = split(Protocol::HttpJson, &whole.body, &whole.layout, 2).unwrap();
    assert_eq!(halves[0].body, encode_line(&part(0..2)).body);
    assert_eq!(halves[1].body, encode_line(&part(2..6)).body);
}

#[test]
fn a_layout_of_another_body_cuts_nothing() {
    for form in FORMS {
        let whole = encode(form, &part(0..6));
        let body = &whole.body[..whole.body.len() / 2];
        assert!(split(form, body, &whole.layout, 3).is_none(), "{form:?}");
    }
}
