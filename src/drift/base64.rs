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
