//! Credentials: tokens with a mark of their maker, keys, schemes of the header `Authorization`, users in URLs.
//! Beginnings count, because limits of the SDK may have cut a text.

use super::{Look, byte_before, run};
use crate::process::userinfo;

/// A secret that was cut is one if so much of it is left.
const LEAST_LEFT: usize = 4;

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A token from `start` with `head` bytes of mark: long enough, or cut by the end of the text.
fn token(
    text: &[u8],
    start: usize,
    head: usize,
    least: usize,
    is_part: impl Fn(u8) -> bool,
) -> Look {
    let length = run(text, start + head, is_part);
    let end = start + head + length;
    let is_cut = end == text.len() && length >= LEAST_LEFT;
    if length >= least || is_cut { Look::found(start..end) } else { Look::nothing(end) }
}

/// `eyJ` and what follows in its alphabet: `{"` in base64, so no other text begins like that.
pub(super) fn jwt(text: &[u8], at: usize) -> Look {
    let Some(start) = at.checked_sub(2).filter(|start| starts(text, *start, b"eyJ")) else {
        return Look::nothing(at + 1);
    };
    token(text, start, 3, 10, |byte| {
        is_base64url(byte) || matches!(byte, b'.' | b'=' | b'+' | b'/')
    })
}

fn starts(text: &[u8], at: usize, wanted: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(wanted))
}

/// The credentials behind the name of a scheme. A plain lower-case word is none.
pub(super) fn scheme(text: &[u8], at: usize, name: &[u8]) -> Look {
    let rest = text.get(at..).unwrap_or_default();
    let is_name = rest.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
    if !is_name || byte_before(text, at).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return Look::nothing(at + 1);
    }
    let mut start = at + name.len();
    let behind_name = start;
    loop {
        if matches!(text.get(start), Some(b' ' | b'\t' | b'+' | b':' | b'=')) {
            start += 1;
        } else if starts(text, start, b"%20") {
            start += 3;
        } else {
            break;
        }
    }
    if start == behind_name {
        return Look::nothing(at + 1);
    }
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'%' | b':')
    };
    let end = start + run(text, start, is_part);
    let value = text.get(start..end).unwrap_or_default();
    let is_word =
        value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.' | b':'));
    if value.len() < 6 || is_word { Look::nothing(end) } else { Look::found(start..end) }
}

/// From `-----BEGIN … PRIVATE KEY` to the end of the block, or of the text.
pub(super) fn private_key(text: &[u8], at: usize) -> Look {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    let head = at + BEGIN.len();
    if !starts(text, at, BEGIN) {
        return Look::nothing(at + 1);
    }
    let kind =
        run(text, head, |byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'0'..=b'9'));
    let name = text.get(head..head + kind).unwrap_or_default();
    if !name.windows(11).any(|part| part == b"PRIVATE KEY") {
        return Look::nothing(head + kind);
    }
    let body = text.get(head + kind..).unwrap_or_default();
    let Some(to) = position(body, END) else { return Look::found(at..text.len()) };
    let tail = head + kind + to + END.len();
    let label = run(text, tail, |byte| byte.is_ascii_alphanumeric() || byte == b' ');
    let dashes = run(text, tail + label, |byte| byte == b'-');
    Look::found(at..tail + label + dashes)
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

