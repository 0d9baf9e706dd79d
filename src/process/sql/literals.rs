//! Literals with their prefixes, and what stands for one.

use super::{
    Dialect, Masker,
    bytes::{NUMBER, WORD, delimiter, is_in, position, run},
};

/// A placeholder with a longer number is a literal.
const PLACEHOLDER_DIGITS: usize = 4;
/// Where a dollar may also begin an amount of money.
const DOUBTFUL_PLACEHOLDER_DIGITS: usize = 2;

/// Whether it may stand between the dollars of a tag.
fn is_of_tag(byte: u8) -> bool {
    byte != b'$' && is_in(byte, WORD)
}

impl Masker<'_, '_> {
    /// A literal that goes from here, with a prefix before the quote at `open`, to its last quote.
    pub(super) fn quoted(&mut self, open: usize, is_escaping: bool) -> Option<()> {
        let quote = *self.text.get(open)?;
        let escapes = is_escaping || self.dialect == Dialect::MySql;
        let mut end = open + 1;
        // Three quotes begin a literal for BigQuery, and for others one that begins with a quote.
        let is_tripled =
            self.text.get(end) == Some(&quote) && self.text.get(end + 1) == Some(&quote);
        if is_tripled && self.dialect == Dialect::Generic {
            return self.cut();
        }
        loop {
            let rest = self.text.get(end..).unwrap_or_default();
            let Some(length) = position(rest, quote) else { return self.cut() };
            let before = rest.get(..length).unwrap_or_default();
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            let is_odd = backslashes % 2 == 1;
            if is_odd && !escapes && self.dialect != Dialect::PostgreSql {
                return self.cut();
            }
            end += length + 1;
            if is_odd && escapes {
                continue;
            }
            if self.text.get(end) != Some(&quote) {
                break;
            }
            end += 1;
        }
        self.replace(end, b"?");
        self.is_continued = is_escaping;
        Some(())
    }

