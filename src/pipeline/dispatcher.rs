//! The schedule of every lane as a pure state machine: `step(now, event) -> actions`.
//! It refuses to touch clocks, sockets, threads and locks; the I/O thread carries its actions out.

mod arrival;
mod event;
mod flushing;
mod pump;
mod results;
mod shutdown;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(crate) use event::{Action, Attempt, Event, FlushId, Settlement, Work};

use crate::{
    clock::{Moment, Now},
    config::Config,
    error::{DropReason, ExportFailure, timed_out},
    pipeline::{
        batch::{Batch, BatchId},
        breaker::Breaker,
        endpoint::Endpoint,
        lane::LaneId,
        ledger::Epoch,
        retry::Jitter,
    },
    sink::SendOutcome,
    stats::BreakerState,
};

/// The schedule of every lane.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    lanes: BTreeMap<LaneId, LaneState>,
    endpoints: HashMap<Arc<str>, Endpoint>,
    slots: HashMap<BatchId, Slot>,
    timers: BTreeSet<(Moment, Timer)>,
    /// Flushes in attempt mode that this step has completed.
    covered: Vec<FlushId>,
    /// Batches that this step has put into a queue.
    parking: Vec<BatchId>,
    jitter: Jitter,
}

/// A batch in the schedule.
#[derive(Debug)]
struct Slot {
    batch: Box<Batch>,
    phase: Phase,
    /// Flushes that wait for its next completed attempt.
    flushes: Vec<FlushId>,
}

