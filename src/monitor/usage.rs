//! What a thread did with its time: computed, waited to be scheduled, or waited for something.
//! It refuses to ask the system: readings come from outside.

use std::time::Duration;

use crate::clock::Moment;

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
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub at: Moment,
    pub usage: Usage,
}

/// Two readings around the start of a turn: the last before it and the first in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    pub before: Reading,
    pub first: Option<Reading>,
}

impl Baseline {
    /// What a counter advanced in a turn. What it did between the two readings may belong to the time before the turn:
    /// at most the part of the turn that had passed at the first reading counts.
    pub(super) fn spent(
        &self,
        counter: fn(&Usage) -> Option<Duration>,
        start: Moment,
        at_end: Option<Duration>,
    ) -> Option<Duration> {
        let (at_end, before) = (at_end?, counter(&self.before.usage)?);
        let Some(first) = &self.first else { return Some(at_end.saturating_sub(before)) };
        let at_first = counter(&first.usage)?;
        let early = at_first.saturating_sub(before).min(first.at.since(start));
        Some(at_end.saturating_sub(at_first) + early)
    }
}
