//! `google.protobuf.Struct` of a value (T9), backwards and without recursion.
//! It refuses to know spans.

use std::{iter::Rev, slice::Iter};

use super::{
    backwards::{Backwards, End},
    object::PROTO,
    text::{put_unquoted, replace_surrogates, units},
    value::{Member, Quoted, Value},
};

const NULL: u32 = 1 << 3;
const NUMBER: u32 = 2 << 3 | 1;
const STRING: u32 = 3 << 3 | 2;
const BOOL: u32 = 4 << 3;
const STRUCT: u32 = 5 << 3 | 2;
const LIST: u32 = 6 << 3 | 2;
const FIELDS: u32 = 1 << 3 | 2;
const VALUES: u32 = 1 << 3 | 2;
const MAP_KEY: u32 = 1 << 3 | 2;
const MAP_VALUE: u32 = 2 << 3 | 2;

/// A container whose content is being written.
struct Open<'v, 'a> {
    rest: Rest<'v, 'a>,
    /// Where its content ends.
    end: End,
    /// The child that is being written: where it ends, and its key.
    child: End,
    key: Key<'a>,
}

enum Rest<'v, 'a> {
    Members(Rev<Iter<'v, Member<'a>>>),
    Elements(Iter<'v, Value<'a>>),
    /// Entries of an array as a struct.
    Numbered(&'v [Value<'a>]),
}

#[derive(Clone, Copy)]
enum Key<'a> {
    None,
    Text(Quoted<'a>),
    Index(usize),
}

/// Writes the field `tag` with the struct that the recorder makes of a value; nothing for a falsy one.
pub(super) fn put_struct(tag: u32, value: Value<'_>, out: &mut Backwards) {
    if !value.is_truthy() {
        return;
    }
    let end = out.end();
    match value {
        Value::Object(object) => put_content(Rest::Members(object.members.iter().rev()), out),
        Value::Array(elements) => put_content(Rest::Numbered(elements), out),
        Value::Text(text) => {
            // One member per UTF-16 unit.
            let units: Vec<u16> = units(text).collect();
            for (index, unit) in units.iter().enumerate().rev() {
                let entry = out.end();
                let child = out.end();
                let mut utf8 = [0; 4];
                let letter =
                    char::from_u32(u32::from(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.put_bytes(STRING, letter.encode_utf8(&mut utf8).as_bytes());
                out.put_head(MAP_VALUE, child);
                out.put_bytes(MAP_KEY, index.to_string().as_bytes());
                out.put_head(FIELDS, entry);
            }
        }
        _ => {}
    }
    out.put_head(tag, end);
}

fn put_content(rest: Rest<'_, '_>, out: &mut Backwards) {
    let mut open = vec![Open { rest, end: out.end(), child: out.end(), key: Key::None }];
    while let Some(container) = open.last_mut() {
        let Some((key, value)) = container.rest.next_back() else {
            let Some(Open { rest, end, .. }) = open.pop() else { return };
            let Some(around) = open.last() else { return };
            out.put_head(if matches!(rest, Rest::Elements(_)) { LIST } else { STRUCT }, end);
            close_child(around.key, around.child, out);
            continue;
        };
        let child = out.end();
        let inner = match value {
            Value::Array(elements) => Rest::Elements(elements.iter()),
            Value::Object(object) => Rest::Members(object.members.iter().rev()),
            scalar => {
                put_scalar(scalar, out);
                close_child(key, child, out);
                continue;
            }
        };
        (container.child, container.key) = (child, key);
        open.push(Open { rest: inner, end: child, child, key: Key::None });
    }
}

impl<'a> Rest<'_, 'a> {
    fn next_back(&mut self) -> Option<(Key<'a>, Value<'a>)> {
        match self {
            Rest::Members(members) => loop {
                let member = members.next()?;
                if member.key.json != PROTO {
                    return Some((Key::Text(member.key), member.value));
                }
            },
            Rest::Elements(elements) => elements.next_back().map(|value| (Key::None, *value)),
            Rest::Numbered(elements) => {
                let (last, before) = elements.split_last()?;
                *elements = before;
                Some((Key::Index(before.len()), *last))
            }
        }
    }
}

/// Wraps the value that ends at `child`: as a list's element or, with its key, as a map's entry.
fn close_child(key: Key<'_>, child: End, out: &mut Backwards) {
    match key {
        Key::None => return out.put_head(VALUES, child),
        Key::Text(key) => {
            out.put_head(MAP_VALUE, child);
            put_text(MAP_KEY, key, out);
        }
        Key::Index(index) => {
            out.put_head(MAP_VALUE, child);
            out.put_bytes(MAP_KEY, index.to_string().as_bytes());
        }
    }
    out.put_head(FIELDS, child);
}

fn put_scalar(value: Value<'_>, out: &mut Backwards) {
    match value {
        Value::Text(text) => put_text(STRING, text, out),
        Value::Bool(value) => out.put_number(BOOL, u64::from(value)),
        _ => match value.as_f64() {
            Some(number) => out.put_double(NUMBER, number),
            None => out.put_number(NULL, 0),
        },
    }
}

/// Writes a string field as UTF-8, U+FFFD for lone surrogates.
pub(super) fn put_text(tag: u32, text: Quoted<'_>, out: &mut Backwards) {
    if !text.escaped {
        return out.put_bytes(tag, text.inner());
    }
    let mut bytes = Vec::with_capacity(text.json.len());
    if put_unquoted(&mut bytes, text) {
        replace_surrogates(&mut bytes);
    }
    out.put_bytes(tag, &bytes);
}
