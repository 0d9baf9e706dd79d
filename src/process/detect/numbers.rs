//! Numbers with a check digit: cards and bank accounts. What fails the check is left alone.

use super::{Look, byte_before, run};

const MOST_CARD_DIGITS: usize = 19;
const LEAST_CARD_DIGITS: usize = 13;

/// 13 to 19 digits of which the first is 2 to 6, in groups with single blanks, hyphens or dots between them, or with what
/// stands for a blank in a URL or a form.
pub(super) fn card(text: &[u8], at: usize) -> Look {
    let mut start = at;
    loop {
        if let Some(range) = card_from(text, start) {
            return Look::found(range);
        }
        // The digits of `%20` or `%22` before it are none of it.
        let is_behind_escape = start == at && byte_before(text, at) == Some(b'%');
        if is_behind_escape && let Some(range) = card_from(text, at + 2) {
            return Look::found(range);
        }
        start += run(text, start, |byte| byte.is_ascii_digit());
        match gap(text, start) {
            0 => return Look::nothing(start),
            gap => start += gap,
        }
    }
}

/// The length of what may stand between two groups, if one follows.
fn gap(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let length = match rest {
        [b' ' | b'-' | b'+' | b'.', ..] => 1,
        [b'%', b'2', b'0', ..] => 3,
        _ => return 0,
    };
    if rest.get(length).is_some_and(u8::is_ascii_digit) { length } else { 0 }
}

/// The longest card from `start`, which is where a group begins, to where one ends. It reads no more than a card has digits,
/// because there may be another behind each.
fn card_from(text: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    if !matches!(text.get(start), Some(b'2'..=b'6')) {
        return None;
    }
    let mut digits = [0; MOST_CARD_DIGITS];
    let mut count = 0;
    let mut found = None;
    let mut next = start;
    loop {
        let at = next;
        let Some(byte) = text.get(at).filter(|byte| byte.is_ascii_digit()) else {
            match gap(text, at) {
                0 => break,
                gap => next += gap,
            }
            continue;
        };
        next += 1;
        let Some(place) = digits.get_mut(count) else { break };
        *place = byte - b'0';
        count += 1;
        let is_end_of_group = !text.get(at + 1).is_some_and(u8::is_ascii_digit);
        if is_end_of_group && count >= LEAST_CARD_DIGITS && has_luhn(digits.get(..count)?) {
            found = Some(start..at + 1);
        }
    }
    found
}

fn has_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

const MOST_IBAN: usize = 34;
const LEAST_IBAN: usize = 15;

/// Country, check digits and account, together or in groups of four.
pub(super) fn iban(text: &[u8], at: usize) -> Look {
    let Some(start) = at.checked_sub(2) else { return Look::nothing(at + 1) };
    let is_country =
        text.get(start..at).is_some_and(|part| part.iter().all(u8::is_ascii_alphabetic));
    let is_checked = text.get(at + 1).is_some_and(u8::is_ascii_digit);
    let is_inside = byte_before(text, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !is_country || !is_checked || is_inside {
        return Look::nothing(at + 1);
    }
    match iban_from(text, start) {
        Some(end) => Look::found(start..end),
        None => Look::nothing(at + 1),
    }
}

fn iban_from(text: &[u8], start: usize) -> Option<usize> {
    let mut letters = [0u8; MOST_IBAN];
    let (mut count, mut at, mut group) = (0, start, 0);
    let mut is_grouped = None;
    let mut found = None;
    loop {
        match text.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                let Some(place) = letters.get_mut(count) else { break };
                *place = byte.to_ascii_uppercase();
                count += 1;
                group += 1;
                at += 1;
                if is_grouped == Some(true) && group > 4 {
                    break;
                }
            }
            end => {
                let is_long = (LEAST_IBAN..=MOST_IBAN).contains(&count);
                if is_long && is_divisible(letters.get(..count)?) {
                    found = Some(at);
                }
                let goes_on = matches!(end, Some(b' ' | b'-')) && group == 4;
                if !goes_on || is_grouped == Some(false) {
                    break;
                }
                is_grouped = Some(true);
                group = 0;
                at += 1;
            }
        }
        if group > 4 && is_grouped.is_none() {
            is_grouped = Some(false);
        }
    }
    found
}

/// The first four go to the end, letters are two digits, and what is left of 97 is 1.
fn is_divisible(letters: &[u8]) -> bool {
    let (head, account) = letters.split_at_checked(4).unwrap_or_default();
    let rest = account.iter().chain(head).fold(0, |rest: u32, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::super::{Detector, tests::found};

    #[test]
    fn p36_cards_have_their_check_digit_and_may_have_gaps() {
        for (text, expected) in [
            ("4111111111111111", vec!["4111111111111111"]),
            ("4111111111111112", vec![]),
            ("pan=4111-1111-1111-1111;", vec!["4111-1111-1111-1111"]),
            ("no 12 4111 1111 1111 1111 5", vec!["4111 1111 1111 1111"]),
            ("378282246310005", vec!["378282246310005"]),
            ("1111111111111117", vec![]),
            ("4222222222222", vec!["4222222222222"]),
            ("41111111111111110000", vec![]),
            ("4111  1111 1111 1111", vec![]),
            ("4111+1111+1111+1111", vec!["4111+1111+1111+1111"]),
            ("pan=4111%201111%201111%201111&x", vec!["4111%201111%201111%201111"]),
            ("4111.1111.1111.1111.", vec!["4111.1111.1111.1111"]),
            ("a%204111111111111111", vec!["4111111111111111"]),
            ("%224111111111111111%22", vec!["4111111111111111"]),
            ("%2041%2011", vec![]),
            ("4111%201111%201111%201112", vec![]),
        ] {
            assert_eq!(found(text, Detector::CreditCard), expected, "{text}");
        }
    }

    #[test]
    fn p36_accounts_have_theirs() {
        for (text, expected) in [
            ("DE89370400440532013000", vec!["DE89370400440532013000"]),
            ("iban DE89 3704 0044 0532 0130 00 please", vec!["DE89 3704 0044 0532 0130 00"]),
            ("gb82 west 1234 5698 7654 32", vec!["gb82 west 1234 5698 7654 32"]),
            ("DE88370400440532013000", vec![]),
            ("XDE89370400440532013000", vec![]),
            ("NO9386011117947", vec!["NO9386011117947"]),
        ] {
            assert_eq!(found(text, Detector::Iban), expected, "{text}");
        }
    }

    /// A second opinion, by another way of computing it.
    fn is_card(digits: &str) -> bool {
        let table = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
        let odd = digits.len() % 2;
        let sum: usize = digits
            .bytes()
            .enumerate()
            .map(|(at, digit)| (usize::from(digit - b'0'), at % 2 == odd))
            .map(|(digit, is_doubled)| if is_doubled { table[digit] } else { digit })
            .sum();
        (b'2'..=b'6').contains(&digits.as_bytes()[0]) && sum.is_multiple_of(10)
    }

    #[test]
    fn p36_of_random_numbers_exactly_those_with_a_check_digit_are_found() {
        let mut state = 1u64;
        for _ in 0..100_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let length = 13 + (state >> 40) as usize % 7;
            let digits = &format!("{:019}", (state >> 1) % 10_000_000_000_000_000_000)[..length];
            assert_eq!(
                !found(digits, Detector::CreditCard).is_empty(),
                is_card(digits),
                "{digits}"
            );
        }
    }
}
