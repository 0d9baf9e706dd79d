//! Which detectors may find something in a text: what most texts are asked, and no more.
//! It refuses to say no where a detector would find something; a yes is only worth a closer look.

use memchr::memchr3_iter;

use super::{Detector, Detectors, people::is_local};

const EMAIL: Detectors = 1 << Detector::Email as u8;
const CARD: Detectors = 1 << Detector::CreditCard as u8;
const IBAN: Detectors = 1 << Detector::Iban as u8;
const JWT: Detectors = 1 << Detector::Jwt as u8;
const BEARER: Detectors = 1 << Detector::Bearer as u8;
const BASIC: Detectors = 1 << Detector::BasicAuth as u8;
const PRIVATE_KEY: Detectors = 1 << Detector::PrivateKey as u8;
const AWS: Detectors = 1 << Detector::AwsKey as u8;
const GITHUB: Detectors = 1 << Detector::GithubToken as u8;
const SLACK: Detectors = 1 << Detector::SlackToken as u8;
const STRIPE: Detectors = 1 << Detector::StripeKey as u8;
const GOOGLE: Detectors = 1 << Detector::GoogleKey as u8;
const URL: Detectors = 1 << Detector::UrlCredentials as u8;
const IPV4: Detectors = 1 << Detector::Ipv4 as u8;
const IPV6: Detectors = 1 << Detector::Ipv6 as u8;

