//! Values of attributes as the dictionaries hold them: a tag and bytes. Owns that form, and nothing else knows it.

use std::fmt;

/// Bytes of a long text that are kept; the rest stays in the file.
const KEPT_BYTES: usize = 64;

const TEXT: u8 = b's';
const LONG: u8 = b'l';
const INT: u8 = b'i';
const DOUBLE: u8 = b'd';
const BOOL: u8 = b'b';
const EMPTY: u8 = b'n';
const IN_FILE: u8 = b'f';
/// The key of an attribute of an event, which is another one than the same key of the span.
const EVENT_KEY: u8 = b'e';

/// A value, or a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// A text that is only known by its length, its hash and how it begins.
    Long {
        bytes: u64,
        hash: u64,
        start: &'a str,
    },
    Int(i64),
    Double(f64),
    Bool(bool),
    Empty,
    /// A value that was not indexed any more, because the memory was used up.
    InFile,
    EventKey(&'a str),
}

impl<'a> Value<'a> {
    /// A long text as it is kept.
    pub fn long(text: &'a str, hash: u64) -> Value<'a> {
        let end = (0..=KEPT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let start = text.get(..end).unwrap_or(text);
        Value::Long { bytes: text.len() as u64, hash, start }
    }

    /// Hands the tag and the bytes to `take`.
    #[inline]
    pub fn encode<T>(self, take: impl FnOnce(u8, &[u8]) -> T) -> T {
        match self {
            Value::Text(text) => take(TEXT, text.as_bytes()),
            Value::EventKey(text) => take(EVENT_KEY, text.as_bytes()),
            Value::Int(number) => take(INT, &number.to_le_bytes()),
            Value::Double(number) => take(DOUBLE, &number.to_bits().to_le_bytes()),
            Value::Bool(value) => take(BOOL, &[u8::from(value)]),
            Value::Empty => take(EMPTY, &[]),
            Value::InFile => take(IN_FILE, &[]),
            Value::Long { bytes, hash, start } => {
                let mut form = Vec::with_capacity(16 + start.len());
                form.extend_from_slice(&bytes.to_le_bytes());
                form.extend_from_slice(&hash.to_le_bytes());
                form.extend_from_slice(start.as_bytes());
                take(LONG, &form)
            }
        }
    }

    /// What `encode` has written.
    pub fn decode(form: &'a [u8]) -> Option<Value<'a>> {
        let (tag, bytes) = form.split_first()?;
        Some(match *tag {
            TEXT => Value::Text(str::from_utf8(bytes).ok()?),
            EVENT_KEY => Value::EventKey(str::from_utf8(bytes).ok()?),
            INT => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
            DOUBLE => Value::Double(f64::from_bits(u64::from_le_bytes(bytes.try_into().ok()?))),
            BOOL => Value::Bool(bytes == [1]),
            EMPTY => Value::Empty,
            IN_FILE => Value::InFile,
            LONG => {
                let (length, rest) = bytes.split_first_chunk::<8>()?;
                let (hash, start) = rest.split_first_chunk::<8>()?;
                Value::Long {
                    bytes: u64::from_le_bytes(*length),
                    hash: u64::from_le_bytes(*hash),
                    start: str::from_utf8(start).ok()?,
                }
            }
            _ => return None,
        })
    }
}

/// As people read it. A text is not quoted, and nothing in it is escaped.
impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) | Value::EventKey(text) => formatter.write_str(text),
            Value::Long { bytes, start, .. } => write!(formatter, "{start}… ({bytes} bytes)"),
            Value::Int(number) => write!(formatter, "{number}"),
            // As OTLP/JSON and JavaScript write it.
            Value::Double(number) if number.is_infinite() => {
                formatter.write_str(if *number > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Value::Double(number) => write!(formatter, "{number}"),
            Value::Bool(value) => write!(formatter, "{value}"),
            Value::Empty => Ok(()),
            Value::InFile => formatter.write_str("(in the file)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v14_numbers_that_json_has_as_texts_are_shown_as_they_are_written() {
        let shown = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(Value::Double);
        assert_eq!(shown.map(|value| value.to_string()), ["Infinity", "-Infinity", "NaN"]);
    }

    #[test]
    fn every_value_comes_back_as_it_was() {
        let text = "ü".repeat(200);
        let values = [
            Value::Text("GET /cart"),
            Value::EventKey("GET /cart"),
            Value::Int(i64::MIN),
            Value::Double(-0.5),
            Value::Bool(true),
            Value::Bool(false),
            Value::Empty,
            Value::InFile,
            Value::long(&text, 7),
        ];
        for value in values {
            let form = value.encode(|tag, bytes| [&[tag], bytes].concat());
            assert_eq!(Value::decode(&form), Some(value));
        }
        assert_eq!(Value::long(&text, 7), Value::Long { bytes: 400, hash: 7, start: &text[..64] });
        assert_eq!(Value::decode(b""), None);
        assert_eq!(Value::decode(b"i123"), None);
    }
}
