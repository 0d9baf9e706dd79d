//! Literals in SQL statements: `?` in their place, comments emptied, everything else as it was.
//! It refuses to guess: where databases disagree about where a literal ends, everything from there to the end is masked.

mod dialect;

pub(super) use self::dialect::Dialect;

/// Writes `text` to `out` without its literals.
pub(super) fn mask(text: &[u8], dialect: Dialect, out: &mut Vec<u8>) -> Masked {
    let mut masker =
        Masker { text, at: 0, dialect, out, changed: false, is_continued: false, quiet_to: 0 };
    let is_whole = masker.run().is_some();
    match (is_whole, masker.changed) {
        (false, _) => Masked::CutShort,
        (true, true) => Masked::Changed,
        (true, false) => Masked::Unchanged,
    }
}

/// What has become of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masked {
    /// There was no literal.
    Unchanged,
    /// All literals are gone.
    Changed,
    /// All literals are gone, and with one of them everything behind it.
    CutShort,
}

struct Masker<'t, 'o> {
    text: &'t [u8],
    at: usize,
    dialect: Dialect,
    out: &'o mut Vec<u8>,
    changed: bool,
    /// The token before was a literal with escapes: what PostgreSQL reads behind a line break goes on with it.
    is_continued: bool,
    /// Up to here brackets have been looked into.
    quiet_to: usize,
}

