//! Documents as JSON that is read as the same values, with what has changed in an encoded member encoded again.

use super::{Coded, Document, Form};
use crate::drift::{
    base64,
    parse::Parser,
    text::{put_quoted, quote},
    value::Value,
};
use crate::span::{Entry, Node, Text};

impl<'a> Document<'a> {
    /// The text of the document as it is now. A text that has become JSON by a change is `marker`, so that it does not become
    /// something else to whoever decodes it.
    pub fn text(&self, marker: Text<'a>) -> Text<'a> {
        let mut out = Vec::new();
        let head = self.tape.first().map(|entry| entry.node);
        let (Some(node @ (Node::Map(count) | Node::Array(count))), false) =
            (head, self.coded.is_empty())
        else {
            put_values(&self.tape, &mut out);
            return self.kept(&out);
        };
        let is_map = matches!(node, Node::Map(_));
        out.push(if is_map { b'{' } else { b'[' });
        let mut coded = self.coded.iter().peekable();
        let mut at = 1;
        for ordinal in 0..count as usize {
            let end = end_of(&self.tape, at);
            let Some(value @ [first, ..]) = self.tape.get(at..end) else { break };
            if ordinal > 0 {
                out.push(b',');
            }
            if is_map {
                put_quoted(&mut out, first.key);
                out.push(b':');
            }
            match coded.next_if(|coded| coded.ordinal == ordinal) {
                Some(coded) => self.put_coded(coded, value, marker, &mut out),
                None => put_values(value, &mut out),
            }
            at = end;
        }
        out.push(if is_map { b'}' } else { b']' });
        self.kept(&out)
    }

    /// The value as it is now.
    pub fn value(&self, marker: Text<'a>) -> Value<'a> {
        let parsed = Parser::new(self.arena).parse(self.text(marker));
        parsed.map_or(Value::Text(quote(marker, self.arena)), |document| document.value)
    }

    fn kept(&self, text: &[u8]) -> Text<'a> {
        Text { bytes: self.arena.alloc_slice_copy(text), has_surrogates: false }
    }

    fn put_coded(
        &self,
        coded: &Coded<'a>,
        value: &[Entry<'a>],
        marker: Text<'a>,
        out: &mut Vec<u8>,
    ) {
        let mut printed = Vec::new();
        match value {
            [Entry { node: Node::Text(Text { bytes, .. }) | Node::Bytes(bytes), .. }]
                if coded.form != Form::Json =>
            {
                printed.extend_from_slice(bytes);
            }
            _ => put_values(value, &mut printed),
        }
        if printed == coded.before {
            return out.extend_from_slice(coded.quoted.json);
        }
        let mut bytes = &*printed;
        if coded.form != Form::Json {
            let text = Text { bytes: self.arena.alloc_slice_copy(bytes), has_surrogates: true };
            if Parser::new(self.arena).parse(text).is_ok() {
                bytes = marker.bytes;
            }
        }
        if coded.is_base64 && coded.form != Form::Undecodable {
            out.push(b'"');
            base64::encode(bytes, out);
            out.push(b'"');
        } else {
            put_quoted(out, Text { bytes, has_surrogates: true });
        }
    }
}

/// Behind the value that begins at `at`.
fn end_of(tape: &[Entry<'_>], mut at: usize) -> usize {
    let mut left = 1u64;
    while left > 0
        && let Some(entry) = tape.get(at)
    {
        if let Node::Array(count) | Node::Map(count) = entry.node {
            left += u64::from(count);
        }
        left -= 1;
        at += 1;
    }
    at
}

/// A container that is being printed.
struct Open {
    is_map: bool,
    is_first: bool,
    left: u32,
}

/// Prints one value as JSON that is read as the same value: also what `JSON.stringify` makes 0 and null of.
pub(super) fn put_values(tape: &[Entry<'_>], out: &mut Vec<u8>) {
    let mut open: Vec<Open> = Vec::new();
    for Entry { key, node } in tape {
        if let Some(container) = open.last_mut() {
            if !container.is_first {
                out.push(b',');
            }
            container.is_first = false;
            container.left -= 1;
            if container.is_map {
                put_quoted(out, *key);
                out.push(b':');
            }
        }
        match node {
            Node::Empty => out.extend_from_slice(b"null"),
            Node::Bool(true) => out.extend_from_slice(b"true"),
            Node::Bool(false) => out.extend_from_slice(b"false"),
            Node::Number(number) if *number == 0.0 && number.is_sign_negative() => {
                out.extend_from_slice(b"-0");
            }
            Node::Number(number) if number.is_finite() => {
                out.extend_from_slice(ryu_js::Buffer::new().format_finite(*number).as_bytes());
            }
            Node::Number(number) => {
                out.extend_from_slice(if *number < 0.0 { b"-1e999" } else { b"1e999" });
            }
            Node::Text(text) => put_quoted(out, *text),
            // Only an encoded member has bytes, and that is no document.
            Node::Bytes(bytes) => {
                out.push(b'"');
                base64::encode(bytes, out);
                out.push(b'"');
            }
            Node::Array(left) | Node::Map(left) => {
                let is_map = matches!(node, Node::Map(_));
                out.push(if is_map { b'{' } else { b'[' });
                open.push(Open { is_map, is_first: true, left: *left });
            }
        }
        while let Some(container) = open.pop_if(|container| container.left == 0) {
            out.push(if container.is_map { b'}' } else { b']' });
        }
    }
}
