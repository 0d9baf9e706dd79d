//! Transform workers: decode, encode and compress one batch after the other, each inside its own `catch_unwind`.
//! They refuse to wait for the network; what is done goes to the I/O thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use crossbeam_channel::Receiver;

use crate::{
    clock::Moment,
    contain::contained,
    error::{DropReason, ExportFailure, TransformError},
    handoff::RawBatch,
    otlp::{self, Encoded},
    pipeline::{
        batch::{Batch, History},
        completion::Fate,
        compress::{compress, restore},
        dispatcher::{Event, Work},
        faults::Stage,
        health::Health,
        ids::BatchId,
        lane::Lane,
        messages::{Job, Message, Task, Threads},
        notice::{FailedBatch, Level},
        permit::Permit,
        platform::yield_to_the_application,
    },
    sink::ContentEncoding,
};

/// Grows in the order of submission over all lanes: the smallest number is the oldest batch.
fn next_batch_id() -> BatchId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The life of one worker: until every exporter has let the engine go.
pub(crate) fn run(jobs: &Receiver<Job>, health: &Health) {
    yield_to_the_application();
    let work = || {
        while let Ok(job) = jobs.recv() {
            if health.has_given_up() {
                // Fails fast: dropping the job settles it.
                continue;
            }
            health.faults.pass(Stage::Worker);
            // Whatever unwinds in there drops the job's permits, and that settles their spans.
            contained((), || job.run());
        }
    };
    while catch_unwind(AssertUnwindSafe(work)).is_err() {
        health.panicked();
    }
}

impl Job {
    pub(crate) fn run(self) {
        let Job { lane, threads, task } = self;
        match task {
            Task::Transform { permit, raw, admitted } => {
                transform(&lane, &threads, permit, raw, admitted)
            }
            Task::Rework { batch, work: Work::Reencode(encoding) } => {
                reencode(&lane, &threads, batch, encoding)
            }
            Task::Rework { batch, work: Work::Split } => split(&lane, &threads, *batch),
        }
    }
}

fn transform(lane: &Lane, threads: &Threads, mut permit: Permit, raw: RawBatch, admitted: Moment) {
    // An abandoned shutdown has settled it already: nothing to do, and nothing to wait for.
    if !permit.is_live() {
        return;
    }
    let call = raw.call();
    let missing =
        if raw.is_abandoned() { DropReason::EnvironmentGone } else { DropReason::Invalid };
    let encoded = match catch_unwind(AssertUnwindSafe(|| (lane.transform)(raw))) {
        Ok(Ok(encoded)) => encoded,
        Ok(Err(TransformError { reason, message })) => {
            return fail(lane, vec![permit], reason, &message);
        }
        Err(_) => {
            return fail(lane, vec![permit], DropReason::InternalError, "the encoder panicked");
        }
    };
    let Encoded { body, spans, invalid, filtered, lines, layout } = encoded;
    lines.into_iter().for_each(|line| lane.herald.line(Level::Info, line));
    if filtered > 0 {
        permit.settle_some(u64::from(filtered), Fate::Filtered, None);
    }
    // More spans admitted than encoded: the rest is invalid, whether the encoder says so or not.
    let invalid = u64::from(invalid).max(permit.spans().saturating_sub(u64::from(spans)));
    if invalid > 0 {
        let warning = format!("{invalid} of {} spans could not be encoded", permit.spans());
        permit.note(|outcome| outcome.warnings.push(warning.clone()));
        permit.settle_some(invalid, Fate::Dropped(missing), Some(&warning));
    }
    // Nothing left to send is a success without a request (R109).
    if permit.spans() == 0 {
        return;
    }
    let encoded_bytes = body.len() as u64;
    permit.recharge(encoded_bytes);
    let encoding = lane.encoding();
    let body = match compress(encoding, body) {
        Ok(body) => body,
        Err(error) => {
            return fail(lane, vec![permit], DropReason::InternalError, &error.to_string());
        }
    };
    permit.recharge(body.len() as u64);
    let batch = Batch {
        id: next_batch_id(),
        lane: lane.id,
        call,
        permits: vec![permit],
        body,
        encoding,
        encoded_bytes,
        layout,
        admitted,
        history: History::default(),
    };
    threads.send(Message::Event(Event::Ready(Box::new(batch))));
}

fn reencode(lane: &Lane, threads: &Threads, mut batch: Box<Batch>, encoding: ContentEncoding) {
    let body = restore(batch.encoding, &batch.body, batch.encoded_bytes)
        .and_then(|body| compress(encoding, body.into_owned()));
    match body {
        Ok(body) => {
            batch.body = body;
            batch.encoding = encoding;
            batch.recharge();
            threads.send(Message::Event(Event::Ready(batch)));
        }
        Err(error) => fail(lane, batch.permits, DropReason::InternalError, &error.to_string()),
    }
}

/// Makes two requests of one, of half the spans each.
fn split(lane: &Lane, threads: &Threads, mut batch: Batch) {
    let first_spans = batch.spans() / 2;
    let halves = restore(batch.encoding, &batch.body, batch.encoded_bytes).ok().and_then(|body| {
        let first_spans = u32::try_from(first_spans).ok()?;
        otlp::split(lane.config.protocol, &body, &batch.layout, first_spans)
    });
    let Some([first, second]) = halves else {
        let failure = batch.history.last_failure.take();
        let text = failure.map_or_else(
            || DropReason::TooLarge.message().to_owned(),
            |failure| failure.to_string(),
        );
        return fail(lane, batch.permits, DropReason::TooLarge, &text);
    };
    let first_permits = batch.split_permits(first_spans);
    let encoding = lane.encoding().min(batch.encoding);
    let (id, history) = (batch.id, batch.history);
    for (id, permits, half) in
        [(id, first_permits, first), (next_batch_id(), batch.permits, second)]
    {
        let encoded_bytes = half.body.len() as u64;
        let body = match compress(encoding, half.body) {
            Ok(body) => body,
            Err(error) => {
                fail(lane, permits, DropReason::InternalError, &error.to_string());
                continue;
            }
        };
        let half = Batch {
            id,
            lane: lane.id,
            call: batch.call,
            permits,
            body,
            encoding,
            encoded_bytes,
            layout: half.layout,
            admitted: batch.admitted,
            // New requests, but the old clock: a batch must not live longer because it is large.
            history: History {
                attempts: 0,
                requests_before: history.requests(),
                deadline: history.deadline,
                ..History::default()
            },
        };
        half.recharge();
        threads.send(Message::Event(Event::Ready(Box::new(half))));
    }
}

fn fail(lane: &Lane, permits: Vec<Permit>, reason: DropReason, text: &str) {
    let failure = ExportFailure::pipeline(reason, text);
    let spans = permits.iter().map(Permit::spans).sum();
    for mut permit in permits {
        if reason.fails_export() {
            permit.note(|outcome| outcome.error = Some(failure.clone()));
        } else {
            permit.note(|outcome| outcome.warnings.push(text.to_owned()));
        }
        permit.settle_some(permit.spans(), Fate::Dropped(reason), Some(text));
    }
    lane.herald.failed(|| FailedBatch {
        reason,
        spans,
        attempts: 0,
        http_status: None,
        code: failure.code,
        message: failure.message,
        server_message: None,
        endpoint: lane.config.endpoint.clone(),
    });
}
