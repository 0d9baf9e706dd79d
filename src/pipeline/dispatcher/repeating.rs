//! When a batch whose attempt has failed is tried again, and when it is given up instead.
//! It refuses to look at why the attempt has failed.

use std::time::Duration;

use crate::{
    clock::Moment,
    error::{DropReason, ExportFailure},
    pipeline::{
        dispatcher::{Action, Attempt, Dispatcher, Phase, Settlement, Timer},
        ids::BatchId,
        notice::Level,
        retry::{answered_wait, backoff, fits, last_wait},
    },
    sink::{SendError, SendErrorKind, SendOutcome},
    verdict::Cause,
};

/// Attempts of a batch that may end in something that is not HTTP, before it is given up (F34).
const MAX_MALFORMED: u32 = 3;

impl Dispatcher {
    pub(super) fn transient(
        &mut self,
        now: Moment,
        attempt: Attempt,
        failure: ExportFailure,
        retry_after: Option<Duration>,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) {
        let id = attempt.batch;
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(lane) = self.lanes.get_mut(&attempt.lane) else { return };
        let policy = &lane.config.retry;
        let history = &mut slot.batch.history;
        history.malformed += u32::from(cause == Cause::Malformed);
        if history.attempts > policy.max_retries || history.malformed >= MAX_MALFORMED {
            let retries = history.attempts - 1;
            let text = format!("Export failed after maximum retry attempts ({retries}).");
            self.lose(now, attempt, DropReason::RetriesExhausted, text, failure, actions);
            return;
        }
        let deadline = history.deadline.unwrap_or(now);
        let end = lane.closing.map_or(deadline, |closing| closing.deadline.min(deadline));
        let left = end.since(now);
        let answer = lane.told.answer_time().max(history.answer_time);
        // The latest moment for an answer in time is used once. An attempt that failed then at once says nothing for another one
        // on its heels; a later one may still bring the spans there.
        let answer = answer.filter(|_| !history.brought_forward);
        let mut wait = backoff(policy, history.attempts, &mut self.jitter);
        if lane.closing.is_some() && !history.final_attempt {
            history.final_attempt = true;
            wait = Duration::ZERO;
        } else if let Some(asked) = retry_after {
            wait = wait.max(policy.clamp_pause(asked));
        } else if !fits(wait, left) {
            if !std::mem::replace(&mut history.hurried, true) {
                wait = last_wait(wait, left, answer).unwrap_or(wait);
            }
        } else if let Some(shorter) = answered_wait(wait, left, answer) {
            history.brought_forward = true;
            wait = shorter;
        }
        let due = now.after(wait);
        // A wait that the endpoint asked for is sat out until the batch's time is over: a flush or a shutdown may still get
        // it through. Once the time has passed there is nothing left to wait for.
        let sits_out = retry_after.is_some() && now < deadline;
        let is_closing_first = lane.closing.is_some_and(|closing| due >= closing.deadline);
        if is_closing_first || due >= deadline && !sits_out {
            self.too_late(now, attempt, wait, failure, actions);
            return;
        }
        history.last_failure = Some(failure);
        slot.phase = Phase::Backoff { due };
        self.timers.insert((due, Timer::Retry(id)));
        let text = format!("Scheduling export retry in {}ms", wait.as_millis());
        actions.push(Action::Tell { lane: attempt.lane, level: Level::Verbose, text });
        let flushes = std::mem::take(&mut slot.flushes);
        lane.attempt_completed(&flushes, &mut self.covered);
        actions.push(Action::Attempted { batch: id });
        self.parking.push(id);
    }

    /// Whether an attempt has used up all the time that its batch had. The clock of the attempt can run
    /// slightly ahead of the dispatcher's, so that a little seems to be left; another attempt would be aborted at once.
    pub(super) fn is_out_of_time(&self, batch: BatchId, outcome: &SendOutcome) -> bool {
        let error = match outcome {
            SendOutcome::Failed(error) => Some(error),
            SendOutcome::Reply(reply) => reply.body_error.as_ref(),
            SendOutcome::Called(_) | SendOutcome::Stored => None,
        };
        // With a code it is the system that has given a connection up.
        let timed_out =
            |error: &SendError| error.kind == SendErrorKind::TimedOut && error.code.is_none();
        error.is_some_and(timed_out)
            && self.slots.get(&batch).is_some_and(|slot| slot.batch.history.has_all_time)
    }

    /// Says that there is no other attempt, as if one were due after the ordinary wait.
    pub(super) fn out_of_time(
        &mut self,
        now: Moment,
        attempt: Attempt,
        failure: ExportFailure,
        actions: &mut Vec<Action>,
    ) {
        let Some(lane) = self.lanes.get(&attempt.lane) else { return };
        let slot = self.slots.get_mut(&attempt.batch);
        let before = slot.and_then(|slot| slot.batch.history.last_failure.take());
        let failure = failure.timed_out_after(before);
        let wait = backoff(&lane.config.retry, attempt.number, &mut self.jitter);
        self.too_late(now, attempt, wait, failure, actions);
    }

    /// The next attempt, after `wait`, would come too late.
    fn too_late(
        &mut self,
        now: Moment,
        attempt: Attempt,
        wait: Duration,
        failure: ExportFailure,
        actions: &mut Vec<Action>,
    ) {
        let Some(slot) = self.slots.get(&attempt.batch) else { return };
        let closing = self.lanes.get(&attempt.lane).and_then(|lane| lane.closing);
        let due = now.after(wait);
        let deadline = slot.batch.history.deadline.unwrap_or(due);
        let reason = match closing {
            Some(closing) if due >= closing.deadline || closing.deadline < deadline => {
                DropReason::ShutdownDeadline
            }
            _ => DropReason::RetriesExhausted,
        };
        let text = format!(
            "Export retry time {}ms exceeds remaining timeout {}ms, not retrying further.",
            wait.as_millis(),
            deadline.since(now).as_millis()
        );
        self.lose(now, attempt, reason, text, failure, actions);
    }

    fn lose(
        &mut self,
        now: Moment,
        attempt: Attempt,
        reason: DropReason,
        text: String,
        failure: ExportFailure,
        actions: &mut Vec<Action>,
    ) {
        actions.push(Action::Tell { lane: attempt.lane, level: Level::Info, text });
        let settlement = Settlement::Dropped { reason, failure: Some(failure) };
        self.settle(now, attempt.batch, settlement, actions);
    }
}
