//! JSON scalars exactly as `JSON.stringify` prints them.
//! It refuses to know OTLP.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::span::Text;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What is written for half a surrogate pair, the rest of a text that was cut within a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoneSurrogates {
    /// `\udXXX`, as `JSON.stringify` and with it the stock exporter does.
    Escape,
    /// U+FFFD. Strict readers (RFC 8259 allows them) refuse a whole line because of one such escape.
    Replace,
}

/// A string with quotes. `/`, DEL, U+2028 and U+2029 stay as they are.
pub(super) fn put_string(out: &mut Vec<u8>, text: Text<'_>, lone: LoneSurrogates) {
    out.push(b'"');
    let mut rest = text.bytes;
    while let Some(at) = first_escape(rest, text.has_surrogates) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let tail = put_escape(out, tail, lone);
        rest = put_near_escapes(out, tail, text.has_surrogates, lone);
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Bytes looked at together, as one number: no branch inside, and no need of a compiler that finds vector instructions.
const WORD_BYTES: usize = 8;

/// Writes `text`, which follows an escape, up to where a word needs none, and returns what is left. JSON inside a string has
/// an escape every few bytes: there a word is copied as a whole, and what is too much of it is taken back.
fn put_near_escapes<'t>(
    out: &mut Vec<u8>,
    mut text: &'t [u8],
    has_surrogates: bool,
    lone: LoneSurrogates,
) -> &'t [u8] {
    while let Some((word, after)) = text.split_first_chunk::<WORD_BYTES>() {
        let flags = escape_flags(u64::from_le_bytes(*word), has_surrogates);
        out.extend_from_slice(word);
        if flags == 0 {
            return after;
        }
        // The lowest flag is that of the first byte to escape.
        let plain = flags.trailing_zeros() as usize / 8;
        out.truncate(out.len() - (WORD_BYTES - plain));
        text = put_escape(out, text.get(plain..).unwrap_or_default(), lone);
    }
    text
}

/// Where the next byte stands that may not be copied as it is.
fn first_escape(bytes: &[u8], has_surrogates: bool) -> Option<usize> {
    // Two loops, neither of which asks for each word.
    match has_surrogates {
        true => first_escape_in::<true>(bytes),
        false => first_escape_in::<false>(bytes),
    }
}

#[inline(always)]
fn first_escape_in<const HAS_SURROGATES: bool>(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<WORD_BYTES>();
    let is_plain =
        |word: &[u8; WORD_BYTES]| escape_flags(u64::from_le_bytes(*word), HAS_SURROGATES) == 0;
    let plain = words.iter().take_while(|word| is_plain(word)).count();
    let rest = bytes.get(plain * WORD_BYTES..)?;
    // The last bytes of a text that has a word at all are a word too, one that overlaps.
    if plain == words.len() && bytes.last_chunk().is_some_and(is_plain) {
        return None;
    }
    let at = rest.iter().position(|byte| must_escape(*byte, HAS_SURROGATES))?;
    Some(plain * WORD_BYTES + at)
}

/// Zero if no byte of `word` must be escaped; otherwise the lowest bit that is set is the top bit of the first byte that must.
/// A top bit appears when a number is taken away that is larger than the byte. What borrows from the byte above it must be
/// escaped itself, so only flags above the lowest may be wrong.
fn escape_flags(word: u64, has_surrogates: bool) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let less = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit));
    let differs = |byte: u8| word ^ (ONES * u64::from(byte));
    let ascii = (less(word, 0x20) | less(differs(b'"'), 1) | less(differs(b'\\'), 1)) & !word;
    let surrogate = if has_surrogates { less(differs(0xed), 1) & !differs(0xed) } else { 0 };
    (ascii | surrogate) & TOPS
}

fn must_escape(byte: u8, has_surrogates: bool) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | ((byte == 0xed) & has_surrogates)
}

/// Writes the first character of `text` and returns what follows it.
#[inline(always)] // out of line JSON inside of strings takes a fifth more instructions
fn put_escape<'t>(out: &mut Vec<u8>, text: &'t [u8], lone: LoneSurrogates) -> &'t [u8] {
    let short = match text {
        [b'"', rest @ ..] => (b'"', rest),
        [b'\\', rest @ ..] => (b'\\', rest),
        [0x08, rest @ ..] => (b'b', rest),
        [0x09, rest @ ..] => (b't', rest),
        [0x0a, rest @ ..] => (b'n', rest),
        [0x0c, rest @ ..] => (b'f', rest),
        [0x0d, rest @ ..] => (b'r', rest),
        [0xed, second @ 0xa0..=0xbf, third, rest @ ..] => {
            match lone {
                LoneSurrogates::Replace => out.extend_from_slice("\u{fffd}".as_bytes()),
                LoneSurrogates::Escape => {
                    put_unit(out, 0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
                }
            }
            return rest;
        }
        [byte @ 0..=0x1f, rest @ ..] => {
            put_unit(out, u16::from(*byte));
            return rest;
        }
        [byte, rest @ ..] => {
            out.push(*byte);
            return rest;
        }
        [] => return text,
    };
    out.extend_from_slice(&[b'\\', short.0]);
    short.1
}

