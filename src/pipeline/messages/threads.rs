//! The channels into the threads of an engine. Whoever holds them keeps the threads running.

use std::sync::Arc;

use crossbeam_channel::Sender;
use tokio::sync::mpsc::UnboundedSender;

use super::{Job, Message};

/// The way to running threads. When the last one who holds it lets go, the channels close and the threads end by themselves:
/// a worker after its current job, the I/O thread after its last message.
#[derive(Debug)]
pub(crate) struct Threads {
    jobs: Sender<Job>,
    messages: UnboundedSender<Message>,
}

impl Threads {
    pub(crate) fn new(jobs: Sender<Job>, messages: UnboundedSender<Message>) -> Arc<Self> {
        Arc::new(Threads { jobs, messages })
    }

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

    /// The I/O thread takes messages. Threads for which this is false serve nobody any more and are to be replaced.
    pub(crate) fn is_alive(&self) -> bool {
        !self.messages.is_closed()
    }
}
