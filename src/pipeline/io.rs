//! The I/O thread: owns the inbox and the list of open lanes, and outlives a panic of everything else on it.
//! It refuses to decide; the dispatcher does, and the driver carries it out.

mod driver;
mod reactor;
pub(crate) mod record;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::sync::{mpsc::UnboundedReceiver, oneshot};

#[cfg(test)]
use crate::pipeline::faults::Stage;
use crate::{
    clock::Moment,
    contain::contained,
    error::DropReason,
    pipeline::{
        dispatcher::Event,
        engine::Health,
        flush::{FlushCell, FlushMode},
        ids::{BatchId, Epoch, FlushId, LaneId},
        lane::Lane,
        window::Due,
    },
    stats::BreakerState,
};

pub(crate) use reactor::Reactor;

/// What other threads tell the I/O thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// A lane has its first admission.
    Open(Arc<Lane>),
    /// For the dispatcher.
    Event(Event),
    /// Permits in these batches have been voided: nobody needs the bodies any more.
    Evicted(Vec<BatchId>),
    /// A flush has begun and may last until `deadline`.
    Flush(Flush),
    /// Something is due later, unless the other end of `cancelled` goes before.
    Later { at: Moment, due: Due, cancelled: oneshot::Receiver<()> },
    /// A shutdown has begun or is asked for once more.
    Shutdown { lane: Arc<Lane>, deadline: Moment, answer: ShutdownAnswer },
}

/// A flush under way.
#[derive(Clone, Debug)]
pub(crate) struct Flush {
    pub(crate) lane: Arc<Lane>,
    pub(crate) cell: Arc<FlushCell>,
    pub(crate) mode: FlushMode,
    pub(crate) epoch: Epoch,
    pub(crate) deadline: Moment,
    /// The dispatcher's part is done, also for the dispatcher that takes over after a panic.
    pub(crate) is_covered: bool,
}

/// How a shutdown ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownOutcome {
    /// The deadline came before everything was settled.
    pub timed_out: bool,
    /// Spans dropped because of that.
    pub dropped: u64,
}

/// Takes the outcome of a shutdown; runs on a Rust thread or inside the call, must not block.
pub type ShutdownDone = Box<dyn FnOnce(ShutdownOutcome) + Send>;

/// The answer to one `shutdown()`, given once, also when the threads are gone.
pub(crate) struct ShutdownAnswer(Option<ShutdownDone>);

impl ShutdownAnswer {
    pub(crate) fn new(done: ShutdownDone) -> Self {
        ShutdownAnswer(Some(done))
    }

    pub(crate) fn give(mut self, outcome: ShutdownOutcome) {
        self.fire(outcome);
    }

    fn fire(&mut self, outcome: ShutdownOutcome) {
        if let Some(done) = self.0.take() {
            contained((), || done(outcome));
        }
    }
}

impl Drop for ShutdownAnswer {
    fn drop(&mut self) {
        contained((), || self.fire(ShutdownOutcome::default()));
    }
}

impl std::fmt::Debug for ShutdownAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShutdownAnswer").field("owed", &self.0.is_some()).finish()
    }
}

/// What survives a panic on this thread.
struct Desk {
    inbox: UnboundedReceiver<Message>,
    lanes: HashMap<LaneId, OpenLane>,
    flushes: HashMap<FlushId, Flush>,
    next_flush: FlushId,
}

struct OpenLane {
    lane: Arc<Lane>,
    /// Deadline of the shutdown under way, and who waits for it.
    shutdown: Option<(Moment, Vec<ShutdownAnswer>)>,
}

/// The life of the I/O thread: until every exporter has let the engine go. After a panic a fresh dispatcher takes
/// over; what the old one owned has been settled by unwinding.
pub(crate) fn run(inbox: UnboundedReceiver<Message>, reactor: Reactor, health: &Health) {
    let mut desk = Desk { inbox, lanes: HashMap::new(), flushes: HashMap::new(), next_flush: 0 };
    let mut next = Some(reactor);
    while let Some(reactor) = next {
        let run = || reactor.run(driver::Driver::new(&mut desk, health).run());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(()) => return,
            Err(_) if health.panicked() => break,
            Err(_) => next = Reactor::again(&health.faults),
        }
    }
    desk.give_up();
}

/// The same in virtual time, inside of a runtime that the test owns.
#[cfg(test)]
pub(crate) async fn run_by_hand(inbox: UnboundedReceiver<Message>, health: Arc<Health>) {
    let mut desk = Desk { inbox, lanes: HashMap::new(), flushes: HashMap::new(), next_flush: 0 };
    loop {
        let mut life = Box::pin(driver::Driver::new(&mut desk, &health).run());
        let is_over = std::future::poll_fn(|context| {
            let poll = || life.as_mut().poll(context).is_ready();
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(true) => std::task::Poll::Ready(true),
                Ok(false) => std::task::Poll::Pending,
                Err(_) => std::task::Poll::Ready(false),
            }
        });
        if is_over.await {
            return;
        }
        drop(life);
        if health.panicked() || health.faults.strikes(Stage::Reactor) {
            break;
        }
    }
    desk.give_up();
}

impl Desk {
    /// Nothing that is left may wait for this thread. Exporters go on with the next one that can be started.
    fn give_up(mut self) {
        self.inbox.close();
        for open in self.lanes.values() {
            leave(&open.lane, open.shutdown.is_some());
        }
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                // Nobody has taken it in hand yet, and it holds the way to this thread.
                Message::Open(lane) => leave(&lane, false),
                // Its answer is given when it is dropped.
                Message::Shutdown { lane, .. } => leave(&lane, true),
                // The ledger holds the cell, too: dropping the message would not answer it.
                Message::Flush(flush) => flush.give_up(),
                // What they own is settled when they are dropped.
                Message::Event(_) | Message::Evicted(_) | Message::Later { .. } => {}
            }
        }
        self.flushes.into_values().for_each(|flush| flush.give_up());
    }
}

/// Settles what a lane has, and lets this thread go; an exporter that is being shut down lets go of everything.
fn leave(lane: &Lane, is_closing: bool) {
    lane.abandon(DropReason::InternalError);
    lane.ledger.gauge(|gauges| {
        gauges.in_flight = 0;
        gauges.breaker = BreakerState::Closed;
    });
    if is_closing {
        lane.release();
    } else {
        lane.forget_dead_engine();
    }
}

impl Flush {
    fn give_up(self) {
        self.cell.time_out(self.lane.ledger.abandon_flush(self.epoch, &self.cell));
    }
}
