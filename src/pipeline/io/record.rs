//! Writes down what became of a batch: in the callers' outcomes, in the ledger, for the observer.
//! It refuses to decide what that is.

use crate::{
    clock::monotonic,
    error::ExportFailure,
    pipeline::{
        batch::Batch, completion::Fate, dispatcher::Settlement, lane::Lane, notice::FailedBatch,
        server_message::server_message,
    },
};

/// Records what became of a batch: the caller's outcome first, then the ledger, then whoever observes failures.
pub(crate) fn record(lane: &Lane, batch: Batch, settlement: Settlement) {
    let attempts = batch.history.requests();
    match settlement {
        Settlement::Delivered { rejected, partial, warning } => {
            let latency = monotonic().since(batch.admitted);
            lane.ledger.gauge(|gauges| gauges.last_export_latency = Some(latency));
            batch.note(|outcome| {
                outcome.attempts = outcome.attempts.max(attempts);
                outcome.partial_success = partial.clone().or(outcome.partial_success.take());
                outcome.warnings.extend(warning.clone());
            });
            batch.settle_partially(rejected);
        }
        Settlement::Dropped { reason, failure } => {
            let failure: ExportFailure = failure.unwrap_or_else(|| reason.into());
            let spans = batch.live_spans();
            if spans == 0 {
                // Voided before: that was told then.
                return;
            }
            batch.note(|outcome| {
                outcome.attempts = outcome.attempts.max(attempts);
                outcome.error = Some(failure.clone());
            });
            batch.settle(Fate::Dropped(reason), Some(&failure.to_string()));
            lane.herald.failed(|| FailedBatch {
                reason,
                spans,
                attempts,
                http_status: failure.http_status,
                code: failure.code,
                server_message: failure
                    .body
                    .as_ref()
                    .and_then(|body| server_message(lane.config.protocol, body.as_bytes())),
                message: failure.message,
                endpoint: lane.config.endpoint.clone(),
            });
        }
    }
}
