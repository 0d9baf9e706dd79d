//! Numbers of JSON text as ECMAScript prints them (T7).
//! It refuses to reformat what is printed that way already, which is nearly everything.

use bumpalo::Bump;

use super::value::Value;

/// Reads the number at the start of `bytes`: the value, its length and whether it is printed as it was written.
/// `None` if it does not follow JSON's grammar.
#[inline]
pub(super) fn parse<'a>(bytes: &'a [u8], arena: &'a Bump) -> Option<(Value<'a>, usize, bool)> {
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let integer = digits(bytes, sign);
    let leads_with_zero = bytes.get(sign) == Some(&b'0');
    if integer == 0 || (leads_with_zero && integer > 1) {
        return None;
    }
    let mut end = sign + integer;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(bytes, end + 1);
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    let mut has_exponent = false;
    if let Some(b'e' | b'E') = bytes.get(end) {
        has_exponent = true;
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(bytes, end + 1 + signed);
        if exponent == 0 {
            return None;
        }
        end += 1 + signed + exponent;
    }
    let token = bytes.get(..end)?;
    let is_shortest = !has_exponent
        && if fraction == 0 {
            integer <= 15 && !(leads_with_zero && sign == 1)
        } else {
            token.last() != Some(&b'0') && is_short_decimal(token, sign, integer, fraction)
        };
    if is_shortest {
        return Some((Value::Number(token), end, true));
    }
    let number: f64 = std::str::from_utf8(token).ok()?.parse().ok()?;
    let value = from_f64(number, arena);
    let same = matches!(value, Value::Number(printed) if printed == token);
    Some((value, end, same))
}

/// At most 15 significant digits, so that no other decimal is as short for the same double, and not so small that
/// ECMAScript would print an exponent.
fn is_short_decimal(token: &[u8], sign: usize, integer: usize, fraction: usize) -> bool {
    if token.get(sign) != Some(&b'0') {
        return integer + fraction <= 15;
    }
    let zeros = token.iter().skip(sign + 2).take_while(|byte| **byte == b'0').count();
    zeros <= 5 && fraction - zeros.min(fraction) <= 15
}

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// Any JavaScript number; `NaN` is what `JSON.stringify` makes of it.
pub(super) fn from_f64(number: f64, arena: &Bump) -> Value<'_> {
    if number.is_infinite() {
        Value::Infinite { negative: number < 0.0 }
    } else if number.is_nan() {
        Value::Null
    } else if number == 0.0 && number.is_sign_negative() {
        Value::NegativeZero
    } else {
        let mut buffer = ryu_js::Buffer::new();
        Value::Number(arena.alloc_slice_copy(buffer.format_finite(number).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(token: &str) -> Option<(String, bool)> {
        let arena = Bump::new();
        let (value, length, same) = parse(token.as_bytes(), &arena)?;
        assert_eq!(length, token.len(), "{token}");
        let text = match value {
            Value::Number(digits) => String::from_utf8(digits.to_vec()).unwrap(),
            Value::NegativeZero => "-0".to_owned(),
            Value::Infinite { negative } => format!("{}∞", if negative { "-" } else { "" }),
            _ => "?".to_owned(),
        };
        Some((text, same))
    }

    #[test]
    fn f39_numbers_are_what_v8_makes_of_them() {
        for (token, printed) in [
            ("0", "0"),
            ("-0", "-0"),
            ("-0.0", "-0"),
            ("-0e5", "-0"),
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551616", "18446744073709552000"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e21", "1e+21"),
            ("999999999999999900000", "999999999999999900000"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("0.00000123456789012345", "0.00000123456789012345"),
            ("0.0000012345678901234567", "0.0000012345678901234567"),
            ("1e400", "∞"),
            ("-1e400", "-∞"),
            ("5e-324", "5e-324"),
            ("1e-400", "0"),
            ("0.1000000000000000055511151231257827", "0.1"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            assert_eq!(print(token).map(|(text, _)| text).as_deref(), Some(printed), "{token}");
        }
    }

    #[test]
    fn what_is_taken_as_it_stands_prints_the_same() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut taken = 0;
        for _ in 0..200_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let integer = state % 10u64.pow((state >> 40) as u32 % 16);
            let fraction = (state >> 20) % 10u64.pow((state >> 50) as u32 % 14 + 1);
            let zeros = "0".repeat((state >> 33) as usize % 7);
            let token = format!("{integer}.{zeros}{fraction}");
            let (text, same) = print(&token).unwrap();
            taken += u32::from(same);
            let number: f64 = token.parse().unwrap();
            assert_eq!(text, ryu_js::Buffer::new().format_finite(number), "{token}");
        }
        assert!(taken > 50_000, "{taken}");
    }

    #[test]
    fn the_grammar_is_jsons() {
        for token in
            ["", "-", "01", "-01", "+1", ".5", "1.", "1.e5", "1e", "1e+", "--1", "Infinity", "NaN"]
        {
            assert_eq!(print(token), None, "{token}");
        }
    }
}
