//! Decides what is a block, when a stack is asked for and when it is reported: `step(observation) -> actions`.
//! It refuses to read clocks, loops and threads: whatever it knows is in the observation.

use std::time::Duration;

use super::{
    block::{Block, Times},
    rate_limit::RateLimit,
    stack::{StackSample, fingerprint},
    turns::{FinishedTurn, Turn},
    usage::{Baseline, Reading, ThreadState, Usage},
};
use crate::clock::Moment;

/// How long a block lasts beyond the threshold before it is reported as it is.
pub const OPEN_AFTER: Duration = Duration::from_millis(500);
/// A watchdog that is this late did not run: the process was stopped, or the machine.
const STANDSTILL: Duration = Duration::from_millis(100);
/// Stacks are asked for at these multiples of the threshold.
const STACKS_AT: [u32; 4] = [1, 2, 4, 8];
/// Looks at a loop happen at least so far apart, whatever the threshold.
const SHORTEST_LOOK: Duration = Duration::from_millis(5);
/// And at most: clocks drift, and a standstill has to be seen.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// Standstills remembered.
const MAX_STANDSTILLS: usize = 32;

/// What the user chose.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A turn from this length up is a block.
    pub threshold: Duration,
    /// A block from this length up is critical.
    pub critical: Duration,
    /// Whether stacks can be had and are wanted.
    pub stacks: bool,
    /// Spans per place and minute.
    pub max_per_minute: u32,
    /// Whether a block that lasts is reported before it ends.
    pub reports_ongoing: bool,
}

/// Everything there is to know at one moment.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Monotonic.
    pub now: Moment,
    /// Since the Unix epoch.
    pub wall: Duration,
    /// The turn that the loop is in; `None`: it went on while we looked.
    pub turn: Option<Turn>,
    /// Long turns that ended since the last observation.
    pub finished: Vec<FinishedTurn>,
    /// Answers to requests for a stack.
    pub stacks: Vec<StackSample>,
    /// Counters of the loop's thread.
    pub reading: Reading,
    /// What the loop's thread is doing. Only asked when its turn is long.
    pub state: ThreadState,
    /// A debugger can be attached.
    pub is_inspected: bool,
    /// How long the watchdog itself has waited for a processor.
    pub own_run_delay: Option<Duration>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Action {
    /// A turn has become a block: remember which spans are open in it.
    Notice {
        /// Its number.
        turn: u64,
        /// When it began.
        start: Moment,
    },
    /// Ask for the stack; exactly one answer comes, with any later observation.
    RequestStack {
        /// The turn it is for.
        turn: u64,
    },
    /// Make a span.
    Report(Box<Block>),
}

/// What has been seen since the monitor was enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks of the application that have ended.
    pub blocks: u64,
    /// Spans made, those of unfinished blocks included.
    pub spans: u64,
    /// Blocks without a span, because their place had made enough.
    pub suppressed: u64,
    /// Times the whole process stood still: stopped, or its machine suspended.
    pub paused: u64,
    /// Turns that were long for lack of a processor.
    pub starved: u64,
    /// Turns that a debugger held.
    pub debugger: u64,
    /// Length of the longest block.
    pub longest: Duration,
}

/// The state of one watched loop.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    counts: Counts,
    limit: RateLimit,
    /// When the next look was planned for.
    due: Option<Moment>,
    last: Reading,
    own_run_delay: Option<Duration>,
    anchors: Anchors,
    current: Option<Current>,
    /// A request for a stack is unanswered.
    is_asking: bool,
    standstills: Vec<(Moment, Moment)>,
}

/// Readings of both clocks: the last two.
#[derive(Clone, Copy, Debug, Default)]
struct Anchors {
    older: Option<(Moment, Duration)>,
    newer: Option<(Moment, Duration)>,
}

/// What is known about the turn that the loop is in.
#[derive(Debug)]
struct Current {
    number: u64,
    start: Moment,
    baseline: Baseline,
    start_wall: Duration,
    is_noticed: bool,
    /// How many of [`STACKS_AT`] are behind us.
    stacks_asked: usize,
    stacks: Vec<StackSample>,
    /// It was reported while it lasted.
    is_open: bool,
    /// Its place had made enough spans.
    is_suppressed: bool,
    /// A debugger was seen to hold it.
    is_debugged: bool,
}

impl Current {
    fn is_of(&self, turn: &Turn) -> bool {
        self.number == turn.number && self.start == turn.start
    }
}

impl Machine {
    /// A loop about to be watched.
    pub fn new(settings: Settings) -> Self {
        Machine {
            settings,
            counts: Counts::default(),
            limit: RateLimit::new(settings.max_per_minute),
            due: None,
            last: Reading::default(),
            own_run_delay: None,
            anchors: Anchors::default(),
            current: None,
            is_asking: false,
            standstills: Vec::new(),
        }
    }

