//! Spans written out for other programs, in pieces, so that a large store is never in memory as text. Owns the formats.
//! It refuses to know where the bytes go.

mod chrome;
mod csv;
mod lanes;
mod otlp;

#[cfg(test)]
mod tests;

use self::{chrome::Chrome, csv::Csv, otlp::OtlpLines};
use crate::{fields::Shown, index::Index, sorted::sort_by};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// Lines of OTLP/JSON, texts as they were written.
    Otlp,
    Csv,
    /// Trace events, as Chrome DevTools and Perfetto read them.
    Chrome,
}

impl Format {
    pub fn named(name: &str) -> Option<Format> {
        match name {
            "otlp" => Some(Format::Otlp),
            "csv" => Some(Format::Csv),
            "chrome" => Some(Format::Chrome),
            _ => None,
        }
    }
}

/// The rows of some traces, in ascending order.
pub(crate) fn rows_of_traces(index: &Index, traces: Vec<u32>) -> Vec<u32> {
    let mut rows: Vec<u32> = traces.iter().flat_map(|trace| index.rows_of(*trace)).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// All rows of the traces that some rows belong to.
pub(crate) fn with_whole_traces(index: &Index, rows: &[u32]) -> Vec<u32> {
    let mut traces: Vec<u32> =
        rows.iter().filter_map(|row| index.span(*row)).map(|span| span.trace).collect();
    traces.sort_unstable();
    traces.dedup();
    rows_of_traces(index, traces)
}

/// Bytes from which on a piece is handed out.
const PIECE: usize = 256 << 10;

/// Spans that are being written out.
pub(crate) struct Export {
    writer: Writer,
    rows: Vec<u32>,
    next: usize,
    is_begun: bool,
    is_over: bool,
    /// Spans that could not be read again, because their file has gone or is another one now.
    pub left_out: u64,
}

enum Writer {
    Otlp(OtlpLines),
    Csv(Csv),
    Chrome(Chrome),
}

impl Export {
    /// `rows` are in ascending order; `fields` are the columns of CSV.
    pub fn new(index: &Index, format: Format, mut rows: Vec<u32>, fields: Vec<Shown>) -> Export {
        let (writer, rows) = match format {
            Format::Otlp => {
                // Of files that grow, the lines have come by turns; each is read from its beginning to its end.
                let place = |row: &u32| otlp::place(index, *row);
                sort_by(&mut rows, |one, other| place(one).cmp(&place(other)));
                (Writer::Otlp(OtlpLines::default()), rows)
            }
            Format::Csv => (Writer::Csv(Csv::new(index, fields)), rows),
            Format::Chrome => {
                let (chrome, rows) = Chrome::new(index, rows);
                (Writer::Chrome(chrome), rows)
            }
        };
        Export { writer, rows, next: 0, is_begun: false, is_over: false, left_out: 0 }
    }

    pub fn spans(&self) -> usize {
        self.rows.len()
    }

    /// The next piece. The index may have got more spans since the last one.
    pub fn next(&mut self, index: &Index) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        let mut out = Vec::with_capacity(PIECE + PIECE / 4);
        if !self.is_begun {
            self.is_begun = true;
            match &self.writer {
                Writer::Otlp(_) => {}
                Writer::Csv(csv) => csv.begin(&mut out),
                Writer::Chrome(chrome) => chrome.begin(&mut out),
            }
        }
        while out.len() < PIECE {
            let rest = self.rows.get(self.next..).unwrap_or_default();
            let Some(row) = rest.first() else {
                self.is_over = true;
                if let Writer::Chrome(_) = self.writer {
                    Chrome::end(&mut out);
                }
                break;
            };
            self.next += match &mut self.writer {
                Writer::Otlp(lines) => {
                    let line = otlp::first_line(index, rest);
                    self.left_out += lines.line(index, line, &mut out);
                    line.len()
                }
                Writer::Csv(csv) => {
                    csv.row(index, *row, &mut out);
                    1
                }
                Writer::Chrome(chrome) => {
                    chrome.row(index, self.next, *row, &mut out);
                    1
                }
            };
        }
        if let Writer::Otlp(lines) = &mut self.writer {
            lines.pause();
        }
        (!out.is_empty()).then_some(out)
    }
}
