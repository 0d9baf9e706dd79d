//! Carries out what the dispatcher decides, on a private single-threaded runtime: reads the clock, starts and ends
//! attempts, records fates, answers callers.
//! It refuses to decide.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, Sleep},
};

use crate::{
    clock::{Now, instant_of},
    error::DropReason,
    pipeline::{
        batch::Batch,
        dispatcher::{Action, Attempt, Dispatcher, Event, Work},
        engine::Health,
        faults::Stage,
        flush::FlushMode,
        io::{Desk, Flush, Message, OpenLane, ShutdownOutcome, record::record},
        lane::LaneId,
        notice::Level,
        permit::Permit,
        retry::Jitter,
        worker::{Job, Task},
    },
    sink::{Request, SendOutcome},
};

/// Messages taken in one go before timers and sockets are looked at again (R19).
const MESSAGES_PER_TURN: usize = 64;

pub(super) struct Driver<'a> {
    desk: &'a mut Desk,
    health: &'a Health,
    /// Before the dispatcher: unwinding ends the attempts first, then settles their batches.
    sends: JoinSet<(Attempt, SendOutcome)>,
    dispatcher: Dispatcher,
    running: HashMap<Id, (Attempt, AbortHandle)>,
    tasks: HashMap<Attempt, Id>,
    wake: Option<Pin<Box<Sleep>>>,
}

type Sent = Result<(Id, (Attempt, SendOutcome)), JoinError>;

#[expect(clippy::large_enum_variant, reason = "one lives at a time, on the stack")]
enum Wake {
    Message(Option<Message>),
    Sent(Sent),
    Timer,
}

impl<'a> Driver<'a> {
    pub(super) fn new(desk: &'a mut Desk, health: &'a Health) -> Self {
        Driver {
            desk,
            health,
            dispatcher: Dispatcher::new(Jitter::seeded_by_system()),
            sends: JoinSet::new(),
            running: HashMap::new(),
            tasks: HashMap::new(),
            wake: None,
        }
    }

    pub(super) async fn run(mut self) {
        self.resume();
        loop {
            self.health.faults.pass(Stage::Dispatcher);
            self.arm();
            match poll_fn(|cx| self.poll(cx)).await {
                Wake::Message(None) => return,
                Wake::Message(Some(message)) => {
                    self.message(message);
                    for _ in 1..MESSAGES_PER_TURN {
                        let Ok(message) = self.desk.inbox.try_recv() else { break };
                        self.message(message);
                    }
                }
                Wake::Sent(result) => self.sent(result),
                Wake::Timer => self.step(Event::Timer),
            }
        }
    }

    /// Takes over from a dispatcher that has panicked.
    fn resume(&mut self) {
        let mut events = Vec::new();
        for (&lane, open) in &self.desk.lanes {
            events.push(Event::LaneOpened { lane, config: Arc::new(open.lane.config.clone()) });
            if let Some((deadline, _)) = &open.shutdown {
                events.push(Event::ShutdownStarted { lane, deadline: *deadline });
                if open.lane.ledger.pending() == 0 {
                    events.push(Event::Drained { lane });
                }
            }
        }
        events.extend(self.desk.flushes.iter().map(|(&id, flush)| flush.event(id)));
        for event in events {
            self.step(event);
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
        self.desk.inbox.poll_recv(cx).map(Wake::Message)
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Open(lane) => {
                let event =
                    Event::LaneOpened { lane: lane.id, config: Arc::new(lane.config.clone()) };
                self.desk.lanes.entry(lane.id).or_insert(OpenLane { lane, shutdown: None });
                self.step(event);
            }
            Message::Event(event) => self.step(event),
            Message::Flush(flush) => self.flush(flush),
            Message::Later { at, due } => {
                let at = Instant::from_std(instant_of(at));
                // A task of the runtime: when that ends early, dropping the task does what is due.
                tokio::spawn(async move {
                    tokio::time::sleep_until(at).await;
                    drop(due);
                });
            }
            Message::Shutdown { lane, deadline, answer } => match self.desk.lanes.get_mut(&lane.id)
            {
                Some(open) => {
                    let (earliest, answers) =
                        open.shutdown.get_or_insert_with(|| (deadline, Vec::new()));
                    *earliest = deadline.min(*earliest);
                    if answers.is_empty() || !mutant!("R50") {
                        answers.push(answer);
                    }
                    self.step(Event::ShutdownStarted { lane: lane.id, deadline });
                }
                None => answer.give(ShutdownOutcome::default()),
            },
        }
    }

