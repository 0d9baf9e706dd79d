//! How time passes in the world, and what answers come meanwhile.
//! It refuses to look at a clock.

use std::time::Duration;

use super::World;
use crate::{
    clock::Moment,
    error::timed_out,
    pipeline::{
        dispatcher::{Attempt, Event},
        ids::BatchId,
    },
    sink::{Request, SendOutcome},
};

impl World {
    /// Gives the result of the oldest open attempt.
    pub(in crate::pipeline) fn answer(&mut self, outcome: SendOutcome) -> Attempt {
        assert!(!self.open.is_empty(), "no request is open");
        let attempt = self.open.remove(0);
        self.step(Event::AttemptDone { attempt, outcome: Box::new(outcome) });
        attempt
    }

    pub(in crate::pipeline) fn answer_batch(&mut self, batch: BatchId, outcome: SendOutcome) {
        let index = self
            .open
            .iter()
            .position(|attempt| attempt.batch == batch)
            .expect("that batch is not in flight");
        let attempt = self.open.remove(index);
        self.step(Event::AttemptDone { attempt, outcome: Box::new(outcome) });
    }

    /// Lets time pass, stopping wherever the dispatcher asked to be woken.
    pub(in crate::pipeline) fn advance(&mut self, time: Duration) {
        let end = self.now.mono.after(time);
        while let Some(at) = self.dispatcher.next_wake().filter(|at| *at <= end) {
            let before = self.steps;
            self.set(at.max(self.now.mono));
            self.step(Event::Timer);
            assert!(
                self.steps - before < 1_000 && self.dispatcher.next_wake() != Some(at),
                "the schedule spins"
            );
        }
        self.set(end);
    }

    /// Lets time pass at once, as after a suspension.
    pub(in crate::pipeline) fn jump(&mut self, time: Duration) {
        self.set(self.now.mono.after(time));
        self.step(Event::Timer);
    }

    /// The same with answers that take their time. A request whose answer does not come within the time that it has is ended
    /// by the sink.
    pub(in crate::pipeline) fn serve_late(
        &mut self,
        time: Duration,
        mut answer: impl FnMut(Moment, &Request) -> (Duration, SendOutcome),
    ) {
        let end = self.now.mono.after(time);
        let mut coming = Vec::new();
        let mut seen = self.sent.len() - self.open.len();
        loop {
            for sent in &self.sent[seen..] {
                let (took, outcome) = answer(sent.at, &sent.request);
                let is_late = took > sent.request.time_left;
                let outcome = if is_late { SendOutcome::Failed(timed_out()) } else { outcome };
                coming.push((
                    sent.at.after(took.min(sent.request.time_left)),
                    sent.attempt,
                    outcome,
                ));
            }
            seen = self.sent.len();
            coming.retain(|(_, attempt, _)| self.open.contains(attempt));
            coming.sort_by_key(|(at, ..)| *at);
            let next = coming.first().map(|(at, ..)| *at);
            let wake = self.dispatcher.next_wake();
            let Some(at) = next.into_iter().chain(wake).min().filter(|at| *at <= end) else {
                break;
            };
            self.set(at.max(self.now.mono));
            if next == Some(at) {
                let (_, attempt, outcome) = coming.remove(0);
                self.open.retain(|open| *open != attempt);
                self.step(Event::AttemptDone { attempt, outcome: Box::new(outcome) });
            } else {
                self.step(Event::Timer);
            }
        }
        self.set(end);
    }

    fn set(&mut self, at: Moment) {
        self.now.wall += at.since(self.now.mono);
        self.now.mono = at;
    }

    /// Answers every request with what `answer` says, at once, until nothing is open, for as long as `time`.
    pub(in crate::pipeline) fn serve(
        &mut self,
        time: Duration,
        mut answer: impl FnMut(Moment, &Request) -> SendOutcome,
    ) {
        let end = self.now.mono.after(time);
        loop {
            while let Some(attempt) = self.open.first().copied() {
                let sent = self.sent.iter().rfind(|sent| sent.attempt == attempt).unwrap().clone();
                let outcome = answer(self.now.mono, &sent.request);
                self.answer(outcome);
            }
            let Some(at) = self.dispatcher.next_wake().filter(|at| *at <= end) else { break };
            self.set(at.max(self.now.mono));
            self.step(Event::Timer);
        }
        self.set(end);
    }
}
