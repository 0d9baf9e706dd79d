//! Texts under the url action and under `'secrets'`: what a browser or RFC 3986 reads as user and password is gone, masking again
//! changes nothing, and long texts take no more than linear time.
//!
//! `cargo +nightly fuzz run url_mask -- -timeout=5 -dict=fuzz_targets/support/url.dict`
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use support::{SECRET, compiled, masked, planted, repeated, rule};

static ACTION: LazyLock<offloop::process::Process> =
    LazyLock::new(|| compiled(&[], &[rule(&["text"], &[], &["url", "1", "token"])], &[]));
static BOTH: LazyLock<offloop::process::Process> = LazyLock::new(|| {
    let detector = rule(&[], &["urlCredentials"], &["mask"]);
    compiled(&[], &[rule(&["text"], &[], &["url", "0"]), detector], &[])
});

fuzz_target!(|bytes: &[u8]| {
    let Some(text) = planted(bytes) else { return };
    let once = masked(&ACTION, &text, "");
    let both = masked(&BOTH, &text, "");
    for userinfo in [of_browser(&text), of_rfc(&text)] {
        if userinfo.is_some_and(|userinfo| userinfo.contains(SECRET) && outside(&text, &userinfo)) {
            assert!(!once.contains(SECRET) && !both.contains(SECRET), "{text:?}: {once:?}, {both:?}");
        }
    }
    assert_eq!(masked(&ACTION, &once, ""), once, "{text:?} again");
    if let Some(text) = repeated(&text) {
        masked(&BOTH, &text, "");
    }
});

/// The secret is nowhere else.
fn outside(text: &str, userinfo: &str) -> bool {
    text.matches(SECRET).count() == userinfo.matches(SECRET).count()
}

/// As the URL standard says, as far as user and password go.
fn of_browser(text: &str) -> Option<String> {
    let text: String = text.trim_matches(|c| c <= ' ').replace(['\t', '\n', '\r'], "");
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let scheme = scheme.to_ascii_lowercase();
    let authority = match scheme.as_str() {
        _ if !is_scheme => return None,
        "http" | "https" | "ws" | "wss" | "ftp" => {
            rest.trim_start_matches(['/', '\\']).split(['/', '\\', '?', '#']).next()?
        }
        "file" => return None,
        _ => rest.strip_prefix("//")?.split(['/', '?', '#']).next()?,
    };
    authority.rsplit_once('@').map(|(userinfo, _)| userinfo.to_owned())
}

fn of_rfc(text: &str) -> Option<String> {
    let rest = text.strip_prefix("//").or_else(|| {
        let (scheme, rest) = text.split_once(':')?;
        if scheme.contains(['/', '?', '#']) { None } else { rest.strip_prefix("//") }
    })?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@').map(|(userinfo, _)| userinfo.to_owned())
}
