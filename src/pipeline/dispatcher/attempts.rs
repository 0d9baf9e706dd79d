//! The life of an attempt: expected, given up, gone. It carries its right to probe, and holds its place until it is gone.
//! It refuses to read results; whoever ends an attempt gets what it carried.

use std::time::Duration;

use crate::{
    clock::{Moment, Now},
    error::{DropReason, ExportFailure, timed_out},
    pipeline::{
        breaker::ProbeRight,
        dispatcher::{Action, Attempt, Dispatcher, Phase, Settlement, Timer},
        ids::BatchId,
        told::OwnRights,
    },
    sink::{SendErrorKind, SendOutcome},
    verdict::Cause,
};

/// Time that an attempt gets to go once it has been told to. A sink that does not let go of it costs no more than that.
pub(super) const LET_GO: Duration = Duration::from_secs(1);

/// An attempt under way.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// It has its place in the retry budget.
    pub(super) is_budgeted: bool,
    pub(super) rights: Rights,
    /// When it went out.
    pub(super) sent: Moment,
    pub(super) standing: Standing,
    /// When that changes by itself: there is one timer for each attempt, always.
    pub(super) limit: Moment,
    /// When it becomes slow.
    pub(super) slow_from: Moment,
    /// It has been under way for so long that others need not wait for its place.
    pub(super) is_slow: bool,
}

/// What an attempt decides for others. Dropped with it, wherever that happens.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) endpoint: Option<ProbeRight>,
    pub(super) own: OwnRights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A batch waits for its result, until the limit.
    Expected,
    /// Its batch has gone, and it was told to end. A result that was on its way still tells about the endpoint.
    GivenUp,
    /// It ran past its limit, was judged as timed out and was told to end. A result that still comes is ignored.
    Judged,
}

impl Dispatcher {
    /// Frees the place of an attempt that is gone. `None`: that has happened before.
    pub(super) fn end_attempt(&mut self, attempt: Attempt) -> Option<Outgoing> {
        let lane = self.lanes.get_mut(&attempt.lane)?;
        let out = lane.in_flight.remove(&attempt)?;
        self.timers.remove(&(out.limit, Timer::Attempt(attempt)));
        self.timers.remove(&(out.slow_from, Timer::Slow(attempt)));
        lane.told.ended(out.is_budgeted);
        Some(out)
    }

    /// Tells an attempt to end. Returns whether it was expected until now.
    pub(super) fn tell_to_end(
        &mut self,
        now: Moment,
        attempt: Attempt,
        standing: Standing,
        actions: &mut Vec<Action>,
    ) -> bool {
        let lane = self.lanes.get_mut(&attempt.lane);
        let Some(out) = lane.and_then(|lane| lane.in_flight.get_mut(&attempt)) else {
            return false;
        };
        if out.standing != Standing::Expected {
            return false;
        }
        out.standing = standing;
        self.timers.remove(&(out.limit, Timer::Attempt(attempt)));
        out.limit = now.after(LET_GO);
        self.timers.insert((out.limit, Timer::Attempt(attempt)));
        actions.push(Action::Abort { attempt });
        true
    }

    /// The limit of an attempt has come. The sink has not ended it in time: its batch goes on without it. Or it has been
    /// told to end and is still there: its place is free from now on.
    pub(super) fn attempt_limit(&mut self, now: Now, attempt: Attempt, actions: &mut Vec<Action>) {
        if !self.tell_to_end(now.mono, attempt, Standing::Judged, actions) {
            self.end_attempt(attempt);
            return;
        }
        let lane = self.lanes.get_mut(&attempt.lane);
        let out = lane.and_then(|lane| lane.in_flight.get_mut(&attempt));
        let rights = out.map(|out| std::mem::take(&mut out.rights)).unwrap_or_default();
        self.judge(now, attempt, rights, &SendOutcome::Failed(timed_out()), actions);
    }

    /// An attempt has been under way for long. Nobody waits for it any more, neither for its place nor, if it is a probe, for
    /// what it will find out: the next one may ask. A probe of credentials keeps its right:
    /// each batch that is sent with wrong ones would be lost.
    pub(super) fn attempt_is_slow(&mut self, attempt: Attempt) {
        let lane = self.lanes.get_mut(&attempt.lane);
        if let Some(out) = lane.and_then(|lane| lane.in_flight.get_mut(&attempt)) {
            out.is_slow = true;
            out.rights.endpoint = None;
            out.rights.own.give_up_health();
        }
    }

    /// An attempt has ended by itself.
    pub(super) fn attempt_done(
        &mut self,
        now: Now,
        attempt: Attempt,
        outcome: &SendOutcome,
        actions: &mut Vec<Action>,
    ) {
        if let Some(out) = self.end_attempt(attempt)
            && out.standing != Standing::Judged
        {
            self.learn_answer_time(attempt, now.mono.since(out.sent), outcome);
            self.judge(now, attempt, out.rights, outcome, actions);
        }
    }

    /// Learns how long answers take. A refused connection is quicker than any of them, and one that was cut off is none.
    fn learn_answer_time(&mut self, attempt: Attempt, took: Duration, outcome: &SendOutcome) {
        let is_taken = match outcome {
            SendOutcome::Reply(reply) if reply.body_error.is_none() => reply.is_success(),
            SendOutcome::Called(ended) => ended.is_success(),
            SendOutcome::Failed(error) if error.kind == SendErrorKind::Malformed => false,
            SendOutcome::Reply(_) | SendOutcome::Failed(_) | SendOutcome::Stored => return,
        };
        if let Some(lane) = self.lanes.get_mut(&attempt.lane) {
            lane.told.answered(took, is_taken);
        }
        if let Some(slot) = self.slots.get_mut(&attempt.batch) {
            let longest = &mut slot.batch.history.answer_time;
            *longest = (*longest).max(Some(took));
        }
    }

    /// An attempt has gone without a result. If its batch still waits for it, there will be another one.
    pub(super) fn attempt_lost(
        &mut self,
        now: Moment,
        attempt: Attempt,
        actions: &mut Vec<Action>,
    ) {
        drop(self.end_attempt(attempt));
        if self.expected(attempt).is_some() {
            let text = "the attempt has ended without a result";
            let failure = ExportFailure::pipeline(DropReason::InternalError, text);
            self.transient(now, attempt, failure, None, Cause::Local, actions);
        }
    }

    /// An attempt has panicked: its batch is not tried again.
    pub(super) fn attempt_panicked(
        &mut self,
        now: Moment,
        attempt: Attempt,
        actions: &mut Vec<Action>,
    ) {
        drop(self.end_attempt(attempt));
        if let Some(batch) = self.expected(attempt) {
            let settlement =
                Settlement::Dropped { reason: DropReason::InternalError, failure: None };
            self.settle(now, batch, settlement, actions);
        }
    }

    /// The batch that waits for the result of this attempt. It may have moved on, or be gone.
    pub(super) fn expected(&self, attempt: Attempt) -> Option<BatchId> {
        let slot = self.slots.get(&attempt.batch)?;
        (slot.phase == Phase::InFlight(attempt)).then_some(attempt.batch)
    }
}