impl Masker<'_, '_> {
    /// `None`: the rest has been replaced, because nobody can tell where a literal ends.
    fn run(&mut self) -> Option<()> {
        while let Some(&byte) = self.text.get(self.at) {
            let was_continued = std::mem::take(&mut self.is_continued);
            match byte {
                b'\'' => {
                    let goes_on = was_continued && self.dialect == Dialect::PostgreSql;
                    self.quoted(b'\'', goes_on)?;
                }
                b'"' if self.has_quoted_names() => self.name(b'"')?,
                b'"' => self.quoted(b'"', false)?,
                // For PostgreSQL it is an operator.
                b'`' if self.dialect != Dialect::PostgreSql => self.name(b'`')?,
                b'[' if self.dialect == Dialect::Generic => self.bracket()?,
                b'$' => self.dollar()?,
                b'-' if self.next(1) == Some(b'-') => {
                    self.dashes()?;
                    self.is_continued = was_continued;
                }
                b'/' if self.next(1) == Some(b'*') => {
                    self.comment()?;
                    self.is_continued = was_continued;
                }
                // A comment for some, a division for others.
                b'/' if self.next(1) == Some(b'/') && self.dialect == Dialect::Generic => {
                    return self.cut();
                }
                b'#' if self.dialect == Dialect::MySql => self.line_comment()?,
                // An operator for some, a comment that may hold half a quote for others.
                b'#' if self.dialect != Dialect::PostgreSql => return self.cut(),
                b'0'..=b'9' => self.number(),
                b'.' if self.next(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
                b':' | b'@' => self.placeholder(),
                _ if is_word(byte) => self.word()?,
                _ => {
                    self.is_continued = was_continued && byte.is_ascii_whitespace();
                    self.copy(1);
                }
            }
        }
        Some(())
    }

    fn has_quoted_names(&self) -> bool {
        matches!(self.dialect, Dialect::PostgreSql | Dialect::QuotedNames)
    }

    fn next(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn copy(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn replace(&mut self, end: usize, by: &[u8]) {
        self.changed |= self.text.get(self.at..end) != Some(by);
        self.out.extend_from_slice(by);
        self.at = end;
    }

    fn cut(&mut self) -> Option<()> {
        self.replace(self.text.len(), b"?");
        None
    }

    /// A literal in quotes, from its first quote on.
    fn quoted(&mut self, quote: u8, is_escaping: bool) -> Option<()> {
        let escapes = is_escaping || self.dialect == Dialect::MySql;
        // Three quotes begin a literal for BigQuery, and for others one that begins with a quote.
        let is_tripled = self.next(1) == Some(quote) && self.next(2) == Some(quote);
        if is_tripled && self.dialect == Dialect::Generic {
            return self.cut();
        }
        let mut at = self.at + 1;
        let mut backslashes = 0;
        loop {
            match self.text.get(at) {
                None => return self.cut(),
                Some(b'\\') => backslashes += 1,
                Some(&byte) if byte == quote => {
                    let is_odd = backslashes % 2 == 1;
                    backslashes = 0;
                    if is_odd && !escapes && self.dialect != Dialect::PostgreSql {
                        return self.cut();
                    }
                    if self.text.get(at + 1) == Some(&quote) && !(is_odd && escapes) {
                        at += 1;
                    } else if !(is_odd && escapes) {
                        break;
                    }
                }
                Some(_) => backslashes = 0,
            }
            at += 1;
        }
        self.replace(at + 1, b"?");
        self.is_continued = is_escaping;
        Some(())
    }

    /// A name in quotes stays; a quote in it is doubled.
    fn name(&mut self, quote: u8) -> Option<()> {
        let is_known = matches!(self.dialect, Dialect::MySql | Dialect::PostgreSql);
        let mut end = self.at + 1;
        loop {
            match self.text.get(end) {
                None => return self.cut(),
                // Backslashes escape in the names of some.
                Some(b'\\') if !is_known => return self.cut(),
                // Where a backtick is an operator, a literal or a comment begins here.
                Some(byte) if !is_known && quote == b'`' && self.begins(*byte, end + 1) => {
                    return self.cut();
                }
                Some(&byte) if byte == quote && self.text.get(end + 1) == Some(&quote) => end += 2,
                Some(&byte) if byte == quote => break,
                Some(_) => end += 1,
            }
        }
        self.copy(end + 1 - self.at);
        Some(())
    }

    /// Whether a literal of text or a comment begins for some database with `byte`, before `next`.
    fn begins(&self, byte: u8, next: usize) -> bool {
        match (byte, self.text.get(next)) {
            (b'\'' | b'"' | b'#', _) => true,
            (b'-', Some(b'-')) | (b'/', Some(b'/' | b'*')) => true,
            (b'$', next) => !next.is_some_and(u8::is_ascii_digit),
            _ => false,
        }
    }

    /// A list, or a name for SQL Server and SQLite, in which quotes mean nothing.
    fn bracket(&mut self) -> Option<()> {
        if self.at >= self.quiet_to {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let ends = |(at, byte): (usize, &u8)| {
                matches!(byte, b']' | b'`') || self.begins(*byte, self.at + at + 1)
            };
            let mut length = rest.iter().enumerate().position(ends).unwrap_or(rest.len());
            // Two of them are one in a name of SQL Server, which goes on behind them.
            while rest.get(length..length + 2) == Some(b"]]") {
                let from = length + 2;
                let tail = rest.iter().enumerate().skip(from).position(ends);
                length = tail.map_or(rest.len(), |tail| from + tail);
            }
            if rest.get(length).is_some_and(|byte| *byte != b']') {
                return self.cut();
            }
            self.quiet_to = self.at + length;
        }
        self.copy(1);
        Some(())
    }

    /// `$1` stays, `$tag$ … $tag$` is a literal except for MySQL.
    fn dollar(&mut self) -> Option<()> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        if rest.first().is_some_and(u8::is_ascii_digit) {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > PLACEHOLDER_DIGITS {
                return self.cut();
            }
            let behind = rest.get(digits..).unwrap_or_default();
            if matches!(behind, [b'.', b'0'..=b'9', ..]) {
                // An amount of money for SQL Server.
                self.number();
                return Some(());
            }
            self.copy(1 + digits);
            return Some(());
        }
        let tag = rest.iter().take_while(|byte| is_word(**byte) && **byte != b'$').count();
        if rest.get(tag) != Some(&b'$') || self.dialect == Dialect::MySql {
            self.copy(1 + tag);
            return Some(());
        }
        let delimiter = self.text.get(self.at..self.at + tag + 2).unwrap_or_default();
        let body = self.text.get(self.at + tag + 2..).unwrap_or_default();
        let length = position(body, delimiter);
        let inside = body.get(..length.unwrap_or_default()).unwrap_or_default();
        let has_quote = inside.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'`'));
        match length {
            // Where dollars are names, another literal begins in it.
            Some(_) if has_quote && self.dialect != Dialect::PostgreSql => return self.cut(),
            Some(length) => self.replace(self.at + length + 2 * (tag + 2), b"?"),
            None => return self.cut(),
        }
        Some(())
    }

    /// A comment, except where MySQL reads two minus signs.
    fn dashes(&mut self) -> Option<()> {
        let is_spaced = self.next(2).is_none_or(|next| next <= b' ' || next == 0x7f);
        match self.dialect {
            Dialect::MySql if !is_spaced => self.copy(1),
            Dialect::Generic if !is_spaced => return self.cut(),
            _ => self.line_comment()?,
        }
        Some(())
    }

