//! What each of the dispatcher's actions means on this thread.
//! It refuses to read messages; that is the driver's loop.

use std::sync::Arc;

use super::Driver;
use crate::{
    clock::Now,
    error::DropReason,
    pipeline::{
        batch::Batch,
        dispatcher::{Action, Attempt, Event, Work},
        drop_log::dropped_line,
        ids::{BatchId, FlushId, LaneId},
        io::{OpenLane, record::record},
        messages::{Flush, Job, Task},
        notice::Level,
        permit::Permit,
        shutdown::ShutdownOutcome,
    },
    sink::Request,
    stats::BreakerState,
};

impl Driver<'_> {
    /// Carries out one action. What comes of it at once is returned.
    pub(super) fn act(&mut self, action: Action) -> Vec<Action> {
        match action {
            Action::Send { attempt, request } => return self.send(attempt, request),
            Action::Abort { attempt } => {
                if let Some((_, abort)) =
                    self.tasks.get(&attempt).and_then(|id| self.running.get(id))
                {
                    abort.abort();
                }
            }
            Action::Settle { batch, settlement } => {
                if let Some(open) = self.desk.lanes.get(&batch.lane) {
                    record(open.lane(), *batch, settlement);
                }
            }
            Action::Rework { batch, work, flushes } => self.rework(batch, work, &flushes),
            Action::Attempted { batch } => {
                let permits = self.dispatcher.batch(batch).map(|batch| batch.permits.as_slice());
                permits.unwrap_or_default().iter().for_each(Permit::attempted);
            }
            Action::Park { batch } => {
                let Some(batch) = self.dispatcher.batch(batch) else { return Vec::new() };
                let Some(open) = self.desk.lanes.get(&batch.lane) else { return Vec::new() };
                let evicted = batch.park().into_iter();
                let bereft =
                    evicted.flat_map(|evicted| open.lane().finish_eviction(evicted)).collect();
                return self.forget(bereft);
            }
            Action::LimitEncoding { lane, encoding } => {
                let Some(endpoint) =
                    self.desk.lanes.get(&lane).map(|open| &open.lane().config.endpoint)
                else {
                    return Vec::new();
                };
                for open in
                    self.desk.lanes.values().filter(|open| open.lane().config.endpoint == *endpoint)
                {
                    open.lane().limit_encoding(encoding);
                }
            }
            Action::FlushCovered { flush } => {
                if let Some(flush) = self.desk.flushes.get_mut(&flush)
                    && !std::mem::replace(&mut flush.is_covered, true)
                {
                    flush.cell.part_done();
                }
            }
            Action::FlushTimedOut { flush } => {
                if let Some(Flush { lane, cell, epoch, .. }) = self.desk.flushes.remove(&flush) {
                    let outstanding = lane.ledger.abandon_flush(epoch, &cell);
                    cell.time_out(outstanding);
                }
            }
            Action::Abandon { lane } => {
                if let Some(open) = self.desk.lanes.get(&lane) {
                    open.lane().abandon(DropReason::ShutdownDeadline);
                }
            }
            Action::LaneClosed { lane, timed_out } => self.lane_closed(lane, timed_out),
            Action::Tell { lane, level, text } => {
                if let Some(open) = self.desk.lanes.get(&lane) {
                    open.lane().herald.line(level, text);
                }
            }
        }
        Vec::new()
    }

    fn send(&mut self, attempt: Attempt, request: Request) -> Vec<Action> {
        // With `drop-oldest` the batch may have been voided between the decision and now.
        let live = self.dispatcher.batch(attempt.batch).is_some_and(Batch::unpark);
        let open = self.desk.lanes.get(&attempt.lane);
        let sink = open.and_then(|open| open.lane().sink());
        let (true, Some(open), Some(sink)) = (live, open, sink) else {
            let now = Now::read();
            let mut actions = self.dispatcher.step(now, Event::Evicted { batch: attempt.batch });
            actions.extend(self.dispatcher.step(now, Event::AttemptAborted { attempt }));
            return actions;
        };
        let bytes = request.body.len() as u64;
        // Inside the task, so that a panic of the sink is the attempt's and nobody else's.
        let abort = self.sends.spawn(async move { (attempt, sink.send(request).await) });
        self.tasks.insert(attempt, abort.id());
        self.running.insert(abort.id(), (attempt, abort));
        open.lane().ledger.gauge(|gauges| {
            gauges.requests += 1;
            gauges.sent_bytes += bytes;
            gauges.retries += u64::from(attempt.number > 1);
        });
        Vec::new()
    }

    /// Frees the bodies of batches that have no live permit left.
    pub(super) fn forget(&mut self, batches: Vec<BatchId>) -> Vec<Action> {
        let mut actions = Vec::new();
        for batch in batches {
            if self.dispatcher.batch(batch).is_some_and(|batch| batch.live_spans() == 0) {
                actions.extend(self.dispatcher.step(Now::read(), Event::Evicted { batch }));
            }
        }
        actions
    }

    /// Until it comes back the batch is on the workers, and what is there is the ledger's part of a flush.
    fn rework(&mut self, batch: Box<Batch>, work: Work, flushes: &[FlushId]) {
        batch.permits.iter().for_each(Permit::owe_attempt);
        for flush in flushes.iter().filter_map(|flush| self.desk.flushes.get(flush)) {
            flush.lane.ledger.await_attempts(&flush.cell, flush.epoch);
        }
        let Some(open) = self.desk.lanes.get(&batch.lane) else { return };
        if let Some(threads) = open.client.threads() {
            let lane = Arc::clone(&open.client.lane);
            let task = Task::Rework { batch, work };
            threads.submit(Job { lane, threads: Arc::clone(&threads), task });
        }
    }

    fn lane_closed(&mut self, id: LaneId, timed_out: bool) {
        let Some(OpenLane { client, shutdown }) = self.desk.lanes.remove(&id) else { return };
        let lane = &client.lane;
        lane.ledger.gauge(|gauges| gauges.in_flight = 0);
        let dropped = lane.ledger.snapshot().dropped[DropReason::ShutdownDeadline];
        if dropped > 0 {
            let reason = DropReason::ShutdownDeadline;
            let endpoint = lane.herald.shown_endpoint();
            let line = dropped_line(dropped, reason, endpoint, "", reason.message());
            lane.herald.line(Level::Warn, line);
        }
        client.release();
        for answer in shutdown.into_iter().flat_map(|(_, answers)| answers) {
            answer.give(ShutdownOutcome { timed_out, dropped });
        }
    }

    pub(super) fn report(&self) {
        for (&id, open) in &self.desk.lanes {
            let in_flight = u32::try_from(self.dispatcher.in_flight(id)).unwrap_or(u32::MAX);
            let breaker = self.dispatcher.breaker(id);
            let mut was_closed = breaker == BreakerState::Closed;
            open.lane().ledger.gauge(|gauges| {
                gauges.in_flight = in_flight;
                was_closed = gauges.breaker == BreakerState::Closed;
                gauges.breaker = breaker;
            });
            let is_closed = breaker == BreakerState::Closed;
            // A lane that is gone holds nothing any more, but nobody has said that its collector is back.
            if is_closed != was_closed && self.dispatcher.has_lane(id) {
                let trouble = if is_closed { None } else { self.dispatcher.trouble(id) };
                let trouble = trouble.map(|(_, failure)| failure);
                open.lane().herald.breaker(breaker, trouble);
            }
        }
    }
}