impl Slot {
    fn is_in_flight(&self) -> bool {
        matches!(self.phase, Phase::InFlight { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for a free slot and an open endpoint.
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
    /// A pause or an open breaker may end.
    Endpoint,
}

#[derive(Debug)]
struct LaneState {
    config: Arc<Config>,
    endpoint: Arc<str>,
    /// Ready for their first attempt, oldest first.
    fresh: BTreeSet<BatchId>,
    /// Ready for another one.
    retries: BTreeSet<BatchId>,
    /// Those of both that a flush in attempt mode waits for.
    wanted: BTreeSet<BatchId>,
    /// Those of both whose time has not begun to run.
    unclocked: BTreeSet<BatchId>,
    /// Attempts under way, those being ended included: each holds its place until it is really gone.
    in_flight: BTreeMap<Attempt, Outgoing>,
    /// Flushes in attempt mode.
    flushes: BTreeMap<FlushId, AttemptFlush>,
    /// Open while the endpoint refuses this lane's credentials; another lane may have better ones (F23).
    credentials: Breaker,
    /// What it said then.
    unauthorised: Option<ExportFailure>,
    closing: Option<Closing>,
}

#[derive(Clone, Copy, Debug)]
struct Outgoing {
    probe: bool,
    retry: bool,
    /// Its result has been taken (overdue): what comes later is ignored.
    judged: bool,
}

#[derive(Clone, Copy, Debug)]
struct AttemptFlush {
    epoch: Epoch,
    /// Batches that still owe it an attempt.
    waiting: usize,
    reported: bool,
}

#[derive(Clone, Copy, Debug)]
struct Closing {
    deadline: Moment,
    /// The deadline has passed: nothing is sent any more.
    over: bool,
    drained: bool,
}

impl LaneState {
    /// A batch waits for a place.
    fn enqueue(&mut self, id: BatchId, retry: bool, wanted: bool) {
        if retry { &mut self.retries } else { &mut self.fresh }.insert(id);
        if wanted {
            self.wanted.insert(id);
        }
    }

    /// It does not wait any more.
    fn dequeue(&mut self, id: BatchId) {
        for queue in [&mut self.fresh, &mut self.retries, &mut self.wanted, &mut self.unclocked] {
            queue.remove(&id);
        }
    }
}

impl Dispatcher {
    pub(crate) fn new(jitter: Jitter) -> Self {
        Dispatcher {
            lanes: BTreeMap::new(),
            endpoints: HashMap::new(),
            slots: HashMap::new(),
            timers: BTreeSet::new(),
            covered: Vec::new(),
            parking: Vec::new(),
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
        let busy = mutant!("R19") && !matches!(event, Event::Timer);
        match event {
            Event::LaneOpened { lane, config } => self.open_lane(lane, config, &mut actions),
            Event::Ready(batch) => self.ready(now.mono, batch, &mut actions),
            Event::AttemptDone { attempt, outcome } => {
                if let Some(out) = self.end_attempt(attempt) {
                    self.judge(now, attempt, out.probe, &outcome, &mut actions);
                }
            }
            Event::AttemptAborted { attempt } => self.attempt_lost(now.mono, attempt),
            Event::AttemptPanicked { attempt } => {
                self.attempt_lost(now.mono, attempt);
                let settlement =
                    Settlement::Dropped { reason: DropReason::InternalError, failure: None };
                self.settle(attempt.batch, settlement, &mut actions);
            }
            Event::Evicted { batch } => drop(self.take(batch)),
            Event::FlushStarted { flush, deadline } => {
                self.timers.insert((deadline, Timer::Flush(flush)));
            }
            Event::AttemptFlushStarted { flush, lane, epoch, deadline } => {
                self.timers.insert((deadline, Timer::Flush(flush)));
                self.attempt_flush_started(flush, lane, epoch);
            }
            Event::FlushOver { flush } => self.flush_over(flush),
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
        if !busy {
            self.fire_timers(now, &mut actions);
        }
        self.pump(now.mono, &mut actions);
        self.close_lanes(&mut actions);
        // What has found a place at once has not waited.
        for batch in self.parking.drain(..) {
            if self.slots.get(&batch).is_some_and(|slot| !slot.is_in_flight()) {
                actions.push(Action::Park { batch });
            }
        }
        // Last: what such a flush waited for is recorded by the actions before.
        actions.extend(self.covered.drain(..).map(|flush| Action::FlushCovered { flush }));
        actions
    }

    /// Requests of a lane under way.
    pub(crate) fn in_flight(&self, lane: LaneId) -> usize {
        self.lanes.get(&lane).map_or(0, |lane| lane.in_flight.len())
    }

    /// State of the breaker that a lane meets.
    pub(crate) fn breaker(&self, lane: LaneId) -> BreakerState {
        let Some(lane) = self.lanes.get(&lane) else { return BreakerState::default() };
        match lane.credentials.state() {
            BreakerState::Closed => {
                self.endpoints.get(&lane.endpoint).map(Endpoint::state).unwrap_or_default()
            }
            held => held,
        }
    }

    /// The batch, for bookkeeping outside of the schedule.
    pub(crate) fn batch(&self, batch: BatchId) -> Option<&Batch> {
        self.slots.get(&batch).map(|slot| &*slot.batch)
    }

    /// Bytes of the bodies that wait.
    #[cfg(test)]
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let waiting = self.slots.values().filter(|slot| !slot.is_in_flight());
        waiting.map(|slot| slot.batch.body.len() as u64).sum()
    }

    /// Takes a batch out of the schedule.
    fn take(&mut self, id: BatchId) -> Option<Box<Batch>> {
        let slot = self.slots.remove(&id)?;
        if let Some(lane) = self.lanes.get_mut(&slot.batch.lane) {
            lane.dequeue(id);
            lane.attempt_completed(slot.flushes, &mut self.covered);
        }
        let timer = match slot.phase {
            Phase::Backoff { due } => Some((due, Timer::Retry(id))),
            Phase::InFlight { overdue, .. } => Some((overdue, Timer::Overdue(id))),
            Phase::Ready => None,
        };
        let deadline = slot.batch.history.deadline.map(|deadline| (deadline, Timer::GiveUp(id)));
        for timer in [timer, deadline].into_iter().flatten() {
            self.timers.remove(&timer);
        }
        Some(slot.batch)
    }

    /// Takes a batch out of the schedule for good.
    fn settle(&mut self, id: BatchId, settlement: Settlement, actions: &mut Vec<Action>) {
        if let Some(batch) = self.take(id) {
            actions.push(Action::Settle { batch, settlement });
        }
    }

    /// Ends a wait.
    fn make_due(&mut self, id: BatchId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if let Phase::Backoff { due } = slot.phase {
            self.timers.remove(&(due, Timer::Retry(id)));
            slot.phase = Phase::Ready;
            if let Some(lane) = self.lanes.get_mut(&slot.batch.lane) {
                lane.enqueue(id, slot.batch.history.attempts > 0, !slot.flushes.is_empty());
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
                Timer::Overdue(id) => self.overdue(now, id, actions),
                Timer::Shutdown(lane) => self.shutdown_over(lane, actions),
                Timer::Flush(flush) => {
                    self.flush_over(flush);
                    actions.push(Action::FlushTimedOut { flush });
                }
                Timer::Endpoint => {}
            }
        }
    }

    /// The sink has not ended an attempt in time: the batch goes on without it, its place stays taken until it is gone.
    fn overdue(&mut self, now: Now, id: BatchId, actions: &mut Vec<Action>) {
        let Some(Slot { batch, phase: Phase::InFlight { number, .. }, .. }) = self.slots.get(&id)
        else {
            return;
        };
        let attempt = Attempt { lane: batch.lane, batch: id, number: *number };
        let Some(out) =
            self.lanes.get_mut(&attempt.lane).and_then(|lane| lane.in_flight.get_mut(&attempt))
        else {
            return;
        };
        out.judged = true;
        let probe = out.probe;
        actions.push(Action::Abort { attempt });
        self.judge(now, attempt, probe, &SendOutcome::Failed(timed_out()), actions);
    }

    /// The batch's time is over. An attempt under way ends by its own limit, which is not later.
    fn give_up(&mut self, id: BatchId, actions: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(&id) else { return };
        if slot.is_in_flight() {
            return;
        }
        let Some(lane) = self.lanes.get(&slot.batch.lane) else { return };
        let trouble = match &lane.unauthorised {
            Some(failure) => Some((DropReason::NonRetryable, Some(failure.clone()))),
            None => self.endpoints.get(&lane.endpoint).map(Endpoint::trouble),
        };
        if let Some(mut batch) = self.take(id) {
            let (reason, failure) = match batch.history.last_failure.take() {
                Some(failure) => (DropReason::RetriesExhausted, Some(failure)),
                None => trouble.unwrap_or((DropReason::RetriesExhausted, None)),
            };
            actions.push(Action::Settle {
                batch,
                settlement: Settlement::Dropped { reason, failure },
            });
        }
    }
}
