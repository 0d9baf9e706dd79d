//! The schedule of every lane as a pure state machine: `step(now, event) -> actions`.
//! It refuses to touch clocks, sockets, threads and locks; the I/O thread carries its actions out.

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
    sink::{ContentEncoding, SendOutcome},
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

    fn open_lane(&mut self, lane: LaneId, config: Arc<Config>, actions: &mut Vec<Action>) {
        let endpoint: Arc<str> = config.endpoint.as_str().into();
        let known = self.endpoints.entry(Arc::clone(&endpoint)).or_insert_with(Endpoint::new);
        let encoding = known.best_encoding();
        if encoding != ContentEncoding::Zstd {
            actions.push(Action::LimitEncoding { lane, encoding });
        }
        self.lanes.entry(lane).or_insert_with(|| LaneState {
            config,
            endpoint,
            fresh: BTreeSet::new(),
            retries: BTreeSet::new(),
            wanted: BTreeSet::new(),
            unclocked: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            flushes: BTreeMap::new(),
            credentials: Breaker::default(),
            unauthorised: None,
            closing: None,
        });
    }

    /// Takes a batch from the workers into the schedule, if it can go out as it is.
    fn ready(&mut self, now: Moment, mut batch: Box<Batch>, actions: &mut Vec<Action>) {
        // A lane that is gone has settled everything; dropping the batch does no harm.
        let Some(lane) = self.lanes.get_mut(&batch.lane) else { return };
        let Some(endpoint) = self.endpoints.get(&lane.endpoint) else { return };
        if lane.closing.is_some_and(|closing| closing.over) {
            let settlement =
                Settlement::Dropped { reason: DropReason::ShutdownDeadline, failure: None };
            actions.push(Action::Settle { batch, settlement });
            return;
        }
        if batch.history.deadline.is_some_and(|deadline| deadline <= now) {
            let failure = batch.history.last_failure.take();
            let settlement = Settlement::Dropped { reason: DropReason::RetriesExhausted, failure };
            actions.push(Action::Settle { batch, settlement });
            return;
        }
        let size = batch.encoded_bytes.max(batch.body.len() as u64);
        let too_large = size > lane.config.max_request_bytes;
        // What has just been split after a 413 is tried before it is split again.
        let untried = batch.history.requests() == 0;
        let likely_too_large =
            lane.config.split_on_413 && untried && batch.encoded_bytes > endpoint.size_limit();
        if (too_large || likely_too_large) && batch.spans() > 1 {
            actions.push(Action::Rework { batch, work: Work::Split });
            return;
        }
        if too_large && !mutant!("F36") {
            let settlement = Settlement::Dropped { reason: DropReason::TooLarge, failure: None };
            actions.push(Action::Settle { batch, settlement });
            return;
        }
        if !endpoint.accepts(batch.encoding) {
            let work = Work::Reencode(endpoint.best_encoding());
            actions.push(Action::Rework { batch, work });
            return;
        }
        let (id, epoch) = (batch.id, batch.epoch());
        let mut flushes = Vec::new();
        for (flush, state) in &mut lane.flushes {
            if epoch <= state.epoch {
                state.waiting += 1;
                flushes.push(*flush);
            }
        }
        lane.enqueue(id, batch.history.attempts > 0, !flushes.is_empty());
        match batch.history.deadline {
            Some(deadline) => drop(self.timers.insert((deadline, Timer::GiveUp(id)))),
            None => drop(lane.unclocked.insert(id)),
        }
        actions.push(Action::Park { batch: id });
        self.slots.insert(id, Slot { batch, phase: Phase::Ready, flushes });
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
        if let Phase::InFlight { .. } = slot.phase {
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
