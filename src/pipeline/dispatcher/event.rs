//! The dispatcher's vocabulary: what can happen and what can be done about it.
//! It refuses to hold behaviour.

use std::sync::Arc;

use crate::{
    clock::Moment,
    config::Config,
    error::{DropReason, ExportFailure},
    otlp::PartialSuccess,
    pipeline::{
        batch::Batch,
        ids::{BatchId, Epoch, FlushId, LaneId},
        notice::Level,
    },
    sink::{ContentEncoding, Request, SendOutcome},
};

/// One attempt of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Attempt {
    pub(crate) lane: LaneId,
    pub(crate) batch: BatchId,
    /// 1 for the first. The halves of a batch that was split begin anew.
    pub(crate) number: u32,
    /// Distinguishes it from every other attempt of the dispatcher.
    pub(crate) serial: u64,
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A lane exists from now on.
    LaneOpened { lane: LaneId, config: Arc<Config> },
    /// A worker has encoded and compressed a batch.
    Ready(Box<Batch>),
    /// An attempt has ended by itself.
    AttemptDone { attempt: Attempt, outcome: Box<SendOutcome> },
    /// An attempt has ended without a result, because the dispatcher asked for it or by itself.
    AttemptAborted { attempt: Attempt },
    /// An attempt has panicked.
    AttemptPanicked { attempt: Attempt },
    /// The ledger has voided all permits of a batch.
    Evicted { batch: BatchId },
    /// A flush in terminal mode waits for these epochs, until `deadline` at most; the ledger watches its spans.
    FlushStarted { flush: FlushId, lane: LaneId, epoch: Epoch, deadline: Moment },
    /// A flush in attempt mode: every batch of these epochs is to have an attempt from now on.
    AttemptFlushStarted { flush: FlushId, lane: LaneId, epoch: Epoch, deadline: Moment },
    /// Nobody waits for this flush any more.
    FlushOver { flush: FlushId },
    /// No new batches come except those on the workers; everything is to end by `deadline`.
    ShutdownStarted { lane: LaneId, deadline: Moment },
    /// The ledger has no unsettled span of a closed lane.
    Drained { lane: LaneId },
    /// What goes out on this lane from now on has other credentials.
    CredentialsChanged { lane: LaneId },
    /// Time has passed.
    Timer,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Start an attempt.
    Send { attempt: Attempt, request: Request },
    /// End an attempt; `AttemptAborted` follows, or a result that was faster.
    Abort { attempt: Attempt },
    /// Record what became of a batch.
    Settle { batch: Box<Batch>, settlement: Settlement },
    /// Give the batch back to the workers; `Ready` follows for what comes of it. The attempt that led to
    /// this does not count for a flush: the ledger keeps these flushes waiting until each resulting batch has had one.
    Rework { batch: Box<Batch>, work: Work, flushes: Vec<FlushId> },
    /// The batch has had its attempt, or the probe that stood for it has, and waits for another one.
    Attempted { batch: BatchId },
    /// The batch waits for a place or for its next attempt: it has to fit, and `drop-oldest` may take it.
    Park { batch: BatchId },
    /// From now on the workers compress for this lane's endpoint with nothing above `encoding`.
    LimitEncoding { lane: LaneId, encoding: ContentEncoding },
    /// The batches of a flush in attempt mode have had their attempts.
    FlushCovered { flush: FlushId },
    /// The time of a flush is over.
    FlushTimedOut { flush: FlushId },
    /// The time of a shutdown is over: void what is left.
    Abandon { lane: LaneId },
    /// Nothing of the lane is left.
    LaneClosed { lane: LaneId, timed_out: bool },
    /// Something to tell the user.
    Tell { lane: LaneId, level: Level, text: String },
}

/// What a worker is to make of a batch that cannot go out as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Two requests of half the spans each.
    Split,
    /// The same request in another compression.
    Reencode(ContentEncoding),
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Settlement {
    Delivered { rejected: u64, partial: Option<PartialSuccess>, warning: Option<String> },
    Dropped { reason: DropReason, failure: Option<ExportFailure> },
}
