//! Statements: what MySQL or PostgreSQL reads as a literal or a comment, here read a second time and in the plainest way, is gone
//! for that database and for an unknown one.
//!
//! `cargo +nightly fuzz run sql_mask -- -timeout=5 -dict=fuzz_targets/support/sql.dict`
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use support::{SECRET, compiled, masked, planted, repeated, rule};

static ACTION: LazyLock<offloop::process::Process> =
    LazyLock::new(|| compiled(&[], &[rule(&["text"], &[], &["sql", "auto"])], &[]));

fuzz_target!(|bytes: &[u8]| {
    let Some(text) = planted(bytes) else { return };
    for (system, is_mysql) in [("mysql", true), ("postgresql", false)] {
        let out = masked(&ACTION, &text, system);
        if !names(&text, is_mysql).contains(SECRET) {
            assert!(!out.contains(SECRET), "{system}: {text:?}: {out:?}");
            let unknown = masked(&ACTION, &text, "unknown");
            assert!(!unknown.contains(SECRET), "unknown: {text:?}: {unknown:?}");
        }
        assert_eq!(masked(&ACTION, &out, system), out, "{system}: {text:?} again");
    }
    if let Some(text) = repeated(&text) {
        for system in ["mysql", "postgresql", "oracle", "unknown"] {
            masked(&ACTION, &text, system);
        }
    }
});

/// What is left of a statement without its literals of text and its comments.
fn names(text: &str, is_mysql: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let is_behind_name = out.ends_with(|c: char| c.is_alphanumeric() || "_$".contains(c));
        let length = match next {
            '\'' => quoted(rest, '\'', is_mysql || is_escaping(&out)),
            '"' if is_mysql => quoted(rest, '"', true),
            '"' => quoted(rest, '"', false).inspect(|length| out += &rest[..*length]),
            '`' if is_mysql => quoted(rest, '`', false).inspect(|length| out += &rest[..*length]),
            '$' if !is_mysql && !is_behind_name => dollars(rest),
            '#' if is_mysql => Some(line(rest, &['\n'])),
            '-' if is_mysql && rest.starts_with("--") && rest[2..].starts_with(|c| c <= ' ') => {
                Some(line(rest, &['\n']))
            }
            '-' if !is_mysql && rest.starts_with("--") => Some(line(rest, &['\n', '\r'])),
            '/' if rest.starts_with("/*") => comment(rest, !is_mysql),
            _ => Some(0),
        };
        // Without an end no database reads it.
        let Some(length) = length else { return out };
        if length == 0 {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            if next == '\'' {
                out.push(' ');
            }
            rest = &rest[length..];
        }
    }
    out
}

/// `E` and nothing else in front of a quote.
fn is_escaping(before: &str) -> bool {
    let word = before.rsplit(|c: char| !(c.is_alphanumeric() || "_$".contains(c))).next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("e"))
}

fn quoted(text: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut rest = text[1..].char_indices().peekable();
    while let Some((at, next)) = rest.next() {
        if next == '\\' && escapes {
            rest.next();
        } else if next == quote && rest.next_if(|(_, c)| *c == quote).is_none() {
            return Some(at + 2);
        }
    }
    None
}

fn dollars(text: &str) -> Option<usize> {
    let tag = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map(|at| at + 1);
    let Some(tag) = tag.filter(|tag| text[*tag..].starts_with('$')) else { return Some(0) };
    if text[1..].starts_with(|c: char| c.is_numeric()) {
        return Some(0);
    }
    let delimiter = &text[..=tag];
    text[tag + 1..].find(delimiter).map(|at| at + 2 * delimiter.len())
}

fn line(text: &str, ends: &[char]) -> usize {
    text.find(ends).unwrap_or(text.len())
}

fn comment(text: &str, nests: bool) -> Option<usize> {
    let mut depth = 1;
    let mut at = 2;
    while depth > 0 {
        let rest = text.get(at..)?;
        if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else if nests && rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
    Some(at)
}
