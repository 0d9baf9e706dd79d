//! Whether a text may hold anything that is looked for: what most texts are asked, and no more.
//! It refuses to say no where a detector would find something; a yes is only worth a closer look.

use super::{Detector, Detectors};

/// Which detectors each byte may wake.
static HINTS: [Detectors; 256] = hints();

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it: what is outside does not compile"
)]
const fn hints() -> [Detectors; 256] {
    let mut table = [0; 256];
    let pairs: [(&[u8], Detectors); 9] = [
        (b"@%", 1 << Detector::Email as u8),
        (
            b"0123456789",
            1 << Detector::CreditCard as u8 | 1 << Detector::Ipv4 as u8 | 1 << Detector::Iban as u8,
        ),
        (b"J", 1 << Detector::Jwt as u8),
        (b"bB", 1 << Detector::Bearer as u8 | 1 << Detector::BasicAuth as u8),
        (b"-", 1 << Detector::PrivateKey as u8),
        (b"A", 1 << Detector::AwsKey as u8 | 1 << Detector::GoogleKey as u8),
        (b"_", 1 << Detector::GithubToken as u8 | 1 << Detector::StripeKey as u8),
        (b"x", 1 << Detector::SlackToken as u8),
        (b":", 1 << Detector::UrlCredentials as u8 | 1 << Detector::Ipv6 as u8),
    ];
    let mut pair = 0;
    while pair < pairs.len() {
        let (bytes, detectors) = pairs[pair];
        let mut at = 0;
        while at < bytes.len() {
            table[bytes[at] as usize] |= detectors;
            at += 1;
        }
        pair += 1;
    }
    table
}

#[inline]
pub(super) fn hint(byte: u8) -> Detectors {
    HINTS.get(byte as usize).copied().unwrap_or_default()
}

/// Digits, with or without gaps, of a card.
const LEAST_CARD_BYTES: usize = 13;

/// Whether `find` may find any of `wanted` in it.
pub(in crate::process) fn may_hold(text: &[u8], wanted: Detectors) -> bool {
    if wanted == 0 {
        return false;
    }
    // Digits are in every other text: cards are told by the length of what they stand in.
    let others = wanted & !Detector::CreditCard.bit();
    let (mut was_number, mut has_number) = (false, false);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let (head, tail) = numeric_halves(*word);
        has_number |= head & (was_number | tail);
        was_number = tail;
        let any = word.iter().fold(0, |any, byte| any | hint(*byte));
        if any & others != 0 && is_plausible(text, index * 8, word, others) {
            return true;
        }
    }
    has_number |= was_number;
    (has_number && wanted != others && has_long_number(text))
        || is_plausible(text, words.len() * 8, rest, others)
}

/// Whether each half of a word has nothing but digits, blanks and punctuation. Two of them stand side by side in whatever is as
/// long as a card, or one at the end of the last word.
#[inline]
fn numeric_halves(word: [u8; 8]) -> (bool, bool) {
    const KIND: u64 = u64::MAX / 0xff * 0xe0;
    const NUMERIC: u64 = u64::MAX / 0xff * 0x20;
    let others = u64::from_le_bytes(word) & KIND ^ NUMERIC;
    (others as u32 == 0, others >> 32 == 0)
}

#[inline(never)]
fn has_long_number(text: &[u8]) -> bool {
    let mut length = 0;
    text.iter().any(|byte| {
        let is_gap = matches!(byte, b' ' | b'-' | b'+' | b'.' | b'%');
        let is_part = byte.is_ascii_digit() || is_gap;
        length = if is_part { length + 1 } else { 0 };
        length >= LEAST_CARD_BYTES
    })
}

