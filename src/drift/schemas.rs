//! `JsonSchema` messages of a schema (T9), backwards and without recursion. A schema is a value that merges may
//! have bent, so it is read as the recorder's encoder reads an object.
//! It refuses to repair: where that encoder throws, there is no message.

use std::{iter::Rev, slice::Iter};

use super::{
    backwards::{Backwards, End},
    structs::put_text,
    value::{Member, Object, Quoted, Value},
};

const TYPE: u32 = 1 << 3;
const PROPERTIES: u32 = 2 << 3 | 2;
const ITEMS: u32 = 3 << 3 | 2;
const ENCODING: u32 = 4 << 3;
const DECODED_TYPE: u32 = 5 << 3;
const MATCH_IMPORTANCE: u32 = 6 << 3 | 1;
const MAP_KEY: u32 = 1 << 3 | 2;
const MAP_VALUE: u32 = 2 << 3 | 2;

/// The recorder's encoder would throw.
#[derive(Debug)]
pub(super) struct NotASchema;

/// A message that is being written.
struct Open<'v, 'a> {
    node: &'v Object<'a>,
    place: Place<'a>,
    end: End,
    rest: Option<Rev<Iter<'v, Member<'a>>>>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Field(u32),
    Items,
    Property(Quoted<'a>),
}

/// Writes the field `tag` with the message of a schema.
pub(super) fn put_schema(
    tag: u32,
    schema: Value<'_>,
    out: &mut Backwards,
) -> Result<(), NotASchema> {
    let mut open = vec![start(schema, Place::Field(tag), out)?];
    while let Some(message) = open.last_mut() {
        let child = match &mut message.rest {
            None => {
                let properties = message.node.get(b"\"properties\"").ok_or(NotASchema)?;
                message.rest = Some(members(properties)?.iter().rev());
                let items = message.node.get(b"\"items\"").filter(Value::is_truthy);
                items.map(|items| (items, Place::Items))
            }
            Some(rest) => rest.next().map(|m| (m.value, Place::Property(m.key))),
        };
        match child {
            Some((schema, place)) => {
                let child = start(schema, place, out)?;
                open.push(child);
            }
            None if message.rest.as_mut().is_some_and(|rest| rest.len() > 0) => {}
            None => {
                finish(message, out)?;
                open.pop();
            }
        }
    }
    Ok(())
}

/// Opens a message and writes its scalar fields behind the others.
fn start<'v, 'a>(
    schema: Value<'a>,
    place: Place<'a>,
    out: &mut Backwards,
) -> Result<Open<'v, 'a>, NotASchema>
where
    'a: 'v,
{
    let Value::Object(node) = schema else { return Err(NotASchema) };
    let end = out.end();
    if let Some(importance) = node.get(b"\"matchImportance\"") {
        out.put_double(MATCH_IMPORTANCE, to_number(importance));
    }
    for (tag, key) in [(DECODED_TYPE, &b"\"decodedType\""[..]), (ENCODING, b"\"encoding\"")] {
        if let Some(value) = node.get(key) {
            out.put_number(tag, int32(value).ok_or(NotASchema)?);
        }
    }
    Ok(Open { node, place, end, rest: None })
}

/// Writes the type before the rest, and what stands around the message.
fn finish(message: &Open<'_, '_>, out: &mut Backwards) -> Result<(), NotASchema> {
    let kind = message.node.get(b"\"type\"").and_then(int32).ok_or(NotASchema)?;
    if kind != 0 {
        out.put_number(TYPE, kind);
    }
    match message.place {
        Place::Field(tag) => out.put_head(tag, message.end),
        Place::Items => out.put_head(ITEMS, message.end),
        Place::Property(key) => {
            out.put_head(MAP_VALUE, message.end);
            put_text(MAP_KEY, key, out);
            out.put_head(PROPERTIES, message.end);
        }
    }
    Ok(())
}

/// What `Object.keys` enumerates: nothing of a number or boolean, and nothing that could be a schema of a string.
fn members<'a>(properties: Value<'a>) -> Result<&'a [Member<'a>], NotASchema> {
    match properties {
        Value::Object(properties) => Ok(properties.members),
        Value::Bool(_) | Value::Number(_) | Value::NegativeZero | Value::Infinite { .. } => Ok(&[]),
        Value::Array([]) => Ok(&[]),
        Value::Text(text) if text.inner().is_empty() => Ok(&[]),
        _ => Err(NotASchema),
    }
}

/// A number that protobuf's int32 holds, as a varint.
pub(super) fn int32(value: Value<'_>) -> Option<u64> {
    let number = value.as_f64()?;
    let integer = number as i32;
    (f64::from(integer) == number).then_some(i64::from(integer) as u64)
}

/// `Number(value)`.
fn to_number(value: Value<'_>) -> f64 {
    match value {
        Value::Null | Value::Bool(false) => 0.0,
        Value::Bool(true) => 1.0,
        Value::Text(text) => {
            let digits = std::str::from_utf8(text.inner()).unwrap_or_default().trim();
            match digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
                true if digits.is_empty() => 0.0,
                true => digits.parse().unwrap_or(f64::NAN),
                false => f64::NAN,
            }
        }
        Value::Array([]) => 0.0,
        Value::Array([only]) => to_number(*only),
        _ => value.as_f64().unwrap_or(f64::NAN),
    }
}
