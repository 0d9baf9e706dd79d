//! File names: owns `<ISO time>_trace_<trace id>.jsonl` and which time a trace got.
//! It refuses to remember without bound: the trace unused longest is forgotten first (R84).

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::sink::calendar::Utc;

pub(super) type TraceId = [u8; 32];

/// Traces with the time of their first lines.
#[derive(Debug)]
pub(super) struct Names {
    max_traces: usize,
    known: HashMap<TraceId, Known>,
    /// Number of the last use to trace.
    by_use: BTreeMap<u64, TraceId>,
    uses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    since_epoch: Duration,
    last_use: u64,
}

impl Names {
    pub fn new(max_traces: usize) -> Names {
        let max_traces = max_traces.max(1);
        Names { max_traces, known: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// The file of a trace that has one.
    pub fn known(&mut self, id: &TraceId) -> Option<String> {
        let known = self.known.get_mut(id)?;
        self.by_use.remove(&known.last_use);
        self.uses += 1;
        known.last_use = self.uses;
        self.by_use.insert(self.uses, *id);
        Some(name(id, known.since_epoch))
    }

    /// From now on the trace has the file that [`name`] makes of `since_epoch`.
    pub fn remember(&mut self, id: &TraceId, since_epoch: Duration) {
        self.forget(id);
        if self.known.len() >= self.max_traces {
            self.forget_oldest();
        }
        self.uses += 1;
        self.known.insert(*id, Known { since_epoch, last_use: self.uses });
        self.by_use.insert(self.uses, *id);
    }

    /// What comes next of the trace goes to a new file.
    pub fn forget(&mut self, id: &TraceId) {
        if let Some(known) = self.known.remove(id) {
            self.by_use.remove(&known.last_use);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.by_use.pop_first() {
            self.known.remove(&id);
        }
    }
}

/// Name of the file of a checked trace id that was begun at `since_epoch`.
pub(super) fn name(id: &TraceId, since_epoch: Duration) -> String {
    let Utc { year, month, day, hour, minute, second } = Utc::from_unix(since_epoch.as_secs());
    let milli = since_epoch.subsec_millis();
    let id = String::from_utf8_lossy(id);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}-{milli:03}Z_trace_{id}.jsonl"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> TraceId {
        let mut id = [b'0'; 32];
        id.copy_from_slice(format!("{number:032x}").as_bytes());
        id
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn r82_the_time_of_the_first_lines_stays_in_the_name() {
        let mut names = Names::new(10);
        let id = b"b348ad42b929743b82c2089f0991edbb";
        assert_eq!(names.known(id), None);
        names.remember(id, at(1_795_291_822_971));
        for _ in 0..2 {
            assert_eq!(
                names.known(id).as_deref(),
                Some("2026-11-21T20-10-22-971Z_trace_b348ad42b929743b82c2089f0991edbb.jsonl")
            );
        }
    }

    #[test]
    fn r84_a_million_traces_are_not_remembered() {
        let mut names = Names::new(1000);
        for number in 0..1_000_000 {
            names.remember(&id(number), at(number));
            assert!(names.known.len() <= 1000 && names.by_use.len() == names.known.len());
        }
    }

    #[test]
    fn the_trace_unused_longest_is_forgotten() {
        let mut names = Names::new(2);
        names.remember(&id(1), at(1));
        names.remember(&id(2), at(2));
        assert!(names.known(&id(1)).is_some());
        names.remember(&id(3), at(4));
        assert!(names.known(&id(1)).is_some());
        assert_eq!(names.known(&id(2)), None);
        names.forget(&id(1));
        assert_eq!((names.known(&id(1)), names.by_use.len()), (None, 1));
    }
}
