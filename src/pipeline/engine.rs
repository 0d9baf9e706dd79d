//! The threads of the process: transform workers and one I/O thread, started by the first admission, shared by every
//! exporter, ended when the last one has let go.
//! It refuses to know what they do.

use std::{
    io,
    num::NonZero,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use crossbeam_channel::Sender;
use tokio::sync::mpsc::UnboundedSender;

use crate::pipeline::{
    io::{self as io_thread, Message},
    worker::{self, Job},
};

/// Keeps the threads running.
pub(crate) type Handle = Arc<Running>;

/// A set of threads, started on demand. One per process; tests make their own.
#[derive(Debug)]
pub struct Engine {
    running: Mutex<Weak<Running>>,
    workers: usize,
    threads: Arc<AtomicU32>,
}

/// The ways into running threads. When the last handle goes, the channels close and the threads end by themselves:
/// a worker after its current job, the I/O thread after its last lane.
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

    /// Tells the I/O thread. If it is gone, dropping the message settles what it owns.
    pub(crate) fn send(&self, message: Message) {
        drop(self.messages.send(message));
    }
}

impl Engine {
    /// The engine of the process.
    pub fn global() -> Arc<Engine> {
        static GLOBAL: OnceLock<Arc<Engine>> = OnceLock::new();
        Arc::clone(GLOBAL.get_or_init(|| Engine::new(default_workers())))
    }

    /// An engine of its own, with `workers` transform workers.
    pub fn new(workers: usize) -> Arc<Engine> {
        Arc::new(Engine {
            running: Mutex::new(Weak::new()),
            workers: workers.max(1),
            threads: Arc::new(AtomicU32::new(0)),
        })
    }

    /// Threads alive.
    pub fn threads(&self) -> u32 {
        self.threads.load(Ordering::Acquire)
    }

    /// The running threads, started if there are none.
    pub(crate) fn start(&self) -> io::Result<Handle> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = running.upgrade() {
            return Ok(handle);
        }
        let (jobs, job_queue) = crossbeam_channel::unbounded();
        let (messages, inbox) = tokio::sync::mpsc::unbounded_channel();
        self.spawn("offloop-io", move || io_thread::run(inbox))?;
        for _ in 0..self.workers {
            let job_queue = job_queue.clone();
            self.spawn("offloop-worker", move || worker::run(&job_queue))?;
        }
        let handle = Arc::new(Running { jobs, messages });
        *running = Arc::downgrade(&handle);
        Ok(handle)
    }

    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let alive = Alive::new(&self.threads);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _alive = alive;
            body();
        })?;
        Ok(())
    }
}

/// Counts a thread for as long as it lives.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(threads: &Arc<AtomicU32>) -> Self {
        threads.fetch_add(1, Ordering::AcqRel);
        Alive(Arc::clone(threads))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Half of the cores that the process may use (cgroup quotas included), at least one, at most four.
fn default_workers() -> usize {
    (thread::available_parallelism().map_or(1, NonZero::get) / 2).clamp(1, 4)
}
