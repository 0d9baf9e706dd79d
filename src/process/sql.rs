//! Literals in SQL statements: `?` in their place, comments emptied, everything else as it was.
//! It refuses to guess: where databases disagree about where a literal ends, everything from there to the end is masked.

mod bytes;
mod comments;
mod dialect;
mod literals;
mod names;

use self::bytes::{NUMBER, PLAIN, WORD, is_in, run};
pub(super) use self::dialect::Dialect;

/// Writes `text` to `out` without its literals. If it has none, nothing is written.
pub(super) fn mask(text: &[u8], dialect: Dialect, out: &mut Vec<u8>) -> Masked {
    let mut masker = Masker {
        text,
        at: 0,
        written: 0,
        dialect,
        out,
        changed: false,
        is_continued: false,
        quiet_to: 0,
    };
    let is_whole = masker.run().is_some();
    if masker.changed {
        masker.flush();
    }
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
    /// What has been read up to here is in the output, or has been replaced.
    written: usize,
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
            if is_in(byte, PLAIN) {
                self.plain(byte);
                continue;
            }
            let was_continued = std::mem::take(&mut self.is_continued);
            match byte {
                _ if is_in(byte, NUMBER) => {
                    if byte.is_ascii_digit() || self.is_fraction(byte) {
                        self.number()?;
                    } else if is_in(byte, WORD) {
                        self.word()?;
                    } else {
                        self.keep(1);
                    }
                }
                b'\'' => {
                    let goes_on = was_continued && self.dialect == Dialect::PostgreSql;
                    self.quoted(self.at, goes_on)?;
                }
                b'"' if self.has_quoted_names() => self.name(b'"')?,
                b'"' => self.quoted(self.at, false)?,
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
                b':' | b'@' => self.placeholder(),
                _ => self.keep(1),
            }
        }
        Some(())
    }

    /// Blanks and signs that mean nothing here.
    #[inline]
    fn plain(&mut self, first: u8) {
        if self.is_continued {
            self.is_continued = first.is_ascii_whitespace();
            self.keep(1);
        } else {
            self.at = run(self.text, self.at + 1, PLAIN);
        }
    }

    fn has_quoted_names(&self) -> bool {
        matches!(self.dialect, Dialect::PostgreSql | Dialect::QuotedNames)
    }

    fn next(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// The next bytes stay.
    fn keep(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    /// Copies what has been read and stays.
    fn flush(&mut self) {
        if self.out.is_empty() {
            self.out.reserve(self.text.len());
        }
        self.out.extend_from_slice(self.text.get(self.written..self.at).unwrap_or_default());
        self.written = self.at;
    }

    /// `by` stands in for what goes from here to `end`.
    fn replace(&mut self, end: usize, by: &[u8]) {
        if self.text.get(self.at..end) != Some(by) {
            self.changed = true;
            self.flush();
            self.out.extend_from_slice(by);
            self.written = end;
        }
        self.at = end;
    }

    fn cut(&mut self) -> Option<()> {
        self.changed = true;
        self.replace(self.text.len(), b"?");
        None
    }
}
