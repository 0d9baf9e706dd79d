//! `ExportTraceServiceResponse`, protobuf and JSON (OTLP/HTTP Response, F18, F19).
//! It refuses to judge: whether a response counts as success is the dispatcher's.

use super::Protocol;
use crate::shown::{SHOWN_BYTES, shown, shown_bytes};

/// Members of a JSON object that are shown; OTLP knows two.
const SHOWN_MEMBERS: usize = 8;

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
        Protocol::HttpProtobuf => {
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

enum Field<'a> {
    Varint(u64, u64),
    Bytes(u64, &'a [u8]),
    Other,
}

/// The fields of a protobuf message. The outer `None` is "malformed".
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<Option<Field<'a>>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let key = self.varint()?;
        let number = key >> 3;
        Some(Some(match key & 7 {
            0 => Field::Varint(number, self.varint()?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(number, self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        }))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn from_json(body: &[u8]) -> Result<Option<PartialSuccess>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let value: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Some(members) = value.get("partialSuccess").and_then(|partial| partial.as_object()) else {
        return Ok(None);
    };
    if members.is_empty() {
        return Ok(None);
    }
    // int64 may come as a number or as a decimal string.
    let rejected = members.get("rejectedSpans");
    let rejected_spans =
        rejected.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    let error_message = members.get("errorMessage").and_then(|value| value.as_str());
    Ok(Some(PartialSuccess {
        rejected_spans: rejected_spans.unwrap_or_default(),
        error_message: shown(error_message.unwrap_or_default()).to_owned(),
        json: shown_json(members),
    }))
}

/// JSON of what a receiver has sent, if it is short; else its texts, cut, without lists and objects.
fn shown_json(members: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut whole = Short(Vec::new());
    if serde_json::to_writer(&mut whole, members).is_ok() {
        return String::from_utf8(whole.0).unwrap_or_default();
    }
    let texts = members.iter().filter(|(_, value)| !value.is_array() && !value.is_object());
    let texts = texts.take(SHOWN_MEMBERS).map(|(name, value)| {
        let value = match value.as_str() {
            Some(text) => shown(text).into(),
            None => value.clone(),
        };
        (shown(name).to_owned(), value)
    });
    let texts: serde_json::Map<String, serde_json::Value> = texts.collect();
    serde_json::to_string(&texts).unwrap_or_default()
}

/// Takes no more than [`SHOWN_BYTES`].
struct Short(Vec<u8>);

impl std::io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > SHOWN_BYTES {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_partial_success_is_read_and_logged_as_stock_does() {
        let body = [0x0a, 0x09, 0x08, 5, 0x12, 5, b'a', b'"', b'b', b'c', b'd'];
        let partial = partial_success(Protocol::HttpProtobuf, &body).unwrap().unwrap();
        assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (5, "a\"bcd"));
        assert_eq!(partial.json, "{\"rejectedSpans\":5,\"errorMessage\":\"a\\\"bcd\"}");
        assert_eq!(partial_success(Protocol::HttpProtobuf, &[]), Ok(None));
        assert_eq!(partial_success(Protocol::HttpProtobuf, &[0x0a, 0]), Ok(None));
        assert!(partial_success(Protocol::HttpProtobuf, &[0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn json_partial_success_keeps_what_the_server_sent() {
        let body = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#;
        let partial = partial_success(Protocol::HttpJson, body).unwrap().unwrap();
        assert_eq!(partial.rejected_spans, 3);
        assert_eq!(partial.json, r#"{"rejectedSpans":"3","errorMessage":"no"}"#);
        assert_eq!(partial_success(Protocol::HttpJson, b"{}"), Ok(None));
        assert!(partial_success(Protocol::HttpJson, b"<html>").is_err());
    }

    #[test]
    fn what_a_receiver_says_without_an_end_is_cut_before_it_is_shown() {
        let endless = |byte: u8| {
            let message = [byte].repeat(1_000_000);
            let mut partial = vec![0x08, 1, 0x12];
            put_varint(&mut partial, message.len());
            partial.extend(message);
            let mut body = vec![0x0a];
            put_varint(&mut body, partial.len());
            body.extend(partial);
            partial_success(Protocol::HttpProtobuf, &body).unwrap().unwrap()
        };
        for byte in [b'x', 0x1b, 0xff, b'"'] {
            let partial = endless(byte);
            assert!(partial.error_message.len() <= 1_024, "{byte}");
            assert!(partial.json.len() < 8_000, "{byte}: {}", partial.json.len());
            assert_eq!(partial.rejected_spans, 1);
        }
        let escapes = "\\u001b".repeat(100_000);
        let more: String = (0..1_000).map(|n| format!(",\"m{n}\":{{\"x\":[1,2,3]}}")).collect();
        let body = format!("{{\"partialSuccess\":{{\"errorMessage\":\"{escapes}\"{more}}}}}");
        let partial = partial_success(Protocol::HttpJson, body.as_bytes()).unwrap().unwrap();
        assert!(partial.json.len() < 8_000, "{}", partial.json.len());
    }

    fn put_varint(out: &mut Vec<u8>, mut value: usize) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
}
