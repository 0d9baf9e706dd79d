//! The thread that writes and the queue in front of it, for every sink of files.
//! It refuses to let a disk slow anything else down: a stuck write holds one thread and the batches queued behind it.

pub(super) mod append;

use std::{
    fmt,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{ContentEncoding, Request, SendError, SendErrorKind, SendOutcome, Sending, errno};
use crate::{contain::contained, lock::lock};

/// Batches that wait for the disk; more than the dispatcher ever has in flight.
const QUEUED_BATCHES: usize = 64;

/// Writes one body; may block. Owned by the thread.
pub(super) type Write = Box<dyn FnMut(&[u8]) -> Result<(), SendError> + Send>;

/// A thread that writes bodies, one after the other. It starts with the first `send` and ends when this is dropped.
pub(super) struct Disk {
    /// How bodies are compressed.
    encoding: ContentEncoding,
    /// Makes what the thread owns; again after a panic.
    make_write: Box<dyn Fn() -> Write + Send + Sync>,
    jobs: Mutex<Option<Sender<Job>>>,
}

/// One batch on its way to the disk.
struct Job {
    body: Body,
    done: oneshot::Sender<Result<(), SendError>>,
}

/// A body until somebody takes it: the thread to write it, or the attempt when it ends first. A batch that was given up
/// is neither written late nor kept in memory behind a stuck disk.
#[derive(Clone)]
struct Body(Arc<Mutex<Option<Bytes>>>);

impl Body {
    fn new(bytes: Bytes) -> Body {
        Body(Arc::new(Mutex::new(Some(bytes))))
    }

    fn take(&self) -> Option<Bytes> {
        lock(&self.0).take()
    }
}

/// Takes the body back when the attempt ends.
struct GiveUp(Body);

impl Drop for GiveUp {
    fn drop(&mut self) {
        contained((), || {
            self.0.take();
        });
    }
}

impl Disk {
    /// Touches nothing yet.
    pub(super) fn new(
        encoding: ContentEncoding,
        make_write: impl Fn() -> Write + Send + Sync + 'static,
    ) -> Disk {
        Disk { encoding, make_write: Box::new(make_write), jobs: Mutex::new(None) }
    }

    /// Queues the body of `request`; the attempt ends when it is written, or with the request's time.
    pub(super) fn send(&self, request: Request) -> Sending {
        if request.encoding != self.encoding {
            let error = SendError::new(
                SendErrorKind::Unsendable,
                "the batch is not compressed as its file is",
            );
            return Box::pin(async { SendOutcome::Failed(error) });
        }
        let (done, stored) = oneshot::channel();
        let body = Body::new(request.body);
        let give_up = GiveUp(body.clone());
        let queued = self.queue(Job { body, done });
        let time_left: Duration = request.time_left;
        Box::pin(async move {
            let _give_up = give_up;
            if let Err(error) = queued {
                return SendOutcome::Failed(error);
            }
            match tokio::time::timeout(time_left, stored).await {
                Ok(Ok(Ok(()))) => SendOutcome::Stored,
                Ok(Ok(Err(error))) => SendOutcome::Failed(error),
                Ok(Err(_)) => SendOutcome::Failed(SendError::new(
                    SendErrorKind::File,
                    "the file thread ended",
                )),
                Err(_) => {
                    let message = "ETIMEDOUT: connection timed out, write";
                    SendOutcome::Failed(
                        SendError::new(SendErrorKind::TimedOut, message).with_code("ETIMEDOUT"),
                    )
                }
            }
        })
    }

    /// Queues `job`, starting the thread if there is none.
    fn queue(&self, job: Job) -> Result<(), SendError> {
        let mut jobs = lock(&self.jobs);
        let Some(sender) = jobs.as_ref() else { return self.start(&mut jobs, job) };
        match sender.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                let message = "EAGAIN: resource temporarily unavailable, write";
                Err(SendError::new(SendErrorKind::File, message).with_code("EAGAIN"))
            }
            // Its thread died of a panic: a new one starts with a new file.
            Err(TrySendError::Disconnected(job)) => self.start(&mut jobs, job),
        }
    }

    fn start(&self, jobs: &mut Option<Sender<Job>>, first: Job) -> Result<(), SendError> {
        let (sender, receiver) = bounded(QUEUED_BATCHES);
        let write = (self.make_write)();
        thread::Builder::new()
            .name("offloop-file".into())
            .spawn(move || run(write, &receiver))
            .map_err(|error| {
                let code = errno::errno(&error).map_or("EAGAIN", |errno| errno.code);
                SendError::new(
                    SendErrorKind::Exhausted,
                    format!("{code}: the file thread could not start"),
                )
                .with_code(code)
            })?;
        // The receiver lives in the thread that just started: the channel is open and empty.
        let _ = sender.try_send(first);
        *jobs = Some(sender);
        Ok(())
    }
}

fn run(mut write: Write, jobs: &Receiver<Job>) {
    for job in jobs {
        if let Some(body) = job.body.take() {
            let stored = write(&body);
            // An attempt that ended meanwhile has reported its own time-out.
            let _ = job.done.send(stored);
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}
