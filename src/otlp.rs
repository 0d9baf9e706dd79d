//! OTLP trace requests and responses, protobuf and JSON (OTLP 1.11, opentelemetry-proto).
//! It refuses to know about threads, time and transport.

mod body_layout;
pub(crate) mod fields;
mod group;
mod json;
mod json_text;
mod lengths;
mod protobuf;
mod response;
mod response_json;
#[cfg(test)]
mod tests;
mod wire;

pub use body_layout::{Layout, split};
pub use response::{PartialSuccess, partial_success};

use self::json_text::LoneSurrogates;
use crate::span::SpanBatch;

/// Wire format of an OTLP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-protobuf`
    HttpProtobuf,
    /// `application/json`
    HttpJson,
    /// The message of a gRPC call, without its prefix.
    Grpc,
}

/// One request body and what is needed to split it.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    /// Uncompressed request body.
    pub body: Vec<u8>,
    /// Spans in `body`.
    pub spans: u32,
    /// Spans that could not be encoded and are not in `body`.
    pub invalid: u32,
    /// Spans that a rule of the user has dropped before they were encoded.
    pub filtered: u32,
    /// Lines for the log, without anything of a span.
    pub lines: Vec<String>,
    /// Where each resource, scope and span lies in `body`.
    pub layout: Layout,
}

/// Encodes a batch as an `ExportTraceServiceRequest`, byte for byte as the stock serializer of 0.223 does.
pub fn encode(protocol: Protocol, batch: &SpanBatch<'_>) -> Encoded {
    let encoded = match protocol {
        Protocol::HttpProtobuf | Protocol::Grpc => protobuf::encode(batch),
        Protocol::HttpJson => json::encode(batch, LoneSurrogates::Escape),
    };
    counted(encoded, batch)
}

/// The JSON form for a file that any reader must be able to read, and a line feed: half a surrogate pair becomes U+FFFD, where the
/// request to a collector keeps the escape that the stock exporter sends.
pub fn encode_line(batch: &SpanBatch<'_>) -> Encoded {
    let mut encoded = json::encode(batch, LoneSurrogates::Replace);
    encoded.body.push(b'\n');
    counted(encoded, batch)
}

fn counted(mut encoded: Encoded, batch: &SpanBatch<'_>) -> Encoded {
    encoded.spans = u32::try_from(batch.spans.len()).unwrap_or(u32::MAX);
    encoded.invalid = batch.invalid;
    encoded
}