#[inline(never)]
fn is_plausible(text: &[u8], from: usize, bytes: &[u8], wanted: Detectors) -> bool {
    (from..).zip(bytes).any(|(at, byte)| {
        let hinted = hint(*byte) & wanted;
        if hinted == 0 {
            return false;
        }
        let before = text.get(..at).unwrap_or_default();
        let behind = text.get(at + 1..).unwrap_or_default();
        match byte {
            b'0'..=b'9' => is_number(before, hinted),
            b'%' => behind.starts_with(b"40"),
            b'J' => before.ends_with(b"ey"),
            b'b' | b'B' => {
                matches!(behind, [b'e' | b'E' | b'a' | b'A', b'a' | b'A' | b's' | b'S', ..])
            }
            b'-' => behind.starts_with(b"----"),
            b'A' => matches!(behind, [b'K' | b'S' | b'B' | b'C' | b'I', b'I' | b'C' | b'z', ..]),
            b'x' => matches!(behind, [b'o', b'x', ..] | [b'a', b'p', ..]),
            b'_' => matches!(
                before,
                [.., b'g', b'h', _]
                    | [.., b'p', b'a', b't']
                    | [.., b's' | b'r' | b'p', b'k']
                    | [.., b'e', b'c']
            ),
            _ => true,
        }
    })
}

fn is_number(before: &[u8], hinted: Detectors) -> bool {
    let is_country = before.last().is_some_and(u8::is_ascii_alphabetic);
    hinted & Detector::Ipv4.bit() != 0 || (hinted & Detector::Iban.bit() != 0 && is_country)
}

#[cfg(test)]
mod tests {
    use super::super::{Hit, find};
    use super::*;

    /// What a detector looks at, by itself.
    fn is_hinted_by(detector: Detector, byte: u8) -> bool {
        match detector {
            Detector::Email => matches!(byte, b'@' | b'%'),
            Detector::CreditCard | Detector::Ipv4 | Detector::Iban => byte.is_ascii_digit(),
            Detector::Jwt => byte == b'J',
            Detector::Bearer | Detector::BasicAuth => matches!(byte, b'b' | b'B'),
            Detector::PrivateKey => byte == b'-',
            Detector::AwsKey | Detector::GoogleKey => byte == b'A',
            Detector::GithubToken | Detector::StripeKey => byte == b'_',
            Detector::SlackToken => byte == b'x',
            Detector::UrlCredentials | Detector::Ipv6 => byte == b':',
        }
    }

    #[test]
    fn p42_the_table_of_hints_is_that_of_the_detectors() {
        for byte in 0..=255u8 {
            for detector in Detector::ALL {
                let is_hinted = hint(byte) & detector.bit() != 0;
                assert_eq!(is_hinted, is_hinted_by(detector, byte), "{byte} {detector:?}");
            }
        }
    }

    #[test]
    fn p42_what_is_found_is_never_ruled_out_before_by_a_glance() {
        let pieces = [
            "a@b.de",
            "%40",
            "ada",
            "@",
            ".de",
            "4111 1111 1111 1111",
            "4111111111111111",
            "1",
            " ",
            "-",
            "DE89 3704 0044",
            "0532 0130 00",
            "eyJhbGciOiJIUzI1",
            "ey",
            "J",
            "bearer ",
            "Basic ",
            "dXNlcjpwYXNz",
            "-----BEGIN ",
            "PRIVATE KEY",
            "-----",
            "AKIA",
            "AIza",
            "IOSFODNN7EXAMPLE",
            "ghp_",
            "github_pat_",
            "0123456789abcdef",
            "xoxb-",
            "xapp-",
            "sk_live_",
            "whsec_",
            "://",
            "u:p",
            "10.0.0.1",
            "::1",
            "fe80:",
            "\n",
            "é",
        ];
        let mut state = 7u64;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let (mut hits, mut seen) = (Vec::<Hit>::new(), 0);
        for _ in 0..200_000 {
            let text: String = (0..1 + below(5)).map(|_| pieces[below(pieces.len())]).collect();
            for detector in Detector::ALL {
                find(text.as_bytes(), detector.bit(), &mut hits);
                seen |= if hits.is_empty() { 0 } else { detector.bit() };
                assert!(
                    hits.is_empty() || may_hold(text.as_bytes(), detector.bit()),
                    "{detector:?} {text}"
                );
            }
        }
        assert_eq!(seen.count_ones() as usize, Detector::ALL.len());
        assert!(!may_hold(
            b"select order_id from orders where customer = 4711 limit 100",
            Detectors::MAX ^ Detector::Ipv4.bit()
        ));
    }
}
