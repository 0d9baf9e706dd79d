//! OTLP/JSON lines in local files: owns the directory, the thread that writes and the queue in front of it.
//! It refuses to let a disk slow anything else down: a stuck write holds one thread and the batches queued behind it.

mod name;
mod writer;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use self::writer::Writer;
use super::{
    Attempt, ContentEncoding, Request, SendError, SendErrorKind, SendOutcome, Sink, errno,
};

/// Batches that wait for the disk; more than the dispatcher ever has in flight.
const QUEUED_BATCHES: usize = 64;

/// Where files go and how large they grow.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// Created when missing, again if it disappears (F72).
    pub directory: PathBuf,
    /// A file that would grow beyond this is left as it is and the next one begun.
    pub max_file_bytes: u64,
    /// Files this sink keeps; older ones of its own are removed. Files of other processes are never touched.
    pub max_files: usize,
}

impl FileConfig {
    /// 64 MiB per file, ten files.
    pub fn new(directory: impl Into<PathBuf>) -> FileConfig {
        FileConfig { directory: directory.into(), max_file_bytes: 64 * 1024 * 1024, max_files: 10 }
    }
}

/// Appends each batch as one line. Its thread starts with the first `send` and ends when the sink is dropped.
#[derive(Debug)]
pub struct FileSink {
    config: FileConfig,
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Takes the body back when the attempt ends.
struct GiveUp(Body);

impl Drop for GiveUp {
    fn drop(&mut self) {
        if !mutant!("F75") {
            self.0.take();
        }
    }
}

impl FileSink {
    /// Touches nothing yet.
    pub fn new(config: FileConfig) -> Arc<FileSink> {
        Arc::new(FileSink { config, jobs: Mutex::new(None) })
    }

    /// Queues `job`, starting the thread if there is none.
    fn queue(&self, job: Job) -> Result<(), SendError> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
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
        let writer = Writer::new(self.config.clone());
        thread::Builder::new()
            .name("offloop-file".into())
            .spawn(move || run(writer, &receiver))
            .map_err(|error| {
                let code = errno::errno(&error).map_or("EAGAIN", |errno| errno.code);
                SendError::new(
                    SendErrorKind::File,
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

fn run(mut writer: Writer, jobs: &Receiver<Job>) {
    for job in jobs {
        if let Some(body) = job.body.take() {
            let stored = writer.append(&body);
            // An attempt that ended meanwhile has reported its own time-out.
            let _ = job.done.send(stored);
        }
    }
}

impl Sink for FileSink {
    fn send(&self, request: Request) -> Attempt {
        if request.encoding != ContentEncoding::Identity {
            let error = SendError::new(
                SendErrorKind::Unsendable,
                "a compressed batch cannot be a line of a file",
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
}
