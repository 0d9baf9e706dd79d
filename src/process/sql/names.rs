//! Names in quotes, which stay, as long as every database that may be meant reads a name.

use super::{Dialect, Masker, bytes::position};

impl Masker<'_, '_> {
    /// A name in quotes; a quote in it is doubled.
    pub(super) fn name(&mut self, quote: u8) -> Option<()> {
        let is_known = matches!(self.dialect, Dialect::MySql | Dialect::PostgreSql);
        let start = self.at + 1;
        let mut end = start;
        loop {
            let Some(length) = position(self.text.get(end..).unwrap_or_default(), quote) else {
                return self.cut();
            };
            end += length;
            if self.text.get(end + 1) != Some(&quote) {
                break;
            }
            end += 2;
        }
        let inside = self.text.get(start..end).unwrap_or_default();
        let is_doubtful = |(byte, next): (&u8, usize)| {
            // Backslashes escape in the names of some. Where a backtick is an operator, a literal or a comment begins here.
            *byte == b'\\' || (quote == b'`' && self.begins(*byte, next))
        };
        if !is_known && inside.iter().zip(start + 1..).any(is_doubtful) {
            return self.cut();
        }
        self.keep(end + 1 - self.at);
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
    pub(super) fn bracket(&mut self) -> Option<()> {
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
        self.keep(1);
        Some(())
    }
}
