//! The JSON of a response, read as `JSON.parse` reads it: any depth, any number, halves of surrogate pairs. What nobody has
//! asked for is checked and skipped.
//! It refuses to know OTLP, and to keep more of a value than is shown.

use super::json_text::{LoneSurrogates, put_number, put_string};
use crate::{shown::SHOWN_BYTES, span::Text};

/// The byte at which the text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub usize);

/// A string as far as it is shown, in WTF-8.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub bytes: Vec<u8>,
    has_surrogates: bool,
    pub is_cut: bool,
}

impl Words {
    /// With quotes, as `JSON.stringify` prints it.
    pub fn put_json(&self, out: &mut Vec<u8>) {
        let text = Text { bytes: &self.bytes, has_surrogates: self.has_surrogates };
        put_string(out, text, LoneSurrogates::Escape);
    }

    pub fn is(&self, text: &str) -> bool {
        !self.is_cut && self.bytes == text.as_bytes()
    }

    fn put(&mut self, code: u32) {
        let mut utf8 = [0; 4];
        let surrogate;
        let bytes = match char::from_u32(code) {
            Some(character) => character.encode_utf8(&mut utf8).as_bytes(),
            None => {
                self.has_surrogates = true;
                let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
                surrogate = [0xed, tail(6), tail(0)];
                &surrogate
            }
        };
        self.is_cut |= self.bytes.len() + bytes.len() > SHOWN_BYTES;
        if !self.is_cut {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// What a value is, without what is in a container.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Number(f64),
    Text(Words),
    Array,
    Object,
}

impl Value {
    pub fn is_container(&self) -> bool {
        matches!(self, Value::Array | Value::Object)
    }

    /// Of a container, its first character.
    pub fn put_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Boolean(true) => out.extend_from_slice(b"true"),
            Value::Boolean(false) => out.extend_from_slice(b"false"),
            Value::Number(number) => put_number(out, *number),
            Value::Text(words) => words.put_json(out),
            Value::Array => out.push(b'['),
            Value::Object => out.push(b'{'),
        }
    }
}

/// JSON as `JSON.stringify` prints it, while it is short enough to be shown.
#[derive(Debug, Default)]
pub(super) struct Short {
    pub json: Vec<u8>,
    pub is_cut: bool,
}

impl Short {
    pub fn put(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_cut {
            put(&mut self.json);
            self.is_cut = self.json.len() > SHOWN_BYTES;
        }
    }

    pub fn byte(&mut self, byte: u8) {
        self.put(|json| json.push(byte));
    }
}

