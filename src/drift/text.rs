//! Strings between their three forms: WTF-8, escaped as `JSON.stringify` prints them, and UTF-16 code units.
//! It refuses to know JSON's grammar beyond the inside of a string.

use bumpalo::Bump;

use super::value::{Quoted, Value};
use crate::span::{Text, put_wtf8};

const HEX: &[u8; 16] = b"0123456789abcdef";
const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES * 0x80;

/// Bytes before the first that `JSON.stringify` escapes, which is also where a JSON string ends or is interrupted:
/// quotation mark, backslash, control character and, with `wtf8`, the lead byte of a surrogate.
#[inline]
pub(super) fn plain_len(bytes: &[u8], wtf8: bool) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
        let mut hits = zero_in(word ^ (ONES * u64::from(b'"')))
            | zero_in(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if wtf8 {
            hits |= zero_in(word ^ (ONES * 0xed));
        }
        hits &= HIGHS;
        if hits != 0 {
            return index * 8 + (hits.trailing_zeros() / 8) as usize;
        }
    }
    let tail = rest.iter().position(|byte| {
        *byte < 0x20 || *byte == b'"' || *byte == b'\\' || (wtf8 && *byte == 0xed)
    });
    words.len() * 8 + tail.unwrap_or(rest.len())
}

/// Appends the escaped form of one code unit below 0x80.
pub(super) fn put_ascii(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0x08 => out.extend_from_slice(b"\\b"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x0d => out.extend_from_slice(b"\\r"),
        0..0x20 => put_unit_escape(out, u16::from(byte)),
        _ => out.push(byte),
    }
}

/// Appends `\uxxxx`.
pub(super) fn put_unit_escape(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.extend(HEX.get(usize::from(unit >> shift & 0xf)));
    }
}

/// The surrogate that these three bytes of WTF-8 are, if they are one.
pub(super) fn surrogate(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [0xed, second @ 0xa0..=0xbf, third, ..] => {
            Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
        }
        _ => None,
    }
}

/// Appends a string with its quotes.
pub(super) fn put_quoted(out: &mut Vec<u8>, text: Text<'_>) {
    out.push(b'"');
    let mut rest = text.bytes;
    loop {
        let (plain, tail) = rest.split_at(plain_len(rest, text.has_surrogates));
        out.extend_from_slice(plain);
        rest = match (surrogate(tail), tail) {
            (Some(unit), [_, _, _, rest @ ..]) => {
                put_unit_escape(out, unit);
                rest
            }
            (_, [0xed, rest @ ..]) => {
                out.push(0xed);
                rest
            }
            (_, [byte, rest @ ..]) => {
                put_ascii(out, *byte);
                rest
            }
            (_, []) => break,
        };
    }
    out.push(b'"');
}

/// The escaped form in `arena`.
pub(super) fn quote<'a>(text: Text<'_>, arena: &'a Bump) -> Quoted<'a> {
    let mut out = Vec::with_capacity(text.bytes.len() + 2);
    put_quoted(&mut out, text);
    let escaped = out.contains(&b'\\');
    Quoted { json: arena.alloc_slice_copy(&out), escaped }
}

/// The string itself: borrowed where it has no escapes.
pub(super) fn unquote<'a>(text: Quoted<'a>, arena: &'a Bump) -> Text<'a> {
    if !text.escaped {
        return Text { bytes: text.inner(), has_surrogates: false };
    }
    let mut out = Vec::with_capacity(text.json.len());
    let has_surrogates = put_unquoted(&mut out, text);
    Text { bytes: arena.alloc_slice_copy(&out), has_surrogates }
}

/// Appends the string as WTF-8; says whether there are lone surrogates in it.
pub(super) fn put_unquoted(out: &mut Vec<u8>, text: Quoted<'_>) -> bool {
    let mut has_surrogates = false;
    let mut rest = text.inner();
    loop {
        let (plain, tail) = rest.split_at(memchr(rest));
        out.extend_from_slice(plain);
        let Some((unit, after)) = escape(tail) else { break };
        has_surrogates |= (0xd800..0xe000).contains(&unit);
        put_wtf8(out, u32::from(unit));
        rest = after;
    }
    has_surrogates
}

