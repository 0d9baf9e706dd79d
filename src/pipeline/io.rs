//! The I/O thread: carries out what the dispatcher decides, on a private single-threaded runtime.
//! It refuses to decide; it reads the clock, starts and ends attempts, records fates, answers callers.

use std::{
    collections::HashMap,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::Builder,
    sync::mpsc::UnboundedReceiver,
    task::{AbortHandle, JoinSet},
    time::{Instant, Sleep},
};

use crate::{
    clock::{Moment, Now, instant_of},
    error::DropReason,
    pipeline::{
        batch::Batch,
        completion::Fate,
        dispatcher::{Action, Attempt, Dispatcher, Event, FlushId, Settlement},
        flush::FlushCell,
        lane::{Lane, LaneId},
        ledger::Epoch,
        retry::Jitter,
    },
    sink::{Request, SendOutcome},
};

/// What other threads tell the I/O thread.
pub(crate) enum Message {
    /// A lane has its first admission.
    Open(Arc<Lane>),
    /// For the dispatcher.
    Event(Event),
    /// A flush has begun and may last until `deadline`.
    Flush { lane: Arc<Lane>, cell: Arc<FlushCell>, epoch: Epoch, deadline: Moment },
    /// A shutdown has begun or is asked for once more.
    Shutdown { lane: Arc<Lane>, deadline: Moment, done: ShutdownDone },
}

/// How a shutdown ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownOutcome {
    /// The deadline came before everything was settled.
    pub timed_out: bool,
}

/// Takes the outcome of a shutdown; runs on a Rust thread or inside the call, must not block.
pub type ShutdownDone = Box<dyn FnOnce(ShutdownOutcome) + Send>;

/// Messages taken in one go before timers and sockets are looked at again (R19).
const MESSAGES_PER_TURN: usize = 64;

/// The life of the I/O thread: until every exporter has let the engine go.
pub(crate) fn run(inbox: UnboundedReceiver<Message>) {
    // Two threads at most for name look-ups, which cannot be cancelled.
    let Ok(runtime) = Builder::new_current_thread().enable_all().max_blocking_threads(2).build()
    else {
        return;
    };
    runtime.block_on(Driver::new(inbox).run());
    // A hanging name look-up must not hold anyone: its thread is left behind.
    runtime.shutdown_background();
}

struct Driver {
    inbox: UnboundedReceiver<Message>,
    dispatcher: Dispatcher,
    lanes: HashMap<LaneId, OpenLane>,
    flushes: HashMap<FlushId, Flush>,
    next_flush: FlushId,
    sends: JoinSet<(Attempt, SendOutcome)>,
    running: HashMap<tokio::task::Id, (Attempt, AbortHandle)>,
    tasks: HashMap<Attempt, tokio::task::Id>,
    wake: Option<Pin<Box<Sleep>>>,
}

struct OpenLane {
    lane: Arc<Lane>,
    shutdown: Vec<ShutdownDone>,
}

struct Flush {
    lane: Arc<Lane>,
    cell: Arc<FlushCell>,
    epoch: Epoch,
}

enum Wake {
    Message(Option<Message>),
    Sent(Result<(tokio::task::Id, (Attempt, SendOutcome)), tokio::task::JoinError>),
    Timer,
}

impl Driver {
    fn new(inbox: UnboundedReceiver<Message>) -> Self {
        Driver {
            inbox,
            dispatcher: Dispatcher::new(Jitter::seeded_by_system()),
            lanes: HashMap::new(),
            flushes: HashMap::new(),
            next_flush: 0,
            sends: JoinSet::new(),
            running: HashMap::new(),
            tasks: HashMap::new(),
            wake: None,
        }
    }

    async fn run(mut self) {
        loop {
            self.arm();
            match poll_fn(|cx| self.poll(cx)).await {
                Wake::Message(None) => return,
                Wake::Message(Some(message)) => {
                    self.message(message);
                    for _ in 1..MESSAGES_PER_TURN {
                        let Ok(message) = self.inbox.try_recv() else { break };
                        self.message(message);
                    }
                }
                Wake::Sent(result) => self.sent(result),
                Wake::Timer => self.step(Event::Timer),
            }
        }
    }

    /// Sets the alarm for the dispatcher's next timer.
    fn arm(&mut self) {
        let Some(at) = self.dispatcher.next_wake() else {
            self.wake = None;
            return;
        };
        let at = Instant::from_std(instant_of(at));
        match &mut self.wake {
            Some(sleep) if sleep.deadline() == at => {}
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.wake = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    /// Timers and finished attempts come before new messages: a busy inbox must not delay them (R19).
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if let Some(sleep) = &mut self.wake
            && sleep.as_mut().poll(cx).is_ready()
        {
            self.wake = None;
            return Poll::Ready(Wake::Timer);
        }
        if let Poll::Ready(Some(result)) = self.sends.poll_join_next_with_id(cx) {
            return Poll::Ready(Wake::Sent(result));
        }
        self.inbox.poll_recv(cx).map(Wake::Message)
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Open(lane) => {
                let config = Arc::new(lane.config.clone());
                let id = lane.id;
                self.lanes.entry(id).or_insert(OpenLane { lane, shutdown: Vec::new() });
                self.step(Event::LaneOpened { lane: id, config });
            }
            Message::Event(event) => self.step(event),
            Message::Flush { lane, cell, epoch, deadline } => {
                if cell.is_answered() {
                    return;
                }
                self.flushes.retain(|_, flush| !flush.cell.is_answered());
                let flush = self.next_flush;
                self.next_flush += 1;
                self.flushes.insert(flush, Flush { lane, cell, epoch });
                self.step(Event::FlushStarted { flush, deadline });
            }
            Message::Shutdown { lane, deadline, done } => match self.lanes.get_mut(&lane.id) {
                Some(open) => {
                    open.shutdown.push(done);
                    self.step(Event::ShutdownStarted { lane: lane.id, deadline });
                }
                None => answer(done, ShutdownOutcome::default()),
            },
        }
    }

