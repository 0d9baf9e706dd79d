//! `tusk.drift.core.v1.Span` in protobuf (T9).
//! It refuses to build requests.

use super::{
    backwards::Backwards,
    clean_span::CleanSpan,
    invalid::{Invalid, Part, Problem},
    schemas::{int32, put_schema},
    structs::put_struct,
    text::{put_string_of, replace_surrogates},
    value::{Quoted, Value},
};
use crate::span::{HrTime, Text};

const fn text(field: u32) -> u32 {
    field << 3 | 2
}

const fn number(field: u32) -> u32 {
    field << 3
}

/// Appends the span's message without tag and length. Map entries are in enumeration order, fields ascending.
///
/// # Errors
/// `NotProtobuf` where the recorder's encoder throws (an enum that is no 32-bit integer, fractional seconds …);
/// `out` is as before then.
pub fn protobuf(span: &CleanSpan<'_>, out: &mut Vec<u8>) -> Result<(), Invalid> {
    let mut message = Backwards::default();
    put_span(span, &mut message)?;
    out.extend_from_slice(message.bytes());
    Ok(())
}

/// Writes the span's message, last field first.
pub(super) fn put_span(span: &CleanSpan<'_>, out: &mut Backwards) -> Result<(), Invalid> {
    let invalid = |part| Invalid::new(part, Problem::NotProtobuf);
    let CleanSpan { input, output, .. } = span;
    if let Some(environment) = span.environment {
        out.put_bytes(text(24), environment.as_bytes());
    }
    if let Some(metadata) = &span.metadata {
        put_struct(text(23), metadata.value, out);
    }
    put_flag(number(22), span.is_root_span, out);
    put_time(text(21), span.duration, out).ok_or(invalid(Part::Span))?;
    put_time(text(20), span.timestamp, out).ok_or(invalid(Part::Span))?;
    put_flag(number(19), span.is_pre_app_start, out);
    let status = out.end();
    put_text(text(2), span.status_message, out);
    out.put_number(number(1), u64::from(span.status_code));
    out.put_head(text(18), status);
    if span.proto_kind() != 0 {
        out.put_number(number(17), u64::from(span.proto_kind()));
    }
    out.put_bytes(text(16), &output.value_hash);
    out.put_bytes(text(15), &input.value_hash);
    out.put_bytes(text(14), &output.schema_hash);
    out.put_bytes(text(13), &input.schema_hash);
    put_schema(text(12), output.schema, out).map_err(|_| invalid(Part::OutputSchemaMerges))?;
    put_schema(text(11), input.schema, out).map_err(|_| invalid(Part::InputSchemaMerges))?;
    put_struct(text(10), output.json.value, out);
    put_struct(text(9), input.json.value, out);
    let package_type = int32(span.package_type.unwrap_or(Value::NegativeZero));
    match package_type.ok_or(invalid(Part::Span))? {
        0 => {}
        package_type => out.put_number(number(8), package_type),
    }
    put_value(text(7), span.submodule_name, out);
    put_value(text(6), span.instrumentation_name, out);
    put_value(text(5), span.package_name, out);
    match span.name {
        Some(name) => put_value(text(4), name, out),
        // The recorder's encoder takes an absent name for one that is not the empty string.
        None => out.put_bytes(text(4), b""),
    }
    put_text(text(3), span.parent_span_id, out);
    put_text(text(2), span.span_id, out);
    put_text(text(1), span.trace_id, out);
    Ok(())
}

fn put_flag(tag: u32, flag: bool, out: &mut Backwards) {
    if flag {
        out.put_number(tag, 1);
    }
}

fn put_text(tag: u32, text: Text<'_>, out: &mut Backwards) {
    if text.has_surrogates {
        let mut bytes = text.bytes.to_vec();
        replace_surrogates(&mut bytes);
        out.put_bytes(tag, &bytes);
    } else if !text.is_empty() {
        out.put_bytes(tag, text.bytes);
    }
}

/// A string field that JavaScript let anything into.
fn put_value(tag: u32, value: Value<'_>, out: &mut Backwards) {
    if value == Value::Text(Quoted::EMPTY) {
        return;
    }
    let mut bytes = Vec::new();
    if put_string_of(&mut bytes, value) {
        replace_surrogates(&mut bytes);
    }
    out.put_bytes(tag, &bytes);
}

/// `Timestamp` and `Duration` alike. `None` where `BigInt(seconds)` or int32 throws.
fn put_time(tag: u32, time: HrTime, out: &mut Backwards) -> Option<()> {
    let end = out.end();
    if time.nanos != 0.0 {
        let nanos = time.nanos as i32;
        (f64::from(nanos) == time.nanos).then_some(())?;
        out.put_number(number(2), i64::from(nanos) as u64);
    }
    if time.seconds != 0.0 {
        let fits = time.seconds.fract() == 0.0 && time.seconds >= -(2f64.powi(63));
        (fits && time.seconds < 2f64.powi(63)).then_some(())?;
        out.put_number(number(1), time.seconds as i64 as u64);
    }
    out.put_head(tag, end);
    Some(())
}
