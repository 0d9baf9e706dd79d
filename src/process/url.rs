//! Secrets in URLs: user and password, and the values of named parameters of query and fragment.
//! It refuses to parse: what is no URL is searched all the same, and bytes outside of the replaced values stay.

/// What stands in for a value.
const REDACTED: &[u8] = b"REDACTED";

/// Parameters that the semantic conventions name.
const SIGNATURES: [&[u8]; 7] = [
    b"AWSAccessKeyId",
    b"Signature",
    b"sig",
    b"X-Goog-Signature",
    b"X-Amz-Signature",
    b"X-Amz-Credential",
    b"X-Amz-Security-Token",
];

/// Writes `text` to `out` without its secrets; `keys` adds to the parameters that are known. Whether anything has changed.
///
/// A value that is gone may have held what ended something else, so that what is left is looked at again.
pub(super) fn mask(text: &[u8], keys: &[Box<[u8]>], out: &mut Vec<u8>) -> bool {
    if !mask_once(text, keys, out) {
        return false;
    }
    for _ in 1..MOST_LOOKS {
        let before = std::mem::take(out);
        if !mask_once(&before, keys, out) {
            break;
        }
    }
    true
}

/// Texts that need more of them are made to.
const MOST_LOOKS: usize = 8;

fn mask_once(text: &[u8], keys: &[Box<[u8]>], out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    let mut changed = false;
    let mut is_start = true;
    while !rest.is_empty() {
        if let Some(authority) = after_slashes(rest, is_start) {
            put(out, &mut rest, authority);
            changed |= mask_userinfo(&mut rest, out);
            is_start = false;
            continue;
        }
        // A name goes from a separator to its equals sign; the slashes of a URL end it, too.
        let name_len = (0..rest.len()).find(|at| ends_name(rest.get(*at..).unwrap_or_default()));
        let name_len = name_len.unwrap_or(rest.len());
        let name = rest.get(..name_len).unwrap_or_default();
        let is_secret = rest.get(name_len) == Some(&b'=') && is_named(name, keys);
        let is_slashes = rest.get(name_len) == Some(&b':');
        put(out, &mut rest, if is_slashes { name_len } else { name_len + 1 });
        is_start = false;
        if is_secret {
            let value_len = rest.iter().position(|byte| ends_value(*byte)).unwrap_or(rest.len());
            if value_len > 0 && rest.get(..value_len) != Some(REDACTED) {
                out.extend_from_slice(REDACTED);
                rest = rest.get(value_len..).unwrap_or_default();
                changed = true;
            }
        }
    }
    changed
}

/// Moves `count` bytes.
fn put(out: &mut Vec<u8>, rest: &mut &[u8], count: usize) {
    let (head, tail) = rest.split_at_checked(count).unwrap_or((rest, &[]));
    out.extend_from_slice(head);
    *rest = tail;
}

/// Length up to the authority, if one begins here.
fn after_slashes(rest: &[u8], is_start: bool) -> Option<usize> {
    if rest.starts_with(b"://") {
        return Some(3);
    }
    (is_start && rest.starts_with(b"//")).then_some(2)
}

/// The authority begins here: user and password are what stands before its last `@`.
fn mask_userinfo(rest: &mut &[u8], out: &mut Vec<u8>) -> bool {
    let end = rest.iter().position(|byte| ends_authority(*byte)).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else { return false };
    let userinfo = authority.get(..at).unwrap_or_default();
    let mut masked = Vec::new();
    match userinfo.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            if colon > 0 {
                masked.extend_from_slice(REDACTED);
            }
            masked.push(b':');
            if colon + 1 < userinfo.len() {
                masked.extend_from_slice(REDACTED);
            }
        }
        None if !userinfo.is_empty() => masked.extend_from_slice(REDACTED),
        None => {}
    }
    let changed = masked != userinfo;
    out.extend_from_slice(&masked);
    *rest = rest.get(at..).unwrap_or_default();
    changed
}

