//! A transformed span, ready to be printed.
//! It refuses to know the formats.

use super::value::Value;
use crate::span::{HrTime, Text};

/// Parsed JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a> {
    /// The value.
    pub value: Value<'a>,
    /// What `JSON.stringify(value)` gives, where that is known already.
    pub text: Option<&'a [u8]>,
}

/// A recorded value with its schema and hashes.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// The value as it was parsed, before any decoding.
    pub json: Json<'a>,
    /// Schema of the decoded value.
    pub schema: Value<'a>,
    /// SHA-256 of the decoded value's canonical text, lower-case hex.
    pub value_hash: [u8; 64],
    /// SHA-256 of the schema's canonical text, lower-case hex.
    pub schema_hash: [u8; 64],
}

/// What the recorder calls `CleanSpanData`.
#[derive(Clone, Debug)]
pub struct CleanSpan<'a> {
    /// Trace id.
    pub trace_id: Text<'a>,
    /// Span id.
    pub span_id: Text<'a>,
    /// Empty for a root.
    pub parent_span_id: Text<'a>,
    /// `td.name`, whatever it is.
    pub name: Option<Value<'a>>,
    /// Package.
    pub package_name: Value<'a>,
    /// Instrumentation.
    pub instrumentation_name: Value<'a>,
    /// Submodule.
    pub submodule_name: Value<'a>,
    /// `td.packageType`, whatever it is.
    pub package_type: Option<Value<'a>>,
    /// From the exporter's configuration.
    pub environment: Option<&'a str>,
    /// Input.
    pub input: Payload<'a>,
    /// Output.
    pub output: Payload<'a>,
    /// OpenTelemetry's span kind; the formats print the recorder's own.
    pub kind: f64,
    /// OK 1, ERROR 2.
    pub status_code: u8,
    /// Empty if there is none.
    pub status_message: Text<'a>,
    /// Before the application was ready.
    pub is_pre_app_start: bool,
    /// Start.
    pub timestamp: HrTime,
    /// Duration.
    pub duration: HrTime,
    /// A server span.
    pub is_root_span: bool,
    /// `td.metadata`
    pub metadata: Option<Json<'a>>,
    /// `td.transformMetadata`
    pub transform_metadata: Option<Json<'a>>,
    /// `td.transformMetadata` was not JSON; the recorder warns and goes on.
    pub malformed_transform_metadata: bool,
}

impl CleanSpan<'_> {
    /// The recorder's span kind: INTERNAL 1, SERVER 2, CLIENT 3, PRODUCER 4, CONSUMER 5, anything else 0.
    pub fn proto_kind(&self) -> u8 {
        match self.kind {
            0.0 => 1,
            1.0 => 2,
            2.0 => 3,
            3.0 => 4,
            4.0 => 5,
            _ => 0,
        }
    }
}