    fn flush(&mut self, flush: Flush) {
        let over: Vec<_> = self
            .desk
            .flushes
            .iter()
            .filter(|(_, flush)| flush.cell.is_answered())
            .map(|(id, _)| *id)
            .collect();
        for flush in over {
            self.desk.flushes.remove(&flush);
            self.step(Event::FlushOver { flush });
        }
        if flush.cell.is_answered() {
            return;
        }
        let id = self.desk.next_flush;
        self.desk.next_flush += 1;
        let event = flush.event(id);
        self.desk.flushes.insert(id, flush);
        self.step(event);
    }

    fn sent(&mut self, result: Sent) {
        let (id, event) = match result {
            Ok((id, (attempt, outcome))) => {
                if let Some(open) = self.desk.lanes.get(&attempt.lane) {
                    let refused = outcome.is_refused_connection();
                    open.lane.ledger.gauge(|gauges| gauges.refused_connection = refused);
                }
                (id, Event::AttemptDone { attempt, outcome: Box::new(outcome) })
            }
            Err(error) => {
                let id = error.id();
                let Some(&(attempt, _)) = self.running.get(&id) else { return };
                let panicked = error.is_panic();
                if panicked && mutant!("R69") {
                    return;
                }
                (
                    id,
                    if panicked {
                        Event::AttemptPanicked { attempt }
                    } else {
                        Event::AttemptAborted { attempt }
                    },
                )
            }
        };
        if let Some((attempt, _)) = self.running.remove(&id) {
            self.tasks.remove(&attempt);
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        let actions = self.dispatcher.step(Now::read(), event);
        self.carry_out(actions);
    }

    fn carry_out(&mut self, mut actions: Vec<Action>) {
        // First the gauges: whoever is answered below may look at them.
        self.report();
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
            Action::Settle { batch, settlement } => {
                if let Some(open) = self.desk.lanes.get(&batch.lane) {
                    record(&open.lane, *batch, settlement);
                }
            }
            Action::Rework { batch, work } => self.rework(batch, work),
            Action::Attempted { batch } => {
                let permits = self.dispatcher.batch(batch).map(|batch| batch.permits.as_slice());
                permits.unwrap_or_default().iter().for_each(Permit::attempted);
            }
            Action::Park { batch } => {
                let permits = self.dispatcher.batch(batch).map(|batch| batch.permits.as_slice());
                permits.unwrap_or_default().iter().for_each(Permit::park);
            }
            Action::LimitEncoding { lane, encoding } => {
                let Some(endpoint) =
                    self.desk.lanes.get(&lane).map(|open| &open.lane.config.endpoint)
                else {
                    return Vec::new();
                };
                for open in
                    self.desk.lanes.values().filter(|open| open.lane.config.endpoint == *endpoint)
                {
                    open.lane.limit_encoding(encoding);
                }
            }
            Action::FlushCovered { flush } => {
                if let Some(flush) = self.desk.flushes.get(&flush) {
                    flush.cell.part_done();
                }
            }
            Action::FlushTimedOut { flush } => {
                if let Some(Flush { lane, cell, epoch, .. }) = self.desk.flushes.remove(&flush) {
                    let outstanding = lane.ledger.abandon_flush(epoch, &cell);
                    if mutant!("R46") {
                        lane.ledger.abandon(DropReason::ShutdownDeadline);
                    }
                    cell.time_out(outstanding);
                }
            }
            Action::Abandon { lane } => {
                if let Some(open) = self.desk.lanes.get(&lane) {
                    open.lane.ledger.abandon(DropReason::ShutdownDeadline);
                }
            }
            Action::LaneClosed { lane, timed_out } => self.lane_closed(lane, timed_out),
            Action::Tell { lane, level, text } => {
                if let Some(open) = self.desk.lanes.get(&lane) {
                    open.lane.herald.line(level, text);
                }
            }
        }
        Vec::new()
    }

