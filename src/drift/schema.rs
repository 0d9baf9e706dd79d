//! The schema of a value, itself a value: `type`, `items`, `properties` and what the merges add (T6).
//! It refuses to look at more than the first element of an array.

use std::slice::Iter;

use super::{
    decode::entries,
    object::PROTO,
    parse::Parser,
    value::{Member, Object, Quoted, Value},
};

const TYPE: Quoted<'static> = Quoted::plain(b"\"type\"");
const ITEMS: Quoted<'static> = Quoted::plain(b"\"items\"");
const PROPERTIES: Quoted<'static> = Quoted::plain(b"\"properties\"");
const OBJECT_TYPE: Value<'static> = Value::Number(b"6");
const LIST_TYPE: Value<'static> = Value::Number(b"7");

static EMPTY: Object<'static> = Object { members: &[], sorted: None };

macro_rules! leaf {
    ($name:ident, $number:literal) => {
        static $name: Object<'static> = Object {
            members: &[
                Member { key: TYPE, value: Value::Number($number) },
                Member { key: PROPERTIES, value: Value::Object(&EMPTY) },
            ],
            sorted: Some(&[1, 0]),
        };
    };
}

leaf!(NUMBER, b"1");
leaf!(STRING, b"2");
leaf!(BOOLEAN, b"3");
leaf!(NULL, b"4");
leaf!(EMPTY_OBJECT, b"6");
leaf!(EMPTY_LIST, b"7");
leaf!(FUNCTION, b"9");

/// A container whose schema is being made.
enum Open<'a> {
    List,
    Object {
        of: &'a Object<'a>,
        rest: Iter<'a, Member<'a>>,
        /// Its first property in `pending`.
        first: usize,
    },
}

/// Schema of `value` with the merges applied to its top-level properties.
pub(super) fn generate<'a>(
    value: Value<'a>,
    merges: Option<Value<'a>>,
    parser: &mut Parser<'a>,
) -> Value<'a> {
    let mut open = Vec::new();
    let mut pending: Vec<Member<'a>> = Vec::new();
    let mut value = value;
    loop {
        let mut schema = match value {
            Value::Null => &NULL,
            Value::Bool(_) => &BOOLEAN,
            Value::Number(_) | Value::NegativeZero | Value::Infinite { .. } => &NUMBER,
            Value::Text(_) => &STRING,
            Value::Function => &FUNCTION,
            Value::Array([]) => &EMPTY_LIST,
            Value::Array([element, ..]) => {
                open.push(Open::List);
                value = *element;
                continue;
            }
            Value::Object(Object { members: [], .. }) => &EMPTY_OBJECT,
            Value::Object(of) => {
                let mut rest = of.members.iter();
                let Some(member) = rest.next() else { continue };
                pending.push(*member);
                open.push(Open::Object { of, rest, first: pending.len() - 1 });
                value = member.value;
                continue;
            }
        };
        // Hands the schema to the container around it, as often as that ends one.
        value = loop {
            let is_top = open.len() == 1;
            match open.last_mut() {
                None => return Value::Object(schema),
                Some(Open::List) => {
                    schema = list(schema, parser);
                    open.pop();
                }
                Some(Open::Object { of, rest, first }) => {
                    if let Some(property) = pending.last_mut() {
                        property.value = Value::Object(schema);
                        if is_top && let Some(merges) = merges {
                            property.value = merged(schema, property.key, merges, parser);
                        }
                    }
                    if let Some(next) = rest.next() {
                        pending.push(*next);
                        break next.value;
                    }
                    let properties = pending.get(*first..).unwrap_or_default();
                    schema = object(of, properties, parser);
                    pending.truncate(*first);
                    open.pop();
                }
            }
        };
    }
}

fn list<'a>(items: &'a Object<'a>, parser: &Parser<'a>) -> &'a Object<'a> {
    let members = [
        Member { key: TYPE, value: LIST_TYPE },
        Member { key: ITEMS, value: Value::Object(items) },
        Member { key: PROPERTIES, value: Value::Object(&EMPTY) },
    ];
    let arena = parser.arena();
    arena.alloc(Object { members: arena.alloc_slice_copy(&members), sorted: Some(&[1, 2, 0]) })
}

fn object<'a>(
    of: &Object<'a>,
    properties: &[Member<'a>],
    parser: &mut Parser<'a>,
) -> &'a Object<'a> {
    let arena = parser.arena();
    let shows_all = of.sorted.is_none_or(|order| order.len() == properties.len());
    let properties: &Object = if shows_all {
        arena.alloc(Object { members: arena.alloc_slice_copy(properties), sorted: of.sorted })
    } else {
        let kept: Vec<_> = properties.iter().filter(|p| p.key.json != PROTO).copied().collect();
        parser.objects.build(&kept).0
    };
    let members = [
        Member { key: TYPE, value: OBJECT_TYPE },
        Member { key: PROPERTIES, value: Value::Object(properties) },
    ];
    arena.alloc(Object { members: arena.alloc_slice_copy(&members), sorted: Some(&[1, 0]) })
}

/// The schema of a top-level property with the members of its merge written over its own.
fn merged<'a>(
    schema: &'a Object<'a>,
    key: Quoted<'a>,
    merges: Value<'a>,
    parser: &mut Parser<'a>,
) -> Value<'a> {
    let merge = match merges {
        Value::Object(merges) => merges.get(key.json),
        Value::Array(_) | Value::Text(_) => {
            let all = entries(merges, parser);
            all.iter().find(|member| member.key.json == key.json).map(|member| member.value)
        }
        _ => None,
    };
    let Some(merge) = merge.filter(Value::is_truthy) else { return Value::Object(schema) };
    let added = entries(merge, parser);
    if added.is_empty() {
        return Value::Object(schema);
    }
    // Writing a key again keeps its first place, which is what building an object of twins does.
    let mut members = schema.members.to_vec();
    members.extend(added.iter().filter(|member| member.key.json != PROTO));
    Value::Object(parser.objects.build(&members).0)
}
