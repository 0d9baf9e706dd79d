//! Transform workers: decode, encode and compress one batch after the other, each inside its own `catch_unwind`.
//! They refuse to wait for the network; what is done goes to the I/O thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crossbeam_channel::Receiver;

use crate::{
    clock::Moment,
    config::Compression,
    error::{DropReason, ExportFailure, TransformError},
    handoff::RawBatch,
    pipeline::{
        batch::{Batch, BatchId, History},
        completion::Fate,
        compress::compress,
        dispatcher::Event,
        engine::Handle,
        io::Message,
        lane::Lane,
        permit::Permit,
    },
    sink::ContentEncoding,
};

/// One piece of work.
pub(crate) struct Job {
    pub(crate) lane: Arc<Lane>,
    pub(crate) engine: Handle,
    pub(crate) permit: Permit,
    pub(crate) batch: BatchId,
    pub(crate) raw: RawBatch,
    pub(crate) admitted: Moment,
}

/// The life of one worker: until every exporter has let the engine go.
pub(crate) fn run(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        // Whatever unwinds here drops the job's permit, and that settles its spans.
        let _ = catch_unwind(AssertUnwindSafe(|| work(job)));
    }
}

fn work(job: Job) {
    let Job { lane, engine, mut permit, batch, raw, admitted } = job;
    // An abandoned shutdown has settled it already: nothing to do, and nothing to wait for.
    if !permit.is_live() {
        return;
    }
    let encoded = match catch_unwind(AssertUnwindSafe(|| (lane.transform)(raw))) {
        Ok(Ok(encoded)) => encoded,
        Ok(Err(TransformError { reason, message })) => return fail(permit, reason, message),
        Err(_) => {
            return fail(permit, DropReason::InternalError, "the encoder panicked".to_owned());
        }
    };
    if encoded.invalid > 0 {
        let warning =
            format!("{} of {} spans could not be encoded", encoded.invalid, permit.spans());
        permit.note(|outcome| outcome.warnings.push(warning));
        permit.settle_some(u64::from(encoded.invalid), Fate::Dropped(DropReason::Invalid));
    }
    // Filtering everything out is a success without a request (F37).
    if encoded.spans == 0 {
        return permit.settle(Fate::Dropped(DropReason::Invalid));
    }
    let encoded_bytes = encoded.body.len() as u64;
    permit.recharge(encoded_bytes);
    let encoding = match lane.config.compression {
        Compression::Gzip => ContentEncoding::Gzip,
        Compression::None | Compression::Zstd | Compression::Auto => ContentEncoding::Identity,
    };
    let body = match compress(encoding, encoded.body) {
        Ok(body) => body,
        Err(error) => return fail(permit, DropReason::InternalError, error.to_string()),
    };
    permit.recharge(body.len() as u64);
    let batch = Batch {
        id: batch,
        lane: lane.id,
        permits: vec![permit],
        body,
        encoding,
        encoded_bytes,
        layout: encoded.layout,
        admitted,
        history: History::default(),
    };
    engine.send(Message::Event(Event::Ready(batch)));
}

fn fail(permit: Permit, reason: DropReason, message: String) {
    if reason.fails_export() {
        permit.note(|outcome| outcome.error = Some(ExportFailure::pipeline(reason, message)));
    } else {
        permit.note(|outcome| outcome.warnings.push(message));
    }
    permit.settle(Fate::Dropped(reason));
}