    fn send(&mut self, attempt: Attempt, request: Request) -> Vec<Action> {
        // With `drop-oldest` the batch may have been voided between the decision and now.
        let permits = self.dispatcher.batch(attempt.batch).map(|batch| batch.permits.as_slice());
        let live =
            permits.unwrap_or_default().iter().fold(false, |live, permit| permit.unpark() | live);
        let open = self.desk.lanes.get(&attempt.lane);
        let sink = open.and_then(|open| open.lane.sink());
        let (true, Some(open), Some(sink)) = (live, open, sink) else {
            let now = Now::read();
            let mut actions = self.dispatcher.step(now, Event::Evicted { batch: attempt.batch });
            actions.extend(self.dispatcher.step(now, Event::AttemptAborted { attempt }));
            return actions;
        };
        // Inside the task, so that a panic of the sink is the attempt's and nobody else's.
        let abort = self.sends.spawn(async move { (attempt, sink.send(request).await) });
        self.tasks.insert(attempt, abort.id());
        self.running.insert(abort.id(), (attempt, abort));
        if attempt.number > 1 {
            open.lane.ledger.gauge(|gauges| gauges.retries += 1);
        }
        Vec::new()
    }

    fn rework(&mut self, batch: Box<Batch>, work: Work) {
        if batch.history.requests() > 0 {
            batch.permits.iter().for_each(Permit::attempted);
        }
        let lane = self.desk.lanes.get(&batch.lane).map(|open| Arc::clone(&open.lane));
        if let Some((lane, engine)) =
            lane.and_then(|lane| lane.engine().map(|engine| (lane, engine)))
        {
            engine.submit(Job {
                lane,
                engine: Arc::clone(&engine),
                task: Task::Rework { batch, work },
            });
        }
    }

    fn lane_closed(&mut self, id: LaneId, timed_out: bool) {
        let Some(OpenLane { lane, shutdown }) = self.desk.lanes.remove(&id) else { return };
        lane.ledger.gauge(|gauges| gauges.in_flight = 0);
        let dropped = lane.ledger.snapshot().dropped[DropReason::ShutdownDeadline];
        if dropped > 0 {
            let reason = DropReason::ShutdownDeadline;
            lane.herald.line(
                Level::Warn,
                format!("Dropped {dropped} spans ({reason}): {}", reason.message()),
            );
        }
        lane.release();
        for answer in shutdown.into_iter().flat_map(|(_, answers)| answers) {
            answer.give(ShutdownOutcome { timed_out, dropped });
        }
    }

    fn report(&self) {
        for (&id, open) in &self.desk.lanes {
            let in_flight = u32::try_from(self.dispatcher.in_flight(id)).unwrap_or(u32::MAX);
            let breaker = self.dispatcher.breaker(id);
            open.lane.ledger.gauge(|gauges| {
                gauges.in_flight = in_flight;
                gauges.breaker = breaker;
            });
        }
    }
}

impl Flush {
    fn event(&self, flush: u64) -> Event {
        let (lane, epoch, deadline) = (self.lane.id, self.epoch, self.deadline);
        match self.mode {
            FlushMode::Terminal => Event::FlushStarted { flush, deadline },
            FlushMode::Attempt => Event::AttemptFlushStarted { flush, lane, epoch, deadline },
        }
    }
}
