//! Texts from outside: owns how much of them is shown. What a peer, a certificate or user code says has no bound of its own.
//! It refuses to know who said it.

/// Bytes of a text from outside that go into messages.
pub const SHOWN_BYTES: usize = 1024;

/// At most [`SHOWN_BYTES`] of `text`.
pub fn shown(text: &str) -> &str {
    let end = (0..=SHOWN_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The same of a text that is there already.
pub(crate) fn cut(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > SHOWN_BYTES {
        text.truncate(shown(&text).len());
        text.shrink_to_fit();
    }
    text
}

/// The same of bytes that should be UTF-8, without looking at the rest.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    // With what is left of the last character, which would look like damage otherwise.
    let known = bytes.get(..SHOWN_BYTES + 3).unwrap_or(bytes);
    cut(String::from_utf8_lossy(known))
}

/// The same of Latin-1, as Node decodes headers.
pub(crate) fn shown_latin1(bytes: &[u8]) -> String {
    cut(bytes.iter().copied().take(SHOWN_BYTES).map(char::from).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(shown("short"), "short");
        for character in ["x", "ä", "€", "😀"] {
            let long = character.repeat(2_000);
            let cut_text = shown(&long);
            assert!(cut_text.len() <= SHOWN_BYTES && cut_text.len() > SHOWN_BYTES - 4);
            assert!(long.starts_with(cut_text));
            assert_eq!(shown_bytes(long.as_bytes()), cut_text);
            assert_eq!(cut(long.as_str()), cut_text);
        }
        assert_eq!(shown_bytes(&[0xff; 5_000]).len(), SHOWN_BYTES - 1, "three bytes for each");
        assert_eq!(shown_latin1(&[0xe9; 5_000]), "é".repeat(512));
    }
}
