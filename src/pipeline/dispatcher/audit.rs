//! What holds after every step, whatever has happened: nothing is forgotten, and nothing waits for what cannot come.
//! It refuses to exist outside of tests.
#![allow(clippy::indexing_slicing, reason = "a test may fail by panicking")]

use super::{Dispatcher, FlushId, LaneState, Phase, Timer, attempts::Standing};
use crate::{
    clock::Moment,
    pipeline::{breaker::Gate, endpoint::Endpoint, ids::LaneId},
    stats::BreakerState,
};

impl Dispatcher {
    /// Panics if something does not hold. `waiting`: flushes that have no answer; `known`: those and the ones whose end
    /// the dispatcher has not been told.
    pub(crate) fn audit(&self, now: Moment, waiting: &[FlushId], known: &[FlushId]) {
        for (id, lane) in &self.lanes {
            self.audit_attempts(lane);
            self.audit_queues(now, *id, lane);
            self.audit_closing(*id, lane);
        }
        for (name, endpoint) in &self.endpoints {
            self.audit_endpoint(name, endpoint);
        }
        self.audit_slots(now);
        self.audit_timers(known);
        for flush in waiting {
            let is_timed = self.timers.iter().any(|(_, timer)| *timer == Timer::Flush(*flush));
            assert!(is_timed, "flush {flush} waits without an end");
        }
    }

    /// Every attempt has a timer, and a batch or a reason to be still there.
    fn audit_attempts(&self, lane: &LaneState) {
        for (attempt, out) in &lane.in_flight {
            let timer = (out.limit, Timer::Attempt(*attempt));
            assert!(self.timers.contains(&timer), "{attempt:?} has no limit");
            let is_timed = self.timers.contains(&(out.slow_from, Timer::Slow(*attempt)));
            assert_ne!(is_timed, out.is_slow, "{attempt:?} does not become slow");
            let is_expected = out.standing == Standing::Expected;
            assert_eq!(is_expected, self.expected(*attempt).is_some(), "{attempt:?} {out:?}");
            if out.standing == Standing::Judged {
                let rights = &out.rights;
                assert!(rights.endpoint.is_none() && rights.own.is_empty(), "{attempt:?}");
            }
        }
        lane.told.audit(lane.in_flight.values().map(|out| &out.rights.own));
        let budgeted = lane.in_flight.values().filter(|out| out.is_budgeted).count();
        let (in_flight, of_budget) = lane.told.under_way();
        assert_eq!((lane.in_flight.len(), budgeted), (in_flight as usize, of_budget as usize));
    }

    /// What is ready to go has a reason to stay that will pass.
    fn audit_queues(&self, now: Moment, id: LaneId, lane: &LaneState) {
        assert!(lane.in_flight.len() <= lane.config.max_under_way as usize, "too many at once");
        assert!(lane.free.is_disjoint(&lane.budgeted));
        let ready = || lane.free.union(&lane.budgeted);
        for batch in ready() {
            assert_eq!(self.slots[batch].phase, Phase::Ready, "{batch} is queued");
        }
        let is_ready = |batch| lane.free.contains(batch) || lane.budgeted.contains(batch);
        assert!(lane.wanted.iter().all(is_ready) && lane.unclocked.iter().all(is_ready));
        for (flush, state) in &lane.flushes {
            let owing = self.slots.values().filter(|slot| slot.flushes.contains(flush)).count();
            assert_eq!(state.waiting, owing, "flush {flush}");
            assert!(state.reported || owing > 0, "flush {flush} waits for nobody");
        }
        let is_over = lane.closing.is_some_and(|closing| closing.over);
        let is_awaited = |batch| Some(self.slots[batch].batch.epoch()) <= lane.awaited;
        let may_all_go = lane.closing.is_some() || !lane.is_full_for_the_unawaited();
        if ready().next().is_none() || lane.is_full() || !may_all_go && !ready().all(is_awaited) {
            return;
        }
        assert!(!is_over, "lane {id} is over and holds batches");
        let closing = lane.closing.is_some();
        let endpoint = &self.endpoints[&lane.endpoint];
        let own = lane.told.gate(now, false, closing);
        match (own, endpoint.gate(now, closing)) {
            (Err(Some(until)), _) | (Ok(_), Gate::Hold(Some(until))) => {
                let is_timed = self.timers.contains(&(until, Timer::Endpoint));
                assert!(is_timed, "lane {id} is held without an end");
            }
            (Err(None), _) => assert!(!lane.in_flight.is_empty(), "lane {id} is stuck"),
            (_, Gate::Hold(None)) => {
                assert_eq!(endpoint.state(), BreakerState::HalfOpen, "lane {id} is stuck");
            }
            _ => {
                let waits = lane.free.is_empty()
                    && lane.wanted.is_empty()
                    && !closing
                    && !lane.told.affords_retry();
                assert!(waits && lane.told.under_way().1 > 0, "lane {id} could send and does not");
            }
        }
    }

