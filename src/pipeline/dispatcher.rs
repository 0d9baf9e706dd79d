//! The schedule of every lane as a pure state machine: `step(now, event) -> actions`.
//! It refuses to touch clocks, sockets, threads and locks; the I/O thread carries its actions out.

mod arrival;
mod attempts;
#[cfg(test)]
mod audit;
mod event;
mod flushing;
mod pump;
mod repeating;
mod results;
mod shutdown;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use attempts::{Outgoing, Standing};
pub(crate) use event::{Action, Attempt, Event, Settlement, Work};

use crate::{
    clock::{Moment, Now},
    config::Config,
    error::{DropReason, ExportFailure},
    pipeline::{
        batch::Batch,
        endpoint::Endpoint,
        ids::{BatchId, Epoch, FlushId, LaneId},
        retry::Jitter,
        told::{Told, needs_budget},
    },
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
    /// Attempts so far.
    attempts: u64,
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
        matches!(self.phase, Phase::InFlight(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for a free slot and an open endpoint.
    Ready,
    /// Waits for its next attempt.
    Backoff { due: Moment },
    /// Waits for the result of this attempt.
    InFlight(Attempt),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Retry(BatchId),
    GiveUp(BatchId),
    /// The limit of an attempt, awaited or told to end.
    Attempt(Attempt),
    /// An attempt has been under way for long.
    Slow(Attempt),
    Shutdown(LaneId),
    Flush(FlushId),
    /// A pause or an open breaker may end.
    Endpoint,
}

#[derive(Debug)]
struct LaneState {
    config: Arc<Config>,
    /// Its endpoint and its way there.
    endpoint: Arc<str>,
    /// Ready for an attempt that the retry budget does not concern, oldest first.
    free: BTreeSet<BatchId>,
    /// Ready for one that it has to allow.
    budgeted: BTreeSet<BatchId>,
    /// Those of both that a flush in attempt mode waits for.
    wanted: BTreeSet<BatchId>,
    /// Those of both whose time has not begun to run.
    unclocked: BTreeSet<BatchId>,
    /// Attempts under way, those being ended included: each holds its place until it is really gone.
    in_flight: BTreeMap<Attempt, Outgoing>,
    /// Flushes in attempt mode.
    flushes: BTreeMap<FlushId, AttemptFlush>,
    /// The last epoch that any flush has waited for.
    awaited: Option<Epoch>,
    told: Told,
    closing: Option<Closing>,
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
    /// There is no place for another request.
    fn is_full(&self) -> bool {
        self.in_flight.len() >= self.config.max_under_way as usize
    }

    /// There is no place for a request that nobody waits for. The slow ones have places of their own.
    fn is_full_for_the_unawaited(&self) -> bool {
        let quick = self.in_flight.values().filter(|out| !out.is_slow).count();
        quick >= self.config.max_concurrency as usize
    }

    /// A batch waits for a place.
    fn enqueue(&mut self, id: BatchId, attempts: u32, wanted: bool) {
        if needs_budget(attempts) { &mut self.budgeted } else { &mut self.free }.insert(id);
        if wanted {
            self.wanted.insert(id);
        }
    }

    /// It does not wait any more.
    fn dequeue(&mut self, id: BatchId) {
        for queue in [&mut self.free, &mut self.budgeted, &mut self.wanted, &mut self.unclocked] {
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
            attempts: 0,
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
            Event::LaneOpened { lane, config } => self.open_lane(lane, config),
            Event::Ready(batch) => self.ready(now.mono, batch, &mut actions),
            Event::AttemptDone { attempt, outcome } => {
                self.attempt_done(now, attempt, &outcome, &mut actions);
            }
            Event::AttemptAborted { attempt } => {
                self.attempt_lost(now.mono, attempt, &mut actions);
            }
            Event::AttemptPanicked { attempt } => {
                self.attempt_panicked(now.mono, attempt, &mut actions);
            }
            Event::Evicted { batch } => drop(self.take(now.mono, batch, &mut actions)),
            Event::FlushStarted { flush, lane, epoch, deadline } => {
                self.timers.insert((deadline, Timer::Flush(flush)));
                self.await_epoch(lane, epoch);
            }
            Event::AttemptFlushStarted { flush, lane, epoch, deadline } => {
                self.timers.insert((deadline, Timer::Flush(flush)));
                self.await_epoch(lane, epoch);
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
            Event::CredentialsChanged { lane } => {
                if let Some(lane) = self.lanes.get_mut(&lane) {
                    lane.told.credentials_changed(now.mono);
                }
            }
            Event::Timer => {}
        }
        self.fire_timers(now, &mut actions);
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

    /// Whether a lane is not closed yet.
    pub(crate) fn has_lane(&self, lane: LaneId) -> bool {
        self.lanes.contains_key(&lane)
    }

    /// State of the breaker that a lane meets.
    pub(crate) fn breaker(&self, lane: LaneId) -> BreakerState {
        let Some(lane) = self.lanes.get(&lane) else { return BreakerState::default() };
        match lane.told.state() {
            BreakerState::Closed => {
                self.endpoints.get(&lane.endpoint).map(Endpoint::state).unwrap_or_default()
            }
            held => held,
        }
    }

    /// Why its batches are held: what its endpoint said last, or the network about that.
    pub(crate) fn trouble(&self, lane: LaneId) -> Option<(DropReason, ExportFailure)> {
        let lane = self.lanes.get(&lane)?;
        let network = self.endpoints.get(&lane.endpoint).and_then(Endpoint::trouble);
        match lane.told.state() {
            BreakerState::Closed => network.or_else(|| lane.told.trouble()),
            _ => lane.told.trouble().or(network),
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

    /// Takes a batch out of the schedule. An attempt that it waits for is given up.
    fn take(&mut self, now: Moment, id: BatchId, actions: &mut Vec<Action>) -> Option<Box<Batch>> {
        let Slot { batch, flushes, .. } = self.remove(now, id, actions)?;
        if let Some(lane) = self.lanes.get_mut(&batch.lane) {
            lane.attempt_completed(&flushes, &mut self.covered);
        }
        Some(batch)
    }

    /// The same, with the flushes that wait for its attempt.
    fn remove(&mut self, now: Moment, id: BatchId, actions: &mut Vec<Action>) -> Option<Slot> {
        let slot = self.slots.remove(&id)?;
        if let Some(lane) = self.lanes.get_mut(&slot.batch.lane) {
            lane.dequeue(id);
        }
        match slot.phase {
            Phase::Backoff { due } => drop(self.timers.remove(&(due, Timer::Retry(id)))),
            Phase::InFlight(attempt) => {
                self.tell_to_end(now, attempt, Standing::GivenUp, actions);
            }
            Phase::Ready => {}
        }
        if let Some(deadline) = slot.batch.history.deadline {
            self.timers.remove(&(deadline, Timer::GiveUp(id)));
        }
        Some(slot)
    }

    /// Takes a batch out of the schedule for good.
    fn settle(
        &mut self,
        now: Moment,
        id: BatchId,
        settlement: Settlement,
        actions: &mut Vec<Action>,
    ) {
        if let Some(batch) = self.take(now, id, actions) {
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
                lane.enqueue(id, slot.batch.history.attempts, !slot.flushes.is_empty());
            }
        }
    }

    fn fire_timers(&mut self, now: Now, actions: &mut Vec<Action>) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now.mono)
        {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Retry(id) => self.make_due(id),
                Timer::GiveUp(id) => self.give_up(now.mono, id, actions),
                Timer::Attempt(attempt) => self.attempt_limit(now, attempt, actions),
                Timer::Slow(attempt) => self.attempt_is_slow(attempt),
                Timer::Shutdown(lane) => self.shutdown_over(now.mono, lane, actions),
                Timer::Flush(flush) => {
                    self.flush_over(flush);
                    actions.push(Action::FlushTimedOut { flush });
                }
                Timer::Endpoint => {}
            }
        }
    }

    /// The batch's time is over. An attempt under way ends by its own limit, which is not later.
    fn give_up(&mut self, now: Moment, id: BatchId, actions: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(&id) else { return };
        if slot.is_in_flight() {
            return;
        }
        let trouble = self.trouble(slot.batch.lane);
        if let Some(mut batch) = self.take(now, id, actions) {
            let (reason, failure) = match batch.history.last_failure.take() {
                Some(failure) => (DropReason::RetriesExhausted, Some(failure)),
                None => match trouble {
                    Some((reason, failure)) => (reason, Some(failure)),
                    None => (DropReason::RetriesExhausted, None),
                },
            };
            actions.push(Action::Settle {
                batch,
                settlement: Settlement::Dropped { reason, failure },
            });
        }
    }
}
