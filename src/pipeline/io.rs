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

use tokio::sync::mpsc::UnboundedReceiver;

#[cfg(test)]
use crate::pipeline::faults::Stage;
use crate::{
    clock::Moment,
    error::DropReason,
    pipeline::{
        health::Health,
        ids::{FlushId, LaneId},
        lane::Lane,
        messages::{Client, Flush, Message},
        shutdown::ShutdownAnswer,
    },
    stats::BreakerState,
};

pub(crate) use reactor::Reactor;

/// What survives a panic on this thread.
struct Desk {
    inbox: UnboundedReceiver<Message>,
    lanes: HashMap<LaneId, OpenLane>,
    flushes: HashMap<FlushId, Flush>,
    next_flush: FlushId,
}

struct OpenLane {
    client: Arc<Client>,
    /// Deadline of the shutdown under way, and who waits for it.
    shutdown: Option<(Moment, Vec<ShutdownAnswer>)>,
}

impl OpenLane {
    fn lane(&self) -> &Lane {
        &self.client.lane
    }
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
            leave(&open.client, open.shutdown.is_some());
        }
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                // Nobody has taken it in hand yet, and it holds the way to this thread.
                Message::Open(client) => leave(&client, false),
                // Its answer is given when it is dropped.
                Message::Shutdown { client, .. } => leave(&client, true),
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
fn leave(client: &Client, is_closing: bool) {
    client.lane.abandon(DropReason::InternalError);
    let mut was_closed = true;
    client.lane.ledger.gauge(|gauges| {
        gauges.in_flight = 0;
        was_closed = std::mem::take(&mut gauges.breaker) == BreakerState::Closed;
    });
    if !was_closed {
        client.lane.herald.breaker(BreakerState::Closed, None);
    }
    if is_closing {
        client.release();
    } else {
        client.forget_dead_threads();
    }
}

impl Flush {
    fn give_up(self) {
        self.cell.time_out(self.lane.ledger.abandon_flush(self.epoch, &self.cell));
    }
}
