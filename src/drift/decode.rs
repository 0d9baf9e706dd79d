//! Decoding of members that the merges call encoded: base64 and JSON within JSON (T5).
//! It refuses to look below the top level.

use std::borrow::Cow;

use super::{
    base64,
    invalid::Problem,
    parse::Parser,
    text::{put_ascii, units},
    text::{put_unit_escape, quote, unquote},
    value::{Member, Object, Quoted, Value},
};
use crate::span::{Text, put_wtf8};

/// Methods that `value[key]` finds on a prototype. A merge with such a key makes one a member of the decoded value.
const OBJECT_METHODS: &str = "constructor __defineGetter__ __defineSetter__ hasOwnProperty __lookupGetter__ \
    __lookupSetter__ isPrototypeOf propertyIsEnumerable toString valueOf toLocaleString";
const ARRAY_METHODS: &str = "at concat copyWithin fill find findIndex findLast findLastIndex lastIndexOf pop push \
    reverse shift unshift slice sort splice includes indexOf join keys entries values forEach filter flat flatMap map \
    every some reduce reduceRight toReversed toSorted toSpliced with";
const STRING_METHODS: &str = "anchor at big blink bold charAt charCodeAt codePointAt concat endsWith fontcolor \
    fontsize fixed includes indexOf isWellFormed italics lastIndexOf link localeCompare match matchAll normalize padEnd \
    padStart repeat replace replaceAll search slice small split strike sub substr substring sup startsWith toWellFormed \
    trim trimStart trimLeft trimEnd trimRight toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase";
const NUMBER_METHODS: &str = "toExponential toFixed toPrecision";

/// The members of a value that has them, as `Object.entries` lists them: of an object, an array or a string.
pub(super) fn entries<'a>(value: Value<'a>, parser: &Parser<'a>) -> Cow<'a, [Member<'a>]> {
    match value {
        Value::Object(object) => Cow::Borrowed(object.members),
        Value::Array(elements) => Cow::Owned(indexed(elements.iter().copied(), parser)),
        Value::Text(text) => Cow::Owned(indexed(
            units(text).map(|unit| Value::Text(quote_unit(unit, parser))),
            parser,
        )),
        _ => Cow::Borrowed(&[]),
    }
}

fn indexed<'a>(values: impl Iterator<Item = Value<'a>>, parser: &Parser<'a>) -> Vec<Member<'a>> {
    let key = |index: usize| {
        Quoted::plain(parser.arena().alloc_slice_copy(format!("\"{index}\"").as_bytes()))
    };
    values.enumerate().map(|(index, value)| Member { key: key(index), value }).collect()
}

fn quote_unit<'a>(unit: u16, parser: &Parser<'a>) -> Quoted<'a> {
    let mut json = vec![b'"'];
    match unit {
        0..0x80 => put_ascii(&mut json, unit as u8),
        0xd800..0xe000 => put_unit_escape(&mut json, unit),
        _ => put_wtf8(&mut json, u32::from(unit)),
    }
    json.push(b'"');
    let escaped = json.contains(&b'\\');
    Quoted { json: parser.arena().alloc_slice_copy(&json), escaped }
}

