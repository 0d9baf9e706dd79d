//! A block as the state machine reports it, and the words for its cause.
//! It refuses to know ids, resources and wire names of attributes.

use std::time::Duration;

use super::{stack::StackSample, usage::ThreadState};
use crate::clock::Moment;

/// Why a loop did not turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It computed.
    Cpu,
    /// It waited: a synchronous call, a lock.
    Waiting,
    /// At least half of it, and of what the thread computed, was garbage collection.
    Gc,
    /// The program was starting.
    Startup,
}

impl Cause {
    /// As it stands in the span.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Cpu => "cpu",
            Cause::Waiting => "waiting",
            Cause::Gc => "gc",
            Cause::Startup => "startup",
        }
    }
}

/// What is known about the time of a turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// All of it.
    pub elapsed: Duration,
    /// Part in which the whole process stood still.
    pub paused: Duration,
    /// Part in which the thread had no processor although it wanted one.
    pub starved: Duration,
    /// Time on a processor, if the platform tells.
    pub cpu: Option<Duration>,
    /// Garbage collection.
    pub gc: Duration,
    /// What the thread computed in it; the rest of it waited for a processor, or for helpers of the collector.
    pub gc_cpu: Option<Duration>,
}

impl Times {
    /// The application's own part.
    pub fn own(&self) -> Duration {
        self.elapsed.saturating_sub(self.paused).saturating_sub(self.starved)
    }

    /// Whether the application held the loop for `threshold`: with a processor whenever it wanted one, the turn would
    /// have been as long. If the thread lacked a processor for most of
    /// the turn, its other waiting does not count either: the thread that it waited for may have lacked one, too.
    pub(super) fn is_block(&self, threshold: Duration) -> bool {
        let cpu = self.cpu.unwrap_or_default();
        let excess = self.elapsed.saturating_sub(self.paused).saturating_sub(cpu);
        let is_mostly_starved = !self.starved.is_zero() && self.starved * 2 >= excess;
        self.own() >= threshold && (cpu >= threshold || !is_mostly_starved)
    }

    /// The cause, told from what the time went into.
    pub fn cause(&self, is_startup: bool) -> Cause {
        let own = self.own();
        if is_startup {
            Cause::Startup
        } else if self.is_collecting() {
            Cause::Gc
        } else if self.cpu.is_some_and(|cpu| cpu * 2 < own.saturating_sub(self.gc_wait())) {
            Cause::Waiting
        } else {
            Cause::Cpu
        }
    }

    /// A collector whose helpers get no processor takes long on the clock: that alone is not the collector's doing.
    fn is_collecting(&self) -> bool {
        let computed = self.cpu.zip(self.gc_cpu);
        let is_most = computed.is_none_or(|(cpu, gc_cpu)| gc_cpu * 2 >= cpu);
        !self.gc.is_zero() && self.gc * 2 >= self.own() && is_most
    }

    fn gc_wait(&self) -> Duration {
        self.gc_cpu.map_or(Duration::ZERO, |cpu| self.gc.saturating_sub(cpu))
    }

    /// Still under way: what a thread that wants a processor did not get is not in its counters yet.
    pub(super) fn so_far(mut self, state: ThreadState) -> Self {
        if let (ThreadState::Runnable, Some(cpu)) = (state, self.cpu) {
            self.starved = self.elapsed.saturating_sub(self.paused).saturating_sub(cpu);
        }
        self
    }
}

/// A block to report.
#[derive(Clone, Debug)]
pub struct Block {
    /// Number of the turn.
    pub turn: u64,
    /// When it began.
    pub start: Moment,
    /// When it ended, or was looked at while it lasted.
    pub end: Moment,
    /// When it began, since the Unix epoch; from a reading of both clocks before it.
    pub start_wall: Duration,
    /// It has not ended.
    pub is_ongoing: bool,
    /// As long as the user calls critical.
    pub is_critical: bool,
    /// Why.
    pub cause: Cause,
    /// Into what the time went.
    pub times: Times,
    /// Stacks taken in it, in order.
    pub stacks: Vec<StackSample>,
}