    fn sent(
        &mut self,
        result: Result<(tokio::task::Id, (Attempt, SendOutcome)), tokio::task::JoinError>,
    ) {
        let (id, event) = match result {
            Ok((id, (attempt, outcome))) => (id, Event::AttemptDone { attempt, outcome }),
            Err(error) => {
                let id = error.id();
                let Some((attempt, _)) = self.running.get(&id) else { return };
                let attempt = *attempt;
                let event = if error.is_panic() {
                    Event::AttemptPanicked { attempt }
                } else {
                    Event::AttemptAborted { attempt }
                };
                (id, event)
            }
        };
        if let Some((attempt, _)) = self.running.remove(&id) {
            self.tasks.remove(&attempt);
            self.step(event);
            self.report_in_flight(attempt.lane);
        }
    }

    fn step(&mut self, event: Event) {
        let mut actions = self.dispatcher.step(Now::read(), event);
        while !actions.is_empty() {
            let mut follow_ups = Vec::new();
            for action in actions {
                follow_ups.extend(self.act(action));
            }
            actions = follow_ups;
        }
    }

    /// Carries out one action. What comes of it at once is returned.
    fn act(&mut self, action: Action) -> Vec<Action> {
        match action {
            Action::Send { attempt, request } => return self.send(attempt, request),
            Action::Abort { attempt } => {
                if let Some((_, abort)) =
                    self.tasks.get(&attempt).and_then(|id| self.running.get(id))
                {
                    abort.abort();
                }
            }
            Action::Settle { batch, settlement } => self.settle(batch, settlement),
            Action::Attempted { batch } => {
                if let Some(batch) = self.dispatcher.batch(batch) {
                    batch.permits.iter().for_each(|permit| permit.attempted());
                }
            }
            Action::Park { batch } => {
                if let Some(batch) = self.dispatcher.batch(batch) {
                    batch.permits.iter().for_each(|permit| permit.park());
                }
            }
            Action::FlushTimedOut { flush } => {
                if let Some(Flush { lane, cell, epoch }) = self.flushes.remove(&flush) {
                    let outstanding = lane.ledger.abandon_flush(epoch, &cell);
                    cell.time_out(outstanding);
                }
            }
            Action::Abandon { lane } => {
                if let Some(open) = self.lanes.get(&lane) {
                    open.lane.ledger.abandon(DropReason::ShutdownDeadline);
                }
            }
            Action::LaneClosed { lane, timed_out } => {
                if let Some(OpenLane { lane, shutdown }) = self.lanes.remove(&lane) {
                    lane.release_engine();
                    for done in shutdown {
                        answer(done, ShutdownOutcome { timed_out });
                    }
                }
            }
        }
        Vec::new()
    }

    fn send(&mut self, attempt: Attempt, request: Request) -> Vec<Action> {
        let now = Now::read();
        // With `drop-oldest` the batch may have been voided between the decision and now.
        let live = self.dispatcher.batch(attempt.batch).is_some_and(|batch| {
            let mut live = false;
            for permit in &batch.permits {
                live |= permit.unpark();
            }
            live
        });
        if !live {
            let mut actions = self.dispatcher.step(now, Event::AttemptAborted { attempt });
            actions.extend(self.dispatcher.step(now, Event::Evicted { batch: attempt.batch }));
            return actions;
        }
        let Some(open) = self.lanes.get(&attempt.lane) else { return Vec::new() };
        let sink = Arc::clone(&open.lane.sink);
        // Inside the task, so that a panic of the sink is the attempt's and nobody else's.
        let abort = self.sends.spawn(async move { (attempt, sink.send(request).await) });
        self.tasks.insert(attempt, abort.id());
        self.running.insert(abort.id(), (attempt, abort));
        if attempt.number > 1 {
            open.lane.ledger.gauge(|gauges| gauges.retries += 1);
        }
        self.report_in_flight(attempt.lane);
        Vec::new()
    }

    fn settle(&mut self, batch: Batch, settlement: Settlement) {
        let attempts = batch.history.attempts;
        match settlement {
            Settlement::Delivered { rejected, partial, warning } => {
                if let Some(open) = self.lanes.get(&batch.lane) {
                    let latency: Duration = Now::read().mono.since(batch.admitted);
                    open.lane.ledger.gauge(|gauges| gauges.last_export_latency = Some(latency));
                }
                batch.note(|outcome| {
                    outcome.attempts = outcome.attempts.max(attempts);
                    outcome.partial_success = partial.clone().or(outcome.partial_success.take());
                    outcome.warnings.extend(warning.clone());
                });
                batch.settle_partially(rejected);
            }
            Settlement::Dropped { reason, failure } => {
                let failure = failure.unwrap_or_else(|| reason.into());
                batch.note(|outcome| {
                    outcome.attempts = outcome.attempts.max(attempts);
                    outcome.error = Some(failure.clone());
                });
                batch.settle(Fate::Dropped(reason));
            }
        }
    }

    fn report_in_flight(&self, lane: LaneId) {
        let in_flight = u32::try_from(self.dispatcher.in_flight(lane)).unwrap_or(u32::MAX);
        if let Some(open) = self.lanes.get(&lane) {
            open.lane.ledger.gauge(|gauges| gauges.in_flight = in_flight);
        }
    }
}

fn answer(done: ShutdownDone, outcome: ShutdownOutcome) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
}