fn ends_authority(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'#') || byte.is_ascii_whitespace()
}

fn ends_value(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b'#') || byte.is_ascii_whitespace()
}

fn is_separator(byte: u8) -> bool {
    ends_value(byte) || matches!(byte, b'?' | b'"' | b'\'' | b'<' | b'>' | b',')
}

fn ends_name(rest: &[u8]) -> bool {
    match rest.first() {
        Some(b':') => rest.starts_with(b"://"),
        Some(byte) => is_separator(*byte) || *byte == b'=',
        None => true,
    }
}

/// Compared after percent-decoding.
fn is_named(name: &[u8], keys: &[Box<[u8]>]) -> bool {
    let is = |name: &[u8]| SIGNATURES.contains(&name) || keys.iter().any(|key| **key == *name);
    if !name.contains(&b'%') && !name.contains(&b'+') {
        return is(name);
    }
    is(&decoded(name))
}

fn decoded(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', _, _) => {
                out.push(b' ');
                rest = tail;
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str, keys: &[&str]) -> String {
        let keys: Vec<Box<[u8]>> = keys.iter().map(|key| key.as_bytes().into()).collect();
        let mut out = Vec::new();
        let changed = mask(text.as_bytes(), &keys, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(changed, out != text, "{text}");
        out
    }

    #[test]
    fn p43_users_passwords_and_named_parameters_are_replaced() {
        for (text, expected) in [
            ("https://u:p@h/x", "https://REDACTED:REDACTED@h/x"),
            ("https://token@h", "https://REDACTED@h"),
            ("https://u:p@ss@h/", "https://REDACTED:REDACTED@h/"),
            ("//u:p@h/", "//REDACTED:REDACTED@h/"),
            ("https://h/a@b", "https://h/a@b"),
            ("https://h/?q=1&sig=abc&x=2", "https://h/?q=1&sig=REDACTED&x=2"),
            ("https://h/?%73ig=abc", "https://h/?%73ig=REDACTED"),
            ("https://h/?SIG=abc", "https://h/?SIG=abc"),
            ("X-Amz-Signature=abc;Signature=d", "X-Amz-Signature=REDACTED;Signature=REDACTED"),
            ("?sig=", "?sig="),
            ("https://h/cb#access_token=abc&x=1", "https://h/cb#access_token=REDACTED&x=1"),
            ("/p?api%20key=1", "/p?api%20key=REDACTED"),
            ("/p?api+key=a%26b", "/p?api+key=REDACTED"),
            (
                "see https://a:b@h and http://c:d@i?sig=x now",
                "see https://REDACTED:REDACTED@h and http://REDACTED:REDACTED@i?sig=REDACTED now",
            ),
            (
                "postgres://u:p@db:5432/x?sslmode=1",
                "postgres://REDACTED:REDACTED@db:5432/x?sslmode=1",
            ),
            ("no url at all", "no url at all"),
            ("sig=one?two&three", "sig=REDACTED&three"),
        ] {
            assert_eq!(masked(text, &["access_token", "api key"]), expected);
        }
    }

    #[test]
    fn p44_masking_again_changes_nothing_and_only_values_change() {
        let mut state = 7u64;
        let pieces = [
            "https://", "u:p@", "h", "/", "?", "sig=", "a=", "&", ";", "#", "é", "%73ig=", "@",
            " ", ":", "=", "//",
        ];
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let once = masked(&text, &[]);
            assert_eq!(masked(&once, &[]), once, "{text}");
            let mut rest = text.as_str();
            for piece in once.split("REDACTED") {
                let at = rest.find(piece).unwrap_or_else(|| panic!("{text} {once}"));
                rest = &rest[at + piece.len()..];
            }
        }
    }

    #[test]
    fn p44_a_long_text_takes_linear_time() {
        let text = "://".repeat(200_000) + &"a".repeat(2_000_000);
        assert_eq!(masked(&text, &[]), text);
    }
}
