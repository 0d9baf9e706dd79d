//! Reads spans from files of OTLP/JSON lines, as `FileSpanExporter` and the OpenTelemetry Collector's file exporter write
//! them, and answers questions about them. The files are the store: the index is made anew each time, in memory.
//!
//! ```text
//! source            parse                     index              tree, query            commands, terminal
//! paths ─► lines ─► tape ─► spans of a part ─► columns, numbers ─► order, figures, rows ─► tables, JSON
//! ```
//!
//! Files are read by `following`, which decides what of them is read and knows neither time nor threads; `reading` has the
//! threads. `serve`, which the server of the page starts, goes on as long as it is asked:
//!
//! ```text
//! files ─► following ─► parsers ─► engine::desk, which owns the index ─► frames on standard output
//!                                  ▲ questions of standard input, each between two slices of a merge
//! ```
//!
//! The crate knows nothing of Node.js and opens no connection. Files are read and never mapped: those who write them cut
//! and remove them at any time.

mod account;
mod again;
mod commands;
mod dictionary;
mod engine;
mod export;
mod fields;
mod following;
mod index;
mod json;
#[doc(hidden)]
pub mod measure;
mod parse;
mod query;
mod questions;
mod reading;
mod sorted;
mod source;
mod span_flags;
mod terminal;
#[cfg(test)]
mod test_directory;
#[cfg(test)]
mod test_spans;
mod time;
mod timing;
mod tree;
mod value;

pub use commands::run;
pub use timing::{Timed, time_questions};

/// Whether the account of `line` adds up, as a line of a file and as one that was cut off, and both ways of reading it say
/// the same. For those who look for a line that breaks it.
pub fn check_line(line: &[u8]) -> bool {
    [true, false].into_iter().all(|has_end| {
        let key = foldhash::quality::RandomState::default();
        let [mut part, mut by_tape] = [(); 2].map(|()| parse::Part::new(key.clone()));
        parse::LineParser::default().parse(line, 0, has_end, parse::LONGEST_VALUE, &mut part);
        parse::LineParser::by_tape().parse(line, 0, has_end, parse::LONGEST_VALUE, &mut by_tape);
        let counts = &part.counts;
        counts.lines == counts.parsed + counts.skipped_lines()
            && counts.seen == part.spans.len() as u64 + counts.bad
            && parse::facts(&part) == parse::facts(&by_tape)
    })
}