pub(super) fn aws(text: &[u8], at: usize) -> Look {
    let marks: [&[u8]; 4] = [b"AKIA", b"ASIA", b"ABIA", b"ACCA"];
    if !marks.iter().any(|mark| starts(text, at, mark)) {
        return Look::nothing(at + 1);
    }
    token(text, at, 4, 16, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// `gh?_` and `github_pat_`, found by their underscore.
pub(super) fn github(text: &[u8], at: usize) -> Look {
    if let Some(start) = at.checked_sub(10).filter(|start| starts(text, *start, b"github_pat_")) {
        return token(text, start, 11, 16, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    }
    let Some(start) = at.checked_sub(3) else { return Look::nothing(at + 1) };
    match text.get(start..at) {
        Some(&[b'g', b'h', b'p' | b'o' | b'u' | b's' | b'r']) => {
            token(text, start, 4, 16, |byte| byte.is_ascii_alphanumeric())
        }
        _ => Look::nothing(at + 1),
    }
}

pub(super) fn slack(text: &[u8], at: usize) -> Look {
    let head = match text.get(at..at + 5) {
        Some(&[b'x', b'o', b'x', b'a'..=b'z', b'-' | b'.']) | Some(b"xapp-") => 5,
        _ => return Look::nothing(at + 1),
    };
    token(text, at, head, 10, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// `sk_live_`, `rk_test_` and the like, and the secrets of webhooks.
pub(super) fn stripe(text: &[u8], at: usize) -> Look {
    if let Some(start) = at.checked_sub(5).filter(|start| starts(text, *start, b"whsec_")) {
        return token(text, start, 6, 10, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        });
    }
    let Some(start) = at.checked_sub(2) else { return Look::nothing(at + 1) };
    let is_kind = matches!(text.get(start..at), Some(b"sk" | b"rk" | b"pk"));
    let is_mode = starts(text, at, b"_live_") || starts(text, at, b"_test_");
    if !is_kind || !is_mode {
        return Look::nothing(at + 1);
    }
    token(text, start, 8, 10, |byte| byte.is_ascii_alphanumeric())
}

pub(super) fn google(text: &[u8], at: usize) -> Look {
    if !starts(text, at, b"AIza") {
        return Look::nothing(at + 1);
    }
    token(text, at, 4, 20, is_base64url)
}

/// User and password before an `@`; without it, if the text was cut before it.
pub(super) fn url_credentials(text: &[u8], at: usize) -> Look {
    let (found, next) = userinfo::around(text, at);
    Look { found, next }
}

#[cfg(test)]
mod tests {
    use super::super::{Detector, tests::found};

    #[test]
    fn p42_credentials_are_told_by_their_mark() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        for (detector, text, expected) in [
            (
                Detector::Jwt,
                "t=eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln; x",
                vec!["eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln"],
            ),
            (Detector::Jwt, "eyJust a word", vec![]),
            (Detector::Bearer, "Authorization: Bearer abcDEF123-._~+/=", vec!["abcDEF123-._~+/="]),
            (Detector::Bearer, "BEARER%20secret01 x", vec!["secret01"]),
            (Detector::Bearer, "the bearer token expired", vec![]),
            (Detector::BasicAuth, "basic dXNlcjpwYXNz", vec!["dXNlcjpwYXNz"]),
            (Detector::BasicAuth, "basic authentication", vec![]),
            (Detector::PrivateKey, &format!("a {pem} b"), vec![pem]),
            (Detector::PrivateKey, "-----BEGIN CERTIFICATE-----\nMII", vec![]),
            (Detector::AwsKey, "id AKIAIOSFODNN7EXAMPLE!", vec!["AKIAIOSFODNN7EXAMPLE"]),
            (Detector::AwsKey, "AKIAB short", vec![]),
            (
                Detector::GithubToken,
                "ghp_0123456789abcdef0123456789abcdef0123",
                vec!["ghp_0123456789abcdef0123456789abcdef0123"],
            ),
            (
                Detector::GithubToken,
                "github_pat_11ABCDEFG0123456789_x",
                vec!["github_pat_11ABCDEFG0123456789_x"],
            ),
            (Detector::SlackToken, "xoxb-123456789012-abc", vec!["xoxb-123456789012-abc"]),
            (Detector::StripeKey, "key sk_live_0123456789abc.", vec!["sk_live_0123456789abc"]),
            (Detector::StripeKey, "whsec_0123456789abc=", vec!["whsec_0123456789abc="]),
            (
                Detector::GoogleKey,
                "AIzaSyA-0123456789_abcdefghijklmnopqrs",
                vec!["AIzaSyA-0123456789_abcdefghijklmnopqrs"],
            ),
            (Detector::UrlCredentials, "postgres://u:p@ss@db/x", vec!["u:p@ss"]),
            (Detector::UrlCredentials, "postgres://u:p/s#s?@db/x", vec!["u:p/s#s?"]),
            (Detector::UrlCredentials, "https://host:80/a@b https://host:a/b", vec![]),
            (Detector::UrlCredentials, "https://host:8080", vec![]),
            (Detector::UrlCredentials, "https://REDACTED:REDACTED@h", vec![]),
            (Detector::UrlCredentials, "https://host/a:b@c", vec![]),
            (Detector::UrlCredentials, "redis://:secret@h redis://k@h", vec![":secret", "k"]),
            (
                Detector::UrlCredentials,
                r"HTTPS:\\u:p@h http:\/u@h ws:/u:p@h",
                vec!["u:p", "u", "u:p"],
            ),
            (Detector::UrlCredentials, "to ftp:u:p@h, file:///u:p@h", vec!["u:p", "u:p"]),
            (Detector::UrlCredentials, "href=\"//u:p@h\" //u:p@h/", vec!["u:p", "u:p"]),
            (Detector::UrlCredentials, "a//b:c@d http: a@b // x:y z@b http:x:y", vec![]),
            (Detector::UrlCredentials, "http://http://u:p@h", vec!["u:p"]),
        ] {
            assert_eq!(found(text, detector), expected, "{detector:?} {text}");
        }
    }

    #[test]
    fn p19_secrets_that_a_limit_has_cut_are_found() {
        for (detector, text, expected) in [
            (Detector::Jwt, "token eyJhbG", "eyJhbG".len() + 1),
            (Detector::PrivateKey, "-----BEGIN PRIVATE KEY-----\nMIIEv", 33),
            (Detector::AwsKey, "AKIAIOSF", 8),
            (Detector::GithubToken, "ghp_0123", 8),
            (Detector::SlackToken, "xoxb-1234", 9),
            (Detector::StripeKey, "sk_live_0123", 12),
            (Detector::GoogleKey, "AIzaSyA-", 8),
            (Detector::UrlCredentials, "https://user:pas", 8),
        ] {
            let hits = found(text, detector);
            match detector {
                // Three letters behind the mark are too few.
                Detector::Jwt => assert_eq!(found("token eyJhbGc", detector), ["eyJhbGc"]),
                _ => assert_eq!(hits.first().map(String::len), Some(expected), "{text}"),
            }
        }
    }
}
