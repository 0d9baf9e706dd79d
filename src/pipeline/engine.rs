//! The threads of the process: transform workers and one I/O thread, started by the first admission, shared by every
//! exporter, ended when the last one has let go.
//! It refuses to know what they do.

use std::{
    io,
    num::NonZero,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::{
    clock::{Moment, clamp_timeout, monotonic},
    contain::contained,
    pipeline::{
        drain::{self, DrainDone},
        faults::{Faults, Stage},
        io::{self as io_thread, Message, Reactor},
        lane::Lane,
        platform::{is_forked_child, leave_signals_to_the_host, watch_for_forks},
        process_end::{self, ProcessEnd},
        window::Due,
        worker::{self, Job},
    },
};

/// Keeps the threads running.
pub(crate) type Handle = Arc<Running>;

/// Panics outside of a job that the engine survives within [`PANIC_WINDOW`].
const MAX_PANICS: usize = 5;
const PANIC_WINDOW: Duration = Duration::from_secs(60);

/// After a start that failed the next one waits this long: what the system lacks is not there a microsecond later, and
/// a caller that exports span by span must not pay for a try each time.
const START_PAUSE: Duration = Duration::from_millis(50);

/// A set of threads, started on demand. One per process; tests make their own.
#[derive(Debug)]
pub struct Engine {
    threads: Mutex<Threads>,
    workers: usize,
    health: Arc<Health>,
    /// Every exporter that has admitted anything, as long as its last spans are on their way: also those whose owner
    /// (a worker thread's environment) is gone.
    lanes: Mutex<Vec<Weak<Lane>>>,
    end: ProcessEnd,
    /// Starts whose threads a test runs by hand, in virtual time.
    #[cfg(test)]
    by_hand: Option<Mutex<Vec<Crew>>>,
}

/// What the threads of one start live on.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) inbox: tokio::sync::mpsc::UnboundedReceiver<Message>,
    pub(crate) jobs: crossbeam_channel::Receiver<Job>,
}

/// The last start.
#[derive(Debug, Default)]
struct Threads {
    running: Weak<Running>,
    /// Before that moment no other start is tried: the last one has failed.
    not_before: Option<Moment>,
}

/// What the threads of one engine know about each other.
#[derive(Debug, Default)]
pub(crate) struct Health {
    threads: AtomicU32,
    /// The last start has failed.
    unstartable: AtomicBool,
    /// Panics outside of a job within the last [`PANIC_WINDOW`].
    panics: Mutex<Vec<Moment>>,
    pub(crate) faults: Faults,
}

impl Health {
    /// A thread has been caught panicking. True: once too often, the engine fails fast for a while.
    pub(crate) fn panicked(&self) -> bool {
        lock(&self.panics).push(monotonic());
        self.has_given_up()
    }

    /// It fails fast until the panics are [`PANIC_WINDOW`] ago.
    pub(crate) fn has_given_up(&self) -> bool {
        let now = monotonic();
        let mut panics = lock(&self.panics);
        panics.retain(|at| now.since(*at) < PANIC_WINDOW);
        panics.len() > MAX_PANICS
    }
}

/// The ways into running threads. When the last handle goes, the channels close and the threads end by themselves:
/// a worker after its current job, the I/O thread after its last message.
#[derive(Debug)]
pub(crate) struct Running {
    jobs: Sender<Job>,
    messages: UnboundedSender<Message>,
}

impl Running {
    /// Hands a batch to the workers. The queue bound is the ledger's, so this never blocks. If no worker is left,
    /// dropping the job settles it.
    pub(crate) fn submit(&self, job: Job) {
        drop(self.jobs.send(job));
    }

    /// Tells the I/O thread. If it is gone, dropping the message settles what it owns and answers who waits.
    /// False if it is gone.
    pub(crate) fn send(&self, message: Message) -> bool {
        self.messages.send(message).is_ok()
    }

