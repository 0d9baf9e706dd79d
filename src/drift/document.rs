//! Recorded JSON as entries of a decoded batch, which is what rules work on, and back as text (P100). Members that the merges call
//! encoded are decoded on the way in and encoded again on the way out, if something in them has changed (P101).
//! It refuses to know rules.

mod print;

use std::slice::Iter;

use bumpalo::Bump;

use self::print::put_values;
use super::{
    base64,
    decode::entries,
    parse::Parser,
    text::unquote,
    value::{Member, Quoted, Value},
};
use crate::span::{Entry, Node, Text};

/// One document. It does not outlive `arena`.
#[derive(Debug)]
pub struct Document<'a> {
    /// Its root with all that is in it.
    pub tape: Vec<Entry<'a>>,
    /// Members that the merges call encoded, in the order of the root.
    pub coded: Vec<Coded<'a>>,
    arena: &'a Bump,
}

/// A member of the root that the merges call encoded.
#[derive(Clone, Copy, Debug)]
pub struct Coded<'a> {
    /// Its place among the members of the root.
    ordinal: usize,
    /// Its place in the tape.
    pub at: usize,
    /// What was recorded.
    pub source: Text<'a>,
    /// What it is decoded to.
    pub form: Form,
    is_base64: bool,
    quoted: Quoted<'a>,
    /// What was decoded, as it would be printed.
    before: &'a [u8],
}

/// What an encoded member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, which is in the tape as a value.
    Json,
    /// A text that is no JSON.
    Text,
    /// Bytes that are no text.
    Bytes,
    /// It is no base64.
    Undecodable,
}

impl<'a> Document<'a> {
    /// Reads a document that stands under `key`. `None` if it, or what stands in `merges`, is no JSON: such a span is not recorded.
    pub fn read(
        key: &'a str,
        text: Text<'a>,
        merges: Option<Text<'a>>,
        arena: &'a Bump,
    ) -> Option<Self> {
        let mut parser = Parser::new(arena);
        let root = parser.parse(text).ok()?.value;
        let merges = match merges.filter(|merges| !merges.is_empty()) {
            Some(merges) => parser.parse(merges).ok()?.value,
            None => Value::Null,
        };
        let mut document = Document { tape: Vec::new(), coded: Vec::new(), arena };
        let coded = coded_members(root, merges, &parser);
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let key = Text::utf8(key);
        match root {
            Value::Object(object) if !coded.is_empty() => {
                document.tape.push(Entry { key, node: Node::Map(count(object.members.len())) });
                for (ordinal, Member { key, value }) in object.members.iter().enumerate() {
                    let key = unquote(*key, arena);
                    let coding = coded.get(ordinal).copied().flatten();
                    document.member(ordinal, key, *value, coding, &mut parser);
                }
            }
            Value::Array(elements) if !coded.is_empty() => {
                document.tape.push(Entry { key, node: Node::Array(count(elements.len())) });
                for (ordinal, value) in elements.iter().enumerate() {
                    let coding = coded.get(ordinal).copied().flatten();
                    document.member(ordinal, Text::default(), *value, coding, &mut parser);
                }
            }
            _ => document.push(key, root),
        }
        Some(document)
    }

    /// A value that is no payload: nothing in it is encoded.
    pub fn of(value: Value<'a>, arena: &'a Bump) -> Self {
        let mut document = Document { tape: Vec::new(), coded: Vec::new(), arena };
        document.push(Text::default(), value);
        document
    }

    fn member(
        &mut self,
        ordinal: usize,
        key: Text<'a>,
        value: Value<'a>,
        coding: Option<bool>,
        parser: &mut Parser<'a>,
    ) {
        let (Some(is_base64), Value::Text(quoted)) = (coding, value) else {
            return self.push(key, value);
        };
        let at = self.tape.len();
        let source = unquote(quoted, self.arena);
        let (form, before) = self.decoded(key, quoted, is_base64, parser);
        self.coded.push(Coded { ordinal, at, source, form, is_base64, quoted, before });
    }

