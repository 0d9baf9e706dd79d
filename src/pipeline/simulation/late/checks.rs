//! What has to hold in a world between threads: after every step, for every request that goes out, of every flush that is
//! answered, and at the end.
//! It refuses to make anything happen.

use std::{collections::BTreeSet, sync::mpsc};

use super::{super::World, Job, Late, Mail};
use crate::{
    pipeline::{
        dispatcher::{Attempt, Event},
        flush::{FlushMode, FlushOutcome},
        ids::{BatchId, FlushId},
    },
    sink::ContentEncoding,
};

/// A flush without an answer, and the batches that it has to wait for.
pub(super) struct Wait {
    pub(super) flush: FlushId,
    pub(super) mode: FlushMode,
    pub(super) owing: BTreeSet<BatchId>,
    pub(super) answer: mpsc::Receiver<FlushOutcome>,
}

impl Late {
    /// The batch has had an attempt, or is settled.
    pub(in crate::pipeline::simulation) fn paid(&mut self, batch: BatchId, is_settled: bool) {
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
    pub(in crate::pipeline::simulation) fn audit(&mut self) {
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
    pub(in crate::pipeline::simulation) fn check_send(
        &self,
        attempt: Attempt,
        encoding: ContentEncoding,
    ) {
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
