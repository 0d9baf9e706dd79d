//! The thread that watches loops: takes readings when they are due, lets the machine decide, and acts.
//! It refuses to touch a loop's thread: a loop is read through [`WatchedLoop`] and never waited for.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use super::{
    block::Block,
    machine::{Action, Counts, Machine, Observation, Settings},
    open_spans::OpenSpanTable,
    report::{self, Family, Origin},
    sleep::SleepTracker,
    stack::StackSample,
    turns::TurnClock,
    usage::{Reading, ThreadState, Usage},
};
use crate::{
    clock::{Moment, Now, monotonic},
    exporter::{Completion, Exporter},
    handoff::RawBatch,
    lock::lock,
    pipeline::platform::{leave_signals_to_the_host, watch_for_forks},
    span::owned::{OwnedSpan, Pair, SpanIds},
};

/// A loop as another thread can look at it. None of it may wait for the loop's thread.
pub trait WatchedLoop: Send + Sync {
    /// Idle time so far; `None` when the loop is gone.
    fn idle(&self) -> Option<Duration>;
    /// How long ago the loop updated its notion of time, if it has one.
    fn loop_time_age(&self) -> Option<Duration>;
    /// Counters of the loop's thread.
    fn usage(&self) -> Usage;
    /// What the loop's thread is doing.
    fn state(&self) -> ThreadState;
    /// Counters of the calling thread.
    fn own_usage(&self) -> Usage;
    /// Whether a debugger can be attached.
    fn is_inspected(&self) -> bool;
    /// Asks for the stack; it comes through [`Watch::answer_stack`], at any time or never. False: it cannot be asked.
    fn request_stack(&self, watch: &Arc<Watch>, turn: u64) -> bool;
}

/// Tells code that runs on the loop of a block that is over, and in which turn it was.
pub type Tell = Box<dyn Fn(OwnedSpan, u64) + Send + Sync>;

/// Where spans of blocks go.
pub enum Outlet {
    /// One of our exporters, also while the loop is blocked; and whoever wants to hear of blocks besides.
    Lane(Arc<Exporter>, Option<Tell>),
    /// Code that runs on the loop.
    Loop(Tell),
}

/// One loop being watched.
pub struct Watch {
    /// What the loop's own thread stamps.
    pub clock: TurnClock,
    /// Spans open on the loop's thread.
    pub open_spans: Arc<OpenSpanTable>,
    target: Box<dyn WatchedLoop>,
    outlet: Outlet,
    /// What to add to `performance.now()` to get to our clock, in milliseconds.
    performance_origin_millis: f64,
    stacks: Mutex<Vec<StackSample>>,
    state: Mutex<State>,
    counts: Mutex<Counts>,
    due_nanos: AtomicU64,
    is_kicked: AtomicBool,
    is_over: AtomicBool,
    thread: OnceLock<Thread>,
}

struct State {
    machine: Machine,
    sleep: SleepTracker,
    origin: Origin,
    /// Number of a block, where it belongs, and the span that reported it while it lasts.
    noticed: Option<(u64, Family)>,
    opened: Option<(u64, SpanIds)>,
}

impl Watch {
    /// Nothing is watched before [`Watch::start`].
    pub fn new(
        settings: Settings,
        origin: Origin,
        performance_origin_millis: f64,
        open_spans: Arc<OpenSpanTable>,
        target: Box<dyn WatchedLoop>,
        outlet: Outlet,
    ) -> Arc<Watch> {
        let machine = Machine::new(settings);
        Arc::new(Watch {
            clock: TurnClock::new(settings.threshold),
            open_spans,
            target,
            outlet,
            performance_origin_millis,
            stacks: Mutex::default(),
            state: Mutex::new(State {
                machine,
                sleep: SleepTracker::default(),
                origin,
                noticed: None,
                opened: None,
            }),
            counts: Mutex::default(),
            due_nanos: AtomicU64::new(0),
            is_kicked: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            thread: OnceLock::new(),
        })
    }

    /// Begins, on the loop's thread.
    pub fn start(self: &Arc<Self>, is_startup: bool) -> io::Result<()> {
        let idle = self.target.idle().unwrap_or_default();
        self.clock.begin(monotonic(), idle, is_startup, self.target.usage());
        watch(self)
    }

    /// The loop is about to look for events; on its thread.
    pub fn look(&self, now: Moment, idle: Duration, usage: impl FnOnce() -> Usage) {
        if self.clock.look(now, idle, || Reading::after(usage)) {
            self.kick();
        }
    }

    /// The loop will not look again, or not be watched: what its turn has been so far is judged at once, on its thread.
    pub fn settle(self: &Arc<Self>) {
        if let Some(idle) = self.target.idle() {
            self.clock.look(monotonic(), idle, || Reading::after(|| self.target.usage()));
        }
        self.step();
    }

