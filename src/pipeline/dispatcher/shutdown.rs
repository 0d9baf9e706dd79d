//! The end of a lane: last attempts while the deadline allows, then nothing more, ever.
//! It refuses to wait for anybody beyond the deadline.

use crate::{
    clock::Moment,
    error::DropReason,
    pipeline::{
        dispatcher::{Action, Closing, Dispatcher, Phase, Settlement, Timer},
        ids::{BatchId, LaneId},
    },
};

impl Dispatcher {
    pub(super) fn shutdown_started(&mut self, lane_id: LaneId, deadline: Moment) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else { return };
        if let Some(closing) = &mut lane.closing {
            // Callers that come later can only shorten what the first one was granted.
            if deadline < closing.deadline {
                self.timers.remove(&(closing.deadline, Timer::Shutdown(lane_id)));
                closing.deadline = deadline;
                self.timers.insert((deadline, Timer::Shutdown(lane_id)));
            }
            return;
        }
        lane.closing = Some(Closing { deadline, over: false, drained: false });
        self.timers.insert((deadline, Timer::Shutdown(lane_id)));
        let mut waiting: Vec<BatchId> = Vec::new();
        for (id, slot) in &mut self.slots {
            if slot.batch.lane == lane_id && matches!(slot.phase, Phase::Backoff { .. }) {
                slot.batch.history.final_attempt = true;
                waiting.push(*id);
            }
        }
        for id in waiting {
            self.make_due(id);
        }
    }

    pub(super) fn shutdown_over(
        &mut self,
        now: Moment,
        lane_id: LaneId,
        actions: &mut Vec<Action>,
    ) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else { return };
        let Some(closing) = lane.closing.as_mut() else { return };
        closing.over = true;
        let mut ids: Vec<BatchId> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.batch.lane == lane_id)
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        for id in ids {
            if let Some(mut batch) = self.take(now, id, actions) {
                let failure = batch.history.last_failure.take();
                let settlement =
                    Settlement::Dropped { reason: DropReason::ShutdownDeadline, failure };
                actions.push(Action::Settle { batch, settlement });
            }
        }
        actions.push(Action::Abandon { lane: lane_id });
    }

    /// Closes lanes that have nothing left. What was told to end holds them for a moment only.
    pub(super) fn close_lanes(&mut self, actions: &mut Vec<Action>) {
        let done: Vec<(LaneId, Closing)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.in_flight.is_empty())
            .filter_map(|(id, lane)| Some((*id, lane.closing?)))
            .filter(|(_, closing)| closing.drained || closing.over)
            .collect();
        for (lane_id, closing) in done {
            self.timers.remove(&(closing.deadline, Timer::Shutdown(lane_id)));
            let Some(lane) = self.lanes.remove(&lane_id) else { continue };
            if !self.lanes.values().any(|other| other.endpoint == lane.endpoint) {
                self.endpoints.remove(&lane.endpoint);
            }
            actions.push(Action::LaneClosed { lane: lane_id, timed_out: closing.over });
        }
        if self.lanes.is_empty() {
            // Pauses and flushes of lanes that are gone concern nobody.
            self.timers.clear();
        }
    }
}
