//! News for the page, unasked: owns how often there is a line, and what is in it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use crate::{
    index::{Index, NONE},
    json::Json,
    parse::hex_id,
    questions::Reading,
};

/// Time between two lines.
const EVERY: Duration = Duration::from_millis(250);

/// Traces that are named.
const MOST_TRACES: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Live {
    /// The generation that was told last, and when.
    told: Option<(u64, Instant)>,
    /// The first row that has not been told.
    row: u32,
}

impl Live {
    /// The traces that have other spans than when they were told last, the latest ones first.
    fn changed(&mut self, index: &mut Index) -> Vec<u32> {
        let mut seen: HashSet<u32> = index.take_forgotten().into_iter().collect();
        let mut changed: Vec<u32> = seen.iter().copied().collect();
        let spans = index.spans.get(self.row as usize..).unwrap_or_default();
        let traces = spans.iter().rev().map(|span| span.trace).filter(|trace| *trace != NONE);
        changed.extend(traces.filter(|trace| seen.insert(*trace)));
        self.row = index.end_row();
        changed
    }

    /// How long there is no line; nothing if there is nothing to tell.
    pub fn due_in(&self, reading: &Reading, now: Instant) -> Option<Duration> {
        match self.told {
            None => Some(Duration::ZERO),
            Some((generation, _)) if generation == reading.generation => None,
            Some((_, at)) => Some(EVERY.saturating_sub(now.duration_since(at))),
        }
    }

    /// The line, if it is time for one.
    pub fn line(&mut self, reading: &Reading, index: &mut Index, now: Instant) -> Option<String> {
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
        json.name("changed").array();
        let changed = self.changed(index);
        for trace in changed.iter().take(MOST_TRACES) {
            match index.traces.get(*trace as usize).map(|trace| trace.id) {
                Some(id) if id != 0 => json.text(&hex_id(id)),
                _ => json.text(&["key:", &trace.to_string()].concat()),
            };
        }
        json.end_array().name("changedCount").number(changed.len() as u64);
        json.end_object();
        Some(json.into_text())
    }
}
