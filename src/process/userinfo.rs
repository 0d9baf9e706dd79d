//! Where user and password stand in URLs. Parsers do not agree: a browser takes a backslash for a slash, needs no slash behind
//! `https:`, and skips tabs and line breaks; curl needs no scheme. What any of them reads as user and password is found.

use std::ops::Range;

/// User and password of each URL in `text`, without their `@`, from left to right. Linear in the text.
pub(super) fn all(text: &[u8]) -> All<'_> {
    let start = text.iter().take_while(|byte| **byte <= b' ').count();
    All { text, at: start, is_start: true, segment: Segment { range: 0..0, last_at: None } }
}

pub(super) struct All<'t> {
    text: &'t [u8],
    at: usize,
    is_start: bool,
    segment: Segment,
}

/// What goes up to a slash, a question mark or a hash, and its last `@`. Many URLs may seem to begin in one.
struct Segment {
    range: Range<usize>,
    last_at: Option<usize>,
}

impl Iterator for All<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if std::mem::take(&mut self.is_start)
            && let Some(found) = self.at_start()
        {
            self.at = found.end;
            return Some(found);
        }
        loop {
            let rest = self.text.get(self.at..)?;
            let colon = self.at + rest.iter().position(|byte| *byte == b':')?;
            self.at = colon + 1;
            let (begin, slashes) = behind_slashes(self.text, colon + 1);
            let is_web = is_web_scheme(self.text, colon);
            if slashes == 0 && !is_web {
                continue;
            }
            let found = self.before_at(begin).or_else(|| {
                let may_cut = slashes > 1 || is_web;
                let end = self.segment.range.end;
                password(self.text, begin, end, slashes > 0).filter(|_| may_cut)
            });
            if let Some(found) = found {
                self.at = found.end;
                return Some(found);
            }
        }
    }
}

impl All<'_> {
    /// A text that begins with slashes, or without a scheme.
    fn at_start(&mut self) -> Option<Range<usize>> {
        let (begin, slashes) = behind_slashes(self.text, self.at);
        if slashes > 1 {
            return self.before_at(begin).or_else(|| {
                let end = self.segment.range.end;
                password(self.text, begin, end, true)
            });
        }
        if slashes > 0 {
            return None;
        }
        let found = self.before_at(begin);
        let segment = self.text.get(self.segment.range.clone())?;
        let sign = segment.iter().position(|byte| matches!(byte, b':' | b'=' | b'&'));
        let colon = match sign.and_then(|sign| segment.get(sign)) {
            Some(b':') => sign.map(|sign| begin + sign),
            // The parameters of a query may have an `@`. What is before one alone may be a user that has a sign in it.
            Some(_) => {
                let userinfo = self.text.get(found.clone()?)?;
                if userinfo.contains(&b'&') {
                    return None;
                }
                Some(begin + userinfo.iter().position(|byte| *byte == b':')?)
            }
            None => None,
        };
        let is_scheme = |colon| {
            let behind = self.text.get(colon + 1..).unwrap_or_default();
            let next = behind.iter().find(|byte| !is_skipped(**byte));
            next == Some(&b'/') || is_web_scheme(self.text, colon)
        };
        if colon.is_some_and(is_scheme) {
            return None;
        }
        found.or_else(|| {
            // A password may have slashes where no authority is.
            let rest = self.text.get(colon?..)?;
            let rest = rest.split(|byte| matches!(byte, b'?' | b'#')).next()?;
            let at = rest.iter().rposition(|byte| *byte == b'@')?;
            Some(begin..colon? + at)
        })
    }

    /// What stands before the last `@` of an authority that begins at `begin`.
    fn before_at(&mut self, begin: usize) -> Option<Range<usize>> {
        if !self.segment.range.contains(&begin) {
            let rest = self.text.get(begin..)?;
            let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
            let segment = rest.get(..length.unwrap_or(rest.len()))?;
            let last_at = segment.iter().rposition(|byte| *byte == b'@').map(|at| begin + at);
            self.segment = Segment { range: begin..begin + segment.len(), last_at };
        }
        let at = self.segment.last_at?;
        (at > begin).then_some(begin..at)
    }
}

