//! A clean span as one JSONL line (T8).
//! It refuses to choose the file.

use super::{
    clean_span::{CleanSpan, Json, Payload},
    print::print,
    text::put_quoted,
    value::Value,
};
use crate::span::{HrTime, Text};

/// Appends the line without a line feed: `JSON.stringify` of the clean span, kind as the recorder numbers it.
pub fn json_line(span: &CleanSpan<'_>, out: &mut Vec<u8>) {
    let CleanSpan { input, output, .. } = span;
    put_text(out, b"{\"traceId\":", span.trace_id);
    put_text(out, b",\"spanId\":", span.span_id);
    put_text(out, b",\"parentSpanId\":", span.parent_span_id);
    if let Some(name) = span.name {
        put_value(out, b",\"name\":", name);
    }
    put_value(out, b",\"packageName\":", span.package_name);
    put_value(out, b",\"instrumentationName\":", span.instrumentation_name);
    put_value(out, b",\"submoduleName\":", span.submodule_name);
    if let Some(package_type) = span.package_type {
        put_value(out, b",\"packageType\":", package_type);
    }
    if let Some(environment) = span.environment {
        put_text(out, b",\"environment\":", Text::utf8(environment));
    }
    put_json(out, b",\"inputValue\":", &input.json);
    put_json(out, b",\"outputValue\":", &output.json);
    put_value(out, b",\"inputSchema\":", input.schema);
    put_value(out, b",\"outputSchema\":", output.schema);
    put_hashes(out, input, output);
    out.extend_from_slice(b",\"kind\":");
    out.push(b'0' + span.proto_kind());
    out.extend_from_slice(b",\"status\":{\"code\":");
    out.push(b'0' + span.status_code);
    put_text(out, b",\"message\":", span.status_message);
    put_bool(out, b"},\"isPreAppStart\":", span.is_pre_app_start);
    put_time(out, b",\"timestamp\":", span.timestamp);
    put_time(out, b",\"duration\":", span.duration);
    put_bool(out, b",\"isRootSpan\":", span.is_root_span);
    if let Some(metadata) = &span.metadata {
        put_json(out, b",\"metadata\":", metadata);
    }
    if let Some(metadata) = &span.transform_metadata {
        put_json(out, b",\"transformMetadata\":", metadata);
    }
    out.push(b'}');
}

fn put_text(out: &mut Vec<u8>, head: &[u8], text: Text<'_>) {
    out.extend_from_slice(head);
    put_quoted(out, text);
}

fn put_value(out: &mut Vec<u8>, head: &[u8], value: Value<'_>) {
    out.extend_from_slice(head);
    print(value, out);
}

#[inline]
fn put_json(out: &mut Vec<u8>, head: &[u8], json: &Json<'_>) {
    out.extend_from_slice(head);
    match json.text {
        Some(text) => out.extend_from_slice(text),
        None => print(json.value, out),
    }
}

fn put_hashes(out: &mut Vec<u8>, input: &Payload<'_>, output: &Payload<'_>) {
    for (head, hash) in [
        (&b",\"inputSchemaHash\":\""[..], &input.schema_hash),
        (b"\",\"outputSchemaHash\":\"", &output.schema_hash),
        (b"\",\"inputValueHash\":\"", &input.value_hash),
        (b"\",\"outputValueHash\":\"", &output.value_hash),
    ] {
        out.extend_from_slice(head);
        out.extend_from_slice(hash);
    }
    out.push(b'"');
}

fn put_bool(out: &mut Vec<u8>, head: &[u8], value: bool) {
    out.extend_from_slice(head);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn put_time(out: &mut Vec<u8>, head: &[u8], time: HrTime) {
    out.extend_from_slice(head);
    out.extend_from_slice(b"{\"seconds\":");
    put_number(out, time.seconds);
    out.extend_from_slice(b",\"nanos\":");
    put_number(out, time.nanos);
    out.push(b'}');
}

#[inline]
fn put_number(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}
