//! The way into the schedule: a lane that opens, a batch that the workers have made.
//! It refuses to send anything; what cannot go out as it is turns back here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    clock::Moment,
    config::Config,
    error::DropReason,
    pipeline::{
        batch::Batch,
        dispatcher::{Action, Dispatcher, LaneState, Phase, Settlement, Slot, Timer, Work},
        ids::LaneId,
        told::Told,
    },
};

impl Dispatcher {
    pub(super) fn open_lane(&mut self, lane: LaneId, config: Arc<Config>) {
        let endpoint: Arc<str> = format!("{} {}", config.endpoint, config.way).into();
        self.endpoints.entry(Arc::clone(&endpoint)).or_default();
        self.lanes.entry(lane).or_insert_with(|| LaneState {
            config,
            endpoint,
            free: BTreeSet::new(),
            budgeted: BTreeSet::new(),
            awaited: None,
            wanted: BTreeSet::new(),
            unclocked: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            flushes: BTreeMap::new(),
            told: Told::new(),
            closing: None,
        });
    }

    /// Takes a batch from the workers into the schedule, if it can go out as it is.
    pub(super) fn ready(&mut self, now: Moment, mut batch: Box<Batch>, actions: &mut Vec<Action>) {
        // A lane that is gone has settled everything; dropping the batch does no harm.
        let Some(lane) = self.lanes.get_mut(&batch.lane) else { return };
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
            lane.config.split_on_413 && untried && batch.encoded_bytes > lane.told.size_limit();
        let is_above = batch.encoded_bytes > lane.config.split_above_bytes;
        if (too_large || is_above || likely_too_large) && batch.spans() > 1 {
            actions.push(Action::Rework { batch, work: Work::Split, flushes: Vec::new() });
            return;
        }
        if too_large {
            let settlement = Settlement::Dropped { reason: DropReason::TooLarge, failure: None };
            actions.push(Action::Settle { batch, settlement });
            return;
        }
        if !lane.told.accepts(batch.encoding) {
            let work = Work::Reencode(lane.told.best_encoding());
            actions.push(Action::Rework { batch, work, flushes: Vec::new() });
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
        lane.enqueue(id, batch.history.attempts, !flushes.is_empty());
        match batch.history.deadline {
            Some(deadline) => drop(self.timers.insert((deadline, Timer::GiveUp(id)))),
            None => drop(lane.unclocked.insert(id)),
        }
        self.parking.push(id);
        self.slots.insert(id, Slot { batch, phase: Phase::Ready, flushes });
    }
}
