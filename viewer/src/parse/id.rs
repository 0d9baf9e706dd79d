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

/// Stands for what is no digit: more than any digit is.
const NO_DIGIT: u8 = 0x10;

/// The digit that a byte is.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut byte = 0;
    while byte < digits.len() {
        digits[byte] = match byte as u8 {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => NO_DIGIT,
        };
        byte += 1;
    }
    digits
};

/// The number that up to 32 digits are, which the standard library would find with one multiplication for each.
fn hexadecimal(text: &str) -> Option<u128> {
    let (mut number, mut all) = (0, 0);
    for eight in text.as_bytes().chunks(8) {
        let mut few = 0_u32;
        for byte in eight {
            let digit = DIGITS.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
            all |= digit;
            few = few << 4 | u32::from(digit);
        }
        number = number << 32 | u128::from(few);
    }
    (all < NO_DIGIT).then_some(number)
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
