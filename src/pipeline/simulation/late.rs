//! The world as it is between threads: messages wait in an inbox, workers take their time, and what was told to end may
//! answer all the same, say so late, or never.
//! It refuses what the I/O thread, the workers and the sinks cannot do.

mod checks;
mod op;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

pub(in crate::pipeline) use op::{Answer, Op};

use super::{Flush, World, millis};
use crate::{
    clock::Moment,
    pipeline::{
        batch::Batch,
        completion::Outcome,
        dispatcher::{Attempt, Event, Work},
        flush::{FlushCell, FlushMode},
        ids::{BatchId, FlushId, LaneId},
        permit::Permit,
    },
};
use checks::Wait;

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
}

fn pick_from<T>(list: &mut Vec<T>, pick: u8) -> Option<T> {
    let nth = (pick as usize).checked_rem(list.len())?;
    Some(list.remove(nth))
}