    /// What has been seen.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a look. The next is to be taken at the moment returned, or as soon as a long turn has ended.
    pub fn step(&mut self, mut seen: Observation) -> (Vec<Action>, Moment) {
        let mut actions = Vec::new();
        // The first turn is dated like any other: the clocks of this look are better than none.
        self.anchors.newer.get_or_insert((seen.now, seen.wall));
        self.notice_standstill(&seen);
        for sample in std::mem::take(&mut seen.stacks) {
            self.is_asking = false;
            let current = self.current.as_mut().filter(|current| current.number == sample.turn);
            if let Some(current) = current.filter(|_| !sample.frames.is_empty()) {
                current.stacks.push(sample);
            }
        }
        for finished in std::mem::take(&mut seen.finished) {
            self.finish(finished, &seen, &mut actions);
        }
        let due = match seen.turn {
            Some(turn) => self.look(turn, &seen, &mut actions),
            None => seen.now.after(self.interval()),
        };
        self.last = seen.reading;
        self.anchors.older = self.anchors.newer;
        self.anchors.newer = Some((seen.now, seen.wall));
        self.own_run_delay = seen.own_run_delay;
        let due = due.max(seen.now.after(Duration::from_millis(1)));
        self.due = Some(due);
        (actions, due)
    }

    /// Often enough to see each block once before it reaches the threshold, even by a look that comes a little late; from
    /// then on the times are exact.
    fn interval(&self) -> Duration {
        (self.settings.threshold * 9 / 10).clamp(SHORTEST_LOOK, LONGEST_LOOK)
    }

    fn notice_standstill(&mut self, seen: &Observation) {
        let late = self.due.map_or(Duration::ZERO, |due| seen.now.since(due));
        if late < STANDSTILL {
            return;
        }
        let starved = match (seen.own_run_delay, self.own_run_delay) {
            (Some(now), Some(then)) => now.saturating_sub(then),
            _ => Duration::ZERO,
        };
        // Starved of a processor: that says nothing about the loop's thread, whose own counters do.
        if starved * 2 >= late {
            return;
        }
        self.counts.paused += 1;
        if self.standstills.len() == MAX_STANDSTILLS {
            self.standstills.remove(0);
        }
        self.standstills.push((self.last.at, seen.now));
    }

    fn paused(&self, from: Moment, to: Moment) -> Duration {
        self.standstills
            .iter()
            .map(|(since, until)| (*until).min(to).since((*since).max(from)))
            .sum()
    }

    /// The turn under way. Returns when to look again.
    fn look(&mut self, turn: Turn, seen: &Observation, actions: &mut Vec<Action>) -> Moment {
        let Settings { threshold, stacks, .. } = self.settings;
        let (now, interval) = (seen.now, self.interval());
        // A loop that sleeps has not begun its turn: the start moves with us until it wakes up.
        if self.current.as_ref().is_none_or(|current| !current.is_of(&turn)) {
            self.current = Some(self.begin(&turn, Some(seen.reading)));
        }
        let is_asking = self.is_asking;
        let end = Reading { at: now, usage: seen.reading.usage };
        let Times { elapsed, paused, .. } = self.times(&turn, end);
        let busy = elapsed.saturating_sub(paused);
        let Some(current) = &mut self.current else { return now.after(interval) };
        let reaches = |length: Duration| turn.start.after(length + paused);
        if busy < threshold {
            return reaches(threshold).min(now.after(interval));
        }
        current.is_debugged |= seen.is_inspected
            && matches!(seen.state, ThreadState::WaitingForThread | ThreadState::Unknown);
        if !current.is_noticed {
            current.is_noticed = true;
            actions.push(Action::Notice { turn: turn.number, start: turn.start });
        }
        let reached = STACKS_AT.iter().filter(|multiple| busy >= threshold * **multiple).count();
        if stacks && reached > current.stacks_asked {
            current.stacks_asked = reached;
            if !is_asking {
                self.is_asking = true;
                actions.push(Action::RequestStack { turn: turn.number });
            }
        }
        let open_at = reaches(threshold + OPEN_AFTER);
        if !current.is_open && !current.is_suppressed && now >= open_at {
            let times = self.times(&turn, end).so_far(seen.state);
            self.open(turn, now, times, actions);
        }
        let next = STACKS_AT.iter().map(|multiple| reaches(threshold * *multiple));
        let next = next.chain([open_at]).filter(|at| *at > now).min();
        next.unwrap_or(now.after(interval)).min(now.after(interval))
    }

