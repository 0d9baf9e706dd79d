//! The texts of a span that stand side by side are looked at together: what is possible nowhere in all of them is in none of them.

use crate::process::detect::{Detectors, possible};

/// Them as one.
#[derive(Default)]
pub(super) struct Near<'a> {
    texts: &'a [u8],
    /// Detectors that would find nothing.
    ruled_out: Detectors,
}

impl<'a> Near<'a> {
    pub(super) fn new(texts: &'a [u8], wanted: Detectors) -> Self {
        if wanted == 0 || texts.is_empty() {
            return Near::default();
        }
        Near { texts, ruled_out: wanted & !possible(texts, wanted) }
    }

    /// The detectors among `wanted` that may find something in a text, wherever it stands.
    #[inline]
    pub(super) fn possible(&self, text: &[u8], wanted: Detectors) -> Detectors {
        let wanted = if self.has(text) { wanted & !self.ruled_out } else { wanted };
        if wanted == 0 { 0 } else { possible(text, wanted) }
    }

    /// Whether these very bytes are some of those.
    #[inline]
    fn has(&self, text: &[u8]) -> bool {
        let from = (text.as_ptr() as usize).wrapping_sub(self.texts.as_ptr() as usize);
        let left = self.texts.len().checked_sub(text.len());
        left.is_some_and(|left| from <= left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::detect::{Detector, find};

    #[test]
    fn p42_a_text_beside_others_is_searched_as_it_is_alone() {
        let pieces = [
            "a@b.de",
            "name",
            "4111 1111 1111 1111",
            "4111",
            "1111",
            "eyJ",
            "eyJhbGciOi",
            "sk_",
            "live_0123456789",
            "sk_live_0123456789",
            "",
            "bearer ",
            "Abc123",
            "bearer Abc123",
            "@",
            "10.0.0.1",
            "http:",
            "//u:p@h",
        ];
        let mut state = 5u64;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let (mut hits, mut found) = (Vec::new(), 0);
        for _ in 0..20_000 {
            let texts: Vec<&str> = (0..below(9)).map(|_| pieces[below(pieces.len())]).collect();
            let joined = texts.concat();
            let near = Near::new(joined.as_bytes(), Detectors::MAX);
            let mut at = 0;
            for text in texts {
                let beside = &joined.as_bytes()[at..at + text.len()];
                at += text.len();
                for detector in Detector::ALL {
                    find(text.as_bytes(), detector.bit(), &mut hits);
                    let is_beside = near.possible(beside, detector.bit()) != 0;
                    // The same bytes in another place were not looked at.
                    let is_elsewhere = near.possible(text.as_bytes(), detector.bit()) != 0;
                    assert!(hits.is_empty() || (is_beside && is_elsewhere), "{detector:?} {text}");
                    found += usize::from(!hits.is_empty());
                }
            }
        }
        assert!(found > 1_000, "{found}");
        let near = Near::new(b"nothing in here", Detectors::MAX);
        assert_ne!(near.possible(b"a@b.de", Detector::Email.bit()), 0);
    }
}
