//! Text out of a hand-off block: views where the bytes are ASCII, else transcoded once.
//! It refuses to split or join words of the layout: that is the reader's.

use bumpalo::Bump;

use crate::span::{Text, put_wtf8_inline};

/// Latin-1 bytes as UTF-8: a view where they are ASCII.
pub(super) fn from_latin1<'a>(
    latin1: &'a [u8],
    scratch: &mut Vec<u8>,
    arena: &'a Bump,
) -> Text<'a> {
    if latin1.is_ascii() {
        return Text { bytes: latin1, has_surrogates: false };
    }
    scratch.clear();
    scratch.reserve(latin1.len() * 2);
    for byte in latin1 {
        put_wtf8_inline(scratch, u32::from(*byte));
    }
    Text { bytes: arena.alloc_slice_copy(scratch), has_surrogates: false }
}

/// UTF-16 little-endian bytes as WTF-8 in `arena`. An odd byte at the end is ignored.
pub(super) fn transcode<'a>(utf16: &[u8], scratch: &mut Vec<u8>, arena: &'a Bump) -> Text<'a> {
    scratch.clear();
    scratch.reserve(utf16.len() / 2 * 3);
    let mut has_surrogates = false;
    let mut units = utf16.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    let mut held = None;
    while let Some(unit) = held.take().or_else(|| units.next()) {
        if unit < 0x80 {
            scratch.push(unit as u8);
            continue;
        }
        let mut code = u32::from(unit);
        if (0xd800..0xdc00).contains(&unit) {
            match units.next() {
                Some(low) if (0xdc00..0xe000).contains(&low) => {
                    code = 0x10000 + ((code - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                }
                next => {
                    has_surrogates = true;
                    held = next;
                }
            }
        } else if (0xdc00..0xe000).contains(&unit) {
            has_surrogates = true;
        }
        put_wtf8_inline(scratch, code);
    }
    Text { bytes: arena.alloc_slice_copy(scratch), has_surrogates }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wtf8(units: &[u16]) -> (Vec<u8>, bool) {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let arena = Bump::new();
        let text = transcode(&bytes, &mut Vec::new(), &arena);
        (text.bytes.to_vec(), text.has_surrogates)
    }

    #[test]
    fn latin1_text_is_a_view_where_it_is_ascii() {
        let arena = Bump::new();
        let all: Vec<u8> = (0..=255).collect();
        let expected: String = (0..=255u8).map(char::from).collect();
        assert_eq!(from_latin1(&all, &mut Vec::new(), &arena).bytes, expected.as_bytes());
        assert_eq!(from_latin1(&all[..128], &mut Vec::new(), &arena).bytes.as_ptr(), all.as_ptr());
    }

    #[test]
    fn well_formed_text_is_utf8() {
        let text = "aé€😀z";
        assert_eq!(
            wtf8(&text.encode_utf16().collect::<Vec<_>>()),
            (text.as_bytes().to_vec(), false)
        );
    }

    #[test]
    fn lone_surrogates_keep_three_bytes_of_their_own() {
        assert_eq!(wtf8(&[0xd800]), (vec![0xed, 0xa0, 0x80], true));
        assert_eq!(wtf8(&[0xdfff, 0x61]), (vec![0xed, 0xbf, 0xbf, 0x61], true));
        assert_eq!(
            wtf8(&[0xd800, 0xd83d, 0xde00]),
            (vec![0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x80], true)
        );
        assert_eq!(wtf8(&[0xd83d, 0x61]), (vec![0xed, 0xa0, 0xbd, 0x61], true));
    }
}
