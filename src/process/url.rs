//! Secrets in URLs: user and password, and the values of named parameters of query and fragment.
//! It refuses to parse: what is no URL is searched all the same, and bytes outside of the replaced values stay. Where parsers
//! disagree, what any of them would read as a secret is one.

use super::userinfo::{self, is_skipped};

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
    let mut without_users = Vec::with_capacity(text.len());
    let is_changed = mask_users(text, &mut without_users);
    out.reserve(without_users.len());
    mask_parameters(&without_users, keys, out) || is_changed
}

fn mask_users(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut is_changed = false;
    let mut copied = 0;
    for found in userinfo::all(text) {
        out.extend_from_slice(text.get(copied..found.start).unwrap_or_default());
        copied = found.end;
        let before = out.len();
        let userinfo = text.get(found).unwrap_or_default();
        let mut parts = userinfo.splitn(2, |byte| *byte == b':');
        if parts.next().is_some_and(|user| !user.is_empty()) {
            out.extend_from_slice(REDACTED);
        }
        if let Some(password) = parts.next() {
            out.push(b':');
            out.extend_from_slice(if password.is_empty() { b"" } else { REDACTED });
        }
        is_changed |= out.get(before..) != Some(userinfo);
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    is_changed
}

fn mask_parameters(text: &[u8], keys: &[Box<[u8]>], out: &mut Vec<u8>) -> bool {
    let mut is_changed = false;
    let mut rest = text;
    // A name goes from a separator to its equals sign.
    while let Some(length) = rest.iter().position(|byte| *byte == b'=' || ends_value(*byte)) {
        let (name, tail) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let (sign, tail) = tail.split_at_checked(1).unwrap_or_default();
        out.extend_from_slice(name);
        out.extend_from_slice(sign);
        rest = tail;
        if sign != b"=" || !is_named(name, keys) {
            continue;
        }
        let value = rest.iter().position(|byte| ends_value(*byte)).unwrap_or(rest.len());
        let (value, tail) = rest.split_at_checked(value).unwrap_or((rest, &[]));
        rest = tail;
        if value.is_empty() || value == REDACTED {
            out.extend_from_slice(value);
        } else {
            out.extend_from_slice(REDACTED);
            is_changed = true;
        }
    }
    out.extend_from_slice(rest);
    is_changed
}

/// Parsers go on behind a blank or a semicolon: what stands there may belong to the secret.
fn ends_value(byte: u8) -> bool {
    matches!(byte, b'&' | b'#')
}

/// A name may begin behind it, and for other parsers it is a part of the name.
fn may_separate(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'?' | b';' | b'"' | b'\'' | b'<' | b'>' | b',')
}

/// Compared after percent-decoding: the whole name, or what is behind something that may separate.
fn is_named(name: &[u8], keys: &[Box<[u8]>]) -> bool {
    let is_plain = !name.iter().any(|byte| matches!(byte, b'%' | b'+') || is_skipped(*byte));
    let decoded_name;
    let name = if is_plain {
        name
    } else {
        decoded_name = decoded(name);
        &decoded_name
    };
    let is = |key: &[u8]| {
        let before = name.strip_suffix(key).map(<[u8]>::last);
        before.is_some_and(|last| last.is_none_or(|byte| may_separate(*byte)))
    };
    SIGNATURES.into_iter().any(is) || keys.iter().any(|key| is(key))
}

