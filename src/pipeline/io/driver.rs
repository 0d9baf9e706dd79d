//! Carries out what the dispatcher decides, on a private single-threaded runtime: reads the clock, waits for messages,
//! timers and attempts, and lets the dispatcher step.
//! It refuses to decide.

mod acts;

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    sync::oneshot::error::TryRecvError,
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, Sleep},
};

use crate::{
    clock::{Now, instant_of},
    pipeline::{
        dispatcher::{Action, Attempt, Dispatcher, Event},
        faults::Stage,
        flush::FlushMode,
        health::Health,
        io::{Desk, OpenLane},
        messages::{Flush, Message},
        retry::Jitter,
        shutdown::ShutdownOutcome,
    },
    sink::SendOutcome,
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
            events.push(Event::LaneOpened { lane, config: Arc::new(open.lane().config.clone()) });
            if let Some((deadline, _)) = &open.shutdown {
                events.push(Event::ShutdownStarted { lane, deadline: *deadline });
                if open.lane().ledger.pending() == 0 {
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
            Message::Open(client) => {
                let (lane, config) = (client.lane.id, Arc::new(client.lane.config.clone()));
                let event = Event::LaneOpened { lane, config };
                self.desk.lanes.entry(lane).or_insert(OpenLane { client, shutdown: None });
                self.step(event);
            }
            Message::Event(event) => self.step(event),
            Message::Evicted(batches) => {
                let actions = self.forget(batches);
                self.carry_out(actions);
            }
            Message::Flush(flush) => self.flush(flush),
            Message::Later { at, due, mut cancelled } => {
                if cancelled.try_recv() == Err(TryRecvError::Closed) {
                    return;
                }
                let at = Instant::from_std(instant_of(at));
                // A task of the runtime: when that ends early, dropping the task does what is due. What is due of a
                // window that was taken is nothing.
                tokio::spawn(async move {
                    let _ = tokio::time::timeout_at(at, cancelled).await;
                    drop(due);
                });
            }
            Message::Shutdown { client, deadline, answer } => {
                let lane = client.lane.id;
                let Some(open) = self.desk.lanes.get_mut(&lane) else {
                    return answer.give(ShutdownOutcome::default());
                };
                let (earliest, answers) =
                    open.shutdown.get_or_insert_with(|| (deadline, Vec::new()));
                *earliest = deadline.min(*earliest);
                answers.push(answer);
                self.step(Event::ShutdownStarted { lane, deadline });
            }
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
        if flush.mode == FlushMode::Attempt {
            // A batch may have gone back to the workers since the flush was asked for.
            flush.lane.ledger.await_attempts(&flush.cell, flush.epoch);
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
                    open.lane().ledger.gauge(|gauges| gauges.refused_connection = refused);
                }
                (id, Event::AttemptDone { attempt, outcome: Box::new(outcome) })
            }
            Err(error) => {
                let id = error.id();
                let Some(&(attempt, _)) = self.running.get(&id) else { return };
                let panicked = error.is_panic();
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
            let actions = self.dispatcher.step(Now::read(), event);
            // For the end of the process, which does not wait for an answer of this thread. It may begin as soon as the
            // spans are accounted for.
            if let Some(open) = self.desk.lanes.get(&attempt.lane) {
                let trouble = self.dispatcher.trouble(attempt.lane);
                let trouble = trouble.map(|(_, failure)| failure.to_string());
                open.lane().ledger.note_trouble(trouble);
            }
            self.carry_out(actions);
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
}

impl Flush {
    fn event(&self, flush: u64) -> Event {
        let (lane, epoch, deadline) = (self.lane.id, self.epoch, self.deadline);
        match self.mode {
            FlushMode::Attempt if !self.is_covered => {
                Event::AttemptFlushStarted { flush, lane, epoch, deadline }
            }
            FlushMode::Attempt | FlushMode::Terminal => {
                Event::FlushStarted { flush, lane, epoch, deadline }
            }
        }
    }
}