    /// Ends it. Idempotent.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Release);
        unwatch(self);
    }

    /// Attributes of the resource for spans from now on.
    pub fn set_resource(&self, resource: Vec<Pair>) {
        lock(&self.state).origin.resource = resource;
    }

    /// A stack was taken, or will not be.
    pub fn answer_stack(&self, sample: StackSample) {
        lock(&self.stacks).push(sample);
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    /// Idle time of the loop since the start.
    pub fn idle(&self) -> Option<Duration> {
        self.target.idle().map(|idle| self.clock.idle_since_begin(idle))
    }

    fn kick(&self) {
        self.is_kicked.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Takes a look, on whatever thread.
    fn step(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let Some(seen) = self.observe(&mut state.sleep) else { return };
        let (actions, due) = state.machine.step(seen);
        let nanos = u64::try_from(due.0.as_nanos()).unwrap_or(u64::MAX);
        self.due_nanos.store(nanos, Ordering::Relaxed);
        // Before spans leave: who has one can ask for the counts.
        *lock(&self.counts) = state.machine.counts();
        for action in actions {
            self.act(&mut state, action);
        }
    }

    /// The order matters: a turn that ends meanwhile is seen to have ended, with every stack that was taken in it.
    fn observe(&self, sleep: &mut SleepTracker) -> Option<Observation> {
        let Now { mono, wall } = Now::read();
        let idle = self.target.idle()?;
        if let Some(turn) = self.clock.read(mono, idle) {
            let (busy, age) = (self.clock.busy(mono, idle), self.target.loop_time_age());
            if let Some(at) = sleep.look(turn.number, mono, busy, age) {
                self.clock.mark_asleep(turn.number, at);
            }
        }
        let turn = self.clock.read(mono, idle);
        let finished = self.clock.take_finished();
        let is_stale = |number| finished.iter().any(|finished| finished.turn.number >= number);
        let turn = turn.filter(|turn| !is_stale(turn.number));
        let is_long = turn.is_some_and(|turn| self.clock.is_long(&turn, mono));
        Some(Observation {
            now: mono,
            wall,
            turn,
            finished,
            stacks: std::mem::take(&mut *lock(&self.stacks)),
            reading: Reading::after(|| self.target.usage()),
            state: if is_long { self.target.state() } else { ThreadState::Unknown },
            is_inspected: self.target.is_inspected(),
            own_run_delay: self.target.own_usage().run_delay,
        })
    }

    fn act(self: &Arc<Self>, state: &mut State, action: Action) {
        match action {
            Action::Notice { turn, start } => {
                state.noticed = Some((turn, self.family(start)));
            }
            Action::RequestStack { turn } => {
                if !self.target.request_stack(self, turn) {
                    self.answer_stack(StackSample { turn, ..StackSample::default() });
                }
            }
            Action::Report(block) => {
                let noticed = state.noticed.take_if(|(turn, _)| *turn == block.turn);
                let family = noticed.map_or_else(|| self.family(block.start), |(_, family)| family);
                let opened = state.opened.take_if(|(turn, _)| *turn == block.turn);
                let opened = opened.map(|(_, ids)| ids);
                let seen = self.open_spans.read(self.performance_origin_millis);
                let request = family.request_name(&seen, |about| self.open_spans.text(about));
                let span = report::span(&block, &state.origin, &family, request, opened.as_ref());
                if block.is_ongoing {
                    state.opened = Some((block.turn, span.ids.clone()));
                    state.noticed = Some((block.turn, family));
                }
                self.deliver(span, &block);
            }
        }
    }

    fn family(&self, block_start: Moment) -> Family {
        Family::new(self.open_spans.read(self.performance_origin_millis), block_start)
    }

    fn deliver(&self, span: OwnedSpan, block: &Block) {
        match &self.outlet {
            Outlet::Loop(tell) => tell(span, block.turn),
            Outlet::Lane(exporter, tell) => {
                if let Some(tell) = tell.as_ref().filter(|_| !block.is_ongoing) {
                    tell(span.clone(), block.turn);
                }
                let raw = RawBatch::made(span);
                match exporter.admit(raw.spans(), raw.bytes(), Completion::new(|_| ())) {
                    Ok(ticket) => exporter.submit(ticket, raw),
                    Err(refused) => refused.answer(),
                }
            }
        }
    }

    fn due(&self) -> Moment {
        Moment(Duration::from_nanos(self.due_nanos.load(Ordering::Relaxed)))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// The thread of the process and what it watches; `None` while there is nothing to watch.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    thread: Thread,
    watches: Vec<Arc<Watch>>,
}

fn watch(watch: &Arc<Watch>) -> io::Result<()> {
    let mut running = lock(&RUNNING);
    let running = match &mut *running {
        Some(running) => running,
        none => {
            watch_for_forks();
            let spawned = thread::Builder::new().name("offloop-monitor".to_owned()).spawn(run)?;
            none.insert(Running { thread: spawned.thread().clone(), watches: Vec::new() })
        }
    };
    let _ = watch.thread.set(running.thread.clone());
    running.watches.push(Arc::clone(watch));
    running.thread.unpark();
    Ok(())
}

fn unwatch(watch: &Watch) {
    let mut running = lock(&RUNNING);
    let Some(running) = &mut *running else { return };
    running.watches.retain(|other| !std::ptr::eq(Arc::as_ptr(other), watch));
    if running.watches.is_empty() {
        running.thread.unpark();
    }
}

fn run() {
    leave_signals_to_the_host();
    loop {
        let watches = {
            let mut running = lock(&RUNNING);
            match &*running {
                Some(Running { watches, .. }) if !watches.is_empty() => watches.clone(),
                _ => {
                    *running = None;
                    return;
                }
            }
        };
        let mut next = Moment(Duration::MAX);
        for watch in &watches {
            let is_kicked = watch.is_kicked.swap(false, Ordering::AcqRel);
            if (is_kicked || watch.due() <= monotonic())
                && catch_unwind(AssertUnwindSafe(|| watch.step())).is_err()
            {
                watch.stop(); // a defect of ours must not become a busy loop
                continue;
            }
            next = next.min(watch.due());
        }
        drop(watches);
        // A loop that is gone has no new due time.
        let wait = next.since(monotonic()).max(Duration::from_micros(500));
        thread::park_timeout(wait);
    }
}
