//! Rules on spans that are recorded: they see what the transform reads of a span, so that schemas, hashes and texts are those of a
//! recording that was redacted before (P100).

use bumpalo::Bump;

use crate::{
    drift::{Document, Form, Input, Prepare, Value},
    error::TransformError,
    otlp::Encoded,
    process::{Place, Process, Recorded},
    recorder::{self, Recording},
    span::{Entry, Node, SpanBatch, Text},
};

/// Where the paths of keys begin.
const INPUT: &str = "inputValue";
const OUTPUT: &str = "outputValue";
const METADATA: &str = "metadata";
const TRANSFORM_METADATA: &str = "transformMetadata";

/// Records a batch by the rules of `process`.
pub(super) fn encode(
    recording: &Recording,
    process: &Process,
    batch: &SpanBatch<'_>,
    arena: &Bump,
) -> Result<Encoded, TransformError> {
    let encoded = recorder::encode(recording, batch, arena, Some(process))?;
    Ok(Encoded { lines: process.lines(batch.spans.len()), ..encoded })
}

impl Prepare for Process {
    fn prepare<'s>(&'s self, mut input: Input<'s>, arena: &'s Bump) -> Input<'s> {
        let mut redaction = Redaction { rules: self.recorded(arena), marker: self.marker(), arena };
        for (value, place) in [
            (&mut input.name, Place::Name),
            (&mut input.package_name, Place::Scope),
            (&mut input.instrumentation_name, Place::Scope),
            (&mut input.submodule, Place::Scope),
            (&mut input.package_type, Place::Scope),
        ] {
            *value = value.map(|value| redaction.value(value, place));
        }
        input.status_message = redaction.text(input.status_message, Place::Status);
        for (key, value, merges) in [
            (INPUT, &mut input.input_value, &mut input.input_schema_merges),
            (OUTPUT, &mut input.output_value, &mut input.output_schema_merges),
            (METADATA, &mut input.metadata, &mut None),
            (TRANSFORM_METADATA, &mut input.transform_metadata, &mut None),
        ] {
            *value = value.map(|text| redaction.document(key, text, *merges));
            *merges = merges.map(|text| redaction.merges(text));
        }
        input
    }
}

struct Redaction<'s> {
    rules: Recorded<'s>,
    marker: Text<'s>,
    arena: &'s Bump,
}