    /// A lane that ends has an end.
    fn audit_closing(&self, id: LaneId, lane: &LaneState) {
        let Some(closing) = lane.closing else { return };
        let timer = (closing.deadline, Timer::Shutdown(id));
        assert!(closing.over || self.timers.contains(&timer), "lane {id} closes without an end");
        assert!(!lane.in_flight.is_empty() || !closing.over && !closing.drained, "lane {id}");
    }

    /// Half-open, one of its attempts has the right to probe.
    fn audit_endpoint(&self, name: &str, endpoint: &Endpoint) {
        let lanes = || self.lanes.values().filter(|lane| &*lane.endpoint == name);
        assert!(lanes().next().is_some(), "nobody sends to {name}");
        let attempts = || lanes().flat_map(|lane| lane.in_flight.values());
        let rights = attempts().filter_map(|out| out.rights.endpoint.as_ref());
        let holders = rights.filter(|right| endpoint.waits_for(right)).count();
        let half_open = endpoint.state() == BreakerState::HalfOpen;
        assert_eq!(holders, usize::from(half_open), "a probe of {name} is out, or is not");
    }

    /// Every batch is somewhere.
    fn audit_slots(&self, now: Moment) {
        for (id, slot) in &self.slots {
            let lane = &self.lanes[&slot.batch.lane];
            match slot.phase {
                Phase::Ready => {
                    let is_queued = lane.free.contains(id) || lane.budgeted.contains(id);
                    assert!(is_queued, "{id} is ready and in no queue");
                    let is_clocked = slot.batch.history.deadline.is_some();
                    assert_ne!(is_clocked, lane.unclocked.contains(id), "{id}");
                }
                Phase::Backoff { due } => {
                    assert!(self.timers.contains(&(due, Timer::Retry(*id))), "{id} waits for ever");
                }
                Phase::InFlight(attempt) => {
                    let out = lane.in_flight.get(&attempt);
                    let is_expected = out.is_some_and(|out| out.standing == Standing::Expected);
                    assert!(is_expected, "{id} waits for {attempt:?}, which cannot come");
                }
            }
            if let Some(deadline) = slot.batch.history.deadline {
                let is_timed = self.timers.contains(&(deadline, Timer::GiveUp(*id)));
                let is_late = slot.is_in_flight() && deadline <= now;
                assert!(is_timed || is_late, "{id} is never given up");
            }
        }
    }

    /// No timer is about something that is gone.
    fn audit_timers(&self, known: &[FlushId]) {
        for (at, timer) in &self.timers {
            let is_living = match timer {
                Timer::Retry(id) => {
                    self.slots.get(id).is_some_and(|slot| slot.phase == Phase::Backoff { due: *at })
                }
                Timer::GiveUp(id) => {
                    self.slots.get(id).is_some_and(|slot| slot.batch.history.deadline == Some(*at))
                }
                Timer::Attempt(attempt) => {
                    let lane = self.lanes.get(&attempt.lane);
                    let out = lane.and_then(|lane| lane.in_flight.get(attempt));
                    out.is_some_and(|out| out.limit == *at)
                }
                Timer::Slow(attempt) => {
                    let lane = self.lanes.get(&attempt.lane);
                    let out = lane.and_then(|lane| lane.in_flight.get(attempt));
                    out.is_some_and(|out| out.slow_from == *at && !out.is_slow)
                }
                Timer::Shutdown(lane) => self.lanes.get(lane).is_some_and(|lane| {
                    lane.closing.is_some_and(|closing| !closing.over && closing.deadline == *at)
                }),
                Timer::Flush(flush) => known.contains(flush),
                Timer::Endpoint => true,
            };
            assert!(is_living, "a timer for nothing: {timer:?}");
        }
    }
}
