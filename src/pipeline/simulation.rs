//! A world in virtual time for the dispatcher: real ledgers, lanes and permits, no threads, no sockets, no clock.
//! It refuses to decide anything that the I/O thread would not.

mod asking;
mod configs;
pub(super) mod late;
mod time;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::{
    clock::{Moment, Now},
    config::{Config, RetryPolicy},
    error::DropReason,
    otlp::Layout,
    pipeline::{
        batch::{Batch, History},
        completion::{Completion, Outcome},
        dispatcher::{Action, Attempt, Dispatcher, Event, Work},
        flush::FlushCell,
        ids::{BatchId, Epoch, FlushId, LaneId},
        io::record::record,
        lane::Lane,
        notice::{Level, Notice},
        permit::Permit,
        retry::Jitter,
    },
    sink::{ContentEncoding, Reply, Request, SendError, SendErrorKind, SendOutcome, Sink},
};

/// A request that went out.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Moment,
    pub(super) attempt: Attempt,
    pub(super) request: Request,
}

pub(super) struct World {
    pub(super) now: Now,
    pub(super) dispatcher: Dispatcher,
    pub(super) lanes: BTreeMap<LaneId, Arc<Lane>>,
    /// Every request so far.
    pub(super) sent: Vec<Sent>,
    /// Those whose result is still to come.
    pub(super) open: Vec<Attempt>,
    /// Attempts ended by the dispatcher.
    pub(super) aborted: Vec<(Moment, Attempt)>,
    /// Lanes that are gone, when, and whether their time ran out.
    pub(super) closed: Vec<(LaneId, Moment, bool)>,
    pub(super) notices: Arc<Mutex<Vec<Notice>>>,
    pub(super) reworks: Vec<Work>,
    /// Whether an abort ends the attempt at once, as the runtime does.
    pub(super) aborts_end: bool,
    /// In a world where things take their time.
    late: Option<Box<late::Late>>,
    flushes: BTreeMap<FlushId, Flush>,
    drained: Vec<(LaneId, Arc<AtomicBool>)>,
    next_batch: BatchId,
    next_flush: FlushId,
    steps: u64,
}

struct Flush {
    lane: LaneId,
    cell: Arc<FlushCell>,
    epoch: Epoch,
}

struct NoSink;

impl Sink for NoSink {
    fn send(&self, _request: Request) -> crate::sink::Sending {
        unreachable!("the world sends by itself")
    }
}

/// Config of the table tests: the stock policy with ten seconds.
pub(super) fn stock() -> Config {
    Config::default()
}

