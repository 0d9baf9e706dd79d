//! What the transform reads of a span, picked from a decoded one in one pass over its attributes.
//! It refuses to parse: attribute texts stay as they came.

use bumpalo::Bump;

use super::{
    invalid::{Invalid, Part, Problem},
    value::Value,
};
use crate::span::{HrTime, Span, SpanBatch, Text};

/// A finished span of the recorder, views only. Texts are WTF-8: a raw lone surrogate survives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// Trace id.
    pub trace_id: Text<'a>,
    /// Span id.
    pub span_id: Text<'a>,
    /// Empty for a root.
    pub parent_span_id: Text<'a>,
    /// OpenTelemetry's kind: INTERNAL 0, SERVER 1, CLIENT 2, PRODUCER 3, CONSUMER 4.
    pub kind: f64,
    /// OpenTelemetry's status: UNSET 0, OK 1, ERROR 2.
    pub status_code: f64,
    /// Empty if absent.
    pub status_message: Text<'a>,
    /// Start, printed as it is.
    pub start: HrTime,
    /// Duration, printed as it is.
    pub duration: HrTime,
    /// Name of the instrumentation scope; empty if absent.
    pub library_name: Text<'a>,
    /// `td.name`
    pub name: Option<Value<'a>>,
    /// `td.packageName`
    pub package_name: Option<Value<'a>>,
    /// `td.instrumentationName`
    pub instrumentation_name: Option<Value<'a>>,
    /// `td.submodule`
    pub submodule: Option<Value<'a>>,
    /// `td.packageType`
    pub package_type: Option<Value<'a>>,
    /// `td.isPreAppStart` is exactly `true`.
    pub is_pre_app_start: bool,
    /// `td.inputValue`
    pub input_value: Option<Text<'a>>,
    /// `td.inputSchemaMerges`
    pub input_schema_merges: Option<Text<'a>>,
    /// `td.outputValue`
    pub output_value: Option<Text<'a>>,
    /// `td.outputSchemaMerges`
    pub output_schema_merges: Option<Text<'a>>,
    /// `td.metadata`
    pub metadata: Option<Text<'a>>,
    /// `td.transformMetadata`
    pub transform_metadata: Option<Text<'a>>,
}

impl<'a> Input<'a> {
    /// Picks the input out of a decoded span.
    ///
    /// The hand-off record of a recorded span differs from an OTLP one in a single slot: `end` holds the span's
    /// `duration`. `kind` is the OTLP number (OpenTelemetry's plus one), as `js/handoff/span_writer.js` writes it.
    ///
    /// # Errors
    /// `NotText` where `td.inputValue` or `td.outputValue` is neither a string nor falsy: the recorder throws there.
    pub fn from_span(
        batch: &SpanBatch<'a>,
        span: &Span<'a>,
        _arena: &'a Bump,
    ) -> Result<Input<'a>, Invalid> {
        let _ = (batch, span);
        Err(Invalid::new(Part::InputValue, Problem::Missing))
    }
}
