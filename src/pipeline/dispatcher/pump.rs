//! Who is sent next: free places, the endpoint's gate, the retry budget.
//! It refuses to defer anything for the sake of a flush or a shutdown: unrelated batches would wait, too (R28).

use std::time::Duration;

use crate::{
    clock::Moment,
    pipeline::{
        breaker::Gate,
        dispatcher::{
            Action, Attempt, Dispatcher, LaneState, Outgoing, Phase, Timer,
            attempts::{Rights, Standing},
        },
        ids::{BatchId, LaneId},
        told::{self, needs_budget},
    },
    sink::Request,
};

/// Time beyond its own limit that an attempt gets before the dispatcher ends it: the sink's limit should come first,
/// because it knows better words for the error.
const OVERDUE: Duration = Duration::from_millis(250);

/// An attempt that has been under way for this long says that the endpoint takes its time, not that it has much to do.
const SLOW: Duration = Duration::from_secs(1);

/// What a request that goes out decides for those that are held meanwhile.
#[derive(Clone, Copy)]
struct Probes {
    own: told::Probes,
    endpoint: bool,
}

impl Dispatcher {
    /// Sends what can be sent.
    pub(super) fn pump(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let waiting = |lane: &LaneState| !(lane.free.is_empty() && lane.budgeted.is_empty());
        let lanes: Vec<LaneId> =
            self.lanes.iter().filter(|(_, lane)| waiting(lane)).map(|(lane, _)| *lane).collect();
        for lane in lanes {
            while let Some((batch, probes)) = self.next_to_send(now, lane) {
                self.send(now, lane, batch, probes, actions);
            }
        }
    }

    /// The oldest batch that may go out now, and what it probes.
    fn next_to_send(&mut self, now: Moment, lane_id: LaneId) -> Option<(BatchId, Probes)> {
        let lane = self.lanes.get_mut(&lane_id)?;
        let endpoint = self.endpoints.get(&lane.endpoint)?;
        if lane.is_full() || lane.closing.is_some_and(|closing| closing.over) {
            return None;
        }
        let closing = lane.closing.is_some();
        let affordable = closing || lane.told.affords_retry();
        let budgeted = lane.budgeted.first().filter(|_| affordable);
        let wanted = lane.wanted.first();
        let free = lane.free.first();
        let first = [free, budgeted, wanted].into_iter().flatten().min().copied();
        if !closing && lane.is_full_for_the_unawaited() {
            let oldest = first.and_then(|id| self.slots.get(&id))?;
            if Some(oldest.batch.epoch()) > lane.awaited {
                return None;
            }
        }
        let gate = |wanted: bool| {
            let own = lane.told.gate(now, wanted, closing)?;
            match endpoint.gate(now, wanted || closing) {
                Gate::Hold(until) => Err(until),
                shared => Ok(Probes { own, endpoint: shared == Gate::Probe }),
            }
        };
        let until = match gate(false) {
            Ok(probes) => return Some((first?, probes)),
            Err(until) => until,
        };
        // Only a batch that somebody waits for could still get through.
        if let Some(&wanted) = wanted
            && let Ok(probes) = gate(true)
        {
            return Some((wanted, probes));
        }
        if let Some(until) = until {
            self.timers.insert((until, Timer::Endpoint));
        }
        // Held batches grow old, though they have had no attempt to start their clock.
        for id in std::mem::take(&mut lane.unclocked) {
            if let Some(slot) = self.slots.get_mut(&id) {
                let deadline = now.after(lane.config.retry.max_elapsed);
                slot.batch.history.deadline = Some(deadline);
                self.timers.insert((deadline, Timer::GiveUp(id)));
            }
        }
        None
    }

    fn send(
        &mut self,
        now: Moment,
        lane_id: LaneId,
        id: BatchId,
        probes: Probes,
        actions: &mut Vec<Action>,
    ) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        lane.dequeue(id);
        let (batch, policy) = (&mut slot.batch, &lane.config.retry);
        let history = &mut batch.history;
        let is_budgeted = needs_budget(history.attempts);
        history.attempts += 1;
        let deadline = *history.deadline.get_or_insert_with(|| {
            let deadline = now.after(policy.max_elapsed);
            self.timers.insert((deadline, Timer::GiveUp(id)));
            deadline
        });
        let end = lane.closing.map_or(deadline, |closing| closing.deadline.min(deadline));
        let left = end.since(now);
        let time_left = policy.attempt_timeout.min(left);
        history.has_all_time = time_left == left;
        self.attempts += 1;
        let (number, serial) = (history.attempts, self.attempts);
        let attempt = Attempt { lane: lane_id, batch: id, number, serial };
        slot.phase = Phase::InFlight(attempt);
        let shared = self.endpoints.get_mut(&lane.endpoint).filter(|_| probes.endpoint);
        let rights = Rights {
            endpoint: shared.map(|shared| shared.probe(now)),
            own: lane.told.started(now, is_budgeted, probes.own),
        };
        let limit = now.after(time_left).after(OVERDUE);
        self.timers.insert((limit, Timer::Attempt(attempt)));
        let slow_from = now.after(SLOW);
        self.timers.insert((slow_from, Timer::Slow(attempt)));
        let out = Outgoing {
            is_budgeted,
            rights,
            sent: now,
            standing: Standing::Expected,
            limit,
            slow_from,
            is_slow: false,
        };
        lane.in_flight.insert(attempt, out);
        let request = Request {
            body: batch.body.clone(),
            encoding: batch.encoding,
            spans: u32::try_from(batch.spans()).unwrap_or(u32::MAX),
            call: batch.call,
            attempt: batch.history.requests(),
            time_left,
            headers: None,
        };
        actions.push(Action::Send { attempt, request });
    }
}