/// Appends `String(value)` as WTF-8; says whether there are lone surrogates in it.
pub(super) fn put_string_of(out: &mut Vec<u8>, value: Value<'_>) -> bool {
    match value {
        Value::Text(text) => return put_unquoted(out, text),
        Value::Array(elements) => {
            let mut has_surrogates = false;
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if *element != Value::Null {
                    has_surrogates |= put_string_of(out, *element);
                }
            }
            return has_surrogates;
        }
        Value::Number(digits) => out.extend_from_slice(digits),
        Value::NegativeZero => out.push(b'0'),
        Value::Infinite { negative: true } => out.extend_from_slice(b"-Infinity"),
        Value::Infinite { negative: false } => out.extend_from_slice(b"Infinity"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Object(_) | Value::Function => out.extend_from_slice(b"[object Object]"),
    }
    false
}

/// The text with U+FFFD for every lone surrogate: UTF-8.
pub(crate) fn without_surrogates(wtf8: &[u8]) -> Vec<u8> {
    let mut bytes = wtf8.to_vec();
    replace_surrogates(&mut bytes);
    bytes
}

/// Puts U+FFFD in the place of every lone surrogate, which is as long.
pub(super) fn replace_surrogates(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Some(at) = rest.windows(3).position(|three| surrogate(three).is_some()) {
        let Some((head, tail)) = rest.split_at_mut(at).1.split_first_chunk_mut::<3>() else {
            return;
        };
        *head = [0xef, 0xbf, 0xbd];
        rest = tail;
    }
}

fn memchr(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\\').unwrap_or(bytes.len())
}

/// Reads one escape sequence: the code unit and what follows. `None` if there is none or it is malformed.
#[inline]
pub(super) fn escape(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let [b'\\', kind, rest @ ..] = bytes else { return None };
    let unit = match kind {
        b'"' | b'\\' | b'/' => u16::from(*kind),
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => 0x0a,
        b'r' => 0x0d,
        b't' => 0x09,
        b'u' => {
            let (digits, rest) = rest.split_first_chunk::<4>()?;
            let mut unit = 0;
            for digit in digits {
                unit = unit << 4 | (char::from(*digit)).to_digit(16)? as u16;
            }
            return Some((unit, rest));
        }
        _ => return None,
    };
    Some((unit, rest))
}

/// The UTF-16 code units of a string.
#[derive(Clone)]
pub(super) struct Units<'a> {
    rest: &'a [u8],
    low: Option<u16>,
}

/// Reads a string unit by unit.
pub(super) fn units(text: Quoted<'_>) -> Units<'_> {
    Units { rest: text.inner(), low: None }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            return Some(low);
        }
        let bits = |byte: &u8| u32::from(byte & 0x3f);
        let (code, rest) = match self.rest {
            [b'\\', ..] => {
                let (unit, rest) = escape(self.rest)?;
                (u32::from(unit), rest)
            }
            [first @ 0..0x80, rest @ ..] => (u32::from(*first), rest),
            [first @ 0xc0..0xe0, a, rest @ ..] => (u32::from(first & 0x1f) << 6 | bits(a), rest),
            [first @ 0xe0..0xf0, a, b, rest @ ..] => {
                (u32::from(first & 0xf) << 12 | bits(a) << 6 | bits(b), rest)
            }
            [first @ 0xf0..=0xff, a, b, c, rest @ ..] => {
                (u32::from(first & 7) << 18 | bits(a) << 12 | bits(b) << 6 | bits(c), rest)
            }
            [_, rest @ ..] => (0xfffd, rest),
            [] => return None,
        };
        self.rest = rest;
        if code < 0x10000 {
            return Some(code as u16);
        }
        let code = code - 0x10000;
        self.low = Some(0xdc00 | (code & 0x3ff) as u16);
        Some(0xd800 | (code >> 10) as u16)
    }
}
