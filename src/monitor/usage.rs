//! What a thread did with its time: computed, waited to be scheduled, or waited for something.
//! It refuses to ask the system: counters come from outside.

use std::time::Duration;

use crate::clock::{Moment, monotonic};

/// Counters of one thread since it began; `None` where the platform does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Time on a processor.
    pub cpu: Option<Duration>,
    /// Time ready to run without a processor.
    pub run_delay: Option<Duration>,
}

/// What a thread is doing at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreadState {
    /// The platform does not tell.
    #[default]
    Unknown,
    /// It runs, or would if it had a processor.
    Runnable,
    /// It waits in a system call.
    Waiting,
    /// It waits for another thread: how a debugger holds it.
    WaitingForThread,
}

/// Counters at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// When they had been read: whoever reads may be kept from it between the clock and the counters, so the clock comes
    /// second, and a turn that begins later is a turn after them.
    pub at: Moment,
    /// What they said.
    pub usage: Usage,
}

impl Reading {
    /// Reads the counters, and then the clock.
    pub(super) fn after(read: impl FnOnce() -> Usage) -> Reading {
        let usage = read();
        Reading { at: monotonic(), usage }
    }
}

/// Two readings around the start of a turn: the last before it and the first in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    pub before: Reading,
    pub first: Option<Reading>,
}

/// What the counters advanced in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spent {
    pub cpu: Option<Duration>,
    pub run_delay: Duration,
}

impl Baseline {
    /// From the start of the turn to `end`. What the counters did between the two readings may belong to the time before
    /// the turn: only what fits into the part of the turn that had passed at the first reading counts, computing first.
    pub(super) fn spent(&self, start: Moment, end: Reading) -> Spent {
        let first = self.first.filter(|first| first.at <= end.at).unwrap_or(end);
        let (early_cpu, early_delay) = advanced(&self.before.usage, &first.usage);
        let (late_cpu, late_delay) = advanced(&first.usage, &end.usage);
        let had_passed = first.at.since(start);
        let early_cpu = early_cpu.map(|cpu| cpu.min(had_passed));
        let room = had_passed.saturating_sub(early_cpu.unwrap_or_default());
        let early_delay = early_delay.unwrap_or_default().min(room);
        Spent {
            cpu: early_cpu.zip(late_cpu).map(|(early, late)| early + late),
            run_delay: early_delay + late_delay.unwrap_or_default(),
        }
    }
}

fn advanced(from: &Usage, to: &Usage) -> (Option<Duration>, Option<Duration>) {
    let difference = |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
    (difference(from.cpu, to.cpu), difference(from.run_delay, to.run_delay))
}
