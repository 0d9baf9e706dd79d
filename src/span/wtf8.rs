//! Code points as the bytes of a [`super::Text`].

/// Appends a code point as UTF-8, a surrogate as WTF-8.
pub(crate) fn put_wtf8(out: &mut Vec<u8>, code: u32) {
    put_wtf8_inline(out, code);
}

/// The same for a loop over whole texts: out of line it is a fifth of the decoding of such texts.
#[inline(always)]
pub(crate) fn put_wtf8_inline(out: &mut Vec<u8>, code: u32) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x10000 => out.extend_from_slice(&[0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend_from_slice(&[0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}
