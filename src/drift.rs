//! Record/replay clean spans: a span's recorded input and output become values with schemas and hashes, then a JSONL
//! line or a protobuf message, byte for byte as the recorder's own TypeScript path makes them (T2 to T9).
//! It refuses to know about threads, time, files and transport; the recorder's other (native) path is not offered.

mod backwards;
mod base64;
mod clean_span;
mod decode;
mod document;
mod hash;
mod input;
mod invalid;
mod json_line;
mod lines;
mod number;
mod object;
mod parse;
mod prepare;
mod print;
mod protobuf;
mod request;
mod response;
mod schema;
mod schemas;
mod structs;
mod text;
mod transform;
mod value;

pub use clean_span::{CleanSpan, Json, Payload};
pub use document::{Coded, Document, Form};
pub use input::Input;
pub use invalid::{Invalid, Part, Problem};
pub use json_line::json_line;
pub use lines::{InvalidSpan, Lines, TraceLines, encode_lines, encode_lines_with};
pub use prepare::Prepare;
pub use protobuf::protobuf;
pub use request::{Request, RequestHeader, encode_request, encode_request_with};
pub use response::{ExportResponse, parse_response};
pub(crate) use text::without_surrogates;
pub use transform::transform;
pub use value::{MAX_DEPTH, Member, Object, Quoted, Value};
