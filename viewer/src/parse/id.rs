//! Ids of traces and spans: hexadecimal in either case, as OTLP/JSON has them, or base64, as general protobuf JSON does.

/// 32 hexadecimal digits or 16 bytes of base64; zero, the id of nothing, for anything else.
pub(crate) fn parse_trace_id(text: &str) -> u128 {
    match text.len() {
        32 => hexadecimal(text).unwrap_or(0),
        22 | 24 => base64(text).filter(|(_, bytes)| *bytes == 16).map_or(0, |(id, _)| id),
        _ => 0,
    }
}

/// 16 hexadecimal digits or 8 bytes of base64; zero for anything else.
pub(crate) fn parse_span_id(text: &str) -> u64 {
    match text.len() {
        16 => hexadecimal(text).and_then(|id| u64::try_from(id).ok()).unwrap_or(0),
        11 | 12 => base64(text)
            .filter(|(_, bytes)| *bytes == 8)
            .and_then(|(id, _)| u64::try_from(id).ok())
            .unwrap_or(0),
        _ => 0,
    }
}

/// The digits of the id of a trace.
pub(crate) fn hex_id(trace: u128) -> String {
    let digits = (0..32).rev().map(|digit| (trace >> (digit * 4)) as u8 & 0xf);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')).collect()
}

/// The digits of the id of a span.
pub(crate) fn hex_span_id(span: u64) -> String {
    hex_id(span.into()).split_off(16)
}

/// The number that up to 32 digits in groups of eight are, which the standard library would find with one multiplication
/// for each digit.
#[inline]
fn hexadecimal(text: &str) -> Option<u128> {
    let (groups, rest) = text.as_bytes().as_chunks::<8>();
    let mut number = 0;
    for group in groups {
        number = number << 32 | u128::from(eight_digits(*group)?);
    }
    rest.is_empty().then_some(number)
}

/// The number that eight digits are, all at once.
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 0xff;
    let bytes = u64::from_be_bytes(text);
    // In ASCII, digits are 0x30 to 0x39, and letters 0x41 to 0x46 or, in lower case, 0x61 to 0x66.
    let letters = bytes >> 6 & ONES;
    let lower = bytes & (ONES * 0x0f);
    let upper = bytes & !(letters << 5) & (ONES * 0xf0);
    let is_upper_right = upper == ONES * 0x30 + (letters << 4);
    // No digit is beyond nine, and a letter is one of six.
    let beyond = (lower + (ONES - letters) * 6) | (lower + letters * 9);
    let from_one = (lower + letters * 0x0f) & (ONES * 0x10);
    let is_lower_right = beyond & (ONES * 0x10) == 0 && from_one == letters << 4;
    let digits = lower + letters * 9;
    let pairs = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    let eight = (fours | fours >> 16) & 0xffff_ffff;
    (is_upper_right && is_lower_right).then_some(eight)
}

/// Up to 16 bytes of base64 as a number, and how many bytes they are.
fn base64(text: &str) -> Option<(u128, usize)> {
    let text = text.trim_end_matches('=');
    let mut value = 0_u128;
    let mut bits = 0_usize;
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits += 6;
        // What goes beyond whole bytes has to be left out before it pushes the first bits out.
        let room = 128_usize.saturating_sub(bits - 6).min(6);
        value = value.checked_shl(room as u32)? | u128::from(six >> (6 - room));
    }
    let bytes = bits / 8;
    let beyond = bits.min(128) - bytes.min(16) * 8;
    Some((value >> beyond, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v14_ids_are_hexadecimal_in_either_case_or_base64() {
        let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128;
        assert_eq!(parse_trace_id("4bf92f3577b34da6a3ce929d0e0e4736"), trace);
        assert_eq!(parse_trace_id("4BF92F3577B34DA6A3CE929D0E0E4736"), trace);
        assert_eq!(parse_trace_id("S/kvNXezTaajzpKdDg5HNg=="), trace);
        assert_eq!(parse_trace_id("S_kvNXezTaajzpKdDg5HNg"), trace);
        assert_eq!(parse_span_id("00f067aa0ba902b7"), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(parse_span_id("APBnqgupArc="), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(hex_id(trace), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(hex_span_id(0x00f0_67aa_0ba9_02b7), "00f067aa0ba902b7");
    }

    #[test]
    fn v14_v23_every_byte_in_every_place_is_a_digit_or_makes_it_no_id() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut group = *b"09afAF5c";
                group[place] = byte;
                let text = str::from_utf8(&group).ok().filter(|_| byte != b'+');
                let expected = text.and_then(|text| u64::from_str_radix(text, 16).ok());
                assert_eq!(eight_digits(group), expected, "{byte} in place {place}");
            }
        }
    }

    #[test]
    fn v23_what_is_no_id_is_zero() {
        for text in
            ["", "4bf9", "+bf92f3577b34da6a3ce929d0e0e473", "zbf92f3577b34da6a3ce929d0e0e4736"]
        {
            assert_eq!(parse_trace_id(text), 0, "{text}");
        }
        for text in ["", "+0f067aa0ba902b7", "00f067aa0ba902b", "APBnqgupAr!="] {
            assert_eq!(parse_span_id(text), 0, "{text}");
        }
    }
}