    /// The I/O thread takes messages. A handle for which this is false serves nobody any more and is to be replaced.
    pub(crate) fn is_alive(&self) -> bool {
        !self.messages.is_closed()
    }
}

static GLOBAL: OnceLock<Arc<Engine>> = OnceLock::new();

impl Engine {
    /// The engine of the process.
    pub fn global() -> Arc<Engine> {
        Arc::clone(GLOBAL.get_or_init(|| Engine::new(default_workers())))
    }

    /// The engine of the process, if it has been needed so far. Takes no lock.
    pub(crate) fn existing() -> Option<Arc<Engine>> {
        GLOBAL.get().map(Arc::clone)
    }

    /// An engine of its own, with `workers` transform workers.
    pub fn new(workers: usize) -> Arc<Engine> {
        Arc::new(Engine::unstarted(workers))
    }

    /// One that starts no threads: whoever made it runs them.
    #[cfg(test)]
    pub(crate) fn by_hand() -> Arc<Engine> {
        Arc::new(Engine { by_hand: Some(Mutex::default()), ..Engine::unstarted(1) })
    }

    /// What has been started since the last call.
    #[cfg(test)]
    pub(crate) fn take_crews(&self) -> Vec<Crew> {
        self.by_hand.as_ref().map(|crews| std::mem::take(&mut *lock(crews))).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Nobody holds threads.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        lock(&self.threads).running.strong_count() == 0
    }

    fn unstarted(workers: usize) -> Engine {
        Engine {
            threads: Mutex::default(),
            workers: workers.max(1),
            health: Arc::default(),
            lanes: Mutex::default(),
            end: ProcessEnd::new(),
            #[cfg(test)]
            by_hand: None,
        }
    }

    /// Threads alive.
    pub fn threads(&self) -> u32 {
        if is_forked_child() {
            return 0;
        }
        self.health.threads.load(Ordering::Acquire)
    }

    /// Threads could not be started, or have panicked too often: exports are refused with `internal_error`.
    pub fn is_degraded(&self) -> bool {
        is_forked_child()
            || self.health.unstartable.load(Ordering::Acquire)
            || self.health.has_given_up()
    }

    /// Does `work` when `time` has passed, or at once if the threads end before. False: there are no threads, and nothing
    /// will be done.
    pub fn later(&self, time: Duration, work: impl FnOnce() + Send + 'static) -> bool {
        if is_forked_child() {
            return false; // whoever held the lock is not in this process
        }
        let Some(handle) = lock(&self.threads).running.upgrade() else { return false };
        let (held, cancelled) = oneshot::channel::<()>();
        let due = Due::new(move || {
            drop(held);
            work();
        });
        let at = monotonic().after(clamp_timeout(time));
        handle.send(Message::Later { at, due, cancelled })
    }

    /// Hands over the batches that are being filled, those of every environment: only one of them hears of the end.
    pub fn hand_over_windows(&self) {
        for lane in self.lanes() {
            lane.windows.hand_over();
        }
    }

    /// Calls `done` with the spans left when everything that any exporter has accepted is terminal or has nowhere to
    /// go, after `timeout` at the latest.
    pub fn drain(&self, timeout: Duration, done: DrainDone) {
        drain::drain(self.lanes(), timeout, done);
    }

    /// The same, blocking the caller. For the end of the process.
    pub fn drain_blocking(&self, deadline: Instant) -> u64 {
        drain::drain_blocking(self.lanes(), deadline)
    }

    /// The process is ending, and its main thread waits until `deadline`: nobody will wait longer.
    pub fn end_by(&self, deadline: Instant) {
        self.end.set_deadline(deadline);
    }

    /// How long the end of the process may wait.
    pub(crate) fn end(&self) -> &ProcessEnd {
        &self.end
    }

    /// Spans that all exporters have accepted and that are not terminal.
    pub fn pending(&self) -> u64 {
        drain::pending(&self.lanes())
    }

