//! From a finished span to a clean one (T4 to T7).
//! It refuses to filter: library, size and blocked traces are decided before a span gets here.

use bumpalo::Bump;

use super::{
    clean_span::{CleanSpan, Json, Payload},
    decode::decode,
    hash::{hash, hash_text},
    input::Input,
    invalid::{Invalid, Part, Problem},
    parse::{Document, Parser},
    schema,
    text::quote,
    value::{Quoted, Value},
};
use crate::span::Text;

const UNKNOWN: Value<'static> = Value::Text(Quoted::plain(b"\"unknown\""));

/// Transforms one span. All that outlives the call is in `arena`.
///
/// # Errors
/// The first part, in the recorder's order, that it would have thrown on.
pub fn transform<'a>(
    input: &Input<'a>,
    environment: Option<&'a str>,
    arena: &'a Bump,
) -> Result<CleanSpan<'a>, Invalid> {
    let mut work = Work { parser: Parser::new(arena), buffer: Vec::new() };
    let recorded = input.input_value.ok_or(Invalid::new(Part::InputValue, Problem::Missing))?;
    let parts = (Part::InputValue, Part::InputSchemaMerges);
    let input_payload = work.payload(recorded, input.input_schema_merges, parts)?;
    let parts = (Part::OutputValue, Part::OutputSchemaMerges);
    // Without an output its merges are not even read.
    let output = match input.output_value.filter(|text| !text.is_empty()) {
        Some(text) => work.payload(text, input.output_schema_merges, parts)?,
        None => work.payload(Text::utf8("{}"), None, parts)?,
    };
    let metadata = work.optional(input.metadata);
    let metadata = metadata.map_err(|problem| Invalid::new(Part::Metadata, problem))?;
    let transform_metadata = work.optional(input.transform_metadata);
    let package_name = truthy(input.package_name).unwrap_or(UNKNOWN);
    let instrumentation_name = truthy(input.instrumentation_name)
        .unwrap_or_else(|| default_instrumentation(input.library_name, package_name, arena));
    Ok(CleanSpan {
        trace_id: input.trace_id,
        span_id: input.span_id,
        parent_span_id: input.parent_span_id,
        name: input.name,
        package_name,
        instrumentation_name,
        submodule_name: truthy(input.submodule).unwrap_or(Value::Text(Quoted::EMPTY)),
        package_type: input.package_type,
        environment,
        input: input_payload,
        output,
        kind: input.kind,
        status_code: if input.status_code == 1.0 { 1 } else { 2 },
        status_message: input.status_message,
        is_pre_app_start: input.is_pre_app_start,
        timestamp: input.start,
        duration: input.duration,
        is_root_span: input.kind == 1.0,
        metadata,
        malformed_transform_metadata: transform_metadata.is_err(),
        transform_metadata: transform_metadata.unwrap_or(None),
    })
}

struct Work<'a> {
    parser: Parser<'a>,
    buffer: Vec<u8>,
}

impl<'a> Work<'a> {
    fn payload(
        &mut self,
        recorded: Text<'a>,
        merges: Option<Text<'a>>,
        parts: (Part, Part),
    ) -> Result<Payload<'a>, Invalid> {
        let in_value = |problem| Invalid::new(parts.0, problem);
        let in_merges = |problem| Invalid::new(parts.1, problem);
        let document = self.parser.parse(recorded).map_err(in_value)?;
        let merges = self.optional(merges).map_err(in_merges)?;
        let merges = merges.map(|merges| merges.value).filter(Value::is_truthy);
        // The recorder decodes what it has printed and parsed again: there Infinity has become null.
        let normal = match document.has_infinity {
            true => self.parser.parse_normalised(recorded).map_err(in_value)?,
            false => document.value,
        };
        let decoded = match merges {
            Some(merges) => {
                decode(normal, merges, &mut self.parser).map_err(|problem| match problem {
                    Problem::TooDeep => in_value(problem),
                    _ => in_merges(problem),
                })?
            }
            None => normal,
        };
        let schema = schema::generate(decoded, merges, &mut self.parser);
        let value_hash = match document {
            Document { text: Some(text), is_sorted: true, .. } if merges.is_none() => {
                hash_text(text)
            }
            _ => hash(decoded, &mut self.buffer),
        };
        Ok(Payload {
            json: Json { value: document.value, text: document.text },
            schema,
            value_hash,
            schema_hash: hash(schema, &mut self.buffer),
        })
    }

    /// JSON in an attribute that may be absent or empty.
    fn optional(&mut self, text: Option<Text<'a>>) -> Result<Option<Json<'a>>, Problem> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let Document { value, text, .. } = self.parser.parse(text)?;
        Ok(Some(Json { value, text }))
    }
}

fn truthy(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(Value::is_truthy)
}

fn default_instrumentation<'a>(
    library: Text<'_>,
    package: Value<'_>,
    arena: &'a Bump,
) -> Value<'a> {
    let mut name = b"tusk-instrumentation-".to_vec();
    let mut has_surrogates = library.has_surrogates;
    if library.is_empty() {
        has_surrogates = super::text::put_string_of(&mut name, package);
    } else {
        name.extend_from_slice(library.bytes);
    }
    Value::Text(quote(Text { bytes: &name, has_surrogates }, arena))
}
