//! `ExportTraceServiceResponse`, protobuf and JSON (OTLP/HTTP Response, F18, F19).
//! It refuses to judge: whether a response counts as success is the dispatcher's.

use super::{
    Protocol,
    fields::{Field, Fields},
    response_json::{Malformed, Reader, Short, Value, Words},
};
use crate::shown::{SHOWN_BYTES, shown_bytes};

/// Members of a JSON object that are shown; OTLP knows two.
const SHOWN_MEMBERS: usize = 8;
/// Members of an object whose JSON may be short.
const MOST_MEMBERS: usize = SHOWN_BYTES / 5;

/// What a receiver says beside "accepted".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialSuccess {
    /// Spans the receiver refused.
    pub rejected_spans: i64,
    /// The receiver's words, as much of them as is shown.
    pub error_message: String,
    /// The message as the stock exporter logs it: JSON of the members that were sent, cut like the words.
    pub json: String,
}

/// Reads a response body. `Ok(None)`: full success, an empty body included; `Err`: not a response of this protocol.
///
/// # Errors
/// The reason as text for a warning.
pub fn partial_success(protocol: Protocol, body: &[u8]) -> Result<Option<PartialSuccess>, String> {
    match protocol {
        Protocol::HttpProtobuf | Protocol::Grpc => {
            from_protobuf(body).ok_or_else(|| "malformed protobuf".to_owned())
        }
        Protocol::HttpJson => from_json(body),
    }
}

fn from_protobuf(body: &[u8]) -> Option<Option<PartialSuccess>> {
    let mut found = None;
    let mut fields = Fields(body);
    while let Some(field) = fields.next()? {
        if let Field::Bytes(1, message) = field {
            found = partial_message(message)?;
        }
    }
    Some(found)
}

fn partial_message(message: &[u8]) -> Option<Option<PartialSuccess>> {
    let mut partial = PartialSuccess::default();
    let mut members = [None, None];
    let mut fields = Fields(message);
    while let Some(field) = fields.next()? {
        match field {
            Field::Varint(1, value) => {
                partial.rejected_spans = value as i64;
                members[0] = Some(format!("\"rejectedSpans\":{}", value as i64));
            }
            Field::Bytes(2, text) => {
                partial.error_message = shown_bytes(text);
                members[1] =
                    Some(format!("\"errorMessage\":{}", json_string(&partial.error_message)));
            }
            _ => {}
        }
    }
    let members: Vec<String> = members.into_iter().flatten().collect();
    partial.json = format!("{{{}}}", members.join(","));
    Some((!members.is_empty()).then_some(partial))
}

fn json_string(text: &str) -> String {
    let mut out = Vec::new();
    let lone = super::json_text::LoneSurrogates::Escape;
    super::json_text::put_string(&mut out, crate::span::Text::utf8(text), lone);
    String::from_utf8(out).unwrap_or_default()
}

fn from_json(body: &[u8]) -> Result<Option<PartialSuccess>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    // As a `TextDecoder` does it.
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    json_response(&mut Reader::new(text)).map_err(|Malformed(at)| {
        if at < text.len() {
            format!("Unexpected token in JSON at byte {at}")
        } else {
            "Unexpected end of JSON input".to_owned()
        }
    })
}

/// The last of several members of a name is the one that counts.
fn json_response(reader: &mut Reader<'_>) -> Result<Option<PartialSuccess>, Malformed> {
    let mut found = None;
    let mut skipped = Short { is_cut: true, ..Short::default() };
    let response = reader.value()?;
    if matches!(response, Value::Object) {
        let mut is_first = true;
        while let Some(name) = reader.member(is_first)? {
            is_first = false;
            let value = reader.value()?;
            if name.is("partialSuccess") {
                found = json_partial(reader, &value)?;
            } else {
                reader.finish(&value, &mut skipped)?;
            }
        }
    } else {
        reader.finish(&response, &mut skipped)?;
    }
    reader.end()?;
    Ok(found)
}

