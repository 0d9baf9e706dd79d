//! What a test asks of the world from outside: flushes, shutdowns, numbers.
//! It refuses to move time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use super::{Flush, World, secs};
use crate::{
    clock::Moment,
    pipeline::{
        dispatcher::Event,
        flush::{FlushCell, FlushMode, FlushOutcome},
        ids::LaneId,
        notice::{Level, Notice},
    },
};

impl World {
    pub(in crate::pipeline) fn flush(
        &mut self,
        lane: LaneId,
        mode: FlushMode,
        timeout: Duration,
    ) -> mpsc::Receiver<FlushOutcome> {
        let (done, outcome) = mpsc::channel();
        let ledger = Arc::clone(&self.lanes[&lane].ledger);
        let parts = if mode == FlushMode::Attempt { 2 } else { 1 };
        let outstanding = Arc::clone(&ledger);
        let done = Box::new(move |outcome| {
            let _ = done.send(outcome);
        });
        let cell =
            Arc::new(FlushCell::new(parts, move |epoch| outstanding.outstanding(epoch), done));
        let epoch = ledger.flush(&cell, mode);
        let flush = self.next_flush;
        self.next_flush += 1;
        self.flushes.insert(flush, Flush { lane, cell, epoch });
        let deadline = self.now.mono.after(timeout);
        self.step(match mode {
            FlushMode::Terminal => Event::FlushStarted { flush, lane, epoch, deadline },
            FlushMode::Attempt => Event::AttemptFlushStarted { flush, lane, epoch, deadline },
        });
        outcome
    }

    pub(in crate::pipeline) fn shutdown(&mut self, lane: LaneId, timeout: Duration) {
        let ledger = Arc::clone(&self.lanes[&lane].ledger);
        let first = ledger.close();
        let deadline = self.now.mono.after(timeout);
        self.step(Event::ShutdownStarted { lane, deadline });
        if first {
            let drained = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&drained);
            let cell = Arc::new(FlushCell::new(
                1,
                |_| 0,
                Box::new(move |_| flag.store(true, Ordering::SeqCst)),
            ));
            ledger.flush(&cell, FlushMode::Terminal);
            self.drained.push((lane, drained));
            self.step(Event::Timer);
            self.settle_drained();
        }
    }

    fn settle_drained(&mut self) {
        for (lane, drained) in std::mem::take(&mut self.drained) {
            if drained.load(Ordering::SeqCst) {
                self.step(Event::Drained { lane });
            } else {
                self.drained.push((lane, drained));
            }
        }
    }

    pub(in crate::pipeline) fn stats(&self, lane: LaneId) -> crate::stats::Stats {
        self.lanes[&lane].ledger.snapshot()
    }

    /// Bytes of bodies that the schedule holds and that are not in flight.
    pub(in crate::pipeline) fn waiting_bytes(&self) -> u64 {
        self.dispatcher.waiting_bytes()
    }

    /// When each request so far went out, since the start of the world.
    pub(in crate::pipeline) fn times(&self) -> Vec<Duration> {
        self.sent.iter().map(|sent| sent.at.since(Moment(secs(1_000)))).collect()
    }

    pub(in crate::pipeline) fn lines(&self, level: Level) -> Vec<String> {
        let notices = self.notices.lock().unwrap();
        notices
            .iter()
            .filter_map(|notice| match notice {
                Notice::Line { level: at, text } if *at == level => Some(text.clone()),
                _ => None,
            })
            .collect()
    }
}