impl<'s> Redaction<'s> {
    fn document(&mut self, key: &'s str, text: Text<'s>, merges: Option<Text<'s>>) -> Text<'s> {
        // What is no JSON costs the span, or is left out: it is not recorded.
        let Some(mut document) = Document::read(key, text, merges, self.arena) else { return text };
        let mut has_changed = false;
        for coded in &document.coded {
            let Some(entry) = document.tape.get_mut(coded.at) else { continue };
            let is_cut_json = match entry.node {
                Node::Text(text) => begins_as_json(text.bytes),
                Node::Bytes(bytes) => begins_as_json(bytes),
                _ => false,
            };
            let is_taken = match coded.form {
                Form::Undecodable => {
                    self.rules.is_undecodable();
                    true
                }
                // Its keys cannot be read, and what stands under one of them may be a secret.
                Form::Bytes | Form::Text if is_cut_json && self.rules.judge_keys() => {
                    self.rules.is_no_json();
                    true
                }
                // Letters that are no encoding of a text may be the secret themselves.
                Form::Bytes => self.rules.finds(key, entry.key.bytes, coded.source.bytes),
                Form::Json | Form::Text => false,
            };
            if is_taken {
                entry.node = Node::Bytes(self.marker.bytes); // of which no rule makes a token
                has_changed = true;
            }
        }
        has_changed |= self.rules.values(&mut document.tape);
        if has_changed { document.text(self.marker) } else { text }
    }

    /// They say how values are encoded: rules with keys have no say, because another encoding is another schema.
    fn merges(&mut self, text: Text<'s>) -> Text<'s> {
        let Some(mut document) = Document::read("", text, None, self.arena) else { return text };
        let has_changed = self.rules.texts(Place::Values, &mut document.tape);
        if has_changed { document.text(self.marker) } else { text }
    }

    fn value(&mut self, value: Value<'s>, place: Place) -> Value<'s> {
        let mut document = Document::of(value, self.arena);
        let has_changed = self.rules.texts(place, &mut document.tape);
        if has_changed { document.value(self.marker) } else { value }
    }

    fn text(&mut self, text: Text<'s>, place: Place) -> Text<'s> {
        let mut tape = [Entry { key: Text::default(), node: Node::Text(text) }];
        self.rules.texts(place, &mut tape);
        match tape {
            [Entry { node: Node::Text(text), .. }] => text,
            _ => self.marker,
        }
    }
}

/// Whether it would be an object or a list if it were JSON, with a mark of its byte order or without.
fn begins_as_json(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    matches!(text.trim_ascii_start(), [b'{' | b'[', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recorder::Output,
        span::{Attributes, HrTime, Span},
    };

    /// Rules as words: each has keys or detectors, and an action.
    fn process(rules: &[(&[&str], &[&str], &[&str])]) -> Process {
        let mut words = vec!["[redacted]".to_owned(), "0".to_owned(), "1".to_owned()];
        let list = |words: &mut Vec<String>, items: &[&str]| {
            words.push(items.len().to_string());
            words.extend(items.iter().map(|item| (*item).to_owned()));
        };
        words.push(rules.len().to_string());
        for (keys, detectors, action) in rules {
            words.push("rule".to_owned());
            list(&mut words, &["attributes", "name", "status", "scope"]);
            words.extend(["false".to_owned(), detectors.is_empty().to_string()]);
            list(&mut words, keys);
            list(&mut words, &[]);
            list(&mut words, &[]);
            list(&mut words, detectors);
            words.extend(action.iter().map(|word| (*word).to_owned()));
        }
        words.push("0".to_owned());
        Process::compile(&words, Some(b"a key of the tests, with 32 bytes")).unwrap()
    }

    fn batch<'a>(attributes: &[(&'a str, &'a str)]) -> SpanBatch<'a> {
        let tape: Vec<_> = attributes
            .iter()
            .map(|(key, text)| Entry { key: Text::utf8(key), node: Node::Text(Text::utf8(text)) })
            .collect();
        let span = Span {
            trace_id: Text::utf8("0123456789abcdef0123456789abcdef"),
            span_id: Text::utf8("0123456789abcdef"),
            attributes: Attributes { entries: 0..tape.len(), count: tape.len() as u32 },
            resource: 0,
            scope: 0,
            trace_state: None,
            parent_span_id: None,
            name: None,
            kind: 3.0,
            start: HrTime::default(),
            end: HrTime::default(),
            status_code: 1.0,
            status_message: None,
            flags: 0.0,
            dropped_attributes: 0.0,
            dropped_events: 0.0,
            dropped_links: 0.0,
            events: 0..0,
            links: 0..0,
            texts: &[],
        };
        SpanBatch { spans: vec![span], tape, ..SpanBatch::default() }
    }

    fn recording(output: Output) -> Recording {
        Recording { output, environment: None, fail_batch_on_bad_span: false }
    }

    fn line(process: &Process, attributes: &[(&str, &str)]) -> String {
        let arena = Bump::new();
        let batch = batch(attributes);
        let encoded = encode(&recording(Output::Lines), process, &batch, &arena).unwrap();
        assert_eq!((encoded.spans, encoded.invalid, encoded.filtered), (1, 0, 0));
        String::from_utf8_lossy(&encoded.body).into_owned()
    }

    #[test]
    fn p100_values_are_redacted_before_their_schemas_and_hashes_are_made() {
        let rules = process(&[
            (&["**.password"], &[], &["mask"]),
            (&[], &["email", "creditCard"], &["hash"]),
        ]);
        let given = r#"{"password":{"a":["x",1,true,null]},"b":"to ada@example.com","c":1.50,"d":4111111111111111}"#;
        let redacted = line(&rules, &[("td.inputValue", given)]);
        let (_, rest) = redacted.split_once(r#""inputValue":"#).unwrap();
        assert!(
            rest.starts_with(r#"{"password":{"a":["[redacted]",0,false,null]},"b":"to h"#),
            "{rest}"
        );
        let (value, _) = rest.split_once(r#","outputValue""#).unwrap();
        let nothing = process(&[(&["nothing"], &[], &["mask"])]);
        assert_eq!(redacted, line(&nothing, &[("td.inputValue", value)]));
        assert!(value.ends_with(r#","c":1.5,"d":0}"#), "{value}");
        assert_eq!(rules.rules().iter().map(|(_, hits)| *hits).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn p100_what_is_nested_deeply_is_taken_as_a_whole_and_keeps_its_schema() {
        let rules = process(&[(&["**.password"], &[], &["mask"])]);
        for (depth, is_taken) in [(500, false), (9_000, true)] {
            let given = format!("{}\"secret\"{}", "[".repeat(depth), "]".repeat(depth));
            let line = line(&rules, &[("td.inputValue", given.as_str())]);
            assert_eq!(line.contains("secret"), !is_taken, "{depth}");
            assert_eq!(line.matches(r#""type":7"#).count(), depth);
        }
        assert_eq!(rules.fail_closed()[2], ("depth", 1));
    }

    #[test]
    fn p101_a_member_in_base64_is_redacted_by_its_keys_and_encoded_again() {
        let rules = process(&[(&["*.body.pin", "**.token"], &[], &["mask"])]);
        let merges = r#"{"body":{"encoding":1,"decodedType":1}}"#;
        let body = |text: &str| {
            let given = format!(r#"{{"body":"{text}"}}"#);
            line(&rules, &[("td.inputValue", given.as_str()), ("td.inputSchemaMerges", merges)])
        };
        // {"pin":1234,"id":5} and {"pin":0,"id":5}
        assert!(
            body("eyJwaW4iOjEyMzQsImlkIjo1fQ").contains(r#"{"body":"eyJwaW4iOjAsImlkIjo1fQ=="}"#)
        );
        // { "id" : 5 }
        assert!(body("eyAiaWQiIDogNSB9\\n").contains(r#"{"body":"eyAiaWQiIDogNSB9\n"}"#));
        assert!(body("no base64!").contains(r#"{"body":"[redacted]"}"#));
        assert_eq!(rules.fail_closed()[3], ("base64", 1));
    }

    #[test]
    fn p101_what_begins_as_json_and_is_none_is_taken_where_rules_have_keys() {
        let keys = process(&[(&["**.password"], &[], &["mask"])]);
        let no_keys = process(&[(&[], &["email"], &["mask"])]);
        // {"password":"secret" and \u{feff}{"password":"secret"}
        for text in ["eyJwYXNzd29yZCI6InNlY3JldCI=", "77u/eyJwYXNzd29yZCI6InNlY3JldCJ9"] {
            let given = format!(r#"{{"body":"{text}"}}"#);
            let merges = r#"{"body":{"encoding":1,"decodedType":1}}"#;
            let given = [("td.inputValue", given.as_str()), ("td.inputSchemaMerges", merges)];
            assert!(!line(&keys, &given).contains(text), "{text}");
            assert!(line(&no_keys, &given).contains(text), "{text}");
        }
        assert_eq!(keys.fail_closed()[0], ("json", 2));
    }

    #[test]
    fn p100_texts_of_merges_are_searched_because_a_schema_shows_them() {
        let rules = process(&[(&["**.a"], &[], &["mask"]), (&[], &["email"], &["mask"])]);
        let merges = r#"{"a":{"encoding":2,"note":"ada@example.com"}}"#;
        let line =
            line(&rules, &[("td.inputValue", r#"{"a":"x"}"#), ("td.inputSchemaMerges", merges)]);
        assert!(line.contains(r#""encoding":2,"note":"[redacted]""#), "{line}");
    }

    #[test]
    fn p100_what_javascript_has_printed_is_not_sent_by_rules() {
        let arena = Bump::new();
        for output in [Output::PreparedLines, Output::PreparedRequest] {
            let rules = process(&[(&["nothing"], &[], &["mask"])]);
            let refused = encode(&recording(output), &rules, &batch(&[("printed", "x")]), &arena);
            assert_eq!(refused.unwrap_err().reason, crate::error::DropReason::InternalError);
        }
    }
}
