//! How far reading has come, in one line that changes on a terminal, and in a few lines of a log.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use crate::terminal::{bytes_text, count_text};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub read_bytes: u64,
    /// Of the files that were there when reading began; zero if nobody knows.
    pub total_bytes: u64,
    pub spans: u64,
}

/// How a terminal and a log differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Terminal,
    Log,
    /// Somebody wants none.
    Nowhere,
}

/// Writes a line each time it is due.
pub(crate) struct Reporter<W> {
    out: W,
    place: Place,
    started: Instant,
    shown: Option<Instant>,
}

impl<W: Write> Reporter<W> {
    pub fn new(out: W, place: Place, now: Instant) -> Reporter<W> {
        Reporter { out, place, started: now, shown: None }
    }

    pub fn report(&mut self, progress: Progress, now: Instant) {
        let every = match self.place {
            Place::Terminal => Duration::from_millis(200),
            Place::Log => Duration::from_secs(5),
            Place::Nowhere => return,
        };
        // What is read in the time of the first line needs none.
        if now.duration_since(self.shown.unwrap_or(self.started)) < every {
            return;
        }
        self.shown = Some(now);
        let text = text(progress, now.duration_since(self.started));
        // Nobody is to be told about a terminal that has gone.
        let _ = match self.place {
            Place::Terminal => write!(self.out, "\r\x1b[2K{text}").and_then(|()| self.out.flush()),
            _ => writeln!(self.out, "{text}"),
        };
    }

    /// Takes the line of a terminal away.
    pub fn finish(&mut self) {
        if self.place == Place::Terminal && self.shown.is_some() {
            let _ = write!(self.out, "\r\x1b[2K").and_then(|()| self.out.flush());
        }
    }
}

fn text(progress: Progress, elapsed: Duration) -> String {
    let Progress { read_bytes, total_bytes, spans } = progress;
    let of = match total_bytes {
        0 => String::new(),
        total => {
            let share = (read_bytes.min(total) * 100).checked_div(total).unwrap_or(0);
            format!(" of {} ({share} %)", bytes_text(total))
        }
    };
    let per_second = read_bytes as f64 / 1e6 / elapsed.as_secs_f64().max(1e-3);
    format!(
        "reading {}{of}, {} spans, {per_second:.0} MB/s",
        bytes_text(read_bytes),
        count_text(spans)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(place: Place, every: Duration, seconds: u64) -> String {
        let start = Instant::now();
        let mut out = Vec::new();
        let mut reporter = Reporter::new(&mut out, place, start);
        let mut now = start;
        while now < start + Duration::from_secs(seconds) {
            now += every;
            let progress =
                Progress { read_bytes: 50_000_000, total_bytes: 200_000_000, spans: 57_000 };
            reporter.report(progress, now);
        }
        reporter.finish();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn v6_a_terminal_has_one_line_that_changes_four_times_a_second_and_goes() {
        let text = shown(Place::Terminal, Duration::from_millis(50), 3);
        let lines: Vec<&str> = text.split("\r\x1b[2K").collect();
        assert!(lines.len() > 3 * 4, "{lines:?}");
        assert_eq!(lines.last(), Some(&""));
        assert!(!text.contains('\n'));
        assert!(text.contains("reading 50.0 MB of 200 MB (25 %), 57,000 spans, 17 MB/s"), "{text}");
    }

    #[test]
    fn v6_a_log_has_a_line_in_five_seconds_at_most() {
        let text = shown(Place::Log, Duration::from_millis(50), 12);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\x1b'));
        assert_eq!(shown(Place::Log, Duration::from_millis(50), 2), "");
        assert_eq!(shown(Place::Nowhere, Duration::from_millis(50), 12), "");
    }
}