/// A user and a password that has a slash, a question mark or a hash, or was cut before its `@`: no port is written like that.
/// `end` is where the authority ends without it.
fn password(text: &[u8], begin: usize, end: usize, is_cut_one: bool) -> Option<Range<usize>> {
    let authority = text.get(begin..end)?;
    let colon = authority.iter().position(|byte| *byte == b':')?;
    let port = authority.get(colon + 1..)?;
    let is_port = port.iter().all(|byte| byte.is_ascii_digit() || is_skipped(*byte));
    if authority.starts_with(b"[") || is_port {
        return None;
    }
    if end == text.len() {
        return is_cut_one.then_some(begin..end);
    }
    let rest = text.get(end..)?;
    let rest = rest.get(..rest.len().min(MOST_PASSWORD_BYTES))?;
    let word = rest.split(|byte| ends_word(*byte)).next()?;
    let at = word.iter().rposition(|byte| *byte == b'@')?;
    Some(begin..end + at)
}

/// So far an `@` is looked for behind what might be the beginning of a password.
const MOST_PASSWORD_BYTES: usize = 256;

/// Browsers skip them wherever they stand.
pub(super) fn is_skipped(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n')
}

/// In a text that is more than a URL.
fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>')
}

/// Where the slashes from `from` on end, and how many there are.
fn behind_slashes(text: &[u8], from: usize) -> (usize, usize) {
    let rest = text.get(from..).unwrap_or_default();
    let is_slash = |byte: u8| matches!(byte, b'/' | b'\\');
    let length = rest.iter().take_while(|byte| is_slash(**byte) || is_skipped(**byte)).count();
    let run = rest.get(..length).unwrap_or_default();
    (from + length, run.iter().filter(|byte| is_slash(**byte)).count())
}

/// Whether a scheme ends at `colon` behind which browsers expect an authority, with slashes or without.
fn is_web_scheme(text: &[u8], colon: usize) -> bool {
    const SCHEMES: [&[u8]; 5] = [b"http", b"https", b"ws", b"wss", b"ftp"];
    let before = text.get(..colon).unwrap_or_default();
    let is_last = |byte: &u8| matches!(byte, b's' | b'p' | b'S' | b'P') || is_skipped(*byte);
    if !before.last().is_some_and(is_last) {
        return false;
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = before.iter().rev().take_while(|byte| is_part(**byte) || is_skipped(**byte));
    let scheme = before.get(colon - length.count()..).unwrap_or_default();
    let letters = || scheme.iter().filter(|byte| !is_skipped(**byte));
    SCHEMES.iter().any(|known| letters().map(u8::to_ascii_lowercase).eq(known.iter().copied()))
}

/// User and password of a URL in a running text, whose colon, behind the scheme or the user, is at `colon`. The second number
/// is where to look next.
pub(super) fn around(text: &[u8], colon: usize) -> (Option<Range<usize>>, usize) {
    let rest = text.get(colon + 1..).unwrap_or_default();
    let is_slash = |byte: u8| matches!(byte, b'/' | b'\\');
    let slashes = rest.iter().take_while(|byte| is_slash(**byte)).count();
    let is_url = rest.starts_with(b"//");
    if !is_url && !is_web_scheme(text, colon) {
        let user = text.get(..colon).unwrap_or_default();
        let begin = user
            .iter()
            .rposition(|byte| ends_word(*byte) || ends_authority(*byte) || *byte == b':');
        let begin = begin.map_or(0, |before| before + 1);
        let head = text.get(..begin).unwrap_or_default();
        // As in a link without a scheme; behind a letter it is a path.
        let is_begun = head.strip_suffix(b"//").is_some_and(|before| {
            before.last().is_none_or(|byte| *byte != b':' && !byte.is_ascii_alphanumeric())
        });
        return if is_begun { authority(text, begin, false) } else { (None, colon + 1) };
    }
    authority(text, colon + 1 + slashes, slashes > 1)
}

fn ends_authority(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'#')
}

/// `is_sure`: it is a URL, whatever follows.
fn authority(text: &[u8], begin: usize, is_sure: bool) -> (Option<Range<usize>>, usize) {
    let rest = text.get(begin..).unwrap_or_default();
    let length = rest.iter().position(|byte| ends_authority(*byte) || ends_word(*byte));
    let authority = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
    let end = begin + authority.len();
    let found = match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => Some(begin..begin + at),
        None if is_sure => password(text, begin, end, true),
        None => None,
    };
    // What was read once is not read again; the last byte may be a colon before slashes.
    let Some(found) = found else { return (None, begin.max(end.saturating_sub(1))) };
    let userinfo = text.get(found.clone()).unwrap_or_default();
    // As the url action has left it.
    let mut parts = userinfo.split(|byte| *byte == b':');
    let is_masked = parts.all(|part| part == b"REDACTED" || part.is_empty());
    let end = found.end;
    ((!is_masked).then_some(found), end)
}
