//! File names: owns `<ISO time>_trace_<trace id>.jsonl` and which time a trace got.
//! It refuses to remember without bound: the trace unused longest is forgotten first (R84).

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime},
};

use crate::sink::calendar::Utc;

type TraceId = [u8; 32];

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

    /// The file of a trace whose id has been checked; `now` becomes part of it if it is new.
    pub fn file_name(&mut self, id: &TraceId, now: SystemTime) -> String {
        self.uses += 1;
        let last_use = self.uses;
        let since_epoch = match self.known.get_mut(id) {
            Some(known) => {
                self.by_use.remove(&known.last_use);
                known.last_use = last_use;
                known.since_epoch
            }
            None => {
                if self.known.len() >= self.max_traces && !mutant!("R84") {
                    self.forget_oldest();
                }
                let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.known.insert(*id, Known { since_epoch, last_use });
                since_epoch
            }
        };
        self.by_use.insert(last_use, *id);
        name(id, since_epoch)
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.by_use.pop_first() {
            self.known.remove(&id);
        }
    }
}

fn name(id: &TraceId, since_epoch: Duration) -> String {
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

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn r82_the_time_of_the_first_lines_stays_in_the_name() {
        let mut names = Names::new(10);
        let first = names.file_name(b"b348ad42b929743b82c2089f0991edbb", at(1_795_291_822_971));
        assert_eq!(first, "2026-11-21T20-10-22-971Z_trace_b348ad42b929743b82c2089f0991edbb.jsonl");
        let later = names.file_name(b"b348ad42b929743b82c2089f0991edbb", at(1_895_291_822_971));
        assert_eq!(later, first);
    }

    #[test]
    fn r84_a_million_traces_are_not_remembered() {
        let mut names = Names::new(1000);
        for number in 0..1_000_000 {
            names.file_name(&id(number), at(number));
            assert!(names.known.len() <= 1000 && names.by_use.len() == names.known.len());
        }
    }

    #[test]
    fn the_trace_unused_longest_is_forgotten() {
        let mut names = Names::new(2);
        let a = names.file_name(&id(1), at(1));
        names.file_name(&id(2), at(2));
        assert_eq!(names.file_name(&id(1), at(3)), a);
        names.file_name(&id(3), at(4));
        assert_eq!(names.file_name(&id(1), at(5)), a);
        let b = names.file_name(&id(2), at(6));
        assert!(b.starts_with("1970-01-01T00-00-00-006Z"), "{b}");
    }
}
