//! Addresses: of people and of machines.

use std::{net::Ipv6Addr, str};

use super::{Look, byte_before, run, run_before};

/// Both halves may have letters beyond ASCII.
pub(super) fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(
            byte,
            b'.' | b'!'
                | b'#'
                | b'$'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-')
}

/// Found by its `@`, or `%40` in a URL. A domain without a dot counts where the text ends: a limit may have cut it.
pub(super) fn email(text: &[u8], at: usize) -> Look {
    let is_escaped = text.get(at..at + 3) == Some(b"%40");
    if text.get(at) == Some(&b'%') && !is_escaped {
        return Look::nothing(at + 1);
    }
    let domain = at + if is_escaped { 3 } else { 1 };
    let local = run_before(text, at, is_local);
    // What the url action has left of a user is none.
    if local == 0 || text.get(at - local..at) == Some(b"REDACTED") {
        return Look::nothing(at + 1);
    }
    let mut end = domain + run(text, domain, is_domain);
    let is_cut = end == text.len();
    while end > domain && matches!(text.get(end - 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    let name = text.get(domain..end).unwrap_or_default();
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is_dotted = last.len() < name.len();
    let is_named = last.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let is_whole = is_dotted && is_named && last.len() >= 2;
    if is_whole || (is_cut && (is_named || name.is_empty())) {
        Look::found(at - local..end)
    } else {
        Look::nothing(at + 1)
    }
}

/// Four numbers up to 255; no part of a longer one.
pub(super) fn ipv4(text: &[u8], at: usize) -> Look {
    let is_part = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let length = run(text, at, is_part);
    let end = at + length;
    let token = text.get(at..end).unwrap_or_default();
    let trimmed = token.strip_suffix(b".").unwrap_or(token);
    let numbers = trimmed.split(|byte| *byte == b'.');
    let is_number = |number: &[u8]| {
        matches!(number.len(), 1..=3)
            && number.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')) <= 255
    };
    let is_address = numbers.clone().count() == 4 && numbers.into_iter().all(is_number);
    if is_address { Look::found(at..at + trimmed.len()) } else { Look::nothing(end) }
}

/// The longest run of its letters around a colon, as the standard library reads it.
pub(super) fn ipv6(text: &[u8], at: usize) -> Look {
    const MOST: usize = 45;
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let start = at - run_before(text, at, is_part);
    let end = at + run(text, at, is_part);
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_inside = byte_before(text, start).is_some_and(is_word)
        || text.get(end).copied().is_some_and(is_word);
    let token = text.get(start..end).unwrap_or_default();
    let trimmed = token.strip_suffix(b".").unwrap_or(token);
    let colons = trimmed.iter().filter(|byte| **byte == b':').count();
    if is_inside || trimmed.len() > MOST || trimmed.len() < 3 || colons < 2 {
        return Look::nothing(end);
    }
    let single = trimmed.strip_suffix(b":").filter(|rest| !rest.ends_with(b":"));
    let address = single.unwrap_or(trimmed);
    let is_address = str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    if is_address { Look::found(start..start + address.len()) } else { Look::nothing(end) }
}

#[cfg(test)]
mod tests {
    use super::super::{Detector, tests::found};

    #[test]
    fn p42_addresses_of_people_and_machines_are_found() {
        for (detector, text, expected) in [
            (
                Detector::Email,
                "to ada.l+x@example.co.uk, bob@b.io.",
                vec!["ada.l+x@example.co.uk", "bob@b.io"],
            ),
            (Detector::Email, "?m=ada%40example.com&x", vec!["ada%40example.com"]),
            (Detector::Email, "jürgen@müller.de", vec!["jürgen@müller.de"]),
            (Detector::Email, "pkg@1.2.3 and @scope/name", vec![]),
            (Detector::Email, "cut ada@exam", vec!["ada@exam"]),
            (Detector::Email, "100%", vec![]),
            (Detector::Email, "https://REDACTED:REDACTED@shop.example/", vec![]),
            (Detector::Ipv4, "from 10.0.0.255:80.", vec!["10.0.0.255"]),
            (Detector::Ipv4, "1.2.3 1.2.3.4.5 1.2.3.256", vec![]),
            (Detector::Ipv6, "peer [2001:db8::1]:443", vec!["2001:db8::1"]),
            (Detector::Ipv6, "::1 and fe80::1%eth0", vec!["::1", "fe80::1"]),
            (Detector::Ipv6, "at 12:34:56, std::vec", vec![]),
        ] {
            assert_eq!(found(text, detector), expected, "{detector:?} {text}");
        }
    }
}