fn decoded(name: &[u8]) -> Vec<u8> {
    // Browsers skip them in the middle of `%41`, too.
    let name: Vec<u8> = name.iter().copied().filter(|byte| !is_skipped(*byte)).collect();
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name.as_slice();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', _, _) => out.push(b' '),
            _ => out.push(byte),
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
            ("X-Amz-Signature=abc&Signature=d", "X-Amz-Signature=REDACTED&Signature=REDACTED"),
            ("a=1;Signature=d;e=f", "a=1;Signature=REDACTED"),
            ("sig=a b", "sig=REDACTED"),
            ("https://h/?s\nig=a", "https://h/?s\nig=REDACTED"),
            ("https://h/?si%\r6\n7=a", "https://h/?si%\r6\n7=REDACTED"),
            ("https://h/?b'c=d&xsig=1", "https://h/?b'c=REDACTED&xsig=1"),
            ("?sig=", "?sig="),
            ("https://h/cb#access_token=abc&x=1", "https://h/cb#access_token=REDACTED&x=1"),
            ("/p?api%20key=1", "/p?api%20key=REDACTED"),
            ("/p?api+key=a%26b", "/p?api+key=REDACTED"),
            (
                "see https://a:b@h and http://c:d@i?sig=x now",
                "see https://REDACTED:REDACTED@h and http://REDACTED:REDACTED@i?sig=REDACTED",
            ),
            (
                "postgres://u:p@db:5432/x?sslmode=1",
                "postgres://REDACTED:REDACTED@db:5432/x?sslmode=1",
            ),
            ("no url at all", "no url at all"),
            ("sig=one?two&three", "sig=REDACTED&three"),
        ] {
            assert_eq!(masked(text, &["access_token", "api key", "b'c"]), expected, "{text}");
        }
    }

    #[test]
    fn p43_whatever_a_parser_takes_for_a_user_is_replaced() {
        for (text, expected) in [
            ("https:\\\\u:p@h", "https:\\\\REDACTED:REDACTED@h"),
            ("https:\\/u:p@h", "https:\\/REDACTED:REDACTED@h"),
            ("https:/u:p@h", "https:/REDACTED:REDACTED@h"),
            ("https:u:p@h", "https:REDACTED:REDACTED@h"),
            ("a?to=HTTPS:u:p@h", "a?to=HTTPS:REDACTED:REDACTED@h"),
            ("https:////u:p@h", "https:////REDACTED:REDACTED@h"),
            ("h\tttps:\nu:p@h", "h\tttps:\nREDACTED:REDACTED@h"),
            (" https://u \r\n:p @h", " https://REDACTED:REDACTED@h"),
            ("https://u\\x:p@h", "https://REDACTED:REDACTED@h"),
            ("file:///u:p@h", "file:///REDACTED:REDACTED@h"),
            ("\\\\u:p@h", "\\\\REDACTED:REDACTED@h"),
            ("u:p@h/x", "REDACTED:REDACTED@h/x"),
            ("token@h?x=1", "REDACTED@h?x=1"),
            ("x=1:secret@h", "REDACTED:REDACTED@h"),
            ("x=1:secret@h/p?q=1", "REDACTED:REDACTED@h/p?q=1"),
            ("to=ada@h", "to=ada@h"),
            ("to=https://u:p@h", "to=https://REDACTED:REDACTED@h"),
            ("u:123/x@h", "REDACTED:REDACTED@h"),
            ("jdbc:oracle:thin:u/p@//h:1521/x", "REDACTED:REDACTED@//h:1521/x"),
            ("https://u:p/s#s?@h", "https://REDACTED:REDACTED@h"),
            ("https://u:pas", "https://REDACTED:REDACTED"),
            ("https://u%40x:p%3a@h", "https://REDACTED:REDACTED@h"),
            ("https://:p@h", "https://:REDACTED@h"),
            ("https://u:@h", "https://REDACTED:@h"),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("https://h:80/a@b", "https://h:80/a@b"),
            ("to=ada@h&x=a:b@c", "to=ada@h&x=a:b@c"),
            ("/users/a:b@c", "/users/a:b@c"),
        ] {
            assert_eq!(masked(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn p44_masking_again_changes_nothing_and_only_values_change() {
        let mut state = 7u64;
        let pieces = [
            "https://", "u:p@", "h", "/", "?", "sig=", "a=", "&", ";", "#", "é", "%73ig=", "@",
            " ", ":", "=", "//", "\\", "http:", "\n",
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
        for piece in
            ["://", "http:", "http:\\\\a", "https:1:a", ":/", "%", "a=", "a@:", "\n:", "a?b"]
        {
            let text = piece.repeat(50_000) + &"a".repeat(200_000);
            // What is quadratic would take hours here.
            let once = masked(&text, &[]);
            assert_eq!(masked(&once, &[]), once, "{piece}");
        }
    }
}