fn json_partial(
    reader: &mut Reader<'_>,
    value: &Value,
) -> Result<Option<PartialSuccess>, Malformed> {
    let mut partial = PartialSuccess::default();
    if !matches!(value, Value::Object) {
        // Nothing that OTLP knows: the stock exporter warns of whatever is not empty.
        let mut printed = Short::default();
        reader.finish(value, &mut printed)?;
        let is_told = matches!(value, Value::Text(_) | Value::Array);
        partial.json = String::from_utf8(printed.json).unwrap_or_default();
        let is_empty = matches!(partial.json.as_str(), "\"\"" | "[]");
        return Ok((is_told && !is_empty).then_some(partial));
    }
    let mut members = Members::default();
    while let Some(name) = reader.member(members.seen == 0)? {
        let value = reader.value()?;
        let mut printed = Short::default();
        reader.finish(&value, &mut printed)?;
        if name.is("rejectedSpans") {
            partial.rejected_spans = count(&value);
        } else if name.is("errorMessage") {
            partial.error_message = match &value {
                Value::Text(words) => shown_bytes(&words.bytes),
                _ => String::new(),
            };
        }
        members.put(&name, &value, printed);
    }
    partial.json = members.json();
    Ok((members.seen > 0).then_some(partial))
}

/// An int64 comes as a number or as a text; read as JavaScript's `Number()` reads it.
fn count(value: &Value) -> i64 {
    match value {
        Value::Number(number) => *number as i64,
        Value::Text(words) if !words.is_cut => {
            std::str::from_utf8(&words.bytes).map(number_of).unwrap_or_default() as i64
        }
        _ => 0,
    }
}

fn number_of(text: &str) -> f64 {
    let space = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
    let text = text.trim_matches(space);
    if text.is_empty() {
        return 0.0;
    }
    let of_radix = |digits: &str, radix| {
        let is_plain = digits.chars().all(|c| c.is_digit(radix)) && !digits.is_empty();
        let number = u64::from_str_radix(digits, radix).unwrap_or(u64::MAX);
        if is_plain { number as f64 } else { f64::NAN }
    };
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix)) {
            return of_radix(digits, radix);
        }
    }
    match text.strip_prefix(['+', '-']).unwrap_or(text) {
        "Infinity" if text.starts_with('-') => f64::NEG_INFINITY,
        "Infinity" => f64::INFINITY,
        // Rust has words for what JavaScript refuses.
        digits if digits.starts_with(|c: char| c == '.' || c.is_ascii_digit()) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// What a receiver has sent, as JSON, if it is short; else its texts, cut, without lists and objects.
#[derive(Default)]
struct Members {
    shown: Vec<Member>,
    seen: usize,
    is_cut: bool,
}

struct Member {
    name: Vec<u8>,
    json: Vec<u8>,
    is_container: bool,
}

impl Members {
    fn put(&mut self, name: &Words, value: &Value, printed: Short) {
        self.seen += 1;
        if self.seen > MOST_MEMBERS {
            self.is_cut = true;
            return;
        }
        let is_container = value.is_container();
        self.is_cut |= name.is_cut || printed.is_cut;
        let mut json = printed.json;
        if let Value::Text(words) = value {
            self.is_cut |= words.is_cut;
            // A text that is too long as JSON is shown as far as its text goes.
            json.clear();
            words.put_json(&mut json);
        }
        let mut quoted = Vec::new();
        name.put_json(&mut quoted);
        let name = quoted;
        let member = Member { name, json, is_container };
        if let Some(before) = self.shown.iter_mut().find(|shown| shown.name == member.name) {
            *before = member;
        } else {
            self.shown.push(member);
        }
    }

    fn json(&self) -> String {
        let bytes: usize =
            self.shown.iter().map(|each| each.name.len() + each.json.len() + 2).sum();
        let is_whole = !self.is_cut && bytes < SHOWN_BYTES;
        let most = if is_whole { usize::MAX } else { SHOWN_MEMBERS };
        let members = self.shown.iter().filter(|each| is_whole || !each.is_container).take(most);
        let members: Vec<_> = members
            .map(|Member { name, json, .. }| [&name[..], b":", &json[..]].concat())
            .collect();
        String::from_utf8([b"{", &members.join(&b',')[..], b"}"].concat()).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
