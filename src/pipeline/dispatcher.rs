//! The schedule of every lane as a pure state machine: `step(now, event) -> actions`.
//! It refuses to touch clocks, sockets, threads and locks; the I/O thread carries its actions out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    clock::{Moment, Now},
    config::Config,
    error::{DropReason, ExportFailure, timed_out},
    otlp::PartialSuccess,
    pipeline::{
        batch::{Batch, BatchId},
        classify::{Cause, Verdict, classify},
        lane::LaneId,
        retry::{Jitter, backoff},
    },
    sink::{Request, SendOutcome},
};

/// Number of a flush.
pub(crate) type FlushId = u64;

/// One attempt of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Attempt {
    pub(crate) lane: LaneId,
    pub(crate) batch: BatchId,
    /// 1 for the first.
    pub(crate) number: u32,
}

/// Time beyond its own limit that an attempt gets before the dispatcher ends it: the sink's limit should come first,
/// because it knows better words for the error.
const OVERDUE: Duration = Duration::from_millis(250);

/// What has happened.
pub(crate) enum Event {
    /// A lane exists from now on.
    LaneOpened { lane: LaneId, config: Arc<Config> },
    /// A worker has encoded and compressed a batch.
    Ready(Batch),
    /// An attempt has ended by itself.
    AttemptDone { attempt: Attempt, outcome: SendOutcome },
    /// An attempt has ended because the dispatcher asked for it.
    AttemptAborted { attempt: Attempt },
    /// An attempt has panicked.
    AttemptPanicked { attempt: Attempt },
    /// The ledger has voided the permits of a batch (`drop-oldest`).
    Evicted { batch: BatchId },
    /// A flush may last until `deadline`; the ledger watches its spans.
    FlushStarted { flush: FlushId, deadline: Moment },
    /// No new batches come except those on the workers; everything is to end by `deadline`.
    ShutdownStarted { lane: LaneId, deadline: Moment },
    /// The ledger has no unsettled span of a closed lane.
    Drained { lane: LaneId },
    /// Time has passed.
    Timer,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Start an attempt.
    Send { attempt: Attempt, request: Request },
    /// End an attempt; `AttemptAborted` follows.
    Abort { attempt: Attempt },
    /// Record what became of a batch.
    Settle { batch: Batch, settlement: Settlement },
    /// An attempt of the batch has completed and left it waiting for another one.
    Attempted { batch: BatchId },
    /// The batch is waiting; `drop-oldest` may take it.
    Park { batch: BatchId },
    /// The time of a flush is over.
    FlushTimedOut { flush: FlushId },
    /// The time of a shutdown is over: void what is left.
    Abandon { lane: LaneId },
    /// Nothing of the lane is left.
    LaneClosed { lane: LaneId, timed_out: bool },
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Settlement {
    Delivered { rejected: u64, partial: Option<PartialSuccess>, warning: Option<String> },
    Dropped { reason: DropReason, failure: Option<ExportFailure> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for a free slot.
    Ready,
    /// Waits for its next attempt.
    Backoff { due: Moment },
    /// An attempt is under way, and is overdue from then on.
    InFlight { number: u32, overdue: Moment },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Retry(BatchId),
    GiveUp(BatchId),
    Overdue(BatchId),
    Shutdown(LaneId),
    Flush(FlushId),
}

struct LaneState {
    config: Arc<Config>,
    /// Oldest first.
    ready: BTreeSet<BatchId>,
    /// Attempts under way, those being ended included: each holds a slot until it is really gone.
    in_flight: BTreeSet<Attempt>,
    closing: Option<Closing>,
}

#[derive(Clone, Copy)]
struct Closing {
    deadline: Moment,
    /// The deadline has passed: nothing is sent any more.
    over: bool,
    drained: bool,
}

/// The schedule of every lane.
pub(crate) struct Dispatcher {
    lanes: BTreeMap<LaneId, LaneState>,
    batches: HashMap<BatchId, (Batch, Phase)>,
    timers: BTreeSet<(Moment, Timer)>,
    jitter: Jitter,
}

impl Dispatcher {
    pub(crate) fn new(jitter: Jitter) -> Self {
        Dispatcher {
            lanes: BTreeMap::new(),
            batches: HashMap::new(),
            timers: BTreeSet::new(),
            jitter,
        }
    }

    /// When `Timer` is due at the latest.
    pub(crate) fn next_wake(&self) -> Option<Moment> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes note of one event and says what is to be done now.
    pub(crate) fn step(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::LaneOpened { lane, config } => {
                self.lanes.entry(lane).or_insert_with(|| LaneState {
                    config,
                    ready: BTreeSet::new(),
                    in_flight: BTreeSet::new(),
                    closing: None,
                });
            }
            Event::Ready(batch) => self.ready(batch, &mut actions),
            Event::AttemptDone { attempt, outcome } => {
                if self.end_attempt(attempt) {
                    self.attempt_done(now, attempt.batch, &outcome, &mut actions);
                }
            }
            Event::AttemptAborted { attempt } => {
                self.end_attempt(attempt);
            }
            Event::AttemptPanicked { attempt } => {
                if self.end_attempt(attempt)
                    && let Some(batch) = self.take(attempt.batch)
                {
                    let settlement =
                        Settlement::Dropped { reason: DropReason::InternalError, failure: None };
                    actions.push(Action::Settle { batch, settlement });
                }
            }
            Event::Evicted { batch } => {
                self.take(batch);
            }
            Event::FlushStarted { flush, deadline } => {
                self.timers.insert((deadline, Timer::Flush(flush)));
            }
            Event::ShutdownStarted { lane, deadline } => self.shutdown_started(lane, deadline),
            Event::Drained { lane } => {
                if let Some(closing) =
                    self.lanes.get_mut(&lane).and_then(|lane| lane.closing.as_mut())
                {
                    closing.drained = true;
                }
            }
            Event::Timer => {}
        }
        self.fire_timers(now, &mut actions);
        self.pump(now, &mut actions);
        actions
    }

    /// Requests of a lane under way.
    pub(crate) fn in_flight(&self, lane: LaneId) -> usize {
        self.lanes.get(&lane).map_or(0, |lane| lane.in_flight.len())
    }

    /// The batch, for bookkeeping outside of the schedule.
    pub(crate) fn batch(&self, batch: BatchId) -> Option<&Batch> {
        self.batches.get(&batch).map(|(batch, _)| batch)
    }

    fn ready(&mut self, batch: Batch, actions: &mut Vec<Action>) {
        let Some(lane) = self.lanes.get_mut(&batch.lane) else { return };
        if lane.closing.is_some_and(|closing| closing.over) {
            let settlement =
                Settlement::Dropped { reason: DropReason::ShutdownDeadline, failure: None };
            actions.push(Action::Settle { batch, settlement });
            return;
        }
        lane.ready.insert(batch.id);
        actions.push(Action::Park { batch: batch.id });
        self.batches.insert(batch.id, (batch, Phase::Ready));
    }

    /// Takes a batch out of the schedule.
    fn take(&mut self, id: BatchId) -> Option<Batch> {
        let (batch, phase) = self.batches.remove(&id)?;
        if let Some(lane) = self.lanes.get_mut(&batch.lane) {
            lane.ready.remove(&id);
        }
        match phase {
            Phase::Backoff { due } => {
                self.timers.remove(&(due, Timer::Retry(id)));
            }
            Phase::InFlight { overdue, .. } => {
                self.timers.remove(&(overdue, Timer::Overdue(id)));
            }
            Phase::Ready => {}
        }
        if let Some(deadline) = batch.history.deadline {
            self.timers.remove(&(deadline, Timer::GiveUp(id)));
        }
        Some(batch)
    }

    /// Frees the slot of an attempt. Returns whether the batch still waits for its result.
    fn end_attempt(&mut self, attempt: Attempt) -> bool {
        if let Some(lane) = self.lanes.get_mut(&attempt.lane) {
            lane.in_flight.remove(&attempt);
        }
        matches!(self.batches.get(&attempt.batch), Some((_, Phase::InFlight { number, .. })) if *number == attempt.number)
    }

    fn attempt_done(
        &mut self,
        now: Now,
        id: BatchId,
        outcome: &SendOutcome,
        actions: &mut Vec<Action>,
    ) {
        let Some((batch, _)) = self.batches.get(&id) else { return };
        let Some(lane) = self.lanes.get(&batch.lane) else { return };
        let verdict = classify(lane.config.protocol, batch.spans(), outcome, now.wall);
        match verdict {
            Verdict::Delivered { partial, rejected, warning } => {
                let settlement = Settlement::Delivered { rejected, partial, warning };
                actions.extend(self.take(id).map(|batch| Action::Settle { batch, settlement }));
            }
            Verdict::Final { failure, reason, cause: _ } => {
                let settlement = Settlement::Dropped { reason, failure: Some(failure) };
                actions.extend(self.take(id).map(|batch| Action::Settle { batch, settlement }));
            }
            Verdict::Transient { failure, retry_after, cause } => {
                self.transient(now.mono, id, failure, retry_after, cause, actions);
            }
        }
    }

    fn transient(
        &mut self,
        now: Moment,
        id: BatchId,
        failure: ExportFailure,
        retry_after: Option<Duration>,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) {
        let Some((batch, phase)) = self.batches.get_mut(&id) else { return };
        let Some(lane) = self.lanes.get_mut(&batch.lane) else { return };
        let policy = &lane.config.retry;
        let history = &mut batch.history;
        history.last_failure = Some(failure);
        if cause == Cause::Malformed {
            history.malformed += 1;
        }
        let wait = backoff(policy, history.attempts, &mut self.jitter);
        let due = match (&lane.closing, history.final_attempt) {
            (Some(_), false) => {
                history.final_attempt = true;
                now
            }
            _ => now.after(
                retry_after.map_or(wait, |asked| wait.max(asked.min(policy.max_retry_after))),
            ),
        };
        // A wait of our own that ends after the deadline is hopeless; one that the endpoint asked for is sat out.
        let hopeless =
            retry_after.is_none() && history.deadline.is_some_and(|deadline| due >= deadline);
        if history.attempts > policy.max_retries || history.malformed > 2 || hopeless {
            let failure = history.last_failure.take();
            let settlement = Settlement::Dropped { reason: DropReason::RetriesExhausted, failure };
            actions.extend(self.take(id).map(|batch| Action::Settle { batch, settlement }));
            return;
        }
        if let Phase::InFlight { overdue, .. } = *phase {
            self.timers.remove(&(overdue, Timer::Overdue(id)));
        }
        *phase = Phase::Backoff { due };
        self.timers.insert((due, Timer::Retry(id)));
        actions.push(Action::Attempted { batch: id });
        actions.push(Action::Park { batch: id });
    }

    fn shutdown_started(&mut self, lane_id: LaneId, deadline: Moment) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else { return };
        // Callers that come later can only shorten what the first one was granted.
        if lane.closing.is_some_and(|closing| closing.deadline <= deadline) {
            return;
        }
        lane.closing = Some(Closing { deadline, over: false, drained: false });
        self.timers.insert((deadline, Timer::Shutdown(lane_id)));
        let waiting: Vec<BatchId> = self
            .batches
            .iter()
            .filter(|(_, (batch, phase))| {
                batch.lane == lane_id && matches!(phase, Phase::Backoff { .. })
            })
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            if let Some((batch, _)) = self.batches.get_mut(&id) {
                batch.history.final_attempt = true;
            }
            self.make_due(id);
        }
    }

    /// Ends a wait.
    fn make_due(&mut self, id: BatchId) {
        let Some((batch, phase)) = self.batches.get_mut(&id) else { return };
        if let Phase::Backoff { due } = *phase {
            self.timers.remove(&(due, Timer::Retry(id)));
            *phase = Phase::Ready;
            if let Some(lane) = self.lanes.get_mut(&batch.lane) {
                lane.ready.insert(id);
            }
        }
    }

    fn fire_timers(&mut self, now: Now, actions: &mut Vec<Action>) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now.mono)
        {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Retry(id) => self.make_due(id),
                Timer::GiveUp(id) => self.give_up(id, actions),
                Timer::Overdue(id) => {
                    if let Some((batch, Phase::InFlight { number, .. })) = self.batches.get(&id) {
                        let attempt = Attempt { lane: batch.lane, batch: id, number: *number };
                        actions.push(Action::Abort { attempt });
                        self.attempt_done(now, id, &SendOutcome::Failed(timed_out()), actions);
                    }
                }
                Timer::Shutdown(lane) => self.shutdown_over(lane, actions),
                Timer::Flush(flush) => actions.push(Action::FlushTimedOut { flush }),
            }
        }
    }

    /// The batch's time is over. An attempt under way ends by its own limit, which is not later.
    fn give_up(&mut self, id: BatchId, actions: &mut Vec<Action>) {
        if let Some((_, Phase::InFlight { .. })) = self.batches.get(&id) {
            return;
        }
        if let Some(mut batch) = self.take(id) {
            let failure = batch.history.last_failure.take();
            let settlement = Settlement::Dropped { reason: DropReason::RetriesExhausted, failure };
            actions.push(Action::Settle { batch, settlement });
        }
    }

    fn shutdown_over(&mut self, lane_id: LaneId, actions: &mut Vec<Action>) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else { return };
        let Some(closing) = lane.closing.as_mut() else { return };
        closing.over = true;
        actions.extend(lane.in_flight.iter().map(|&attempt| Action::Abort { attempt }));
        let ids: Vec<BatchId> = self
            .batches
            .iter()
            .filter(|(_, (batch, _))| batch.lane == lane_id)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            if let Some(mut batch) = self.take(id) {
                let failure = batch.history.last_failure.take();
                let settlement =
                    Settlement::Dropped { reason: DropReason::ShutdownDeadline, failure };
                actions.push(Action::Settle { batch, settlement });
            }
        }
        actions.push(Action::Abandon { lane: lane_id });
    }

    fn pump(&mut self, now: Now, actions: &mut Vec<Action>) {
        let mut closed = Vec::new();
        for (&lane_id, lane) in &mut self.lanes {
            let limit = lane.config.max_concurrency as usize;
            while lane.in_flight.len() < limit
                && !lane.closing.is_some_and(|closing| closing.over)
                && let Some(id) = lane.ready.pop_first()
            {
                let Some((batch, phase)) = self.batches.get_mut(&id) else { continue };
                let history = &mut batch.history;
                let policy = &lane.config.retry;
                history.attempts += 1;
                let deadline = *history.deadline.get_or_insert_with(|| {
                    let deadline = now.mono.after(policy.max_elapsed);
                    self.timers.insert((deadline, Timer::GiveUp(id)));
                    deadline
                });
                let mut time_left = policy.attempt_timeout.min(deadline.since(now.mono));
                if let Some(closing) = lane.closing {
                    time_left = time_left.min(closing.deadline.since(now.mono));
                }
                let overdue = now.mono.after(time_left).after(OVERDUE);
                let attempt = Attempt { lane: lane_id, batch: id, number: history.attempts };
                *phase = Phase::InFlight { number: history.attempts, overdue };
                self.timers.insert((overdue, Timer::Overdue(id)));
                lane.in_flight.insert(attempt);
                let request = Request {
                    body: batch.body.clone(),
                    encoding: batch.encoding,
                    spans: u32::try_from(batch.spans()).unwrap_or(u32::MAX),
                    time_left,
                    headers: None,
                };
                actions.push(Action::Send { attempt, request });
            }
            if let Some(closing) = lane.closing
                && (closing.drained || closing.over)
                && lane.in_flight.is_empty()
            {
                closed.push((lane_id, closing));
            }
        }
        for (lane, closing) in closed {
            self.lanes.remove(&lane);
            self.timers.remove(&(closing.deadline, Timer::Shutdown(lane)));
            actions.push(Action::LaneClosed { lane, timed_out: closing.over });
        }
    }
}