    /// Makes the next `times` passes of `stage` fail.
    #[cfg(any(test, feature = "testing"))]
    pub fn inject_fault(&self, stage: Stage, times: u32) {
        self.health.faults.inject(stage, times);
    }

    /// Failures of `stage` still to come.
    #[cfg(any(test, feature = "testing"))]
    pub fn faults_left(&self, stage: Stage) -> u32 {
        self.health.faults.left(stage)
    }

    /// A lane has its first admission.
    pub(crate) fn enlist(&self, lane: &Arc<Lane>) {
        self.end.allow(lane.config.exit_timeout);
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // A lane comes again when the threads that it had are gone.
        lanes.retain(|other| other.strong_count() > 0 && other.as_ptr() != Arc::as_ptr(lane));
        lanes.push(Arc::downgrade(lane));
    }

    pub(crate) fn lanes(&self) -> Vec<Arc<Lane>> {
        if is_forked_child() {
            return Vec::new(); // what is on its way is the parent's
        }
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().filter_map(Weak::upgrade).collect()
    }

    /// The running threads, started if there are none.
    pub(crate) fn start(&self) -> io::Result<Handle> {
        if is_forked_child() {
            return Err(io::Error::other("the export threads are those of the parent process"));
        }
        let mut threads = lock(&self.threads);
        if self.health.has_given_up() {
            return Err(io::Error::other("the export threads keep panicking"));
        }
        if let Some(handle) = threads.running.upgrade().filter(|handle| handle.is_alive()) {
            return Ok(handle);
        }
        let now = monotonic();
        if threads.not_before.is_some_and(|at| now < at) {
            return Err(io::Error::other("the export threads could not be started"));
        }
        let started = self.start_threads();
        // A later try may find more resources: a failed start is no final verdict.
        self.health.unstartable.store(started.is_err(), Ordering::Release);
        threads.not_before = started.is_err().then(|| now.after(START_PAUSE));
        let handle = started?;
        threads.running = Arc::downgrade(&handle);
        Ok(handle)
    }

    /// What has come up of a start that fails in the middle ends by itself: its channels close here.
    fn start_threads(&self) -> io::Result<Handle> {
        watch_for_forks();
        process_end::watch();
        let (jobs, job_queue) = crossbeam_channel::unbounded();
        let (messages, inbox) = tokio::sync::mpsc::unbounded_channel();
        #[cfg(test)]
        if let Some(crews) = &self.by_hand {
            if self.health.faults.strikes(Stage::Reactor) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            lock(crews).push(Crew { inbox, jobs: job_queue });
            return Ok(Arc::new(Running { jobs, messages }));
        }
        let health = Arc::clone(&self.health);
        // Made here: a thread that finds no descriptors for it could only lose what was sent to it.
        let reactor = Reactor::new(&health.faults)?;
        self.spawn(Stage::Spawn, "offloop-io", move || io_thread::run(inbox, reactor, &health))?;
        for number in 0..self.workers {
            let (job_queue, health) = (job_queue.clone(), Arc::clone(&self.health));
            let started = self.spawn(Stage::SpawnWorker, "offloop-worker", move || {
                worker::run(&job_queue, &health)
            });
            // One does the work of all, only slower.
            if number == 0 {
                started?;
            }
        }
        Ok(Arc::new(Running { jobs, messages }))
    }

    fn spawn(
        &self,
        stage: Stage,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        if self.health.faults.strikes(stage) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let alive = Alive::new(&self.health);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _alive = alive;
            leave_signals_to_the_host();
            body();
        })?;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a thread for as long as it lives.
struct Alive(Arc<Health>);

impl Alive {
    fn new(health: &Arc<Health>) -> Self {
        health.threads.fetch_add(1, Ordering::AcqRel);
        Alive(Arc::clone(health))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        contained((), || {
            self.0.threads.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// Half of the cores that the process may use (cgroup quotas included), at least one, at most four.
fn default_workers() -> usize {
    (thread::available_parallelism().map_or(1, NonZero::get) / 2).clamp(1, 4)
}
