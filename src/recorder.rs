//! The record/replay exporter in one piece: how spans are recorded for which sink, and the remote API's own schedule.
//! It refuses to know JavaScript, and leaves filters and the circuit breaker to it: those answer before spans get here.

mod api_sink;
mod api_verdict;
mod prepared;

use bumpalo::Bump;

pub use self::api_sink::{ApiConfig, ApiSink};
use crate::{
    drift::{self, Input, Invalid, InvalidSpan, Prepare, RequestHeader},
    error::{DropReason, TransformError},
    otlp::Encoded,
    sink::trace_files::bundle,
    span::SpanBatch,
};

/// What becomes of the spans of one export.
#[derive(Clone, Debug)]
pub enum Output {
    /// JSON lines for [`crate::sink::trace_files`].
    Lines,
    /// One request for [`ApiSink`].
    Request {
        /// `observable_service_id`
        observable_service_id: String,
        /// `sdk_version`
        sdk_version: String,
        /// `sdk_instance_id`
        sdk_instance_id: String,
    },
    /// Lines that JavaScript has printed, for [`crate::sink::trace_files`].
    PreparedLines,
    /// A request that JavaScript has encoded, for [`ApiSink`].
    PreparedRequest,
}

/// How spans are recorded.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Their form.
    pub output: Output,
    /// `environment` of every clean span.
    pub environment: Option<String>,
    /// A span that cannot be recorded costs its whole batch, as it did before.
    pub fail_batch_on_bad_span: bool,
}

/// Records the spans of one export, or what `prepare` makes of them; what it needs meanwhile is in `arena`.
pub(crate) fn encode(
    recording: &Recording,
    batch: &SpanBatch<'_>,
    arena: &Bump,
    prepare: Option<&dyn Prepare>,
) -> Result<Encoded, TransformError> {
    let environment = recording.environment.as_deref();
    match &recording.output {
        Output::PreparedLines | Output::PreparedRequest if prepare.is_some() => {
            let message = "what JavaScript has printed cannot be changed any more".to_owned();
            Err(TransformError { reason: DropReason::InternalError, message })
        }
        Output::PreparedLines => prepared::lines(batch).ok_or_else(unbundled),
        Output::PreparedRequest => Ok(prepared::request(batch)),
        Output::Lines => {
            let lines = drift::encode_lines_with(&inputs(batch, arena), environment, prepare);
            let traces =
                lines.traces.iter().map(|trace| (trace.trace_id.as_str(), trace.range.clone()));
            let body = bundle(lines.text, traces).ok_or_else(unbundled)?;
            encoded(recording, batch, body, &lines.invalid)
        }
        Output::Request { observable_service_id, sdk_version, sdk_instance_id } => {
            let header =
                RequestHeader { observable_service_id, environment, sdk_version, sdk_instance_id };
            let request = drift::encode_request_with(&inputs(batch, arena), &header, prepare);
            encoded(recording, batch, request.body, &request.invalid)
        }
    }
}

fn inputs<'a>(batch: &SpanBatch<'a>, arena: &'a Bump) -> Vec<Result<Input<'a>, Invalid>> {
    batch.spans.iter().map(|span| Input::from_span(batch, span, arena)).collect()
}

fn encoded(
    recording: &Recording,
    batch: &SpanBatch<'_>,
    body: Vec<u8>,
    invalid: &[InvalidSpan],
) -> Result<Encoded, TransformError> {
    if recording.fail_batch_on_bad_span
        && let Some(InvalidSpan { index, why }) = invalid.first()
    {
        let message = format!("span {index} of the batch: {why}");
        return Err(TransformError { reason: DropReason::Invalid, message });
    }
    let lost = u32::try_from(invalid.len()).unwrap_or(u32::MAX);
    let spans = u32::try_from(batch.spans.len()).unwrap_or(u32::MAX).saturating_sub(lost);
    Ok(Encoded { body, spans, invalid: batch.invalid.saturating_add(lost), ..Encoded::default() })
}

fn unbundled() -> TransformError {
    let message = "lines without their traces".to_owned();
    TransformError { reason: DropReason::InternalError, message }
}