fn put_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.extend(HEX.get(usize::from(unit >> shift & 0xf)));
    }
}

/// A number as ECMAScript prints it; what is not finite is `null`.
#[inline(always)]
pub(super) fn put_number(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Base64 with padding and quotes.
pub(super) fn put_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8], has_surrogates: bool) -> String {
        let mut out = Vec::new();
        put_string(&mut out, Text { bytes, has_surrogates }, LoneSurrogates::Escape);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_gets_a_replacement_character_for_half_a_pair() {
        let mut out = Vec::new();
        let bytes = &[b'a', 0xed, 0xa0, 0xbd, b'"', 0xed, 0xbf, 0xbf, 0xed, 0x9f, 0xbf];
        put_string(&mut out, Text { bytes, has_surrogates: true }, LoneSurrogates::Replace);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\u{fffd}\\\"\u{fffd}\u{d7ff}\"");
    }

    #[test]
    fn strings_are_escaped_as_json_stringify_does() {
        assert_eq!(
            string("a\"\\\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}/\u{2028}é😀".as_bytes(), false),
            "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}/\u{2028}é😀\""
        );
        assert_eq!(
            string(&[0xed, 0xa0, 0x80, b'x', 0xed, 0xbf, 0xbf], true),
            "\"\\ud800x\\udfff\""
        );
        assert_eq!(string("\u{d7ff}".as_bytes(), true), "\"\u{d7ff}\"");
    }

    #[test]
    fn an_escape_is_found_wherever_it_stands() {
        let lone: &[u8] = &[0xed, 0xb0, 0x80];
        let escapes: [(&[u8], &str); 5] = [
            (b"\"", "\\\""),
            (b"\\", "\\\\"),
            (b"\n", "\\n"),
            (b"\x1f", "\\u001f"),
            (lone, "\\udc00"),
        ];
        // What stands around it matters to a look at eight bytes together: `m` differs from 0xed in the top bit alone, and
        // few bits of `c` differ from those of a control character.
        for ((raw, escaped), letter) in escapes
            .into_iter()
            .flat_map(|escape| ["a", "c", "m", "é"].map(|letter| (escape, letter)))
        {
            for length in 0..50 {
                for at in 0..length {
                    let (before, behind) = (letter.repeat(at), letter.repeat(length - at - 1));
                    let text = [before.as_bytes(), raw, behind.as_bytes()].concat();
                    let expected = format!("\"{before}{escaped}{behind}\"");
                    assert_eq!(string(&text, raw == lone), expected, "{length} {at}");
                }
            }
        }
    }

    #[test]
    fn any_two_escapes_near_each_other_are_written_as_alone() {
        let special =
            ["\"", "\\", "\n", "\u{1}", "\u{1f}", " ", "!", "#", "]", "\u{80}", "é", "\u{d7ff}"];
        let alone = |text: &&str| {
            let quoted = string(text.as_bytes(), true);
            quoted[1..quoted.len() - 1].to_owned()
        };
        let written: Vec<String> = special.iter().map(alone).collect();
        for (first, one) in special.iter().zip(&written) {
            for (second, two) in special.iter().zip(&written) {
                for between in 0..12 {
                    let letters = "a".repeat(between);
                    let text = format!("\"{first}{letters}{second}{letters}");
                    let expected = format!("\"\\\"{one}{letters}{two}{letters}\"");
                    assert_eq!(string(text.as_bytes(), true), expected, "{between}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_printed_as_javascript_does() {
        let print = |number| {
            let mut out = Vec::new();
            put_number(&mut out, number);
            String::from_utf8(out).unwrap()
        };
        for (number, text) in [
            (-0.0, "0"),
            (1e21, "1e+21"),
            (123456789012345680000.0, "123456789012345680000"),
            (1.5e-7, "1.5e-7"),
            (0.000001, "0.000001"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(print(number), text);
        }
    }
}
