//! The record/replay transform seen from outside: decoding, schemas, hashes and batches.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use bumpalo::Bump;
use offloop::{
    drift::{
        Input, Invalid, Part, Problem, RequestHeader, encode_lines, encode_request, json_line,
        transform,
    },
    span::{Attributes, Entry, HrTime, Node, Span, SpanBatch, Text},
};
use ring::digest::{SHA256, digest};

const TRACE: &str = "6850012aeed07445be1798ca2445ba1f";

fn recorded<'a>(value: &'a str, merges: &'a str) -> Input<'a> {
    Input {
        trace_id: Text::utf8(TRACE),
        span_id: Text::utf8("52877b65edd4fefb"),
        kind: 2.0,
        input_value: Some(Text::utf8(value)),
        input_schema_merges: Some(Text::utf8(merges)),
        ..Input::default()
    }
}

fn line(input: &Input<'_>) -> Result<String, Invalid> {
    let arena = Bump::new();
    let mut out = Vec::new();
    json_line(&transform(input, None, &arena)?, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

fn between<'l>(line: &'l str, head: &str, tail: &str) -> &'l str {
    let (_, rest) = line.split_once(head).unwrap();
    rest.split_once(tail).unwrap().0
}

/// The schema of a payload; checks that the value was hashed as `decoded`.
fn schema(value: &str, merges: &str, decoded: &str) -> String {
    let line = line(&recorded(value, merges)).unwrap();
    let hash = digest(&SHA256, decoded.as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(between(&line, r#""inputValueHash":""#, "\""), hex, "{value} {merges}");
    between(&line, r#""inputSchema":"#, r#","outputSchema""#).to_owned()
}

/// An object schema of these properties.
fn of(properties: &str) -> String {
    format!(r#"{{"type":6,"properties":{{{properties}}}}}"#)
}

#[test]
fn r102_members_are_decoded_as_the_merges_say() {
    let base64 = r#"{"body":"eyJiIjoxLCJhIjotMH0="}"#; // {"b":1,"a":-0}
    let json = r#"{"body":{"a":0,"b":1}}"#;
    let typed = of(
        r#""body":{"type":6,"properties":{"b":{"type":1,"properties":{}},"a":{"type":1,"properties":{}}},"encoding":1,"decodedType":1}"#,
    );
    assert_eq!(schema(base64, r#"{"body":{"encoding":1,"decodedType":1}}"#, json), typed);
    // Without an encoding nothing is decoded; with an unknown one there is no base64, but JSON.
    schema(base64, r#"{"body":{"encoding":0,"decodedType":1}}"#, base64);
    schema(r#"{"body":"[1 ]"}"#, r#"{"body":{"encoding":"x"}}"#, r#"{"body":[1]}"#);
    // What is called JSON and is not stays undecoded; what is called nothing is decoded as far as it goes.
    schema(
        r#"{"body":"eA=="}"#,
        r#"{"body":{"encoding":1,"decodedType":1}}"#,
        r#"{"body":"eA=="}"#,
    );
    schema(r#"{"body":"eA=="}"#, r#"{"body":{"encoding":1}}"#, r#"{"body":"x"}"#);
    schema(
        r#"{"body":"/3g="}"#,
        r#"{"body":{"encoding":1,"decodedType":2}}"#,
        "{\"body\":\"\u{fffd}x\"}",
    );
    // A decoded Infinity is a number that prints null; a recorded one was null before.
    let infinite =
        schema(r#"{"a":"1e999","b":1e999}"#, r#"{"a":{"encoding":2}}"#, r#"{"a":null,"b":null}"#);
    assert_eq!(
        infinite,
        of(r#""a":{"type":1,"properties":{},"encoding":2},"b":{"type":4,"properties":{}}"#)
    );
}

#[test]
fn r102_merges_turn_every_root_into_an_object() {
    let string = r#"{"type":2,"properties":{}}"#;
    let number = r#"{"type":1,"properties":{}}"#;
    assert_eq!(schema("5", "{}", "{}"), of(""));
    assert_eq!(
        schema("[\"x\",[]]", "{}", r#"{"0":"x","1":[]}"#),
        of(&format!(r#""0":{string},"1":{{"type":7,"properties":{{}}}}"#))
    );
    assert_eq!(
        schema("\"a😀\"", "{}", r#"{"0":"a","1":"\ud83d","2":"\ude00"}"#),
        of(&format!(r#""0":{string},"1":{string},"2":{string}"#))
    );
    assert_eq!(
        schema("[1]", "null", "[1]"),
        format!(r#"{{"type":7,"items":{number},"properties":{{}}}}"#)
    );
    // What `value[key]` finds on a prototype becomes a member: a function has a schema and no text.
    let method = r#"{"type":9,"properties":{},"encoding":1}"#;
    assert_eq!(
        schema("{}", r#"{"toString":{"encoding":1},"__proto__":{"encoding":1}}"#, "{}"),
        of(&format!(r#""toString":{method}"#))
    );
    let length = r#"{"type":1,"properties":{},"encoding":1}"#;
    assert_eq!(
        schema("[7]", r#"{"length":{"encoding":1},"map":{"encoding":1}}"#, r#"{"0":7,"length":1}"#),
        of(&format!(r#""0":{number},"length":{length},"map":{method}"#))
    );
}

#[test]
fn r102_merge_members_are_written_over_the_schema() {
    let merges = r#"{"a":{"foo":[1],"properties":5,"0":2,"type":9,"__proto__":{"encoding":1}}}"#;
    assert_eq!(
        schema(r#"{"a":1}"#, merges, r#"{"a":1}"#),
        of(r#""a":{"0":2,"type":9,"properties":5,"foo":[1]}"#)
    );
    // Falsy merges, merges of absent keys and merges that are no objects.
    assert_eq!(
        schema(r#"{"a":1}"#, r#"{"a":0,"b":{"type":1}}"#, r#"{"a":1}"#),
        of(r#""a":{"type":1,"properties":{}}"#)
    );
    assert_eq!(
        schema(r#"{"a":1}"#, r#"{"a":"xy"}"#, r#"{"a":1}"#),
        of(r#""a":{"0":"x","1":"y","type":1,"properties":{}}"#)
    );
    assert_eq!(
        schema(r#"{"1":1}"#, r#"[0,{"b":2}]"#, r#"{"1":1}"#),
        of(r#""1":{"type":1,"properties":{},"b":2}"#)
    );
}

#[test]
fn r77_what_the_recorder_throws_on_is_one_invalid_span() {
    let why = |value, merges| line(&recorded(value, merges)).map(drop).unwrap_err();
    for (value, merges, part, problem) in [
        ("", "", Part::InputValue, Problem::NotJson),
        ("{", "{", Part::InputValue, Problem::NotJson),
        ("{}", "{", Part::InputSchemaMerges, Problem::NotJson),
        ("{}", r#"{"a":null}"#, Part::InputSchemaMerges, Problem::NullMerge),
        ("null", r#"{"a":{"encoding":1}}"#, Part::InputSchemaMerges, Problem::NullPayload),
        ("1e999", r#"{"a":{"encoding":1}}"#, Part::InputSchemaMerges, Problem::NullPayload),
    ] {
        let found = why(value, merges);
        assert_eq!((found.part, found.problem), (part, problem), "{value} {merges}");
    }
    assert!(line(&recorded("null", r#"{"a":{"encoding":0}}"#)).is_ok());
    let missing = transform(&Input::default(), None, &Bump::new()).map(drop).unwrap_err();
    assert_eq!((missing.part, missing.problem), (Part::InputValue, Problem::Missing));
    assert_eq!(missing.to_string(), "td.inputValue is missing");
}

/// A span with these attributes, as a lane decodes it.
fn from_attributes(attributes: &[(&str, Node<'_>)]) -> Result<String, Invalid> {
    let arena = Bump::new();
    let mut batch = SpanBatch::default();
    for (key, node) in attributes {
        batch.tape.push(Entry { key: Text::utf8(key), node: *node });
        if let Node::Array(count) = node {
            for element in 0..*count {
                let node = Node::Number(f64::from(element));
                batch.tape.push(Entry { key: Text::default(), node });
            }
        }
    }
    let span = Span {
        resource: 0,
        scope: 0,
        trace_id: Text::utf8(TRACE),
        span_id: Text::utf8("52877b65edd4fefb"),
        trace_state: None,
        parent_span_id: None,
        name: None,
        kind: 2.0,
        start: HrTime { seconds: 1.5, nanos: f64::NAN },
        end: HrTime { seconds: -0.0, nanos: 7.0 },
        status_code: 0.0,
        status_message: None,
        flags: 0.0,
        attributes: Attributes { entries: 0..batch.tape.len(), count: attributes.len() as u32 },
        dropped_attributes: 0.0,
        dropped_events: 0.0,
        dropped_links: 0.0,
        events: 0..0,
        links: 0..0,
        texts: &[],
    };
    line(&Input::from_span(&batch, &span, &arena)?)
}

#[test]
fn r13_attributes_nobody_asked_for_are_not_looked_at() {
    let opaque = "{not json".repeat(1 << 20);
    let text = |text| Node::Text(Text::utf8(text));
    let line = from_attributes(&[
        ("td.inputValue", text(r#"{"a":1}"#)),
        ("http.response.body", text(&opaque)),
        ("td.inputValue.copy", text(&opaque)),
    ]);
    assert!(line.unwrap().contains(r#""inputValue":{"a":1},"#));
}

#[test]
fn attributes_of_any_type_pass_through_as_the_recorder_lets_them() {
    let text = |text| Node::Text(Text::utf8(text));
    let line = from_attributes(&[
        ("td.inputValue", Node::Bool(false)),
        ("td.outputValue", Node::Number(0.0)),
        ("td.name", Node::Array(3)),
        ("td.packageName", Node::Number(-1.5)),
        ("td.instrumentationName", Node::Bool(true)),
        ("td.submodule", Node::Empty),
        ("td.packageType", Node::Number(f64::INFINITY)),
        ("td.isPreAppStart", text("true")),
        ("td.metadata", Node::Number(7.0)),
        ("td.transformMetadata", text("{]")),
    ]);
    let line = line.unwrap();
    let head = r#""name":[0,1,2],"packageName":-1.5,"instrumentationName":true,"submoduleName":"","packageType":null,"inputValue":false,"outputValue":{},"#;
    assert!(line.contains(head), "{line}");
    let tail = r#""kind":2,"status":{"code":2,"message":""},"isPreAppStart":false,"timestamp":{"seconds":1.5,"nanos":null},"duration":{"seconds":0,"nanos":7},"isRootSpan":true,"metadata":7}"#;
    assert!(line.ends_with(tail), "{line}");
    for (key, part) in [("td.inputValue", Part::InputValue), ("td.outputValue", Part::OutputValue)]
    {
        let why = from_attributes(&[(key, Node::Number(5.0))]).unwrap_err();
        assert_eq!((why.part, why.problem), (part, Problem::NotText));
    }
}

#[test]
fn r83_f76_a_trace_id_that_is_no_trace_id_never_becomes_a_path() {
    let upper = TRACE.to_uppercase();
    let long = "a".repeat(10_240);
    for id in [
        "",
        "../../x",
        "a",
        &upper,
        &TRACE[1..],
        &format!("{TRACE}0"),
        "\0",
        &long,
        "6850012aeed07445be1798ca2445ba1:",
        "6850012aeed07445be1798ca2445b/..",
    ] {
        let bad = Input { trace_id: Text::utf8(id), ..recorded("{}", "") };
        let lines = encode_lines(&[Ok(bad), Ok(recorded("{}", ""))], None);
        assert_eq!(lines.traces.len(), 1, "{id:?}");
        assert_eq!(lines.traces[0].trace_id, TRACE);
        let why = lines.invalid[0].why;
        assert_eq!((why.part, why.problem), (Part::TraceId, Problem::NotATraceId));
    }
}

#[test]
fn r80_each_trace_is_one_piece_of_text_in_the_order_of_its_spans() {
    let ids: Vec<String> = (0..5).map(|n| format!("{n:032x}")).collect();
    let values: Vec<String> = (0..100).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    let inputs: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| {
            let id = Text::utf8(&ids[n * n % 5]);
            Ok(Input { trace_id: id, ..recorded(if n == 50 { "{" } else { value }, "") })
        })
        .collect();
    let lines = encode_lines(&inputs, Some("test"));
    // Squares modulo 5 are 0, 1 and 4.
    assert_eq!(lines.traces.len(), 3);
    assert_eq!(lines.invalid.iter().map(|bad| bad.index).collect::<Vec<_>>(), [50]);
    let mut seen = 0;
    let mut end = 0;
    for trace in &lines.traces {
        assert_eq!(trace.range.start, end, "no gap and no overlap");
        end = trace.range.end;
        let text = std::str::from_utf8(&lines.text[trace.range.clone()]).unwrap();
        let numbers: Vec<usize> =
            text.lines().map(|line| between(line, r#"{"n":"#, "}").parse().unwrap()).collect();
        assert!(numbers.is_sorted() && text.lines().all(|line| line.contains(&trace.trace_id)));
        assert_eq!(numbers.len(), trace.spans as usize);
        seen += numbers.len();
    }
    assert_eq!((seen, end), (99, lines.text.len()));
}

#[test]
fn r77_a_request_without_its_bad_spans_is_the_request_of_the_others() {
    let header =
        RequestHeader { observable_service_id: "s", environment: Some(""), ..Default::default() };
    let good = [Ok(recorded("{}", "")), Ok(recorded("[1]", ""))];
    let fractional = Input { start: HrTime { seconds: 0.5, nanos: 0.0 }, ..recorded("{}", "") };
    let invalid = Invalid { part: Part::InputValue, problem: Problem::NotText };
    let mixed = [good[0], Ok(recorded("{", "")), Err(invalid), good[1], Ok(fractional)];
    let (clean, mixed) = (encode_request(&good, &header), encode_request(&mixed, &header));
    assert_eq!(mixed.body, clean.body);
    assert_eq!(mixed.invalid.iter().map(|bad| bad.index).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(mixed.invalid[2].why.problem, Problem::NotProtobuf);
    // The head stands before the first span, nothing stands between or behind them.
    assert_eq!(&clean.body[..clean.spans[0].start], b"\x0a\x01s");
    assert_eq!(clean.spans[0].end, clean.spans[1].start);
    assert_eq!(clean.spans[1].end, clean.body.len());
}
