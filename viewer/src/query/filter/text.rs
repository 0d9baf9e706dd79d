//! Looking for a text without regard to the case of ASCII letters.

/// Whether `needle`, in small letters, is in `text`.
pub(super) fn contains(text: &str, needle: &str) -> bool {
    contains_bytes(text.as_bytes(), needle.as_bytes())
}

/// The same with bytes.
pub(super) fn contains_bytes(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let Some(last_start) = text.len().checked_sub(needle.len()) else { return false };
    let starts = text.get(..=last_start).unwrap_or_default();
    let is_here = |at: usize| {
        text.get(at..at + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle))
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts).any(is_here)
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_text_is_found_in_either_case() {
        assert!(contains("GET /Cart", "/cart"));
        assert!(contains("GET /Cart", "get"));
        assert!(contains("GET /Cart", ""));
        assert!(contains("Straße", "straße"));
        assert!(!contains("GET", "get /"));
        assert!(!contains("", "a"));
    }
}
