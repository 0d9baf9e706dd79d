//! A loop, its watchdog and their clocks in virtual time, for the tests of the machine.
//! It refuses to sleep.

use std::time::Duration;

use super::{
    block::Block,
    machine::{Action, Machine, Observation, Settings},
    sleep::SleepTracker,
    stack::{Frame, StackSample},
    turns::TurnClock,
    usage::{Reading, ThreadState, Usage},
};
use crate::clock::Moment;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What the loop's thread does for a while.
#[derive(Clone, Copy, PartialEq)]
pub enum Doing {
    Sleeping,
    Computing,
    /// In a system call.
    Waiting,
    /// Ready, without a processor.
    Starving,
    /// Held by a debugger.
    Debugged,
}

pub struct World {
    pub now: Moment,
    pub wall: Duration,
    idle: Duration,
    pub usage: Usage,
    own_run_delay: Duration,
    pub is_inspected: bool,
    pub clock: TurnClock,
    pub machine: Machine,
    sleep: SleepTracker,
    due: Moment,
    /// When requests for stacks came, and whether they are answered at once.
    pub requests: Vec<Moment>,
    pub answers: bool,
    pending: Vec<StackSample>,
    pub reports: Vec<Block>,
    doing: Doing,
}

pub const SETTINGS: Settings = Settings {
    threshold: ms(100),
    critical: ms(1000),
    stacks: true,
    max_per_minute: 60,
    reports_ongoing: true,
};

impl World {
    pub fn new(settings: Settings) -> Self {
        let world = World {
            now: Moment(ms(5000)),
            wall: Duration::from_secs(1_700_000_000),
            idle: Duration::ZERO,
            usage: Usage { cpu: Some(Duration::ZERO), run_delay: Some(Duration::ZERO) },
            own_run_delay: Duration::ZERO,
            is_inspected: false,
            clock: TurnClock::new(settings.threshold),
            machine: Machine::new(settings),
            sleep: SleepTracker::default(),
            due: Moment(ms(5000)),
            requests: Vec::new(),
            answers: true,
            pending: Vec::new(),
            reports: Vec::new(),
            doing: Doing::Sleeping,
        };
        world.clock.begin(world.now, world.idle, false, world.usage);
        world
    }

    /// The loop's thread does something for a while, and the watchdog looks when it is due.
    pub fn spend(&mut self, doing: Doing, length: Duration) {
        self.doing = doing;
        let end = self.now.after(length);
        while self.due <= end {
            let due = self.due.max(self.now);
            self.pass(due.since(self.now));
            self.step();
        }
        self.pass(end.since(self.now));
    }

    /// As `spend`, and the watchdog has no processor either: it looks when this is over, and was late for that reason.
    pub fn spend_unwatched(&mut self, doing: Doing, length: Duration) {
        self.doing = doing;
        self.own_run_delay += length;
        self.pass(length);
    }

    /// The whole process stands still; a loop that slept has its sleep interrupted and forgotten.
    pub fn stop(&mut self, length: Duration, forgotten: Duration) {
        self.now = self.now.after(length);
        self.wall += length;
        self.idle = self.idle.saturating_sub(forgotten);
        if self.due <= self.now {
            self.step();
        }
    }

    /// The watchdog has no processor for a while, and the system says so or not; the loop's thread goes on.
    pub fn starve_watchdog(&mut self, length: Duration, is_told: bool) {
        self.own_run_delay += if is_told { length } else { Duration::ZERO };
        self.pass(length);
    }

    /// The loop looks for events.
    pub fn look(&mut self) {
        if self.clock.look(self.now, self.idle, || Reading { at: self.now, usage: self.usage }) {
            self.step();
        }
    }

    /// A garbage collection begins or ends.
    pub fn gc(&self, begins: bool) {
        let collections = &self.clock.collections;
        if begins {
            collections.begin(self.now, self.usage.cpu);
        } else {
            collections.end(self.now, self.usage.cpu);
        }
    }

    /// A whole turn: sleep, then work.
    pub fn turn(&mut self, sleep: Duration, doing: Doing, length: Duration) {
        self.spend(Doing::Sleeping, sleep);
        self.spend(doing, length);
        self.look();
    }

    pub fn finals(&self) -> Vec<&Block> {
        self.reports.iter().filter(|block| !block.is_ongoing).collect()
    }

    fn pass(&mut self, length: Duration) {
        self.now = self.now.after(length);
        self.wall += length;
        match self.doing {
            Doing::Sleeping => self.idle += length,
            Doing::Computing => self.usage.cpu = self.usage.cpu.map(|cpu| cpu + length),
            Doing::Starving => self.usage.run_delay = self.usage.run_delay.map(|it| it + length),
            Doing::Waiting | Doing::Debugged => {}
        }
    }

    fn step(&mut self) {
        if let Some(turn) = self.clock.read(self.now, self.idle) {
            let busy = self.clock.busy(self.now, self.idle);
            if let Some(at) = self.sleep.look(turn.number, self.now, busy, None) {
                self.clock.mark_asleep(turn.number, at);
            }
        }
        let turn = self.clock.read(self.now, self.idle);
        let finished = self.clock.take_finished();
        let turn = turn.filter(|turn| finished.iter().all(|it| it.turn.number < turn.number));
        let state = match self.doing {
            Doing::Computing | Doing::Starving => ThreadState::Runnable,
            Doing::Debugged => ThreadState::WaitingForThread,
            Doing::Sleeping | Doing::Waiting => ThreadState::Waiting,
        };
        let (actions, due) = self.machine.step(Observation {
            now: self.now,
            wall: self.wall,
            turn,
            finished,
            stacks: std::mem::take(&mut self.pending),
            reading: Reading { at: self.now, usage: self.usage },
            state,
            is_inspected: self.is_inspected,
            own_run_delay: Some(self.own_run_delay),
        });
        self.due = due;
        for action in actions {
            match action {
                Action::Notice { .. } => {}
                Action::RequestStack { turn } => {
                    self.requests.push(self.now);
                    if self.answers {
                        self.answer(turn);
                    }
                }
                Action::Report(block) => self.reports.push(*block),
            }
        }
    }

    pub fn answer(&mut self, turn: u64) {
        let frame = Frame {
            function: "guilty".to_owned(),
            script: "/app/main.js".to_owned(),
            line: 7,
            column: 1,
        };
        self.pending.push(StackSample {
            turn,
            requested_at: self.now,
            captured_at: self.now,
            frames: vec![frame],
        });
    }
}