/// Reads one text from its beginning to its end.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next value. What is in a container comes next, member by member: see [`Reader::member`].
    pub fn value(&mut self) -> Result<Value, Malformed> {
        match self.peek() {
            Some(b'{') => self.take(Value::Object),
            Some(b'[') => self.take(Value::Array),
            Some(b'"') => self.words().map(Value::Text),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b't') => self.literal("true", Value::Boolean(true)),
            Some(b'f') => self.literal("false", Value::Boolean(false)),
            _ => self.number().map(Value::Number),
        }
    }

    /// The name of the next member of an object that is being read, or `None` at its end.
    pub fn member(&mut self, is_first: bool) -> Result<Option<Words>, Malformed> {
        if self.goes_on(is_first, b'}')? {
            let name = self.words()?;
            self.expect(b':')?;
            return Ok(Some(name));
        }
        Ok(None)
    }

    /// Reads what is left of `value`, which has just begun, however deep, and prints all of it.
    pub fn finish(&mut self, value: &Value, out: &mut Short) -> Result<(), Malformed> {
        let mut open: Vec<bool> = Vec::new(); // containers: whether it is an object
        out.put(|json| value.put_json(json));
        let mut is_first = value.is_container();
        if is_first {
            open.push(matches!(value, Value::Object));
        }
        while let Some(&is_object) = open.last() {
            let end = if is_object { b'}' } else { b']' };
            if !self.goes_on(is_first, end)? {
                out.byte(end);
                open.pop();
                is_first = false;
                continue;
            }
            if !is_first {
                out.byte(b',');
            }
            if is_object {
                let name = self.words()?;
                self.expect(b':')?;
                out.is_cut |= name.is_cut;
                out.put(|json| {
                    name.put_json(json);
                    json.push(b':');
                });
            }
            let inner = self.value()?;
            out.is_cut |= matches!(&inner, Value::Text(words) if words.is_cut);
            out.put(|json| inner.put_json(json));
            is_first = inner.is_container();
            if is_first {
                open.push(matches!(inner, Value::Object));
            }
        }
        Ok(())
    }

    /// The text ends here.
    pub fn end(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.malformed(),
        }
    }

    /// Whether another item of a container comes, and what separates it from the one before has been read.
    fn goes_on(&mut self, is_first: bool, end: u8) -> Result<bool, Malformed> {
        match self.peek() {
            Some(byte) if byte == end => self.take(false),
            Some(_) if is_first => Ok(true),
            _ => self.expect(b',').map(|()| true),
        }
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.bytes().iter().take_while(|byte| space(byte)).count();
        self.bytes().first().copied()
    }

    fn malformed<T>(&self) -> Result<T, Malformed> {
        Err(Malformed(self.at))
    }

    fn take<T>(&mut self, value: T) -> Result<T, Malformed> {
        self.at += 1;
        Ok(value)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() == Some(byte) { self.take(()) } else { self.malformed() }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Malformed> {
        if !self.bytes().starts_with(word.as_bytes()) {
            return self.malformed();
        }
        self.at += word.len();
        Ok(value)
    }

    fn digits(&mut self) -> Result<usize, Malformed> {
        let digits = self.bytes().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { self.malformed() } else { Ok(digits) }
    }

    fn skip_any(&mut self, bytes: &[u8]) -> bool {
        let is_there = self.bytes().first().is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(is_there);
        is_there
    }

    fn number(&mut self) -> Result<f64, Malformed> {
        let start = self.at;
        self.skip_any(b"-");
        let is_zero = self.bytes().first() == Some(&b'0');
        if self.digits()? > 1 && is_zero {
            return self.malformed();
        }
        if self.skip_any(b".") {
            self.digits()?;
        }
        if self.skip_any(b"eE") {
            self.skip_any(b"+-");
            self.digits()?;
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        digits.parse().or_else(|_| self.malformed())
    }

    fn words(&mut self) -> Result<Words, Malformed> {
        self.expect(b'"')?;
        let mut words = Words::default();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(character) = rest.chars().next() else { return self.malformed() };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(words),
                '\\' => {
                    let code = self.escaped()?;
                    words.put(code);
                }
                '\0'..='\u{1f}' => {
                    self.at -= 1;
                    return self.malformed();
                }
                _ => words.put(u32::from(character)),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<u32, Malformed> {
        let Some(letter) = self.bytes().first() else { return self.malformed() };
        let code = match letter {
            b'"' | b'\\' | b'/' => u32::from(*letter),
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'u' => {
                let unit = self.unit()?;
                // The other half of the pair, if there is one.
                let before = self.at;
                if (0xd800..0xdc00).contains(&unit) && self.bytes().starts_with(b"\\u") {
                    self.at += 1;
                    let second = self.unit()?;
                    if (0xdc00..0xe000).contains(&second) {
                        return Ok(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
                    }
                    self.at = before;
                }
                return Ok(unit);
            }
            _ => return self.malformed(),
        };
        self.take(code)
    }

    /// The four digits behind `u`.
    fn unit(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at + 1..self.at + 5).unwrap_or_default();
        let is_hex = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16) {
            Ok(unit) if is_hex => {
                self.at += 5;
                Ok(unit)
            }
            _ => self.malformed(),
        }
    }
}
