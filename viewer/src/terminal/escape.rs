//! Texts that anybody may have written, made harmless: nothing in them moves a cursor, changes a colour, turns the order
//! of a line round or becomes a formula.

use std::fmt::Write;

/// As it is shown in a terminal: what is not printable becomes an escape such as `\x1b` or `\u202e`.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let code = u32::from(character);
        // Writing to a text cannot fail.
        let _ = match character {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            _ if code < 0x20 || (0x7f..0xa0).contains(&code) => write!(out, "\\x{code:02x}"),
            _ if is_invisible(code) => write!(out, "\\u{code:04x}"),
            _ => out.write_char(character),
        };
    }
    out
}

/// Marks of direction, joiners, separators of lines and others that change what is around them and have no form of their own.
fn is_invisible(code: u32) -> bool {
    matches!(
        code,
        0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
            | 0xfff9..=0xfffb | 0xe0000..=0xe007f
    )
}

/// A cell of CSV. A spreadsheet would compute what begins like a formula, so such a text gets an apostrophe in front.
pub(crate) fn csv_cell(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// A text of JSON, quotes included.
pub(crate) fn json_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        let _ = match character {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            _ if code < 0x20
                || (0x7f..0xa0).contains(&code)
                || is_invisible(code) && code < 0x1_0000 =>
            {
                write!(out, "\\u{code:04x}")
            }
            _ => out.write_char(character),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v75_no_control_character_and_no_mark_of_direction_reaches_the_terminal() {
        let bidirectional =
            [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2069];
        for code in (0..0xa0).chain(bidirectional) {
            let character = char::from_u32(code).unwrap();
            let text = shown(&format!("a{character}b"));
            if (0x20..0x7f).contains(&code) {
                assert_eq!(text, format!("a{character}b"));
            } else {
                assert!(text.is_ascii() && text.starts_with("a\\"), "{code:x}: {text:?}");
                assert!(json_text(&text).is_ascii());
            }
        }
        assert_eq!(shown("\x1b[31mred\u{202e}"), "\\x1b[31mred\\u202e");
        assert_eq!(shown("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }

    #[test]
    fn v75_a_cell_that_begins_like_a_formula_is_a_text() {
        for text in ["=1+1", "+cmd|' /C calc'!X", "-2+3", "@SUM(B)", "\t=1"] {
            assert!(csv_cell(text).trim_start_matches('"').starts_with('\''), "{text}");
        }
        assert_eq!(csv_cell("-12.5"), "-12.5");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("GET /cart"), "GET /cart");
    }

    #[test]
    fn json_texts_are_what_was_put_in() {
        assert_eq!(json_text("a\"b\\c\nd\u{1}\u{202e}é"), "\"a\\\"b\\\\c\\nd\\u0001\\u202eé\"");
    }
}
