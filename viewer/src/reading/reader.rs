//! The thread that reads: looks at the files once, or again and again, and hands on what has been found in its order.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, SystemTime},
};

use crossbeam_channel::Sender;

use super::messages::{Job, Numbered, Shared, Step};
use crate::{
    following::{Event, Follower, Look, Sink},
    source::{Chunk, Found},
};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Reader {
    jobs: Sender<Job>,
    steps: Sender<Numbered>,
    shared: Arc<Shared>,
    next: u64,
}

impl Reader {
    pub fn new(jobs: Sender<Job>, steps: Sender<Numbered>, shared: Arc<Shared>) -> Reader {
        Reader { jobs, steps, shared, next: 0 }
    }

    /// Reads what `find` finds, once.
    pub fn read(mut self, find: impl Fn() -> Found) {
        self.look(&mut Follower::new(self.shared.counters.clone()), &find(), true);
    }

    /// Reads what `find` finds, and goes on until nobody takes it any more.
    pub fn follow(mut self, find: impl Fn() -> Found) {
        let mut follower = Follower::new(self.shared.counters.clone());
        while self.look(&mut follower, &find(), false) {
            thread::sleep(EVERY);
        }
    }

    /// Returns whether somebody still takes what is found.
    fn look(&mut self, follower: &mut Follower, found: &Found, is_last: bool) -> bool {
        let look = Look { now: SystemTime::now(), is_last };
        let rewinds = self.shared.take_rewinds();
        let read = self.shared.counters.read.load(Ordering::Relaxed);
        let before = self.next;
        follower.look(found, look, &rewinds, self);
        let is_first = before == 0;
        if is_first
            || self.next > before
            || self.shared.counters.read.load(Ordering::Relaxed) > read
        {
            return self.step(Step::Looked { bytes: follower.bytes_read() });
        }
        !self.shared.budget.is_closed()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn step(&mut self, step: Step) -> bool {
        let number = self.number();
        self.steps.send((number, step)).is_ok()
    }
}

impl Sink for Reader {
    fn event(&mut self, file: u32, event: Event) {
        // Nobody listens any more if the index has gone.
        self.step(Step::Event { file, event });
    }

    fn lines(&mut self, file: u32, chunk: Chunk) -> bool {
        let bytes = chunk.memory();
        if self.is_full() || !self.shared.budget.take(bytes) {
            return false;
        }
        let number = self.number();
        self.jobs.send(Job { number, file, chunk }).is_ok()
    }

    fn is_full(&self) -> bool {
        self.shared.is_full.load(Ordering::Relaxed)
    }
}
