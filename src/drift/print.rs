//! JSON text of values, compact, in enumeration order or in canonical order (T7). Any depth, no recursion.
//! It refuses to format scalars: they carry their text.

use std::slice::Iter;

use super::value::{Member, Object, Value};

/// Takes the text piece by piece.
pub(super) trait Sink {
    /// Takes the next piece.
    fn put(&mut self, piece: &[u8]);
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }
}

/// What `JSON.stringify(value)` prints.
pub(super) fn print(value: Value<'_>, sink: &mut impl Sink) {
    walk::<false>(value, sink);
}

/// The canonical text, which is what is hashed: keys sorted, `__proto__` lost.
pub(super) fn print_canonical(value: Value<'_>, sink: &mut impl Sink) {
    walk::<true>(value, sink);
}

/// A container that is being printed: what is left of it.
enum Rest<'v, 'a> {
    Elements(Iter<'v, Value<'a>>),
    Members(Iter<'v, Member<'a>>),
    Sorted(&'v [Member<'a>], Iter<'v, u32>),
}

impl<'v, 'a> Rest<'v, 'a> {
    fn of<const CANONICAL: bool>(object: &'v Object<'a>) -> Self {
        match object.sorted {
            Some(order) if CANONICAL => Rest::Sorted(object.members, order.iter()),
            _ => Rest::Members(object.members.iter()),
        }
    }

    #[inline]
    fn next(&mut self) -> Option<(&'v [u8], Value<'a>)> {
        match self {
            Rest::Elements(elements) => elements.next().map(|value| (&[][..], *value)),
            Rest::Members(members) => members.next().map(|m| (m.key.json, m.value)),
            Rest::Sorted(members, order) => loop {
                if let Some(member) = members.get(*order.next()? as usize) {
                    return Some((member.key.json, member.value));
                }
            },
        }
    }
}

fn walk<const CANONICAL: bool>(root: Value<'_>, sink: &mut impl Sink) {
    let mut open: Vec<Rest> = Vec::new();
    let mut value = root;
    let mut is_first = true;
    loop {
        match value {
            Value::Array(elements) => {
                sink.put(b"[");
                open.push(Rest::Elements(elements.iter()));
                is_first = true;
            }
            Value::Object(object) => {
                sink.put(b"{");
                open.push(Rest::of::<CANONICAL>(object));
                is_first = true;
            }
            scalar => sink.put(scalar_text(scalar)),
        }
        value = loop {
            let Some(rest) = open.last_mut() else { return };
            match rest.next() {
                Some((key, value)) => {
                    if !is_first {
                        sink.put(b",");
                    }
                    is_first = false;
                    if !key.is_empty() {
                        sink.put(key);
                        sink.put(b":");
                    }
                    match value {
                        Value::Array(_) | Value::Object(_) => break value,
                        scalar => sink.put(scalar_text(scalar)),
                    }
                }
                None => {
                    sink.put(if matches!(rest, Rest::Elements(_)) { b"]" } else { b"}" });
                    open.pop();
                    is_first = false;
                }
            }
        };
    }
}

#[inline]
fn scalar_text(value: Value<'_>) -> &[u8] {
    match value {
        Value::Text(text) => text.json,
        Value::Number(digits) => digits,
        Value::Bool(true) => b"true",
        Value::Bool(false) => b"false",
        Value::NegativeZero => b"0",
        _ => b"null",
    }
}