    /// Behind a carriage return alone PostgreSQL goes on, MySQL does not, and of the others nobody knows.
    fn line_comment(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| match self.dialect {
            Dialect::MySql => *byte == b'\n',
            _ => matches!(byte, b'\n' | b'\r'),
        };
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let is_known = matches!(self.dialect, Dialect::MySql | Dialect::PostgreSql);
        let is_alone = rest.get(length) == Some(&b'\r') && rest.get(length + 1) != Some(&b'\n');
        if is_alone && !is_known {
            return self.cut();
        }
        let comment = rest.get(..length).unwrap_or_default();
        let comment = comment.strip_suffix(b"\r").unwrap_or(comment);
        self.replace(self.at + comment.len(), COMMENT);
        Some(())
    }

    /// PostgreSQL nests comments, MySQL does not; the others disagree. What MySQL executes of one may have literals, and in
    /// them what looks like its end.
    fn comment(&mut self) -> Option<()> {
        let mark = (self.next(2), self.next(3));
        let is_executed = self.dialect != Dialect::PostgreSql
            && matches!(mark, (Some(b'!' | b'+'), _) | (Some(b'M'), Some(b'!')));
        let mut depth = 1;
        let mut at = self.at + 2;
        while depth > 0 {
            match (self.text.get(at), self.text.get(at + 1)) {
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    at += 2;
                }
                (Some(b'/'), Some(b'*')) => match self.dialect {
                    Dialect::PostgreSql => {
                        depth += 1;
                        at += 2;
                    }
                    Dialect::MySql => at += 1,
                    _ => return self.cut(),
                },
                (Some(b'\'' | b'"' | b'`'), _) if is_executed => return self.cut(),
                (Some(_), _) => at += 1,
                (None, _) => return self.cut(),
            }
        }
        self.replace(at, COMMENT);
        Some(())
    }

    /// With what follows it without a break: `1e10`, `0xff`, `1_000`, also the exponent's sign.
    fn number(&mut self) {
        let mut end = self.at;
        while let Some(&byte) = self.text.get(end) {
            let is_sign = matches!(byte, b'+' | b'-')
                && end > self.at
                && matches!(self.text.get(end - 1), Some(b'e' | b'E'))
                && self.text.get(self.at..end - 1).is_some_and(|digits| {
                    digits.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
                });
            if !(is_word(byte) || byte == b'.' || is_sign) {
                break;
            }
            end += 1;
        }
        self.replace(end, b"?");
    }

    /// `:name`, `:1`, `@variable`: what stands for a literal stays. A long number is one.
    fn placeholder(&mut self) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let word = rest.iter().take_while(|byte| is_word(**byte)).count();
        let word_bytes = rest.get(..word).unwrap_or_default();
        if rest.first() == Some(&b'$') {
            // Of PostgreSQL, a literal behind an operator.
            return self.copy(1);
        }
        let is_number = word_bytes.first().is_some_and(u8::is_ascii_digit);
        self.copy(if is_number && word > PLACEHOLDER_DIGITS { 1 } else { 1 + word });
    }

    fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        let word = rest.get(..length).unwrap_or_default();
        let quote = rest.get(length).copied();
        // A blank beyond ASCII is none for everybody.
        let prefix = word.rsplit(|byte| !byte.is_ascii()).next().unwrap_or_default();
        let is = |other: &str| prefix.eq_ignore_ascii_case(other.as_bytes());
        let head = length - prefix.len();
        if head == 0 && (is("true") || is("false")) {
            self.replace(self.at + length, b"?");
        } else if quote == Some(b'\'') && (is("q") || is("nq")) {
            // Oracle's own quotes end where the next character says.
            self.copy(head);
            return self.cut();
        } else if quote == Some(b'\'') && ["n", "e", "b", "x"].iter().any(|prefix| is(prefix)) {
            self.copy(head);
            self.at += prefix.len();
            self.changed = true;
            return self.quoted(b'\'', is("e"));
        } else if is("u") && rest.get(length..length + 2) == Some(b"&'") {
            self.copy(head);
            self.at += prefix.len() + 1;
            self.changed = true;
            return self.quoted(b'\'', false);
        } else {
            self.copy(length);
        }
        Some(())
    }
}

const COMMENT: &[u8] = b"/*?*/";
const PLACEHOLDER_DIGITS: usize = 4;

/// Letters and digits of names; every character beyond ASCII may be in one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// In linear time for the short delimiters that there are.
fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|byte| *byte == b'$')?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}
