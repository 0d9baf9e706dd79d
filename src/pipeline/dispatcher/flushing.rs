//! Flushes in attempt mode: every batch keeps the list of flushes that still wait for it.
//! It refuses to know spans: what is still on the workers is the ledger's part of the flush.

use crate::pipeline::{
    dispatcher::{AttemptFlush, Dispatcher, LaneState, Phase, Timer},
    ids::{BatchId, Epoch, FlushId, LaneId},
};

impl Dispatcher {
    /// Somebody waits for every batch of these epochs: from now on they get as many places as there are.
    pub(super) fn await_epoch(&mut self, lane: LaneId, epoch: Epoch) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.awaited = lane.awaited.max(Some(epoch));
        }
    }

    pub(super) fn attempt_flush_started(&mut self, flush: FlushId, lane_id: LaneId, epoch: Epoch) {
        let mut covered: Vec<BatchId> = Vec::new();
        for (id, slot) in &mut self.slots {
            if slot.batch.lane == lane_id && slot.batch.epoch() <= epoch {
                slot.flushes.push(flush);
                if slot.phase == Phase::Ready
                    && let Some(lane) = self.lanes.get_mut(&lane_id)
                {
                    lane.wanted.insert(*id);
                }
                covered.push(*id);
            }
        }
        let Some(lane) = self.lanes.get_mut(&lane_id) else {
            self.covered.push(flush);
            return;
        };
        let reported = covered.is_empty();
        lane.flushes.insert(flush, AttemptFlush { epoch, waiting: covered.len(), reported });
        if reported {
            self.covered.push(flush);
        }
        // Oldest first, whatever order the map has.
        covered.sort_unstable();
        for id in covered {
            self.make_due(id);
        }
    }

    pub(super) fn flush_over(&mut self, flush: FlushId) {
        for lane in self.lanes.values_mut() {
            lane.flushes.remove(&flush);
        }
        self.timers.retain(|(_, timer)| *timer != Timer::Flush(flush));
    }
}

impl LaneState {
    /// A batch has completed an attempt, or left: the flushes that waited for it need not any more. Those that wait
    /// for nobody else are added to `covered`.
    pub(super) fn attempt_completed(&mut self, flushes: &[FlushId], covered: &mut Vec<FlushId>) {
        for flush in flushes {
            if let Some(state) = self.flushes.get_mut(flush) {
                state.waiting = state.waiting.saturating_sub(1);
                if state.waiting == 0 && !state.reported {
                    state.reported = true;
                    covered.push(*flush);
                }
            }
        }
    }
}
