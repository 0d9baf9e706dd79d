//! What happens to the spans of one export on a worker: they are decoded into an arena, and encoded into one request body.
//! Whatever changes spans on their way stands between the two (`src/process.rs`).

mod recordings;

use std::sync::Arc;

use bumpalo::Bump;

use crate::{
    error::{DropReason, TransformError},
    exporter::Transform,
    handoff::{RawBatch, decode},
    otlp::{self, Encoded, Protocol},
    process::{Process, Processed},
    recorder::{self, Recording},
    span::SpanBatch,
};

/// What spans become.
#[derive(Clone, Debug)]
pub enum Format {
    /// An OTLP request.
    Otlp(Protocol),
    /// One line of OTLP JSON, for [`crate::sink::file`].
    OtlpLine,
    /// Records of the record/replay exporter.
    Recording(Recording),
}

/// The transform of a lane that writes `format`; with `process` spans go through its rules first.
pub fn transform(format: Format, process: Option<Arc<Process>>) -> Transform {
    match process {
        None => Arc::new(move |raw| apply(&format, &raw)),
        Some(process) => Arc::new(move |raw| apply_with(&format, &process, &raw)),
    }
}

fn apply(format: &Format, raw: &RawBatch) -> Result<Encoded, TransformError> {
    raw.top_up_pool();
    let arena = Bump::new();
    let batch = decoded(raw, &arena)?;
    encode(format, &batch, &arena)
}

/// There is no way around the rules: what unwinds in them unwinds here, and nothing of the batch is encoded.
fn apply_with(
    format: &Format,
    process: &Process,
    raw: &RawBatch,
) -> Result<Encoded, TransformError> {
    raw.top_up_pool();
    let arena = Bump::new();
    let mut batch = decoded(raw, &arena)?;
    if let Format::Recording(recording) = format {
        return recordings::encode(recording, process, &batch, &arena);
    }
    let Processed { filtered, lines } = process.apply(&mut batch, &arena);
    let encoded = encode(format, &batch, &arena)?;
    Ok(Encoded { filtered, lines, ..encoded })
}

fn decoded<'a>(raw: &'a RawBatch, arena: &'a Bump) -> Result<SpanBatch<'a>, TransformError> {
    decode(raw, arena).map_err(|error| TransformError {
        reason: DropReason::InternalError,
        message: error.to_string(),
    })
}

fn encode<'a>(
    format: &Format,
    batch: &SpanBatch<'a>,
    arena: &'a Bump,
) -> Result<Encoded, TransformError> {
    match format {
        Format::Otlp(protocol) => Ok(otlp::encode(*protocol, batch)),
        Format::OtlpLine => Ok(otlp::encode_line(batch)),
        Format::Recording(recording) => recorder::encode(recording, batch, arena, None),
    }
}
