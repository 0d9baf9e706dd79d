//! What crosses threads. [`Message`] goes to the I/O thread, from exporters and from workers; [`Job`] goes to the workers,
//! from exporters and from the I/O thread. What goes back to the caller of an exporter is a function of its own:
//! `completion`, `flush` and `shutdown` see to it that it is called once.

mod client;
mod threads;

use std::sync::Arc;

use tokio::sync::oneshot;

pub(crate) use client::Client;
pub(crate) use threads::Threads;

use crate::{
    clock::Moment,
    handoff::RawBatch,
    pipeline::{
        batch::Batch,
        dispatcher::{Event, Work},
        due::Due,
        flush::{FlushCell, FlushMode},
        ids::{BatchId, Epoch},
        lane::Lane,
        permit::Permit,
        shutdown::ShutdownAnswer,
    },
};

/// What other threads tell the I/O thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// A lane has its first admission.
    Open(Arc<Client>),
    /// For the dispatcher.
    Event(Event),
    /// Permits in these batches have been voided: nobody needs the bodies any more.
    Evicted(Vec<BatchId>),
    /// A flush has begun and may last until `deadline`.
    Flush(Flush),
    /// Something is due later, unless the other end of `cancelled` goes before.
    Later { at: Moment, due: Due, cancelled: oneshot::Receiver<()> },
    /// A shutdown has begun or is asked for once more.
    Shutdown { client: Arc<Client>, deadline: Moment, answer: ShutdownAnswer },
}

/// One piece of work, with the way to the I/O thread.
pub(crate) struct Job {
    pub(crate) lane: Arc<Lane>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) task: Task,
}

/// What is to be done.
pub(crate) enum Task {
    /// Make a request of the spans of one export call.
    Transform { permit: Permit, raw: RawBatch, admitted: Moment },
    /// Make other requests of a request.
    Rework { batch: Box<Batch>, work: Work },
}

/// A flush under way.
#[derive(Clone, Debug)]
pub(crate) struct Flush {
    pub(crate) lane: Arc<Lane>,
    pub(crate) cell: Arc<FlushCell>,
    pub(crate) mode: FlushMode,
    pub(crate) epoch: Epoch,
    pub(crate) deadline: Moment,
    /// The dispatcher's part is done, also for the dispatcher that takes over after a panic.
    pub(crate) is_covered: bool,
}
