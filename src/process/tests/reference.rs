//! A second opinion: the same rules on values that own their parts, by recursion, compared byte by byte.

use bumpalo::Bump;

use super::build::*;
use crate::span::SpanBatch;

/// What a rule of the test does to every key that it names exactly, at the top or inside maps.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Delete,
    Mask,
    Typed,
}

fn edited(given: &Members, path: &str, rules: &[(&str, What)]) -> Members {
    let mut out = Members::new();
    for (key, value) in given {
        let own = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let taken = |what: What| {
            rules.iter().any(|(name, of)| *of == what && (*name == own || *name == "*"))
        };
        if taken(What::Delete) {
            continue;
        }
        let whole =
            rules.iter().find(|(name, of)| *of != What::Delete && (*name == own || *name == "*"));
        let value = match whole {
            Some((_, What::Mask)) => Value::from("[redacted]"),
            Some(_) => typed(value),
            None => inside(value, &own, rules),
        };
        out.push((key.clone(), value));
    }
    out
}

fn inside(value: &Value, path: &str, rules: &[(&str, What)]) -> Value {
    match value {
        Value::List(items) => {
            Value::List(items.iter().map(|item| inside(item, path, rules)).collect())
        }
        Value::Map(members) if path.is_empty() => {
            // The path of a member of an attribute without a name begins with a dot.
            let renamed: Vec<_> =
                members.iter().map(|(key, value)| (format!(".{key}"), value.clone())).collect();
            let done = edited(&renamed, "", rules);
            Value::Map(done.into_iter().map(|(key, value)| (key[1..].to_owned(), value)).collect())
        }
        Value::Map(members) => Value::Map(edited(members, path, rules)),
        other => other.clone(),
    }
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Text(_) => Value::from("[redacted]"),
        Value::Bytes(_) => Value::Bytes(b"[redacted]".to_vec()),
        Value::Number(_) => Value::Number(0.0),
        Value::Bool(_) => Value::Bool(false),
        Value::Empty => Value::Empty,
        Value::List(items) => Value::List(items.iter().map(typed).collect()),
        Value::Map(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.clone(), typed(value))).collect())
        }
    }
}

fn random_batch(random: &mut Random) -> Vec<Made> {
    (0..1 + random.below(4)).map(|_| random.span()).collect()
}

#[test]
fn p15_p16_p23_edits_in_the_tape_are_the_edits_of_the_values() {
    let mut random = Random(11);
    let names =
        ["a", "b", "secret", "a.b", "a.secret", "c.d.a", "user.email", "http.url", ".a", "*"];
    for round in 0..2_000 {
        let spans = random_batch(&mut random);
        let rules: Vec<(&str, What)> = (0..1 + random.below(3))
            .map(|_| (random.pick(&names), random.pick(&[What::Delete, What::Mask, What::Typed])))
            .collect();
        let words: Vec<RuleWords> = rules
            .iter()
            .map(|(key, what)| match what {
                What::Delete => on(&[key], &["delete"]),
                What::Mask => on(&[key], &["mask"]),
                What::Typed => on(&[key], &["mask"]).typed(),
            })
            .collect();
        let expected: Vec<Made> = spans
            .iter()
            .map(|span| Made {
                resource: edited(&span.resource, "", &rules),
                scope: edited(&span.scope, "", &rules),
                attributes: edited(&span.attributes, "", &rules),
                event: edited(&span.event, "", &rules),
                link: edited(&span.link, "", &rules),
                ..span.clone()
            })
            .collect();
        let (bodies, _) = bodies(&redacting(&words), &spans);
        // Two resources that have become equal are still two.
        let mut batch = batch(&spans);
        replace_lists(&mut batch, &expected);
        assert_eq!(bodies, encoded(&batch), "round {round}: {rules:?} {spans:?}");
    }
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            What::Delete => "delete",
            What::Mask => "mask",
            What::Typed => "typed",
        })
    }
}

/// Takes the lists of `expected`, and everything else as it is.
fn replace_lists<'a>(batch: &mut SpanBatch<'a>, expected: &'a [Made]) {
    let other = super::build::batch(expected);
    let shift = batch.tape.len();
    batch.tape.extend(other.tape.iter().copied());
    let moved = |attributes: &crate::span::Attributes| crate::span::Attributes {
        entries: attributes.entries.start + shift..attributes.entries.end + shift,
        count: attributes.count,
    };
    for (span, theirs) in batch.spans.iter_mut().zip(&other.spans) {
        span.attributes = moved(&theirs.attributes);
        let resource = &other.resources[theirs.resource as usize];
        batch.resources[span.resource as usize].attributes = moved(&resource.attributes);
    }
    for (own, theirs) in batch.scopes.iter_mut().zip(&other.scopes) {
        own.attributes = theirs.attributes.as_ref().map(moved);
    }
    for (own, theirs) in batch.events.iter_mut().zip(&other.events) {
        own.attributes = moved(&theirs.attributes);
    }
    for (own, theirs) in batch.links.iter_mut().zip(&other.links) {
        own.attributes = moved(&theirs.attributes);
    }
}

#[test]
fn p14_rules_that_take_nothing_change_no_byte() {
    let attribute: &[&str] =
        &["attributes[0]", "1", "attributes", "false", "update", "nowhere", "text", "x"];
    let drop: &[&str] = &["drop[0]", "1", "name", "1", "nobody"];
    let process = compiled(
        &[drop],
        &[
            on(&["nowhere", "**.nothing*"], &["delete"]),
            on(&["http.urls"], &["url", "0"]),
            on(&["none"], &["json", "1", "$.p", "0", "false"]),
            searching(
                &[
                    "email",
                    "creditCard",
                    "iban",
                    "jwt",
                    "bearer",
                    "privateKey",
                    "awsKey",
                    "urlCredentials",
                    "ipv4",
                    "ipv6",
                ],
                "mask",
            ),
            on(&["nowhere"], &["truncate", "3"]),
        ],
        &[attribute],
    );
    let mut random = Random(23);
    for _ in 0..2_000 {
        let mut spans = random_batch(&mut random);
        // The one text that looks cut.
        spans.iter_mut().for_each(without_mail);
        let arena = Bump::new();
        let mut batch = batch(&spans);
        let before = encoded(&batch);
        let processed = process.apply(&mut batch, &arena);
        assert_eq!((processed.filtered, encoded(&batch)), (0, before), "{spans:?}");
    }
}

fn without_mail(span: &mut Made) {
    fn walk(value: &mut Value) {
        match value {
            Value::Text(text) if text.contains('@') => text.clear(),
            Value::List(items) => items.iter_mut().for_each(walk),
            Value::Map(members) => members.iter_mut().for_each(|(_, value)| walk(value)),
            _ => {}
        }
    }
    for list in
        [&mut span.resource, &mut span.scope, &mut span.attributes, &mut span.event, &mut span.link]
    {
        list.iter_mut().for_each(|(_, value)| walk(value));
    }
}