/// Which detectors each byte may wake.
static HINTS: [Detectors; 256] = hints();

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it: what is outside does not compile"
)]
const fn hints() -> [Detectors; 256] {
    let mut table = [0; 256];
    let pairs: [(&[u8], Detectors); 9] = [
        (b"@%", EMAIL),
        (b"0123456789", CARD | IPV4 | IBAN),
        (b"J", JWT),
        (b"bB", BEARER | BASIC),
        (b"-", PRIVATE_KEY),
        (b"A", AWS | GOOGLE),
        (b"_", GITHUB | STRIPE),
        (b"x", SLACK),
        (b":", URL | IPV6),
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

/// The detectors among `wanted` of which `find` may find something in it.
pub(in crate::process) fn possible(text: &[u8], wanted: Detectors) -> Detectors {
    let marked = wanted & !(CARD | IBAN | IPV4);
    let mut found = 0;
    if marked != 0 {
        found = at_marks(text, marked);
    }
    if wanted & CARD != 0 && has_long_number(text) {
        found |= CARD;
    }
    if wanted & (IBAN | IPV4) != 0 {
        found |= at_digits(text);
    }
    found & wanted
}

/// What may stand around one of the bytes of which every text has one that a detector finds, other than by its digits. Three of
/// them are looked for at the price of one.
fn at_marks(text: &[u8], wanted: Detectors) -> Detectors {
    // Colons are in many texts. Where nobody waits for them, another byte stands in.
    let colon = if wanted & (URL | IPV6) == 0 { b'x' } else { b':' };
    let searches = [
        (*b"@%J", EMAIL | JWT),
        (*b"AbB", AWS | GOOGLE | PRIVATE_KEY | BEARER | BASIC),
        ([b'_', b'x', colon], GITHUB | STRIPE | SLACK | URL | IPV6),
    ];
    let mut found = 0;
    for ([first, second, third], detectors) in searches {
        let wanted = wanted & detectors;
        if wanted == 0 {
            continue;
        }
        for at in memchr3_iter(first, second, third, text) {
            found |= at_mark(text, at);
            if found & wanted == wanted {
                break;
            }
        }
    }
    found
}

#[inline(never)]
fn at_mark(text: &[u8], at: usize) -> Detectors {
    let (before, behind) = text.split_at_checked(at).unwrap_or_default();
    match behind {
        [b'_', ..] => match before {
            [.., b'g', b'h', _] | [.., b'p', b'a', b't'] => GITHUB,
            [.., b's' | b'r' | b'p', b'k'] | [.., b's', b'e', b'c'] => STRIPE,
            _ => 0,
        },
        [b'b' | b'B', b'e' | b'E', b'a' | b'A', b'r' | b'R', ..] => BEARER,
        [b'b' | b'B', b'a' | b'A', b's' | b'S', b'i' | b'I', ..] => BASIC,
        [b'@', ..] if before.last().is_some_and(|byte| is_local(*byte)) => EMAIL,
        [b'%', b'4', b'0', ..] => EMAIL,
        [b'J', ..] if before.ends_with(b"ey") => JWT,
        [b'A', b'K' | b'S' | b'B', b'I', b'A', ..] | [b'A', b'C', b'C', b'A', ..] => AWS,
        [b'A', b'I', b'z', b'a', ..] => GOOGLE,
        [b'A', b'T', b'E', b' ', b'K', ..] if before.ends_with(b"PRIV") => PRIVATE_KEY,
        [b'x', b'o', b'x', ..] | [b'x', b'a', b'p', b'p', ..] => SLACK,
        [b':', ..] if may_end_user(before, behind) => URL | IPV6,
        [b':', ..] => IPV6,
        _ => 0,
    }
}

/// Whether a URL may have its scheme or its user before a colon.
fn may_end_user(before: &[u8], behind: &[u8]) -> bool {
    behind.starts_with(b"://")
        || matches!(before.last(), Some(b's' | b'S' | b'p' | b'P' | b'\t' | b'\r' | b'\n'))
        || {
            let last = before.iter().rposition(|byte| matches!(byte, b'/' | b':'));
            last.is_some_and(|last| before.get(..=last).is_some_and(|head| head.ends_with(b"//")))
        }
}

/// What may begin with two letters and two digits, or has dots between digits.
fn at_digits(text: &[u8]) -> Detectors {
    text.windows(4).fold(0, |found, window| match window {
        [a, b, c, d]
            if a.is_ascii_alphabetic()
                && b.is_ascii_alphabetic()
                && c.is_ascii_digit()
                && d.is_ascii_digit() =>
        {
            found | IBAN
        }
        [a, b'.', c, _] if a.is_ascii_digit() && c.is_ascii_digit() => found | IPV4,
        _ => found,
    })
}

const LEAST_CARD_DIGITS: usize = 13;
/// Whatever is as long as a card has four bytes at the beginning of one of the pieces that a text has of this length.
const PIECE: usize = LEAST_CARD_DIGITS - 3;

fn has_long_number(text: &[u8]) -> bool {
    let (pieces, rest) = text.as_chunks::<{ 2 * PIECE }>();
    for (index, piece) in pieces.iter().enumerate() {
        let [a, b, c, d, _, _, _, _, _, _, e, f, g, h, ..] = *piece;
        let (first, second) = (are_numeric([a, b, c, d]), are_numeric([e, f, g, h]));
        let at = index * 2 * PIECE;
        if (first && is_in_long_number(text, at)) || (second && is_in_long_number(text, at + PIECE))
        {
            return true;
        }
    }
    let at = text.len() - rest.len();
    (first_is_numeric(rest) && is_in_long_number(text, at))
        || (first_is_numeric(rest.get(PIECE..).unwrap_or_default())
            && is_in_long_number(text, at + PIECE))
}

fn first_is_numeric(text: &[u8]) -> bool {
    text.first_chunk().is_some_and(|bytes| are_numeric(*bytes))
}

/// Whether they are digits, blanks or punctuation, as all bytes of a card.
#[inline]
fn are_numeric(bytes: [u8; 4]) -> bool {
    u32::from_le_bytes(bytes) & 0xe0e0_e0e0 == 0x2020_2020
}

/// What may stand between two groups of digits, or begin it.
fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'+' | b'.' | b'%')
}

#[inline(never)]
fn is_in_long_number(text: &[u8], at: usize) -> bool {
    let (before, behind) = text.split_at_checked(at).unwrap_or_default();
    // Of nine more bytes at least four are on one side.
    let is_longer = first_is_numeric(behind.get(4..).unwrap_or_default())
        || before.last_chunk().is_some_and(|bytes| are_numeric(*bytes));
    is_longer && digits(before.iter().rev()) + digits(behind.iter()) >= LEAST_CARD_DIGITS
}

/// Digits up to what is none, or to a second gap in a row: so no text is read more than twice. Those of `%20` count, too.
fn digits<'t>(bytes: impl Iterator<Item = &'t u8>) -> usize {
    let mut count = 0;
    let mut was_gap = false;
    for byte in bytes {
        if byte.is_ascii_digit() {
            count += 1;
        } else if was_gap || !is_gap(*byte) {
            break;
        }
        was_gap = is_gap(*byte);
        if count >= LEAST_CARD_DIGITS {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests;