    fn begin(&self, turn: &Turn, first: Option<Reading>) -> Current {
        // The loop's own reading is a few milliseconds older than its turn, ours as old as our last look.
        let own = turn.sample.filter(|own| self.last.at <= own.at || self.last.at > turn.start);
        Current {
            number: turn.number,
            start: turn.start,
            baseline: Baseline { before: own.unwrap_or(self.last), first },
            start_wall: self.wall_of(turn.start),
            is_noticed: false,
            stacks_asked: 0,
            stacks: Vec::new(),
            is_open: false,
            is_suppressed: false,
            is_debugged: false,
        }
    }

    /// From the latest reading of both clocks before `moment`: a step of the wall clock since then changes nothing.
    fn wall_of(&self, moment: Moment) -> Duration {
        let Anchors { older, newer } = self.anchors;
        let before = [newer, older].into_iter().flatten().find(|(at, _)| *at <= moment);
        match before.or(older).or(newer) {
            Some((at, wall)) if at <= moment => wall + moment.since(at),
            Some((at, wall)) => wall.saturating_sub(at.since(moment)),
            None => Duration::ZERO,
        }
    }

    fn times(&self, turn: &Turn, end: Reading) -> Times {
        let elapsed = end.at.since(turn.start);
        let Some(current) = &self.current else { return Times { elapsed, ..Times::default() } };
        let spent = current.baseline.spent(turn.start, end);
        let cpu = spent.cpu.map(|cpu| cpu.min(elapsed));
        // A watchdog whose processor was taken away is late too: whoever computed meanwhile did not stand still.
        let computed = cpu.unwrap_or_default();
        let paused = self.paused(turn.start, end.at).min(elapsed.saturating_sub(computed));
        let starved = spent.run_delay.min(elapsed.saturating_sub(paused).saturating_sub(computed));
        let gc_cpu = end.usage.cpu.map(|cpu| turn.gc.cpu_until(cpu));
        Times { elapsed, paused, starved, cpu, gc: turn.gc.wall.min(elapsed), gc_cpu }
    }

    /// Reports a block that has not ended.
    fn open(&mut self, turn: Turn, now: Moment, times: Times, actions: &mut Vec<Action>) {
        let is_block = times.is_block(self.settings.threshold);
        if !self.settings.reports_ongoing || !is_block || self.is_held(&times) {
            return;
        }
        self.report(turn, now, times, true, actions);
    }

    fn is_held(&self, times: &Times) -> bool {
        self.current.as_ref().is_some_and(|current| current.is_debugged)
            && times.cpu.is_none_or(|cpu| cpu * 2 < times.own())
    }

    fn finish(&mut self, finished: FinishedTurn, seen: &Observation, actions: &mut Vec<Action>) {
        let FinishedTurn { turn, end, usage } = finished;
        if self.current.as_ref().is_none_or(|current| !current.is_of(&turn)) {
            self.current = Some(self.begin(&turn, None));
        }
        let usage = Usage {
            cpu: usage.cpu.or(seen.reading.usage.cpu),
            run_delay: usage.run_delay.or(seen.reading.usage.run_delay),
        };
        let times = self.times(&turn, Reading { at: end, usage });
        let is_open = self.current.as_ref().is_some_and(|current| current.is_open);
        let is_block = times.is_block(self.settings.threshold);
        if !is_block && !is_open {
            self.counts.starved += u64::from(times.starved > times.paused);
        } else if self.is_held(&times) && !is_open {
            self.counts.debugger += 1;
        } else {
            self.counts.blocks += 1;
            self.counts.longest = self.counts.longest.max(times.elapsed);
            self.report(turn, end, times, false, actions);
        }
        self.current = None;
    }

    fn report(
        &mut self,
        turn: Turn,
        end: Moment,
        times: Times,
        is_ongoing: bool,
        actions: &mut Vec<Action>,
    ) {
        let Some(current) = &mut self.current else { return };
        let place = current.stacks.first().map_or(0, |sample| fingerprint(&sample.frames));
        // One block is one decision: what was begun is finished.
        if !current.is_open && (current.is_suppressed || !self.limit.allows(place, end)) {
            self.counts.suppressed += u64::from(!current.is_suppressed);
            current.is_suppressed = true;
            return;
        }
        current.is_open = is_ongoing;
        self.counts.spans += 1;
        actions.push(Action::Report(Box::new(Block {
            turn: turn.number,
            start: turn.start,
            end,
            start_wall: current.start_wall,
            is_ongoing,
            is_critical: times.elapsed >= self.settings.critical,
            cause: times.cause(turn.is_startup),
            times,
            stacks: current.stacks.clone(),
        })));
    }
}