/// The long mode with an hour.
pub(super) fn long() -> Config {
    let retry = RetryPolicy::long(Duration::from_secs(10), Duration::from_secs(3600), u32::MAX);
    Config { retry, ..Config::default() }
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn status(status: u16) -> SendOutcome {
    SendOutcome::Reply(Reply { status, reason: format!("Status {status}"), ..Reply::default() })
}

pub(super) fn throttled(status: u16, retry_after: &str) -> SendOutcome {
    SendOutcome::Reply(Reply {
        status,
        retry_after: Some(retry_after.to_owned()),
        ..Reply::default()
    })
}

pub(super) fn failed(kind: SendErrorKind) -> SendOutcome {
    let error = SendError::new(kind, format!("{kind:?}"));
    SendOutcome::Failed(if kind == SendErrorKind::Refused {
        error.with_code("ECONNREFUSED")
    } else {
        error
    })
}

impl World {
    pub(super) fn new() -> Self {
        World::seeded(7)
    }

    pub(super) fn seeded(seed: u64) -> Self {
        World {
            now: Now { mono: Moment(secs(1_000)), wall: secs(1_800_000_000) },
            dispatcher: Dispatcher::new(Jitter::seeded(seed)),
            lanes: BTreeMap::new(),
            sent: Vec::new(),
            open: Vec::new(),
            aborted: Vec::new(),
            closed: Vec::new(),
            notices: Arc::default(),
            reworks: Vec::new(),
            aborts_end: true,
            late: None,
            flushes: BTreeMap::new(),
            drained: Vec::new(),
            next_batch: 1,
            next_flush: 1,
            steps: 0,
        }
    }

    pub(super) fn lane(&mut self, config: Config) -> LaneId {
        let transform = Arc::new(|_| unreachable!("the world transforms by itself"));
        let lane = Lane::new(config.normalised().unwrap(), Arc::new(NoSink), transform);
        let notices = Arc::clone(&self.notices);
        lane.herald.set(Level::Info, Arc::new(move |notice| notices.lock().unwrap().push(notice)));
        let (id, config) = (lane.id, Arc::new(lane.config.clone()));
        self.lanes.insert(id, lane);
        self.step(Event::LaneOpened { lane: id, config });
        id
    }

    /// Admits one call of `spans` spans.
    pub(super) fn admit(
        &mut self,
        lane: LaneId,
        spans: u64,
        bytes: u64,
    ) -> (Result<Permit, DropReason>, mpsc::Receiver<Outcome>) {
        let (done, outcome) = mpsc::channel();
        let completion = Completion::new(move |outcome| {
            let _ = done.send(outcome);
        });
        let ledger = &self.lanes[&lane].ledger;
        let admitted = match ledger.admit(spans, bytes, completion) {
            Ok(admission) => {
                let permit = Permit::new(Arc::clone(ledger), admission.key, admission.epoch, spans);
                let lane = Arc::clone(&self.lanes[&lane]);
                let bereft = lane.finish_eviction(admission.evicted);
                if let Some(late) = &mut self.late {
                    late.inbox.push_back(late::Mail::Evicted(bereft));
                } else {
                    bereft.into_iter().for_each(|batch| self.forget(batch));
                }
                Ok(permit)
            }
            Err((reason, completion)) => {
                drop(completion);
                Err(reason)
            }
        };
        (admitted, outcome)
    }

    /// Admits one call and brings it, encoded, to the dispatcher.
    pub(super) fn export(&mut self, lane: LaneId, spans: u64) -> mpsc::Receiver<Outcome> {
        self.export_as(lane, spans, spans * 100, ContentEncoding::Identity)
    }

    pub(super) fn export_as(
        &mut self,
        lane: LaneId,
        spans: u64,
        bytes: u64,
        encoding: ContentEncoding,
    ) -> mpsc::Receiver<Outcome> {
        let (permit, outcome) = self.admit(lane, spans, bytes);
        let batch = self.encoded(lane, vec![permit.unwrap()], bytes, encoding);
        self.step(Event::Ready(batch));
        outcome
    }

    pub(super) fn encoded(
        &mut self,
        lane: LaneId,
        permits: Vec<Permit>,
        bytes: u64,
        encoding: ContentEncoding,
    ) -> Box<Batch> {
        let id = self.next_batch;
        self.next_batch += 1;
        let body = vec![0; bytes as usize].into();
        let (layout, admitted) = (Layout::default(), self.now.mono);
        let history = History::default();
        Box::new(Batch {
            id,
            lane,
            call: 0,
            permits,
            body,
            encoding,
            encoded_bytes: bytes,
            layout,
            admitted,
            history,
        })
    }

    pub(super) fn step(&mut self, event: Event) {
        self.steps += 1;
        let mut actions = self.dispatcher.step(self.now, event);
        loop {
            let mut next = Vec::new();
            for action in actions {
                for event in self.act(action) {
                    next.extend(self.dispatcher.step(self.now, event));
                }
            }
            if self.late.is_some() {
                self.post_drained();
            }
            for (lane, drained) in std::mem::take(&mut self.drained) {
                if drained.load(Ordering::SeqCst) {
                    next.extend(self.dispatcher.step(self.now, Event::Drained { lane }));
                } else {
                    self.drained.push((lane, drained));
                }
            }
            if next.is_empty() {
                break;
            }
            actions = next;
        }
        for lane in self.lanes.values() {
            let stats = lane.ledger.snapshot();
            assert!(stats.is_conserved(), "{stats:?}");
            assert!(stats.pending <= lane.config.queue.max_spans, "{stats:?}");
        }
        if self.late.is_some() {
            self.audit();
        }
    }

    fn act(&mut self, action: Action) -> Vec<Event> {
        let permits = |world: &World, batch: BatchId, act: &dyn Fn(&Permit)| {
            if let Some(batch) = world.dispatcher.batch(batch) {
                batch.permits.iter().for_each(act);
            }
        };
        match action {
            Action::Send { attempt, request } => {
                if !self.dispatcher.batch(attempt.batch).is_some_and(Batch::unpark) {
                    let evicted = Event::Evicted { batch: attempt.batch };
                    return vec![evicted, Event::AttemptAborted { attempt }];
                }
                if self.late.is_some() {
                    self.check_send(attempt, request.encoding);
                }
                self.open.push(attempt);
                self.sent.push(Sent { at: self.now.mono, attempt, request });
                let running = self.dispatcher.in_flight(attempt.lane);
                assert!(running <= self.lanes[&attempt.lane].config.max_under_way as usize);
            }
            Action::Abort { attempt } => {
                self.aborted.push((self.now.mono, attempt));
                if let Some(late) = &mut self.late {
                    late.aborting.extend(self.open.extract_if(.., |open| *open == attempt));
                    return Vec::new();
                }
                if self.aborts_end {
                    self.open.retain(|open| *open != attempt);
                    return vec![Event::AttemptAborted { attempt }];
                }
            }
            Action::Settle { batch, settlement } => {
                let lane = Arc::clone(&self.lanes[&batch.lane]);
                if let Some(late) = &mut self.late {
                    late.paid(batch.id, true);
                }
                record(&lane, *batch, settlement);
            }
            Action::Rework { batch, work, flushes } => {
                self.reworks.push(work);
                batch.permits.iter().for_each(Permit::owe_attempt);
                for flush in flushes.iter().filter_map(|flush| self.flushes.get(flush)) {
                    self.lanes[&flush.lane].ledger.await_attempts(&flush.cell, flush.epoch);
                }
                if let Some(late) = &mut self.late {
                    late.jobs.push(late::Job::Rework(batch, work));
                    return Vec::new();
                }
                return self.rework(batch, work);
            }
            Action::Attempted { batch } => {
                if let Some(late) = &mut self.late {
                    late.paid(batch, false);
                }
                permits(self, batch, &Permit::attempted);
            }
            Action::Park { batch } => {
                let Some(batch) = self.dispatcher.batch(batch) else { return Vec::new() };
                let lane = &self.lanes[&batch.lane];
                let evicted = batch.park().into_iter();
                let bereft: Vec<_> =
                    evicted.flat_map(|evicted| lane.finish_eviction(evicted)).collect();
                let is_bereft = |batch: &BatchId| {
                    self.dispatcher.batch(*batch).is_some_and(|batch| batch.live_spans() == 0)
                };
                let bereft = bereft.into_iter().filter(is_bereft);
                return bereft.map(|batch| Event::Evicted { batch }).collect();
            }
            Action::LimitEncoding { lane, encoding } => self.lanes[&lane].limit_encoding(encoding),
            Action::FlushCovered { flush } => {
                if let Some(flush) = self.flushes.get(&flush) {
                    flush.cell.part_done();
                }
            }
            Action::FlushTimedOut { flush } => {
                if let Some(Flush { lane, cell, epoch }) = self.flushes.remove(&flush) {
                    cell.time_out(self.lanes[&lane].ledger.abandon_flush(epoch, &cell));
                }
            }
            Action::Abandon { lane } => {
                self.lanes[&lane].abandon(DropReason::ShutdownDeadline);
            }
            Action::LaneClosed { lane, timed_out } => {
                self.closed.push((lane, self.now.mono, timed_out));
            }
            Action::Tell { lane, level, text } => self.lanes[&lane].herald.line(level, text),
        }
        Vec::new()
    }

    /// Frees the body of a batch without a live permit, as the I/O thread does when it hears of an eviction.
    fn forget(&mut self, batch: BatchId) {
        if self.dispatcher.batch(batch).is_some_and(|batch| batch.live_spans() == 0) {
            self.step(Event::Evicted { batch });
        }
    }

    /// What the workers would make of it, with spans of equal size.
    fn rework(&mut self, mut batch: Box<Batch>, work: Work) -> Vec<Event> {
        match work {
            Work::Reencode(encoding) => {
                batch.encoding = encoding;
                vec![Event::Ready(batch)]
            }
            Work::Split => {
                let first = batch.spans() / 2;
                let each = batch.encoded_bytes / batch.spans();
                let permits = batch.split_permits(first);
                let mut half = self.encoded(batch.lane, permits, each * first, batch.encoding);
                half.id = batch.id;
                let rest = batch.spans() * each;
                let permits = std::mem::take(&mut batch.permits);
                let mut second = self.encoded(batch.lane, permits, rest, batch.encoding);
                for history in [&mut half.history, &mut second.history] {
                    history.deadline = batch.history.deadline;
                    history.requests_before = batch.history.requests();
                }
                vec![Event::Ready(half), Event::Ready(second)]
            }
        }
    }
}
