//! Secrets and personal data that can be told by their form, found in one pass over a text.
//! It refuses to know rules: it says where something stands and what it is.

mod hints;
mod numbers;
mod people;
mod secrets;

use std::ops::Range;

use self::hints::hint;
pub(super) use self::hints::possible;

/// What is looked for, by the number of its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Detector {
    Email,
    CreditCard,
    Iban,
    Jwt,
    Bearer,
    BasicAuth,
    PrivateKey,
    AwsKey,
    GithubToken,
    SlackToken,
    StripeKey,
    GoogleKey,
    UrlCredentials,
    Ipv4,
    Ipv6,
}

/// A set of detectors.
pub(super) type Detectors = u16;

impl Detector {
    pub(super) const ALL: [Detector; 15] = [
        Detector::Email,
        Detector::CreditCard,
        Detector::Iban,
        Detector::Jwt,
        Detector::Bearer,
        Detector::BasicAuth,
        Detector::PrivateKey,
        Detector::AwsKey,
        Detector::GithubToken,
        Detector::SlackToken,
        Detector::StripeKey,
        Detector::GoogleKey,
        Detector::UrlCredentials,
        Detector::Ipv4,
        Detector::Ipv6,
    ];

    pub(super) fn bit(self) -> Detectors {
        1 << self as u8
    }

    /// The name that a configuration has for it.
    pub(super) fn named(name: &str) -> Option<Detector> {
        const NAMES: [&str; 15] = [
            "email",
            "creditCard",
            "iban",
            "jwt",
            "bearer",
            "basicAuth",
            "privateKey",
            "awsKey",
            "githubToken",
            "slackToken",
            "stripeKey",
            "googleKey",
            "urlCredentials",
            "ipv4",
            "ipv6",
        ];
        let at = NAMES.iter().position(|known| *known == name)?;
        Detector::ALL.get(at).copied()
    }

    fn look(self, text: &[u8], at: usize) -> Look {
        match self {
            Detector::Email => people::email(text, at),
            Detector::CreditCard => numbers::card(text, at),
            Detector::Iban => numbers::iban(text, at),
            Detector::Jwt => secrets::jwt(text, at),
            Detector::Bearer => secrets::scheme(text, at, b"bearer"),
            Detector::BasicAuth => secrets::scheme(text, at, b"basic"),
            Detector::PrivateKey => secrets::private_key(text, at),
            Detector::AwsKey => secrets::aws(text, at),
            Detector::GithubToken => secrets::github(text, at),
            Detector::SlackToken => secrets::slack(text, at),
            Detector::StripeKey => secrets::stripe(text, at),
            Detector::GoogleKey => secrets::google(text, at),
            Detector::UrlCredentials => secrets::url_credentials(text, at),
            Detector::Ipv4 => people::ipv4(text, at),
            Detector::Ipv6 => people::ipv6(text, at),
        }
    }
}

/// What a detector has seen around one byte.
#[derive(Clone, Debug)]
struct Look {
    found: Option<Range<usize>>,
    /// It need not look again before this place: so each of them is linear.
    next: usize,
}

impl Look {
    fn nothing(next: usize) -> Look {
        Look { found: None, next }
    }

    fn found(range: Range<usize>) -> Look {
        Look { next: range.end, found: Some(range) }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    pub(super) detector: Detector,
}

/// Finds all that `wanted` look for; hits of different detectors may overlap. Sorted by their start, the longest first.
pub(super) fn find(text: &[u8], wanted: Detectors, hits: &mut Vec<Hit>) {
    hits.clear();
    if wanted == 0 {
        return;
    }
    let mut next = [0; Detector::ALL.len()];
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let any = word.iter().fold(0, |any, byte| any | hint(*byte));
        if any & wanted != 0 {
            look_at(text, index * 8, word, wanted, &mut next, hits);
        }
    }
    look_at(text, words.len() * 8, rest, wanted, &mut next, hits);
    if hits.len() > 1 {
        hits.sort_by_key(|hit| (hit.range.start, usize::MAX - hit.range.end));
    }
}

fn look_at(
    text: &[u8],
    from: usize,
    bytes: &[u8],
    wanted: Detectors,
    next: &mut [usize; Detector::ALL.len()],
    hits: &mut Vec<Hit>,
) {
    for (offset, byte) in bytes.iter().enumerate() {
        let at = from + offset;
        let mut hinted = hint(*byte) & wanted;
        while hinted != 0 {
            let number = hinted.trailing_zeros() as usize;
            hinted &= hinted - 1;
            let (Some(&detector), Some(next)) = (Detector::ALL.get(number), next.get_mut(number))
            else {
                break;
            };
            if at < *next {
                continue;
            }
            let look = detector.look(text, at);
            *next = look.next.max(at + 1);
            if let Some(range) = look.found {
                hits.push(Hit { range, detector });
            }
        }
    }
}

/// Bytes from `from` on that `is_part` takes.
fn run(text: &[u8], from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| is_part(**byte)).count()
}

/// The same, backwards from `to`.
fn run_before(text: &[u8], to: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let before = text.get(..to).unwrap_or_default();
    before.iter().rev().take_while(|byte| is_part(**byte)).count()
}

fn byte_before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands where, as text.
    pub(super) fn found(text: &str, detector: Detector) -> Vec<String> {
        let mut hits = Vec::new();
        find(text.as_bytes(), detector.bit(), &mut hits);
        hits.iter()
            .map(|hit| String::from_utf8_lossy(&text.as_bytes()[hit.range.clone()]).into())
            .collect()
    }

    #[test]
    fn p39_many_cards_behind_each_other_are_read_in_linear_time() {
        for piece in ["4 ", "4%20"] {
            let text = piece.repeat(2_000_000);
            let mut hits = Vec::new();
            // What reads up to the end of all of them for each would take hours here.
            find(text.as_bytes(), Detector::CreditCard.bit(), &mut hits);
            assert!(hits.len() > 100_000, "{piece} {}", hits.len());
        }
    }

    #[test]
    fn p39_texts_made_to_be_slow_are_read_in_linear_time() {
        let pieces = [
            "@",
            "a@",
            "1",
            "1 ",
            "1-",
            "DE89",
            "::",
            "://",
            "a:b://",
            "1.",
            "eyJ",
            "bearer ",
            "basic b",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "AKIA",
            "x_",
            "gh",
            "xox",
            "%40",
            "a.b@",
            "AB12 ",
            "f:",
            "://a@",
            "http:",
            "http:\\\\a",
            "//a:",
            "ws:@",
            "ftp://a:b",
        ];
        for piece in pieces {
            let text = piece.repeat(200_000 / piece.len());
            let mut hits = Vec::new();
            // What is quadratic would take days here.
            find(text.as_bytes(), Detectors::MAX, &mut hits);
            assert!(hits.len() <= text.len(), "{piece}");
        }
    }
}
