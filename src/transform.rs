//! What happens to the spans of one export on a worker: they are decoded into an arena, and encoded into one request body.
//! Whatever changes spans on their way belongs between the two.

use std::sync::Arc;

use bumpalo::Bump;

use crate::{
    error::{DropReason, TransformError},
    exporter::Transform,
    handoff::{RawBatch, decode},
    otlp::{self, Encoded, Protocol},
    recorder::{self, Recording},
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

/// The transform of a lane that writes `format`.
pub fn transform(format: Format) -> Transform {
    Arc::new(move |raw| apply(&format, &raw))
}

fn apply(format: &Format, raw: &RawBatch) -> Result<Encoded, TransformError> {
    raw.top_up_pool();
    let arena = Bump::new();
    let batch = decode(raw, &arena).map_err(|error| TransformError {
        reason: DropReason::InternalError,
        message: error.to_string(),
    })?;
    match format {
        Format::Otlp(protocol) => Ok(otlp::encode(*protocol, &batch)),
        Format::OtlpLine => Ok(otlp::encode_line(&batch)),
        Format::Recording(recording) => recorder::encode(recording, &batch, &arena),
    }
}
