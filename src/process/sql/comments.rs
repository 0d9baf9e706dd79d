//! Comments, where they are some: nothing of them stays.

use super::{Dialect, Masker};

const COMMENT: &[u8] = b"/*?*/";

impl Masker<'_, '_> {
    /// A comment, except where MySQL reads two minus signs.
    pub(super) fn dashes(&mut self) -> Option<()> {
        let is_spaced = self.next(2).is_none_or(|next| next <= b' ' || next == 0x7f);
        match self.dialect {
            Dialect::MySql if !is_spaced => self.keep(1),
            Dialect::Generic if !is_spaced => return self.cut(),
            _ => self.line_comment()?,
        }
        Some(())
    }

    /// Behind a carriage return alone PostgreSQL goes on, MySQL does not, and of the others nobody knows.
    pub(super) fn line_comment(&mut self) -> Option<()> {
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

    /// PostgreSQL nests comments, MySQL does not; the others disagree. What MySQL executes of one may have literals and
    /// comments, and in them what looks like its end.
    pub(super) fn comment(&mut self) -> Option<()> {
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
                (Some(b'\'' | b'"' | b'`' | b'#'), _) | (Some(b'-'), Some(b'-')) if is_executed => {
                    return self.cut();
                }
                (Some(_), _) => at += 1,
                (None, _) => return self.cut(),
            }
        }
        self.replace(at, COMMENT);
        Some(())
    }
}
