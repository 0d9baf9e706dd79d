//! News for the page, unasked: owns how often there is a line, and what is in it.

use std::time::{Duration, Instant};

use crate::{index::Index, json::Json, questions::Reading};

/// Time between two lines.
const EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(super) struct Live {
    /// The generation that was told last, and when.
    told: Option<(u64, Instant)>,
}

impl Live {
    /// How long there is no line; nothing if there is nothing to tell.
    pub fn due_in(&self, reading: &Reading, now: Instant) -> Option<Duration> {
        match self.told {
            None => Some(Duration::ZERO),
            Some((generation, _)) if generation == reading.generation => None,
            Some((_, at)) => Some(EVERY.saturating_sub(now.duration_since(at))),
        }
    }

    /// The line, if it is time for one.
    pub fn line(&mut self, reading: &Reading, index: &Index, now: Instant) -> Option<String> {
        if self.due_in(reading, now) != Some(Duration::ZERO) {
            return None;
        }
        self.told = Some((reading.generation, now));
        let mut json = Json::default();
        json.object().name("generation").number(reading.generation);
        json.name("spans").number(index.span_count());
        json.name("traces").number(index.trace_count());
        json.name("reading").object().name("bytes").number(reading.bytes);
        json.name("totalBytes").number(reading.total_bytes);
        json.name("isDone").flag(reading.is_done).end_object();
        json.name("changed").array().end_array().name("changedCount").number(0);
        json.end_object();
        Some(json.into_text())
    }
}
