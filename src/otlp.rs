//! OTLP trace requests and responses, protobuf and JSON (`docs`: OTLP 1.11, opentelemetry-proto).
//! It refuses to know about threads, time and transport.

/// Wire format of an OTLP/HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-protobuf`
    HttpProtobuf,
    /// `application/json`
    HttpJson,
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
    /// Where each resource, scope and span lies in `body`.
    pub layout: Layout,
}

/// Offsets of the spans of an [`Encoded`] body, in wire order, with the resource and scope envelopes around them.
#[derive(Clone, Debug, Default)]
pub struct Layout {}

/// A decoded `ExportTraceServiceResponse`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialSuccess {
    /// Spans the receiver refused.
    pub rejected_spans: i64,
    /// The receiver's words.
    pub error_message: String,
}

/// Splits a body into two requests: the first `first_spans` spans in wire order, and the rest (F26, F36).
/// `None` if it holds fewer than two spans or `layout` does not belong to `body`.
pub fn split(
    _protocol: Protocol,
    _body: &[u8],
    _layout: &Layout,
    _first_spans: u32,
) -> Option<[Encoded; 2]> {
    None
}

/// Reads a response body. `Ok(None)`: full success; `Err`: not a response of this protocol (F19).
pub fn partial_success(
    _protocol: Protocol,
    _body: &[u8],
) -> Result<Option<PartialSuccess>, String> {
    Ok(None)
}
