//! Why one span could not be transformed: which part of it, and what was wrong with that.
//! It refuses to hold payload: messages are rebuilt where the data is.

use std::fmt;

/// Part of a recorded span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `td.inputValue`
    InputValue,
    /// `td.inputSchemaMerges`
    InputSchemaMerges,
    /// `td.outputValue`
    OutputValue,
    /// `td.outputSchemaMerges`
    OutputSchemaMerges,
    /// `td.metadata`
    Metadata,
    /// The trace id, which would become a file name.
    TraceId,
    /// Anything else; only the protobuf form can fail there.
    Span,
}

impl Part {
    /// The attribute's key; a plain word where the part is none.
    pub fn name(self) -> &'static str {
        match self {
            Part::InputValue => "td.inputValue",
            Part::InputSchemaMerges => "td.inputSchemaMerges",
            Part::OutputValue => "td.outputValue",
            Part::OutputSchemaMerges => "td.outputSchemaMerges",
            Part::Metadata => "td.metadata",
            Part::TraceId => "traceId",
            Part::Span => "span",
        }
    }
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The attribute is absent.
    Missing,
    /// The attribute is neither a string nor falsy. The recorder throws a `TypeError` while it measures sizes.
    NotText,
    /// `JSON.parse` throws a `SyntaxError`; parsing the same text again in JavaScript gives its words.
    NotJson,
    /// Containers are nested deeper than [`super::value::MAX_DEPTH`]. The recorder throws a `RangeError` far earlier.
    TooDeep,
    /// A member of the merges is `null` (`TypeError` in the recorder).
    NullMerge,
    /// Merges with an encoding for a payload that is `null` (`TypeError` in the recorder).
    NullPayload,
    /// Not 32 lower-case hexadecimal digits.
    NotATraceId,
    /// A number or type that protobuf cannot hold.
    NotProtobuf,
}

/// Why a span is lost. It costs that span only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Invalid {
    /// Where.
    pub part: Part,
    /// What.
    pub problem: Problem,
}

impl Invalid {
    pub(super) fn new(part: Part, problem: Problem) -> Self {
        Invalid { part, problem }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.problem {
            Problem::Missing => "is missing",
            Problem::NotText => "is not a string",
            Problem::NotJson => "is not JSON",
            Problem::TooDeep => "is nested too deeply",
            Problem::NullMerge => "has a null member",
            Problem::NullPayload => "asks to decode a member of null",
            Problem::NotATraceId => "is not 32 lower-case hexadecimal digits",
            Problem::NotProtobuf => "does not fit the protobuf message",
        };
        write!(f, "{} {what}", self.part.name())
    }
}

impl std::error::Error for Invalid {}