/// The decoded value. `merges` is truthy.
///
/// # Errors
/// `NullMerge`, `NullPayload` where the recorder throws; `TooDeep` for what was decoded.
pub(super) fn decode<'a>(
    value: Value<'a>,
    merges: Value<'a>,
    parser: &mut Parser<'a>,
) -> Result<Value<'a>, Problem> {
    let mut members = entries(value, parser);
    // Keys that came from a prototype: they are in no order yet.
    let mut appended = Vec::new();
    for merge in entries(merges, parser).iter() {
        let encoding = match merge.value {
            Value::Null => return Err(Problem::NullMerge),
            Value::Object(merge) => merge.get(b"\"encoding\"").filter(Value::is_truthy),
            _ => None,
        };
        let (Some(encoding), Value::Object(options)) = (encoding, merge.value) else { continue };
        if value == Value::Null {
            return Err(Problem::NullPayload);
        }
        match members.iter().position(|member| member.key.json == merge.key.json) {
            Some(index) => {
                if let Some(Member { value: Value::Text(text), .. }) = members.get(index).copied()
                    && let Some(decoded) = decode_text(text, encoding, options, parser)?
                    && let Some(member) = members.to_mut().get_mut(index)
                {
                    member.value = decoded;
                }
            }
            None => appended.extend(
                inherited(value, merge.key, parser).map(|value| Member { key: merge.key, value }),
            ),
        }
    }
    if let (Value::Object(object), true) = (value, appended.is_empty()) {
        return Ok(match members {
            Cow::Borrowed(_) => value,
            Cow::Owned(members) => Value::Object(parser.arena().alloc(Object {
                members: parser.arena().alloc_slice_copy(&members),
                sorted: object.sorted,
            })),
        });
    }
    let mut members = members.into_owned();
    members.extend(appended);
    let (object, _) = parser.objects.build(&members);
    Ok(Value::Object(hide_functions(object, parser)))
}

/// `None` where the text stays as it is.
fn decode_text<'a>(
    text: Quoted<'a>,
    encoding: Value<'a>,
    options: &Object<'a>,
    parser: &mut Parser<'a>,
) -> Result<Option<Value<'a>>, Problem> {
    let arena = parser.arena();
    let is_base64 = encoding.is_number(b"1");
    let plain: Text<'a> = if is_base64 {
        let mut bytes = Vec::new();
        base64::decode(text, &mut bytes);
        let utf8 = String::from_utf8_lossy(&bytes);
        Text::utf8(arena.alloc_str(&utf8))
    } else {
        unquote(text, arena)
    };
    let decoded_type = options.get(b"\"decodedType\"").filter(Value::is_truthy);
    let must_be_json = decoded_type.is_some_and(|kind| kind.is_number(b"1"));
    if must_be_json || decoded_type.is_none() {
        match parser.parse(plain) {
            Ok(document) => return Ok(Some(document.value)),
            Err(Problem::TooDeep) => return Err(Problem::TooDeep),
            // Not JSON after all: the text stays as it was, undecoded.
            Err(_) if must_be_json => return Ok(None),
            Err(_) => {}
        }
    }
    Ok(is_base64.then(|| Value::Text(quote(plain, arena))))
}

/// What `value[key]` finds on the prototypes of something that is not null.
fn inherited<'a>(value: Value<'a>, key: Quoted<'_>, parser: &Parser<'a>) -> Option<Value<'a>> {
    let name = std::str::from_utf8(key.inner()).ok()?;
    let length = match value {
        Value::Array(elements) => Some(elements.len()),
        Value::Text(text) => Some(units(text).count()),
        _ => None,
    };
    if let (Some(length), "length") = (length, name) {
        return Some(super::number::from_f64(length as f64, parser.arena()));
    }
    let methods = match value {
        Value::Array(_) => ARRAY_METHODS,
        Value::Text(_) => STRING_METHODS,
        Value::Number(_) | Value::NegativeZero => NUMBER_METHODS,
        _ => "",
    };
    let mut methods = methods.split(' ').chain(OBJECT_METHODS.split(' '));
    (!name.is_empty() && methods.any(|method| method == name)).then_some(Value::Function)
}

/// The canonical text has no functions.
fn hide_functions<'a>(object: &'a Object<'a>, parser: &Parser<'a>) -> &'a Object<'a> {
    let is_shown = |index: &u32| {
        object.members.get(*index as usize).is_some_and(|member| member.value != Value::Function)
    };
    let all: Vec<u32> = match object.sorted {
        Some(order) => order.to_vec(),
        None => (0..object.members.len() as u32).collect(),
    };
    if all.iter().all(is_shown) {
        return object;
    }
    let shown: Vec<u32> = all.into_iter().filter(is_shown).collect();
    parser.arena().alloc(Object {
        members: object.members,
        sorted: Some(parser.arena().alloc_slice_copy(&shown)),
    })
}