    /// `$1` stays, `$tag$ … $tag$` is a literal except for MySQL.
    pub(super) fn dollar(&mut self) -> Option<()> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        if rest.first().is_some_and(u8::is_ascii_digit) {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > PLACEHOLDER_DIGITS {
                return self.cut();
            }
            let behind = rest.get(digits..).unwrap_or_default();
            let is_amount = matches!(behind, [b'.', b'0'..=b'9', ..])
                || (self.dialect == Dialect::Generic && digits > DOUBTFUL_PLACEHOLDER_DIGITS);
            if is_amount {
                // Of money for SQL Server.
                return self.number();
            } else {
                self.keep(1 + digits);
            }
            return Some(());
        }
        let Some(tag) = self.tag(self.at) else {
            self.keep(1 + rest.iter().take_while(|byte| is_of_tag(**byte)).count());
            return Some(());
        };
        let around = self.text.get(self.at..tag).unwrap_or_default();
        let body = self.text.get(tag..).unwrap_or_default();
        let Some(length) = delimiter(body, around) else { return self.cut() };
        let inside = body.get(..length).unwrap_or_default();
        // Where dollars are names, another literal begins in it.
        let has_quote = inside.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'`'));
        if has_quote && self.dialect != Dialect::PostgreSql {
            return self.cut();
        }
        self.replace(tag + length + around.len(), b"?");
        Some(())
    }

    /// Where the tag in dollars ends with which a literal begins at `at`.
    fn tag(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at + 1..)?;
        let length = rest.iter().position(|byte| !is_of_tag(*byte))?;
        let is_number = rest.first().is_some_and(u8::is_ascii_digit);
        let is_one = rest.get(length) == Some(&b'$') && !is_number;
        (is_one && self.dialect != Dialect::MySql).then_some(at + length + 2)
    }

    /// Whether a number begins with this dot.
    #[inline]
    pub(super) fn is_fraction(&self, byte: u8) -> bool {
        byte == b'.' && self.next(1).is_some_and(|next| next.is_ascii_digit())
    }

    /// With what follows it without a break: `1e10`, `0xff`, `1_000`, also the exponent's sign.
    pub(super) fn number(&mut self) -> Option<()> {
        let mut end = self.at;
        loop {
            end = run(self.text, end, NUMBER);
            let goes_on = match self.text.get(end) {
                // In `1$a$ … $a$` a literal of text follows.
                Some(b'$') => self.tag(end).is_none(),
                Some(b'+' | b'-') => self.is_exponent(end),
                _ => false,
            };
            if !goes_on {
                break;
            }
            end += 1;
        }
        let number = self.text.get(self.at..end).unwrap_or_default();
        let prefix = number.rsplit(|byte| matches!(byte, b'0'..=b'9' | b'.')).next();
        let is = |other: &[u8]| prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(other));
        let (escapes, ends_elsewhere) = (is(b"e"), is(b"q") || is(b"nq"));
        self.replace(end, b"?");
        match self.text.get(end) {
            // The letters belong to what follows where a number ends with its digits.
            Some(b'\'') if ends_elsewhere => self.cut(),
            Some(b'\'') if escapes && self.dialect == Dialect::PostgreSql => self.quoted(end, true),
            _ => Some(()),
        }
    }

    /// Whether the sign at `sign` is one of an exponent.
    fn is_exponent(&self, sign: usize) -> bool {
        let before = self.text.get(self.at..sign).unwrap_or_default();
        let Some((b'e' | b'E', digits)) = before.split_last() else { return false };
        digits.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
    }

    /// `:name`, `:1`, `@variable`: what stands for a literal stays. A long number is one.
    pub(super) fn placeholder(&mut self) {
        let start = self.at + 1;
        match self.text.get(start) {
            // Of PostgreSQL, a literal behind an operator.
            Some(b'$') => self.keep(1),
            Some(b'0'..=b'9') => {
                let length = run(self.text, start, WORD) - start;
                let word = self.text.get(start..start + length).unwrap_or_default();
                let before = word.iter().take_while(|byte| is_of_tag(**byte)).count();
                self.keep(if length > PLACEHOLDER_DIGITS { 1 } else { 1 + before });
            }
            _ => self.at = run(self.text, start, WORD),
        }
    }

    /// A name, a word of SQL, or the prefix of a literal.
    #[inline]
    pub(super) fn word(&mut self) -> Option<()> {
        let end = run(self.text, self.at, WORD);
        let word = self.text.get(self.at..end).unwrap_or_default();
        let is_boolean = match word.len() {
            4 => word.eq_ignore_ascii_case(b"true"),
            5 => word.eq_ignore_ascii_case(b"false"),
            _ => false,
        };
        if is_boolean {
            self.replace(end, b"?");
            return Some(());
        }
        match self.text.get(end) {
            Some(b'\'' | b'&') => self.before_quote(end),
            _ => {
                self.at = end;
                Some(())
            }
        }
    }

    /// A word that goes to `end`, where a literal may begin.
    fn before_quote(&mut self, end: usize) -> Option<()> {
        let word = self.text.get(self.at..end).unwrap_or_default();
        let is_quote = self.text.get(end) == Some(&b'\'');
        // A blank beyond ASCII is none for everybody.
        let prefix = word.rsplit(|byte| !byte.is_ascii()).next().unwrap_or_default();
        let is = |other: &[u8]| prefix.eq_ignore_ascii_case(other);
        let head = word.len() - prefix.len();
        if is_quote && (is(b"q") || is(b"nq")) {
            // Oracle's own quotes end where the next character says.
            self.keep(head);
            return self.cut();
        }
        if is_quote && [b"n", b"e", b"b", b"x"].iter().any(|prefix| is(*prefix)) {
            self.keep(head);
            return self.quoted(end, is(b"e"));
        }
        if is(b"u") && self.text.get(end..end + 2) == Some(b"&'") {
            self.keep(head);
            return self.quoted(end + 1, false);
        }
        self.at = end;
        Some(())
    }
}
