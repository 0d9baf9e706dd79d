//! The world as it is between threads: messages wait in an inbox, workers take their time, and what was told to end may
//! answer all the same, say so late, or never.
//! It refuses what the I/O thread, the workers and the sinks cannot do.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use super::{Flush, World, failed, millis, status, throttled};
use crate::{
    clock::Moment,
    pipeline::{
        batch::Batch,
        completion::Outcome,
        dispatcher::{Attempt, Event, Work},
        flush::{FlushCell, FlushMode, FlushOutcome},
        ids::{BatchId, FlushId, LaneId},
        permit::Permit,
    },
    sink::{ContentEncoding, SendErrorKind, SendOutcome},
};

/// One thing that happens. A number picks among what there is, so that any sequence means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Op {
    /// A lane opens: what it is like.
    Open(u8),
    /// A lane admits so many spans; they go to the workers.
    Admit(u8, u8),
    /// A worker is done with a job.
    Work(u8),
    /// A worker panics over a job.
    WorkFails(u8),
    /// The I/O thread takes its next message.
    Receive,
    /// An attempt, also one that was told to end, has this result.
    Answer(u8, Answer),
    /// One that was told to end is gone.
    Aborted(u8),
    /// An attempt panics.
    Panic(u8),
    /// A lane has other credentials from now on.
    Renew(u8),
    /// A flush of a lane in attempt mode or not, with so many milliseconds.
    Flush(u8, bool, u16),
    /// A shutdown of a lane with so many milliseconds.
    Shutdown(u8, u16),
    /// Milliseconds pass, with a stop at every timer.
    Advance(u16),
    /// They pass at once.
    Jump(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Answer {
    Taken,
    Unavailable,
    Throttled,
    TooLarge,
    Unsupported,
    Bad,
    Unauthorised,
    Reset,
    Malformed,
    Refused,
    TimedOut,
    Tls,
    Local,
}

impl Answer {
    pub(in crate::pipeline) const ALL: [Answer; 13] = [
        Answer::Taken,
        Answer::Unavailable,
        Answer::Throttled,
        Answer::TooLarge,
        Answer::Unsupported,
        Answer::Bad,
        Answer::Unauthorised,
        Answer::Reset,
        Answer::Malformed,
        Answer::Refused,
        Answer::TimedOut,
        Answer::Tls,
        Answer::Local,
    ];

    fn outcome(self) -> SendOutcome {
        match self {
            Answer::Taken => status(200),
            Answer::Unavailable => status(503),
            Answer::Throttled => throttled(429, "2"),
            Answer::TooLarge => status(413),
            Answer::Unsupported => status(415),
            Answer::Bad => status(400),
            Answer::Unauthorised => status(401),
            Answer::Reset => failed(SendErrorKind::Reset),
            Answer::Malformed => failed(SendErrorKind::Malformed),
            Answer::Refused => failed(SendErrorKind::Refused),
            Answer::TimedOut => failed(SendErrorKind::TimedOut),
            Answer::Tls => failed(SendErrorKind::Tls),
            Answer::Local => failed(SendErrorKind::File),
        }
    }
}

/// What is between the threads, and what the run has to keep in mind.
#[derive(Default)]
pub(in crate::pipeline) struct Late {
    pub(super) jobs: Vec<Job>,
    pub(super) inbox: VecDeque<Mail>,
    /// Attempts that were told to end and are still there.
    pub(in crate::pipeline) aborting: Vec<Attempt>,
    /// Batches that are somewhere.
    pieces: BTreeMap<BatchId, LaneId>,
    calls: Vec<(u64, mpsc::Receiver<Outcome>)>,
    waits: Vec<Wait>,
}

pub(super) enum Job {
    Transform { id: BatchId, lane: LaneId, permit: Permit, bytes: u64 },
    Rework(Box<Batch>, Work),
}

pub(super) enum Mail {
    Event(Event),
    Evicted(Vec<BatchId>),
    Flush { flush: Flush, mode: FlushMode, id: FlushId, deadline: Moment },
}

/// A flush without an answer, and the batches that it has to wait for.
struct Wait {
    flush: FlushId,
    mode: FlushMode,
    owing: BTreeSet<BatchId>,
    answer: mpsc::Receiver<FlushOutcome>,
}

impl Late {
    /// The batch has had an attempt, or is settled.
    pub(super) fn paid(&mut self, batch: BatchId, is_settled: bool) {
        for wait in &mut self.waits {
            if is_settled || wait.mode == FlushMode::Attempt {
                wait.owing.remove(&batch);
            }
        }
        if is_settled {
            self.pieces.remove(&batch);
        }
    }
}

impl World {
    /// A world in which nothing happens at once.
    pub(in crate::pipeline) fn between_threads() -> Self {
        World { late: Some(Box::default()), ..World::seeded(7) }
    }

    pub(in crate::pipeline) fn late(&mut self) -> &mut Late {
        self.late.as_mut().expect("a world between threads")
    }

    pub(in crate::pipeline) fn apply(&mut self, op: Op) {
        let lanes: Vec<LaneId> = self.lanes.keys().copied().collect();
        let lane = |pick: u8| (!lanes.is_empty()).then(|| lanes[pick as usize % lanes.len()]);
        match op {
            Op::Open(kind) => drop(self.lane(super::configs::config(kind))),
            Op::Admit(pick, spans) => {
                lane(pick).into_iter().for_each(|lane| self.come(lane, spans))
            }
            Op::Work(pick) => {
                if let Some(job) = pick_from(&mut self.late().jobs, pick) {
                    self.work(job);
                }
            }
            Op::WorkFails(pick) => {
                let job = pick_from(&mut self.late().jobs, pick);
                if let Some(Job::Transform { id, .. }) = &job {
                    self.late().pieces.remove(id);
                }
                drop(job);
            }
            Op::Receive => self.receive(),
            Op::Answer(pick, answer) => {
                if let Some(attempt) = self.pick_attempt(pick) {
                    let outcome = Box::new(answer.outcome());
                    self.step(Event::AttemptDone { attempt, outcome });
                }
            }
            Op::Aborted(pick) => {
                if let Some(attempt) = pick_from(&mut self.late().aborting, pick) {
                    self.step(Event::AttemptAborted { attempt });
                }
            }
            Op::Panic(pick) => {
                if let Some(attempt) = self.pick_attempt(pick) {
                    self.step(Event::AttemptPanicked { attempt });
                }
            }
            Op::Renew(pick) => {
                let renew = |lane| Mail::Event(Event::CredentialsChanged { lane });
                let mail = lane(pick).map(renew);
                self.late().inbox.extend(mail);
            }
            Op::Flush(pick, attempt, time) => {
                let mode = if attempt { FlushMode::Attempt } else { FlushMode::Terminal };
                lane(pick).into_iter().for_each(|lane| self.ask_flush(lane, mode, time));
            }
            Op::Shutdown(pick, time) => {
                lane(pick).into_iter().for_each(|lane| self.ask_shutdown(lane, time));
            }
            Op::Advance(time) => self.advance(millis(u64::from(time))),
            Op::Jump(time) => self.jump(millis(u64::from(time))),
        }
        self.check_waits();
    }

    /// Takes every message and does every job.
    pub(in crate::pipeline) fn catch_up(&mut self) {
        while !(self.late().inbox.is_empty() && self.late().jobs.is_empty()) {
            self.apply(Op::Receive);
            self.apply(Op::Work(0));
        }
    }

    /// Every call and every flush has its answer, once, and nothing is left anywhere.
    pub(in crate::pipeline) fn assert_over(&mut self) {
        self.check_waits();
        assert!(self.late().waits.is_empty(), "a flush has no answer");
        for (spans, outcome) in std::mem::take(&mut self.late().calls) {
            let result = outcome.try_recv().expect("a call has no answer");
            let sum = result.delivered + result.rejected + result.dropped.total();
            assert_eq!(sum, spans, "{result:?}");
        }
        for lane in self.lanes.values() {
            let stats = lane.ledger.snapshot();
            assert_eq!((stats.pending, stats.pending_bytes, stats.exports_under_way), (0, 0, 0));
        }
    }

    fn come(&mut self, lane: LaneId, spans: u8) {
        let (spans, bytes) = (u64::from(spans) + 1, (u64::from(spans) + 1) * 100);
        let (permit, outcome) = self.admit(lane, spans, bytes);
        let Ok(permit) = permit else { return };
        let id = self.next_batch;
        self.next_batch += 1;
        let late = self.late();
        late.calls.push((spans, outcome));
        late.pieces.insert(id, lane);
        late.jobs.push(Job::Transform { id, lane, permit, bytes });
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Transform { id, lane, permit, bytes } => {
                if !permit.is_live() {
                    self.late().pieces.remove(&id);
                    return;
                }
                let encoding = self.lanes[&lane].encoding();
                let mut batch = self.encoded(lane, vec![permit], bytes, encoding);
                batch.id = id;
                self.late().inbox.push_back(Mail::Event(Event::Ready(batch)));
            }
            Job::Rework(batch, work) => {
                let id = batch.id;
                let lane = batch.lane;
                for event in self.rework(batch, work) {
                    if let Event::Ready(half) = &event {
                        let new = half.id;
                        let late = self.late();
                        late.pieces.insert(new, lane);
                        for wait in late.waits.iter_mut().filter(|wait| wait.owing.contains(&id)) {
                            wait.owing.insert(new);
                        }
                    }
                    self.late().inbox.push_back(Mail::Event(event));
                }
            }
        }
    }

    fn receive(&mut self) {
        match self.late().inbox.pop_front() {
            None => {}
            Some(Mail::Event(Event::ShutdownStarted { lane, .. } | Event::Drained { lane }))
                if self.closed.iter().any(|(closed, ..)| *closed == lane) => {}
            Some(Mail::Event(event)) => self.step(event),
            Some(Mail::Evicted(batches)) => {
                batches.into_iter().for_each(|batch| self.forget(batch))
            }
            Some(Mail::Flush { flush, mode, id, deadline }) => {
                let over: Vec<_> = self
                    .flushes
                    .iter()
                    .filter(|(_, flush)| flush.cell.is_answered())
                    .map(|(id, _)| *id)
                    .collect();
                for flush in over {
                    self.flushes.remove(&flush);
                    self.step(Event::FlushOver { flush });
                }
                if flush.cell.is_answered() {
                    return;
                }
                let (lane, epoch) = (flush.lane, flush.epoch);
                if mode == FlushMode::Attempt {
                    self.lanes[&lane].ledger.await_attempts(&flush.cell, epoch);
                }
                self.flushes.insert(id, flush);
                self.step(match mode {
                    FlushMode::Terminal => Event::FlushStarted { flush: id, lane, epoch, deadline },
                    FlushMode::Attempt => {
                        Event::AttemptFlushStarted { flush: id, lane, epoch, deadline }
                    }
                });
            }
        }
    }

    fn ask_flush(&mut self, lane: LaneId, mode: FlushMode, time: u16) {
        let (done, answer) = mpsc::channel();
        let ledger = Arc::clone(&self.lanes[&lane].ledger);
        let parts = if mode == FlushMode::Attempt { 2 } else { 1 };
        let outstanding = Arc::clone(&ledger);
        let done = Box::new(move |outcome| {
            let _ = done.send(outcome);
        });
        let outstanding = move |epoch| outstanding.outstanding(epoch);
        let cell = Arc::new(FlushCell::new(parts, outstanding, done));
        let epoch = ledger.flush(&cell, mode);
        let id = self.next_flush;
        self.next_flush += 1;
        let deadline = self.now.mono.after(millis(u64::from(time)));
        let is_closed = self.closed.iter().any(|(closed, ..)| *closed == lane);
        let late = self.late();
        let pieces = late.pieces.iter().filter(|(_, of)| **of == lane);
        let owing = pieces.map(|(batch, _)| *batch).collect();
        late.waits.push(Wait { flush: id, mode, owing, answer });
        if cell.is_answered() {
            return;
        }
        if is_closed {
            cell.part_done(); // the lane has let go of the threads
            return;
        }
        let flush = Flush { lane, cell, epoch };
        late.inbox.push_back(Mail::Flush { flush, mode, id, deadline });
    }

    fn ask_shutdown(&mut self, lane: LaneId, time: u16) {
        let ledger = Arc::clone(&self.lanes[&lane].ledger);
        let first = ledger.close();
        if self.closed.iter().any(|(closed, ..)| *closed == lane) {
            return;
        }
        let deadline = self.now.mono.after(millis(u64::from(time)));
        let event = Event::ShutdownStarted { lane, deadline };
        self.late().inbox.push_back(Mail::Event(event));
        if first {
            let drained = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&drained);
            let done = Box::new(move |_| flag.store(true, Ordering::SeqCst));
            let cell = Arc::new(FlushCell::new(1, |_| 0, done));
            ledger.flush(&cell, FlushMode::Terminal);
            self.drained.push((lane, drained));
            self.post_drained();
        }
    }

    /// The ledger of a closed lane has told that it is empty: a message like others.
    pub(super) fn post_drained(&mut self) {
        for (lane, drained) in std::mem::take(&mut self.drained) {
            if drained.load(Ordering::SeqCst) {
                self.late().inbox.push_back(Mail::Event(Event::Drained { lane }));
            } else {
                self.drained.push((lane, drained));
            }
        }
    }

    fn pick_attempt(&mut self, pick: u8) -> Option<Attempt> {
        let (open, aborting) = (self.open.len(), self.late().aborting.len());
        let nth = (pick as usize).checked_rem(open + aborting)?;
        Some(if nth < open {
            self.open.remove(nth)
        } else {
            self.late().aborting.remove(nth - open)
        })
    }

    /// Whether spans of this batch are somewhere without a fate.
    fn is_alive(&self, batch: BatchId) -> bool {
        let late = self.late.as_ref().expect("a world between threads");
        let in_jobs = late.jobs.iter().any(|job| match job {
            Job::Transform { id, permit, .. } => *id == batch && permit.is_live(),
            Job::Rework(of, _) => of.id == batch && of.live_spans() > 0,
        });
        let in_inbox = late.inbox.iter().any(|mail| match mail {
            Mail::Event(Event::Ready(of)) => of.id == batch && of.live_spans() > 0,
            _ => false,
        });
        let scheduled = self.dispatcher.batch(batch);
        in_jobs || in_inbox || scheduled.is_some_and(|batch| batch.live_spans() > 0)
    }

    /// A flush that resolves in time has waited for everything that it had to.
    pub(super) fn check_waits(&mut self) {
        let waits = std::mem::take(&mut self.late().waits);
        let (mut open, mut over) = (Vec::new(), Vec::new());
        for wait in waits {
            match wait.answer.try_recv() {
                Ok(outcome) => over.push((wait, outcome)),
                Err(_) => open.push(wait),
            }
        }
        for (wait, outcome) in over {
            assert!(wait.answer.try_recv().is_err(), "answered twice");
            if !outcome.timed_out {
                let owing: Vec<_> =
                    wait.owing.into_iter().filter(|batch| self.is_alive(*batch)).collect();
                let (flush, mode) = (wait.flush, wait.mode);
                assert!(owing.is_empty(), "flush {flush} ({mode:?}) did not wait for {owing:?}");
            }
        }
        self.late().waits = open;
    }

    /// What holds after every step.
    pub(super) fn audit(&mut self) {
        let known: Vec<_> = self.flushes.keys().copied().collect();
        let waiting: Vec<_> = self
            .flushes
            .iter()
            .filter(|(_, flush)| !flush.cell.is_answered())
            .map(|(id, _)| *id)
            .collect();
        self.dispatcher.audit(self.now.mono, &waiting, &known);
    }

    /// A request goes out: nothing that has been given up may.
    pub(super) fn check_send(&self, attempt: Attempt, encoding: ContentEncoding) {
        let batch = self.dispatcher.batch(attempt.batch).expect("a batch that is gone is sent");
        assert_eq!(batch.encoding, encoding);
        let deadline = batch.history.deadline.expect("a clock runs from the first attempt");
        assert!(self.now.mono <= deadline, "{attempt:?} is sent after its time");
        assert!(self.sent.iter().all(|sent| sent.attempt != attempt), "{attempt:?} is sent twice");
        let late = self.late.as_ref().expect("a world between threads");
        let others = self.open.iter().chain(&late.aborting);
        let same: Vec<_> = others.filter(|other| other.batch == attempt.batch).collect();
        let is_open = self.open.iter().any(|other| other.batch == attempt.batch);
        assert!(!is_open, "{attempt:?} beside {same:?}");
    }
}

fn pick_from<T>(list: &mut Vec<T>, pick: u8) -> Option<T> {
    let nth = (pick as usize).checked_rem(list.len())?;
    Some(list.remove(nth))
}
