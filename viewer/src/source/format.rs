//! What a file is, told by its first bytes and never by its name.

use memchr::{memchr, memmem::find};

use super::lines::LONGEST_LINE;

/// How the spans are laid out, behind any compression of the whole file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layout {
    /// A request in each line.
    Lines,
    /// Requests over many lines, one after the other or in arrays.
    Values,
    /// Requests behind a length of four bytes each, as the Collector's file exporter writes them when it compresses.
    Frames,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// A format that is known and not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    Protobuf,
    Utf16,
    Jaeger,
    Zipkin,
    Recording,
}

impl Refused {
    /// What it is and what to do, as the end of a sentence that begins with the name of the file.
    pub fn words(self) -> &'static str {
        match self {
            Refused::Protobuf => {
                "holds OTLP as protobuf, which is not read: set `format: json` in the Collector's file exporter"
            }
            Refused::Utf16 => "is UTF-16 text, which is not read: save it as UTF-8",
            Refused::Jaeger => {
                "holds traces as Jaeger's JSON, which is not read: write them as OTLP/JSON, by the Collector's file exporter"
            }
            Refused::Zipkin => {
                "holds spans as Zipkin's JSON, which is not read: write them as OTLP/JSON, by the Collector's file exporter"
            }
            Refused::Recording => {
                "holds recordings of `offloop/tusk`, which are not read: spans for this command are written by FileSpanExporter"
            }
        }
    }
}

/// The compression of a whole file.
pub(super) fn compression(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        _ if is_zstd(start) => Compression::Zstd,
        _ => Compression::None,
    }
}

pub(super) fn is_zstd(start: &[u8]) -> bool {
    // The second is a frame that is to be skipped.
    matches!(start, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The layout of what begins with `start`, which is not compressed.
pub(super) fn layout(start: &[u8]) -> Result<Layout, Refused> {
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => {
            return Err(Refused::Utf16);
        }
        [a, b, c, d, first, ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]);
            // What is text would be a longer one, blanks and ends of lines included.
            if length > 0 && length as usize <= LONGEST_LINE {
                let rest = start.get(4..).unwrap_or_default();
                if *first == b'{' || is_zstd(rest) {
                    return Ok(Layout::Frames);
                }
                // Field 1 of the request, of any length.
                if *first == 0x0a {
                    return Err(Refused::Protobuf);
                }
            }
        }
        _ => {}
    }
    let text = start.trim_ascii_start();
    if let Some(refused) = foreign(text) {
        return Err(refused);
    }
    Ok(if text.starts_with(b"[") || is_spread(text) { Layout::Values } else { Layout::Lines })
}

/// A format of others that is JSON, too.
fn foreign(text: &[u8]) -> Option<Refused> {
    const HEAD: usize = 4096;
    let head = text.get(..HEAD).unwrap_or(text);
    let has = |name: &[u8]| find(head, name).is_some();
    if has(b"\"resourceSpans\"") || has(b"\"resource_spans\"") {
        return None;
    }
    if has(b"\"traceID\"") && has(b"\"spans\"") {
        return Some(Refused::Jaeger);
    }
    if has(b"\"traceId\"") && has(b"\"packageName\"") && has(b"\"inputValue\"") {
        return Some(Refused::Recording);
    }
    let has_zipkin_member = has(b"\"localEndpoint\"") || has(b"\"timestamp\"") && has(b"\"id\"");
    (has(b"\"traceId\"") && has_zipkin_member).then_some(Refused::Zipkin)
}

/// Whether a JSON value that begins here goes on in the next line: its first line ends outside of any text and with open
/// brackets, and the second one does not begin a value of its own, as it does behind a line that was cut off.
fn is_spread(text: &[u8]) -> bool {
    let Some(end) = memchr(b'\n', text) else { return false };
    let (line, rest) = text.split_at(end);
    if rest.trim_ascii_start().is_empty() || rest.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    let (mut depth, mut in_text, mut is_escaped) = (0_i64, false, false);
    for byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
    }
    depth > 0 && !in_text
}
