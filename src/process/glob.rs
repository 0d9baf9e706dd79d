//! Keys and texts as rules name them: exact, or with `*` for any run and `?` for one character.
//! It refuses substrings and regular expressions.

/// One pattern.
#[derive(Debug)]
pub(super) struct Glob {
    pattern: Box<[u8]>,
    ignore_case: bool,
    /// `**.` in front: the rest at any depth.
    is_deep: bool,
    /// Without `*` and `?`.
    is_literal: bool,
}

impl Glob {
    pub(super) fn new(pattern: &str, ignore_case: bool) -> Self {
        let (is_deep, rest) = match pattern.strip_prefix("**.") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let is_literal = !rest.contains(['*', '?']);
        let mut pattern = rest.as_bytes().to_vec();
        if ignore_case {
            pattern.make_ascii_lowercase();
        }
        Glob { pattern: pattern.into(), ignore_case, is_deep, is_literal }
    }

    fn lengths(&self) -> Lengths {
        let least = self.pattern.iter().filter(|byte| **byte != b'*').count();
        let bit = length_bit(least);
        if self.is_literal && !self.is_deep { bit } else { !(bit - 1) }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        if self.is_literal {
            // The end of a path is the only place where it can stand, however many dots there are.
            let before = text.len().checked_sub(self.pattern.len()).filter(|before| {
                *before == 0 || (self.is_deep && text.get(before - 1) == Some(&b'.'))
            });
            let end = before.and_then(|before| text.get(before..));
            return end.is_some_and(|end| {
                if self.ignore_case {
                    end.eq_ignore_ascii_case(&self.pattern)
                } else {
                    *end == *self.pattern
                }
            });
        }
        if runs(&self.pattern, text, self.ignore_case) {
            return true;
        }
        self.is_deep && {
            let dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.');
            dots.into_iter().any(|(at, _)| {
                runs(&self.pattern, text.get(at + 1..).unwrap_or_default(), self.ignore_case)
            })
        }
    }
}

/// Lengths of texts that may match, by their bit.
pub(super) type Lengths = u64;

/// The last bit is that of everything longer.
#[inline]
pub(super) fn length_bit(length: usize) -> Lengths {
    1 << length.min(63)
}

/// Goes back to the last `*` only: its time is the product of both lengths at most.
fn runs(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut back = None;
    while let Some(&byte) = text.get(read) {
        let byte = if ignore_case { byte.to_ascii_lowercase() } else { byte };
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at, read));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                read += 1 + continuations(text, read + 1);
            }
            Some(&wanted) if wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    at = star + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Bytes of the same character from `at` on.
fn continuations(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count()
}

/// What one rule names.
#[derive(Debug, Default)]
pub(super) struct Globs {
    globs: Vec<Glob>,
    lengths: Lengths,
}

impl Globs {
    pub(super) fn new<'w>(patterns: impl IntoIterator<Item = &'w str>, ignore_case: bool) -> Self {
        let globs: Vec<Glob> =
            patterns.into_iter().map(|pattern| Glob::new(pattern, ignore_case)).collect();
        let lengths = globs.iter().fold(0, |lengths, glob| lengths | glob.lengths());
        Globs { globs, lengths }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// The lengths of texts that may match; of what names nothing, all.
    pub(super) fn lengths(&self) -> Lengths {
        if self.is_empty() { Lengths::MAX } else { self.lengths }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.lengths & length_bit(text.len()) != 0
            && self.globs.iter().any(|glob| glob.matches(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern, false).matches(text.as_bytes())
    }

    #[test]
    fn p27_keys_match_exactly_or_by_star_and_question_mark() {
        for (pattern, text, expected) in [
            ("http.url", "http.url", true),
            ("http.url", "http.urls", false),
            ("http.url", "HTTP.url", false),
            ("auth", "better_auth.id", false),
            ("*auth*", "better_auth.id", true),
            ("http.request.header.*", "http.request.header.cookie", true),
            ("http.request.header.*", "http.request.header", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("*.key", "a.key", true),
            ("*.key", "key", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3d", false),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(Glob::new("X-Api-*", true).matches(b"x-aPI-key"));
        assert!(Glob::new("Straße", true).matches("STRAßE".as_bytes()));
    }

    #[test]
    fn p28_two_stars_are_a_leaf_at_any_depth() {
        for (text, expected) in [
            ("authorization", true),
            ("request.headers.authorization", true),
            ("request.authorization.scheme", false),
            ("proxy-authorization", false),
        ] {
            assert_eq!(matches("**.authorization", text), expected, "{text}");
        }
        assert!(matches("**.pass*", "a.b.password"));
        assert!(
            matches("**.a.b", "x.a.b") && matches("**.a.b", "a.b") && !matches("**.a.b", "xa.b")
        );
        assert!(
            Glob::new("**.Key", true).matches(b"a.KEY")
                && !matches("**.", "a")
                && matches("**.", "a.")
        );
    }

    #[test]
    fn p27_a_pattern_made_to_be_slow_is_not() {
        let text = vec![b'a'; 4096];
        assert!(!Glob::new(&"*a".repeat(30).replace("*a", "*ab"), false).matches(&text));
    }
}
