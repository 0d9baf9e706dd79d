//! What an attempt's result means for its batch: settled, repeated, split, compressed differently.
//! It refuses to read responses; that is `classify`. When it is repeated is `repeating`'s.

use std::sync::Arc;

use crate::{
    clock::{Moment, Now},
    error::{DropReason, ExportFailure},
    pipeline::{
        classify::classify,
        dispatcher::{
            Action, Attempt, Dispatcher, LaneState, Settlement, Slot, Work, attempts::Rights,
        },
        ids::LaneId,
        notice::{Level, without_query},
        told::{Finding, less_compressed},
    },
    sink::{ContentEncoding, SendOutcome},
    stats::BreakerState,
    verdict::{Cause, Network, Verdict},
};

impl Dispatcher {
    /// Reads a result and decides. Its batch may be gone: then it tells about the endpoint alone.
    pub(super) fn judge(
        &mut self,
        now: Now,
        attempt: Attempt,
        rights: Rights,
        outcome: &SendOutcome,
        actions: &mut Vec<Action>,
    ) {
        let expected = self.expected(attempt);
        let slot = expected.and_then(|batch| self.slots.get(&batch));
        let Some(lane) = self.lanes.get_mut(&attempt.lane) else { return };
        let Some(endpoint) = self.endpoints.get_mut(&lane.endpoint) else { return };
        let spans = slot.map(|slot| slot.batch.spans()).unwrap_or_default();
        let policy = &lane.config.retry;
        let network = Network::of(outcome);
        let Rights { endpoint: right, own } = rights;
        match classify(lane.config.protocol, spans, outcome, now.wall) {
            Verdict::Delivered { partial, rejected, warning, best_encoding } => {
                endpoint.learn(now.mono, policy, right, network, None, &mut self.jitter);
                lane.told.learn(now.mono, policy, own, Finding::Success, &mut self.jitter);
                if let Some(encoding) = slot.and_then(|slot| slot.batch.history.suspect) {
                    let encoding = lane.told.downgrade(encoding);
                    actions.push(Action::LimitEncoding { lane: attempt.lane, encoding });
                }
                if let Some(encoding) = best_encoding.filter(|best| lane.told.limit(*best)) {
                    actions.push(Action::LimitEncoding { lane: attempt.lane, encoding });
                }
                let settlement = Settlement::Delivered { rejected, partial, warning };
                if let Some(batch) = expected {
                    self.settle(now.mono, batch, settlement, actions);
                }
            }
            Verdict::Transient { failure, retry_after, cause } => {
                let (jitter, told) = (&mut self.jitter, Some((cause, &failure)));
                let gone = endpoint.learn(now.mono, policy, right, network, told, jitter);
                let finding = Finding::Failure { cause, failure: &failure, retry_after };
                let opened = lane.told.learn(now.mono, policy, own, finding, jitter) || gone;
                self.tell_if_opened(opened, attempt, &failure, actions);
                if let Some(batch) = expected {
                    if self.is_out_of_time(batch, outcome) {
                        self.out_of_time(now.mono, attempt, failure, actions);
                    } else {
                        self.transient(now.mono, attempt, failure, retry_after, cause, actions);
                    }
                }
                self.represent(attempt, actions);
            }
            Verdict::Final { failure, reason, cause } => {
                let (jitter, told) = (&mut self.jitter, Some((cause, &failure)));
                let gone = endpoint.learn(now.mono, policy, right, network, told, jitter);
                let finding = Finding::Failure { cause, failure: &failure, retry_after: None };
                let opened = lane.told.learn(now.mono, policy, own, finding, jitter) || gone;
                self.tell_if_opened(opened, attempt, &failure, actions);
                if expected.is_some() {
                    self.refused(now.mono, attempt, failure, reason, cause, actions);
                }
                self.represent(attempt, actions);
            }
        }
    }

    /// The same request would fail again. Perhaps another one with the same spans will not.
    fn refused(
        &mut self,
        now: Moment,
        attempt: Attempt,
        failure: ExportFailure,
        mut reason: DropReason,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) {
        let Some(Slot { mut batch, flushes, .. }) = self.remove(now, attempt.batch, actions) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&attempt.lane) else { return };
        // The dispatcher is done with these flushes. The ledger keeps them waiting until each request that is made from the batch
        // has had an attempt.
        lane.attempt_completed(&flushes, &mut self.covered);
        let splits = lane.config.split_on_413;
        match cause {
            Cause::TooLarge if splits && batch.spans() > 1 => {
                lane.told.too_large(batch.encoded_bytes);
                actions.push(Action::Rework { batch, work: Work::Split, flushes });
                return;
            }
            Cause::TooLarge => reason = DropReason::TooLarge,
            Cause::BadEncoding | Cause::BadRequest
                if batch.encoding != ContentEncoding::Identity
                    && !batch.history.less_compressed =>
            {
                let less = less_compressed(batch.encoding);
                if cause == Cause::BadEncoding {
                    lane.told.downgrade(batch.encoding);
                    actions.push(Action::LimitEncoding { lane: attempt.lane, encoding: less });
                } else {
                    // The data may be bad instead: only a success of the plainer form proves the compression guilty.
                    batch.history.suspect = Some(batch.encoding);
                }
                batch.history.less_compressed = true;
                batch.history.last_failure = Some(failure);
                actions.push(Action::Rework { batch, work: Work::Reencode(less), flushes });
                return;
            }
            _ => {}
        }
        let settlement = Settlement::Dropped { reason, failure: Some(failure) };
        actions.push(Action::Settle { batch, settlement });
    }

    /// While the endpoint holds, a failed attempt stands for every batch that waits behind it: flushes in attempt
    /// mode have their answer.
    fn represent(&mut self, attempt: Attempt, actions: &mut Vec<Action>) {
        if self.breaker(attempt.lane) != BreakerState::Open {
            return;
        }
        let Some(lane) = self.lanes.get(&attempt.lane) else { return };
        let own = lane.told.state() == BreakerState::Open;
        let endpoint = Arc::clone(&lane.endpoint);
        let held_with = |id: LaneId, lane: &LaneState| {
            if own { id == attempt.lane } else { lane.endpoint == endpoint }
        };
        let lanes =
            self.lanes.iter_mut().filter(|(id, lane)| held_with(**id, lane)).map(|(_, lane)| lane);
        let held: Vec<_> = lanes.flat_map(|lane| std::mem::take(&mut lane.wanted)).collect();
        for id in held {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            let flushes = std::mem::take(&mut slot.flushes);
            if let Some(lane) = self.lanes.get_mut(&slot.batch.lane) {
                lane.attempt_completed(&flushes, &mut self.covered);
            }
            actions.push(Action::Attempted { batch: id });
        }
    }

    fn tell_if_opened(
        &self,
        opened: bool,
        attempt: Attempt,
        failure: &ExportFailure,
        actions: &mut Vec<Action>,
    ) {
        if opened {
            let endpoint = self
                .lanes
                .get(&attempt.lane)
                .map(|lane| without_query(&lane.config.endpoint))
                .unwrap_or_default();
            let text = format!(
                "{endpoint} does not take spans, exports are held until it does: {failure}"
            );
            actions.push(Action::Tell { lane: attempt.lane, level: Level::Warn, text });
        }
    }
}
