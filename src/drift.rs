//! Record/replay clean spans: a span's recorded input and output become values with schemas and hashes, then a JSONL
//! line or a protobuf message, byte for byte as the recorder's own TypeScript path makes them (tusk.md §4–§9).
//! It refuses to know about threads, time, files and transport; the recorder's other (native) path is not offered.

mod clean_span;
mod input;
mod invalid;
mod json_line;
mod lines;
mod protobuf;
mod request;
mod transform;
mod value;

pub use clean_span::{CleanSpan, Payload};
pub use input::Input;
pub use invalid::{Invalid, Part, Problem};
pub use json_line::json_line;
pub use lines::{InvalidSpan, Lines, TraceLines, encode_lines};
pub use protobuf::{ExportResponse, parse_response, protobuf};
pub use request::{Request, RequestHeader, encode_request};
pub use transform::transform;
pub use value::{Member, Number, Object, Text16, Value};
