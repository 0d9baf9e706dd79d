//! Base64 as Node's `Buffer.from(text, 'base64')` reads it (T5): both alphabets, strangers skipped, the end
//! at the first `=`, and of every code unit only the low eight bits.
//! It refuses to fail.

use super::{text::units, value::Quoted};

const SKIP: u8 = 0x80;
const END: u8 = 0x81;

/// Six bits per letter of either alphabet.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const LETTERS: [u8; 256] = {
    let mut letters = [SKIP; 256];
    let mut index = 0;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while index < alphabet.len() {
        letters[alphabet[index] as usize] = index as u8;
        index += 1;
    }
    letters[b'-' as usize] = 62;
    letters[b'_' as usize] = 63;
    letters[b'=' as usize] = END;
    letters
};

/// Appends the decoded bytes.
pub(super) fn decode(text: Quoted<'_>, out: &mut Vec<u8>) {
    out.reserve(text.json.len() / 4 * 3);
    let letters = text.inner();
    if !text.escaped && letters.is_ascii() {
        let read = decode_groups(letters, out);
        decode_rest(letters.get(read..).unwrap_or_default().iter().copied(), out);
    } else {
        decode_rest(units(text).map(|unit| unit as u8), out);
    }
}

/// Whether there is nothing but letters of either alphabet, blanks, and padding at the end: everything that would be skipped could
/// be read by whoever does not decode.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (letters, padding) = text.split_at_checked(end).unwrap_or((text, &[]));
    letters.iter().all(|byte| value(*byte) & SKIP == 0 || is_blank(byte))
        && padding.iter().all(|byte| *byte == b'=' || is_blank(byte))
}

/// Appends the letters of `bytes`, of the usual alphabet and padded.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = ALPHABET.get((bits >> (18 - 6 * at) & 63) as usize);
            out.push(letter.copied().filter(|_| at <= group.len()).unwrap_or(b'='));
        }
    }
}

/// Decodes groups of four letters while nothing disturbs them; says how far it came.
fn decode_groups(letters: &[u8], out: &mut Vec<u8>) -> usize {
    let groups = letters.as_chunks::<4>().0;
    for (index, group) in groups.iter().enumerate() {
        let [a, b, c, d] = group.map(value);
        if (a | b | c | d) & SKIP != 0 {
            return index * 4;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes);
    }
    groups.len() * 4
}

fn decode_rest(letters: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u32, 0);
    for letter in letters {
        match value(letter) {
            SKIP => {}
            END => break,
            six => {
                bits = bits << 6 | u32::from(six);
                held += 6;
                if held >= 8 {
                    held -= 8;
                    out.push((bits >> held) as u8);
                }
            }
        }
    }
}

#[inline]
fn value(letter: u8) -> u8 {
    LETTERS.get(usize::from(letter)).copied().unwrap_or(SKIP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p101_what_is_encoded_is_decoded_again_and_only_what_is_base64_is_plain() {
        for length in 0..40u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(91) ^ length).collect();
            let mut json = b"\"".to_vec();
            encode(&bytes, &mut json);
            assert_eq!(json.len() % 4, 1);
            json.push(b'"');
            let mut out = Vec::new();
            decode(Quoted::plain(&json), &mut out);
            assert_eq!(out, bytes);
            assert!(is_plain(Quoted::plain(&json).inner()));
        }
        for plain in ["", "QQ", "QQ==", "-_-_", "QU\r\nJD ", "QUI=\n"] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for other in ["ada@x", "QQ==QQ", "QU\u{141}D", "QU.JD", "=x", "QU\0JD"] {
            assert!(!is_plain(other.as_bytes()), "{other}");
        }
    }

    /// What Node 20 to 26 give.
    #[test]
    fn everything_is_read_as_node_reads_it() {
        for (text, hex) in [
            ("QQ==QQ==", "41"),
            ("QQ=Q", "41"),
            ("Q=UI", ""),
            ("QUI\u{141}", "414200"),
            ("QU\u{1f63d}JD", "41"),
            ("Q", ""),
            ("QU", "41"),
            ("QUJ", "4142"),
            ("QUJD=", "414243"),
            ("Q Q==", "41"),
            ("QUJDR", "414243"),
            ("=QUJD", ""),
            ("QUJD==QUJD", "414243"),
            ("Q\u{13d}UJD", ""),
            ("-_-_", "fbffbf"),
            ("+/+/", "fbffbf"),
        ] {
            let mut out = Vec::new();
            let json = format!("\"{text}\"");
            decode(Quoted::plain(json.as_bytes()), &mut out);
            let printed: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(printed, hex, "{text}");
        }
    }
}
