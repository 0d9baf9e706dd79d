//! Halves of surrogate pairs: owns making a line readable that has one, in its copy and without moving a byte.
//! A JavaScript string that was cut inside an emoji ends in such a half, and every JSON parser refuses it with its line.

use memchr::memchr;

const REPLACEMENT: &[u8] = b"\\ufffd";

/// Writes U+FFFD in the place of every escaped surrogate that has no partner. Returns whether there was one.
pub(super) fn repair(line: &mut [u8]) -> bool {
    let mut changed = false;
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        at += found;
        match surrogate(line, at) {
            Some(Half::High) if surrogate(line, at + 6) == Some(Half::Low) => at += 12,
            Some(_) => {
                if let Some(escape) = line.get_mut(at..at + 6) {
                    escape.copy_from_slice(REPLACEMENT);
                }
                changed = true;
                at += 6;
            }
            None => at += 2,
        }
    }
    changed
}

#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

/// The half of a pair that is escaped at `at`.
fn surrogate(line: &[u8], at: usize) -> Option<Half> {
    let [b'\\', b'u', b'd' | b'D', second, third, fourth] = line.get(at..at.checked_add(6)?)?
    else {
        return None;
    };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match second.to_ascii_lowercase() {
        b'8' | b'9' | b'a' | b'b' => Some(Half::High),
        b'c'..=b'f' => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let changed = repair(&mut bytes);
        let text_after = String::from_utf8(bytes).unwrap();
        assert_eq!(changed, text_after != text, "{text}");
        text_after
    }

    #[test]
    fn v21_all_lone_surrogates_are_replaced_and_pairs_stay() {
        for code in 0xd800..=0xdfff_u32 {
            let lone = format!("\"a\\u{code:04x}b\"");
            assert_eq!(repaired(&lone), "\"a\\ufffdb\"");
            assert_eq!(repaired(&lone.to_uppercase().replace("\\U", "\\u")), "\"A\\ufffdB\"");
            let is_high = code < 0xdc00;
            let before_low = format!("\\u{code:04x}\\udc00");
            let expected = if is_high { before_low.clone() } else { "\\ufffd\\ufffd".into() };
            assert_eq!(repaired(&before_low), expected);
            let behind_high = format!("\\ud83d\\u{code:04X}");
            let expected = if is_high { "\\ufffd\\ufffd".into() } else { behind_high.clone() };
            assert_eq!(repaired(&behind_high), expected);
        }
    }

    #[test]
    fn v21_a_backslash_before_the_escape_makes_it_text() {
        assert_eq!(repaired(r"\\ud800"), r"\\ud800");
        assert_eq!(repaired(r"\\\ud800"), r"\\\ufffd");
        assert_eq!(repaired(r"\ud8"), r"\ud8");
        assert_eq!(repaired(r"\ud83d\ud83d\ude00"), r"\ufffd\ud83d\ude00");
    }
}
