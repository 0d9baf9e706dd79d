//! The spans of one export as an `ExportSpansRequest` (T9).
//! It refuses to send it.

use std::ops::Range;

use bumpalo::Bump;

use super::{
    backwards::Backwards,
    input::Input,
    invalid::Invalid,
    lines::{InvalidSpan, expected_bytes},
    prepare::{Prepare, transformed},
    protobuf::put_span,
};

const SPANS: u32 = 5 << 3 | 2;

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

/// Transforms and encodes a batch. Memory beside the result is one arena and one message, reused from span to span.
pub fn encode_request(spans: &[Result<Input<'_>, Invalid>], header: &RequestHeader<'_>) -> Request {
    encode_request_with(spans, header, None)
}

/// The same of what `prepare` makes of the spans.
pub fn encode_request_with(
    spans: &[Result<Input<'_>, Invalid>],
    header: &RequestHeader<'_>,
    prepare: Option<&dyn Prepare>,
) -> Request {
    let mut request = Request { body: head(header), ..Request::default() };
    // Protobuf's numbers and lengths take more than JSON's punctuation.
    request.body.reserve(expected_bytes(spans) / 4 * 5);
    let mut arena = Bump::new();
    let mut message = Backwards::default();
    for (index, span) in spans.iter().enumerate() {
        message.clear();
        let end = message.end();
        let encoded = span.as_ref().map_err(|why| *why).and_then(|input| {
            let span = transformed(input, header.environment, &arena, prepare)?;
            put_span(&span, &mut message)?;
            Ok(span.malformed_transform_metadata)
        });
        match encoded {
            Ok(malformed) => {
                message.put_head(SPANS, end);
                let start = request.body.len();
                request.body.extend_from_slice(message.bytes());
                request.spans.push(start..request.body.len());
                if malformed {
                    request.malformed_transform_metadata.push(index);
                }
            }
            Err(why) => request.invalid.push(InvalidSpan { index, why }),
        }
        arena.reset();
    }
    request
}

fn head(header: &RequestHeader<'_>) -> Vec<u8> {
    let mut message = Backwards::default();
    for (field, text) in [
        (4, header.sdk_instance_id),
        (3, header.sdk_version),
        (2, header.environment.unwrap_or_default()),
        (1, header.observable_service_id),
    ] {
        if !text.is_empty() {
            message.put_bytes(field << 3 | 2, text.as_bytes());
        }
    }
    message.bytes().to_vec()
}
