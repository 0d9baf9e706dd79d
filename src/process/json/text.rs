//! Strings and numbers of JSON where they stand in a text.
//! It refuses to know documents.

use crate::span::put_wtf8;

/// A string that has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned {
    /// Bytes with the closing quote.
    pub(super) length: usize,
    /// Its text is the decoded one.
    pub(super) is_escaped: bool,
}

/// Reads a string behind its opening quote; `decoded` gets its text if there is an escape in it.
///
/// # Errors
/// Whether the text has ended inside of it; else there is a wrong byte.
pub(super) fn scan_string(rest: &[u8], decoded: &mut Vec<u8>) -> Result<Scanned, bool> {
    decoded.clear();
    let mut at = plain_len(rest, false);
    if rest.get(at) == Some(&b'"') {
        return Ok(Scanned { length: at + 1, is_escaped: false });
    }
    decoded.extend_from_slice(rest.get(..at).unwrap_or_default());
    loop {
        match rest.get(at) {
            None => return Err(true),
            Some(b'"') => return Ok(Scanned { length: at + 1, is_escaped: true }),
            Some(b'\\') => at += escape(rest.get(at + 1..).unwrap_or_default(), decoded)? + 1,
            Some(_) => return Err(false),
        }
        let tail = rest.get(at..).unwrap_or_default();
        let plain = plain_len(tail, false);
        decoded.extend_from_slice(tail.get(..plain).unwrap_or_default());
        at += plain;
    }
}

/// Bytes before a quote, a backslash, a control character or, with `wtf8`, what may begin half a surrogate pair.
#[inline]
fn plain_len(bytes: &[u8], wtf8: bool) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES * 0x80;
    let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let mut hits = zero_in(word ^ (ONES * u64::from(b'"')))
            | zero_in(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if wtf8 {
            hits |= zero_in(word ^ (ONES * 0xed));
        }
        if hits & HIGHS != 0 {
            return index * 8 + ((hits & HIGHS).trailing_zeros() / 8) as usize;
        }
    }
    let is_end =
        |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\' || (wtf8 && *byte == 0xed);
    words.len() * 8 + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// Decodes what follows a backslash. Returns its length.
fn escape(rest: &[u8], decoded: &mut Vec<u8>) -> Result<usize, bool> {
    let Some(&byte) = rest.first() else { return Err(true) };
    decoded.push(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(rest, decoded),
        _ => return Err(false),
    });
    Ok(1)
}

/// A code unit, or two that belong together.
fn unicode(rest: &[u8], decoded: &mut Vec<u8>) -> Result<usize, bool> {
    let unit = hex(rest.get(1..).unwrap_or_default())?;
    let behind = rest.get(5..).unwrap_or_default();
    if (0xd800..0xdc00).contains(&unit)
        && behind.starts_with(b"\\u")
        && let Ok(low) = hex(behind.get(2..).unwrap_or_default())
        && (0xdc00..0xe000).contains(&low)
    {
        put_wtf8(decoded, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        return Ok(11);
    }
    put_wtf8(decoded, unit);
    Ok(5)
}

fn hex(digits: &[u8]) -> Result<u32, bool> {
    let mut unit = 0;
    for at in 0..4 {
        let Some(digit) = digits.get(at) else { return Err(true) };
        unit = unit << 4 | char::from(*digit).to_digit(16).ok_or(false)?;
    }
    Ok(unit)
}

/// Writes a string with its quotes; half a surrogate pair becomes an escape.
pub(super) fn put_quoted(out: &mut Vec<u8>, text: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let put_unit = |out: &mut Vec<u8>, unit: u32| {
        out.extend_from_slice(b"\\u");
        out.extend(
            [12, 8, 4, 0].iter().filter_map(|shift| DIGITS.get((unit >> shift & 15) as usize)),
        );
    };
    out.push(b'"');
    let mut rest = text;
    loop {
        let (plain, tail) = rest.split_at_checked(plain_len(rest, true)).unwrap_or((rest, b""));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = tail.split_first() else { break };
        rest = behind;
        match (byte, behind) {
            (b'"' | b'\\', _) => out.extend_from_slice(&[b'\\', byte]),
            (b'\n', _) => out.extend_from_slice(b"\\n"),
            (b'\t', _) => out.extend_from_slice(b"\\t"),
            (b'\r', _) => out.extend_from_slice(b"\\r"),
            (0..0x20, _) => put_unit(out, u32::from(byte)),
            (0xed, [second @ 0xa0..0xc0, third, behind @ ..]) => {
                put_unit(out, 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f));
                rest = behind;
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Length of the number at the front; `None` if there is none, or if it may go on behind the end of the text.
pub(super) fn number_len(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text.get(at) == Some(&b'0')) {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        at += 1 + Some(digits(at + 1)).filter(|count| *count > 0)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at += 1 + sign + Some(digits(at + 1 + sign)).filter(|count| *count > 0)?;
    }
    Some(at)
}
