//! Which drops become a line in the log: the first of each kind at once, the rest summed up.
//! It refuses to count for the statistics and to print.

use std::time::Duration;

use crate::{clock::Moment, error::DropReason, stats::Drops};

/// Time between two lines about the same reason.
pub(crate) const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Which drops become a line in the log.
#[derive(Debug, Default)]
pub(crate) struct DropLog {
    /// Where the spans were to go, as it may be shown.
    endpoint: String,
    /// Last line per reason, in the order of `DropReason::ALL`.
    last_line: [Option<Moment>; DropReason::COUNT],
    /// Drops since then.
    silent: Drops,
    /// The queue was full and has not been empty since: the warning is not repeated (R23).
    full_episode: bool,
    dropped_while_full: u64,
}

impl DropLog {
    pub(crate) fn of(endpoint: &str) -> Self {
        DropLog { endpoint: endpoint.to_owned(), ..DropLog::default() }
    }

    /// Takes note of a drop; returns the line that is due.
    pub(crate) fn dropped(
        &mut self,
        now: Moment,
        reason: DropReason,
        spans: u64,
        detail: Option<&str>,
    ) -> Option<String> {
        let endpoint = &self.endpoint;
        match reason {
            // A detail says that something else than the queue itself was full.
            DropReason::QueueFull | DropReason::BytesFull if detail.is_none() => {
                self.dropped_while_full += spans;
                if std::mem::replace(&mut self.full_episode, true) {
                    return None;
                }
                Some(format!(
                    "Dropping spans ({reason}) for {endpoint}: {}; {spans} so far, until it has drained",
                    reason.message()
                ))
            }
            // These are told together, in one line with the exact sum, when the shutdown ends (R57).
            DropReason::ShutdownDeadline => None,
            _ => {
                let last_line = self.last_line.get_mut(reason as usize)?;
                if last_line.is_some_and(|last| now.since(last) < LINE_INTERVAL) {
                    self.silent.add(reason, spans);
                    return None;
                }
                *last_line = Some(now);
                let silent = self.silent.take(reason);
                let more = if silent > 0 {
                    format!(", {silent} more since the last message")
                } else {
                    String::new()
                };
                let detail = detail.unwrap_or_else(|| reason.message());
                Some(dropped_line(spans, reason, endpoint, &more, detail))
            }
        }
    }

    /// The queue is empty: the next full queue is a new episode. Returns the line that ends this one.
    pub(crate) fn drained(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.full_episode) {
            return None;
        }
        let spans = std::mem::take(&mut self.dropped_while_full);
        Some(format!(
            "The export queue for {} has drained; {spans} spans were dropped while it was full",
            self.endpoint
        ))
    }
}

/// The line about spans that are lost: how many, why, and where they were to go.
pub(crate) fn dropped_line(
    spans: u64,
    reason: DropReason,
    endpoint: &str,
    more: &str,
    detail: &str,
) -> String {
    format!("Dropped {spans} spans ({reason}) for {endpoint}{more}: {detail}")
}
