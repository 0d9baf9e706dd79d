//! What a decoded span is: views into an arena.
//! It refuses to know where the bytes came from and which wire format they will take.

pub mod owned;
mod wtf8;

use std::ops::Range;

pub(crate) use self::wtf8::{put_wtf8, put_wtf8_inline};

/// Text as JavaScript had it: WTF-8, that is UTF-8 in which a lone surrogate is three bytes of its own (`0xED 0xA0 0x80` to
/// `0xED 0xBF 0xBF`). Protobuf replaces such a surrogate by U+FFFD (three bytes too), JSON escapes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text<'a> {
    /// The WTF-8 bytes.
    pub bytes: &'a [u8],
    /// Whether `bytes` may hold lone surrogates; without them it is plain UTF-8.
    pub has_surrogates: bool,
}

impl<'a> Text<'a> {
    /// Text that is known to be UTF-8.
    pub fn utf8(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), has_surrogates: false }
    }

    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// The head of an attribute value; what a container holds follows it in the tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node<'a> {
    /// null, undefined, bigint, symbol or function.
    Empty,
    /// A boolean.
    Bool(bool),
    /// Any JavaScript number.
    Number(f64),
    /// A string.
    Text(Text<'a>),
    /// A `Uint8Array`.
    Bytes(&'a [u8]),
    /// So many elements follow, each with its descendants.
    Array(u32),
    /// So many keyed values follow, each with its descendants.
    Map(u32),
}

/// One node of a tape with its key (empty inside arrays).
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Attribute or map key.
    pub key: Text<'a>,
    /// The value's head.
    pub node: Node<'a>,
}

/// Attributes: top-level values and their descendants, in order.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Entries of [`SpanBatch::tape`].
    pub entries: Range<usize>,
    /// Top-level values.
    pub count: u32,
}

/// Seconds and nanoseconds as OpenTelemetry JS keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct HrTime {
    /// Whole seconds; a fraction is ignored.
    pub seconds: f64,
    /// Nanoseconds, possibly 10⁹ or more.
    pub nanos: f64,
}

impl HrTime {
    /// Nanoseconds since the epoch: `trunc(seconds) × 10⁹ + trunc(nanos)`; what is not a number counts as 0.
    pub fn unix_nanos(&self) -> i128 {
        (self.seconds as i128).saturating_mul(1_000_000_000).saturating_add(self.nanos as i128)
    }
}

/// A resource, by identity.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    /// Resource attributes.
    pub attributes: Attributes,
    /// Schema URL, if the object had one.
    pub schema_url: Option<Text<'a>>,
}

/// An instrumentation scope, by identity.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// Name.
    pub name: Option<Text<'a>>,
    /// Version.
    pub version: Option<Text<'a>>,
    /// Schema URL.
    pub schema_url: Option<Text<'a>>,
    /// Scope attributes; `None` if the object had none.
    pub attributes: Option<Attributes>,
    /// `NaN` if absent.
    pub dropped_attributes: f64,
}

/// A timed event.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When.
    pub time: HrTime,
    /// Name.
    pub name: Option<Text<'a>>,
    /// Attributes.
    pub attributes: Attributes,
    /// Attributes the SDK dropped.
    pub dropped_attributes: f64,
}

/// A link to another span.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// Trace id as hex text.
    pub trace_id: Text<'a>,
    /// Span id as hex text.
    pub span_id: Text<'a>,
    /// Serialized W3C trace state.
    pub trace_state: Option<Text<'a>>,
    /// OTLP flags.
    pub flags: f64,
    /// Attributes.
    pub attributes: Attributes,
    /// Attributes the SDK dropped.
    pub dropped_attributes: f64,
}

/// A finished span. Numbers are as JavaScript had them; `NaN` stands for an absent count.
#[derive(Clone, Debug)]
pub struct Span<'a> {
    /// Index into [`SpanBatch::resources`].
    pub resource: u32,
    /// Index into [`SpanBatch::scopes`].
    pub scope: u32,
    /// Trace id as hex text.
    pub trace_id: Text<'a>,
    /// Span id as hex text.
    pub span_id: Text<'a>,
    /// Serialized W3C trace state.
    pub trace_state: Option<Text<'a>>,
    /// Parent span id as hex text; `None` for a root.
    pub parent_span_id: Option<Text<'a>>,
    /// Name.
    pub name: Option<Text<'a>>,
    /// OTLP span kind.
    pub kind: f64,
    /// Start.
    pub start: HrTime,
    /// End.
    pub end: HrTime,
    /// Status code.
    pub status_code: f64,
    /// Status message.
    pub status_message: Option<Text<'a>>,
    /// OTLP flags.
    pub flags: f64,
    /// Attributes.
    pub attributes: Attributes,
    /// Attributes the SDK dropped.
    pub dropped_attributes: f64,
    /// Events the SDK dropped.
    pub dropped_events: f64,
    /// Links the SDK dropped.
    pub dropped_links: f64,
    /// Entries of [`SpanBatch::events`].
    pub events: Range<usize>,
    /// Entries of [`SpanBatch::links`].
    pub links: Range<usize>,
    /// Bytes in which most of its texts stand, one behind the other: what is nowhere in them is in none of those texts. Empty
    /// where its texts were transcoded.
    pub texts: &'a [u8],
}

/// The spans of one export call, in order.
#[derive(Debug, Default)]
pub struct SpanBatch<'a> {
    /// Distinct resource objects, first seen first.
    pub resources: Vec<Resource<'a>>,
    /// Distinct scope objects, first seen first.
    pub scopes: Vec<Scope<'a>>,
    /// The spans.
    pub spans: Vec<Span<'a>>,
    /// Events of all spans.
    pub events: Vec<Event<'a>>,
    /// Links of all spans.
    pub links: Vec<Link<'a>>,
    /// Attribute values of all of the above.
    pub tape: Vec<Entry<'a>>,
    /// Spans that were announced but could not be decoded.
    pub invalid: u32,
}

impl<'a> SpanBatch<'a> {
    /// The tape entries of `attributes`.
    pub fn entries(&self, attributes: &Attributes) -> &[Entry<'a>] {
        self.tape.get(attributes.entries.clone()).unwrap_or_default()
    }
}