    /// Pushes what `quoted` is decoded to; the second is how that would be printed.
    fn decoded(
        &mut self,
        key: Text<'a>,
        quoted: Quoted<'a>,
        is_base64: bool,
        parser: &mut Parser<'a>,
    ) -> (Form, &'a [u8]) {
        let source = unquote(quoted, self.arena);
        let mut bytes: &'a [u8] = source.bytes;
        let mut text = source;
        if is_base64 {
            if !base64::is_plain(source.bytes) {
                self.tape.push(Entry { key, node: Node::Text(source) });
                return (Form::Undecodable, source.bytes);
            }
            let mut decoded = Vec::new();
            base64::decode(quoted, &mut decoded);
            bytes = self.arena.alloc_slice_copy(&decoded);
            // As the transform decodes it.
            text = Text::utf8(self.arena.alloc_str(&String::from_utf8_lossy(bytes)));
        }
        if let Ok(document) = parser.parse(text) {
            let at = self.tape.len();
            self.push(key, document.value);
            let mut printed = Vec::new();
            put_values(self.tape.get(at..).unwrap_or_default(), &mut printed);
            return (Form::Json, self.arena.alloc_slice_copy(&printed));
        }
        if is_base64 && text.bytes != bytes {
            self.tape.push(Entry { key, node: Node::Bytes(bytes) });
            return (Form::Bytes, bytes);
        }
        self.tape.push(Entry { key, node: Node::Text(text) });
        (Form::Text, bytes)
    }

    /// Pushes a value with all that is in it. Any depth, no recursion.
    fn push(&mut self, key: Text<'a>, value: Value<'a>) {
        let mut open: Vec<Rest<'a>> = Vec::new();
        let mut next = Some((key, value));
        loop {
            let Some((key, value)) = next.take() else {
                let Some(rest) = open.last_mut() else { return };
                next = rest.next(self.arena);
                if next.is_none() {
                    open.pop();
                }
                continue;
            };
            let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            let node = match value {
                Value::Null | Value::Function => Node::Empty,
                Value::Bool(value) => Node::Bool(value),
                Value::Number(_) | Value::NegativeZero | Value::Infinite { .. } => {
                    Node::Number(value.as_f64().unwrap_or_default())
                }
                Value::Text(text) => Node::Text(unquote(text, self.arena)),
                Value::Array(elements) => {
                    open.push(Rest::Elements(elements.iter()));
                    Node::Array(count(elements.len()))
                }
                Value::Object(object) => {
                    open.push(Rest::Members(object.members.iter()));
                    Node::Map(count(object.members.len()))
                }
            };
            self.tape.push(Entry { key, node });
        }
    }
}

/// What is left of a container.
enum Rest<'a> {
    Elements(Iter<'a, Value<'a>>),
    Members(Iter<'a, Member<'a>>),
}

impl<'a> Rest<'a> {
    fn next(&mut self, arena: &'a Bump) -> Option<(Text<'a>, Value<'a>)> {
        match self {
            Rest::Elements(elements) => elements.next().map(|value| (Text::default(), *value)),
            Rest::Members(members) => members.next().map(|m| (unquote(m.key, arena), m.value)),
        }
    }
}

/// By the place of a member, whether it is base64 if the merges call it encoded; empty if they call none so.
fn coded_members<'a>(root: Value<'a>, merges: Value<'a>, parser: &Parser<'a>) -> Vec<Option<bool>> {
    let mut coded = Vec::new();
    if !matches!(root, Value::Object(_) | Value::Array(_)) || !merges.is_truthy() {
        return coded;
    }
    let members = entries(root, parser);
    for merge in entries(merges, parser).iter() {
        if let Value::Object(options) = merge.value
            && let Some(encoding) = options.get(b"\"encoding\"").filter(Value::is_truthy)
            && let Some(at) = members.iter().position(|m| m.key.json == merge.key.json)
        {
            coded.resize(members.len(), None);
            if let Some(coding) = coded.get_mut(at) {
                *coding = Some(encoding.is_number(b"1"));
            }
        }
    }
    coded
}
