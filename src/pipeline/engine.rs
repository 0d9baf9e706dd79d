//! The threads of the process: transform workers and one I/O thread, started by the first admission, shared by every
//! exporter, ended when the last one has let go.
//! It refuses to know what they do.

use std::{
    io,
    num::NonZero,
    sync::{Arc, Mutex, OnceLock, Weak},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

#[cfg(test)]
use crate::pipeline::messages::Job;
use crate::{
    clock::{Moment, clamp_timeout, monotonic},
    lock::lock,
    pipeline::{
        drain::{self, DrainDone, Owing},
        due::Due,
        exit_times::ExitTimes,
        faults::Stage,
        health::{Alive, Health},
        io::{self as io_thread, Reactor},
        messages::{Client, Message, Threads},
        platform::{is_forked_child, leave_signals_to_the_host, watch_for_forks},
        worker,
    },
};

/// After a start that failed the next one waits this long: what the system lacks is not there a microsecond later, and
/// a caller that exports span by span must not pay for a try each time.
const START_PAUSE: Duration = Duration::from_millis(50);

/// A set of threads, started on demand. One per process; tests make their own.
#[derive(Debug)]
pub struct Engine {
    last_start: Mutex<LastStart>,
    workers: usize,
    health: Arc<Health>,
    /// Every exporter that has admitted anything, as long as its last spans are on their way: also those whose owner
    /// (a worker thread's environment) is gone.
    clients: Mutex<Vec<Weak<Client>>>,
    exit_times: ExitTimes,
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

/// The last start of threads.
#[derive(Debug, Default)]
struct LastStart {
    running: Weak<Threads>,
    /// Before that moment no other start is tried: the last one has failed.
    not_before: Option<Moment>,
    /// Why it has failed.
    failure: Option<String>,
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
        lock(&self.last_start).running.strong_count() == 0
    }

    fn unstarted(workers: usize) -> Engine {
        Engine {
            last_start: Mutex::default(),
            workers: workers.max(1),
            health: Arc::default(),
            clients: Mutex::default(),
            exit_times: ExitTimes::new(),
            #[cfg(test)]
            by_hand: None,
        }
    }

    /// Threads alive.
    pub fn threads(&self) -> u32 {
        if is_forked_child() {
            return 0;
        }
        self.health.threads()
    }

    /// Threads could not be started, or have panicked too often: exports are refused with `internal_error`.
    pub fn is_degraded(&self) -> bool {
        is_forked_child() || self.health.is_degraded()
    }

    /// Does `work` when `time` has passed, or at once if the threads end before. False: there are no threads, and nothing
    /// will be done.
    pub fn later(&self, time: Duration, work: impl FnOnce() + Send + 'static) -> bool {
        if is_forked_child() {
            return false; // whoever held the lock is not in this process
        }
        let Some(threads) = lock(&self.last_start).running.upgrade() else { return false };
        let (held, cancelled) = oneshot::channel::<()>();
        let due = Due::new(move || {
            drop(held);
            work();
        });
        let at = monotonic().after(clamp_timeout(time));
        threads.send(Message::Later { at, due, cancelled })
    }

    /// Hands over the batches that are being filled, those of every environment: only one of them hears of the end.
    pub fn hand_over_windows(&self) {
        for client in self.clients() {
            client.lane.windows.hand_over();
        }
    }

    /// Calls `done` with the spans left when everything that any exporter has accepted is terminal or has nowhere to
    /// go, after `timeout` at the latest.
    pub fn drain(&self, timeout: Duration, done: DrainDone) {
        drain::drain(self.clients(), timeout, done);
    }

    /// The same, blocking the caller. For the end of the process.
    pub fn drain_blocking(&self, deadline: Instant) -> u64 {
        drain::drain_blocking(self.clients(), deadline)
    }

    /// The process is ending, and its main thread waits until `deadline`: nobody will wait longer.
    pub fn end_by(&self, deadline: Instant) {
        self.exit_times.set_deadline(deadline);
    }

    /// It did not end.
    pub fn goes_on(&self) {
        self.exit_times.clear_deadline();
    }

    /// How long the end of the process may wait.
    pub(crate) fn exit_times(&self) -> &ExitTimes {
        &self.exit_times
    }

    /// Spans that all exporters have accepted and that are not terminal.
    pub fn pending(&self) -> u64 {
        drain::pending(&self.clients())
    }

    /// The same by exporter.
    pub fn owing(&self) -> Vec<Owing> {
        drain::owing(&self.clients())
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

    /// An exporter has its first admission.
    pub(crate) fn enlist(&self, client: &Arc<Client>) {
        self.exit_times.allow(client.lane.config.exit_timeout);
        let mut clients = lock(&self.clients);
        // It comes again when the threads that it had are gone.
        clients.retain(|other| other.strong_count() > 0 && other.as_ptr() != Arc::as_ptr(client));
        clients.push(Arc::downgrade(client));
    }

    pub(crate) fn clients(&self) -> Vec<Arc<Client>> {
        if is_forked_child() {
            return Vec::new(); // what is on its way is the parent's
        }
        lock(&self.clients).iter().filter_map(Weak::upgrade).collect()
    }

    /// The running threads, started if there are none.
    pub(crate) fn start(&self) -> io::Result<Arc<Threads>> {
        if is_forked_child() {
            return Err(io::Error::other("the export threads are those of the parent process"));
        }
        let mut last = lock(&self.last_start);
        if self.health.has_given_up() {
            return Err(io::Error::other("the export threads keep panicking"));
        }
        if let Some(threads) = last.running.upgrade().filter(|threads| threads.is_alive()) {
            return Ok(threads);
        }
        let now = monotonic();
        if last.not_before.is_some_and(|at| now < at) {
            return Err(io::Error::other(last.failure.clone().unwrap_or_default()));
        }
        let started = self.start_threads();
        self.health.note_start(started.is_err());
        last.failure = started.as_ref().err().map(ToString::to_string);
        last.not_before = started.is_err().then(|| now.after(START_PAUSE));
        let threads = started?;
        last.running = Arc::downgrade(&threads);
        Ok(threads)
    }

    /// What has come up of a start that fails in the middle ends by itself: its channels close here.
    fn start_threads(&self) -> io::Result<Arc<Threads>> {
        watch_for_forks();
        let (jobs, job_queue) = crossbeam_channel::unbounded();
        let (messages, inbox) = tokio::sync::mpsc::unbounded_channel();
        #[cfg(test)]
        if let Some(crews) = &self.by_hand {
            if self.health.faults.strikes(Stage::Reactor) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            lock(crews).push(Crew { inbox, jobs: job_queue });
            return Ok(Threads::new(jobs, messages));
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
        Ok(Threads::new(jobs, messages))
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

/// Half of the cores that the process may use (cgroup quotas included), at least one, at most four.
fn default_workers() -> usize {
    (thread::available_parallelism().map_or(1, NonZero::get) / 2).clamp(1, 4)
}
