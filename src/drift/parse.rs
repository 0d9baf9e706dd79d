//! `JSON.parse` as V8 does it, into an arena: last of equal keys wins, any number, lone surrogates kept, any depth up
//! to a limit. Slices of the source are kept wherever `JSON.stringify` would print the same.
//! It refuses to explain an error: JavaScript says it better.

use bumpalo::Bump;

use super::{
    invalid::Problem,
    number,
    object::ObjectBuilder,
    text::{escape, plain_len, put_ascii, put_unit_escape, surrogate},
    value::{MAX_DEPTH, Member, Quoted, Value},
};
use crate::span::{Text, put_wtf8};

/// Parsed JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    /// The value.
    pub value: Value<'a>,
    /// What `JSON.stringify` prints of it, if that stands in the source.
    pub text: Option<&'a [u8]>,
    /// Every object is in canonical order, so that the printed text is the canonical one.
    pub is_sorted: bool,
    /// A number was too large for a double.
    pub has_infinity: bool,
}

/// Parses documents into one arena; keeps its scratch space and the shapes it has seen from one to the next.
pub(super) struct Parser<'a> {
    arena: &'a Bump,
    pub objects: ObjectBuilder<'a>,
    /// Members and elements of the containers that are still open.
    pending: Vec<Member<'a>>,
    open: Vec<Open>,
    /// By depth, the members of the object that was closed there last: rows repeat their keys.
    expected: Vec<&'a [Member<'a>]>,
    scratch: Vec<u8>,
    infinity_is_null: bool,
}

/// A container that is being read.
struct Open {
    is_object: bool,
    /// Its first entry in `pending`.
    first: usize,
}

const ELEMENT: Quoted<'static> = Quoted::EMPTY;

impl<'a> Parser<'a> {
    pub fn new(arena: &'a Bump) -> Self {
        Self {
            arena,
            objects: ObjectBuilder::new(arena),
            pending: Vec::new(),
            open: Vec::new(),
            expected: Vec::new(),
            scratch: Vec::new(),
            infinity_is_null: false,
        }
    }

    /// Where everything lives.
    pub fn arena(&self) -> &'a Bump {
        self.arena
    }

    /// Parses one document.
    ///
    /// # Errors
    /// `NotJson` and `TooDeep`.
    pub fn parse(&mut self, source: Text<'a>) -> Result<Document<'a>, Problem> {
        self.pending.clear();
        self.open.clear();
        let mut cursor = Cursor {
            source: source.bytes,
            at: 0,
            wtf8: source.has_surrogates,
            is_verbatim: true,
            is_sorted: true,
            has_infinity: false,
        };
        cursor.skip_blanks();
        let start = cursor.at;
        cursor.is_verbatim = true;
        let value = self.value(&mut cursor)?;
        let text = cursor.source.get(start..cursor.at).filter(|_| cursor.is_verbatim);
        cursor.skip_blanks();
        if cursor.peek().is_some() {
            return Err(Problem::NotJson);
        }
        let Cursor { is_sorted, has_infinity, .. } = cursor;
        Ok(Document { value, text, is_sorted, has_infinity })
    }

    /// Parses what `JSON.stringify` would print of a document.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_normalised(&mut self, source: Text<'a>) -> Result<Value<'a>, Problem> {
        self.infinity_is_null = true;
        let document = self.parse(source);
        self.infinity_is_null = false;
        Ok(document?.value)
    }

    fn value(&mut self, cursor: &mut Cursor<'a>) -> Result<Value<'a>, Problem> {
        loop {
            let mut value = match cursor.next_token() {
                Some(b'"') => Value::Text(self.string(cursor)?),
                Some(opening @ (b'{' | b'[')) => {
                    if self.open.len() >= MAX_DEPTH {
                        return Err(Problem::TooDeep);
                    }
                    cursor.at += 1;
                    let is_object = opening == b'{';
                    if cursor.next_token() == Some(opening + 2) {
                        cursor.at += 1;
                        self.close(is_object, self.pending.len(), cursor)
                    } else {
                        self.open.push(Open { is_object, first: self.pending.len() });
                        if is_object {
                            self.key(cursor)?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number(cursor)?,
                Some(b't') => cursor.word(b"true", Value::Bool(true))?,
                Some(b'f') => cursor.word(b"false", Value::Bool(false))?,
                Some(b'n') => cursor.word(b"null", Value::Null)?,
                _ => return Err(Problem::NotJson),
            };
            // Hands the value to the container around it, as often as that ends one.
            loop {
                let Some(Open { is_object, first }) = self.open.last() else { return Ok(value) };
                let (is_object, first) = (*is_object, *first);
                if is_object {
                    if let Some(member) = self.pending.last_mut() {
                        member.value = value;
                    }
                } else {
                    self.pending.push(Member { key: ELEMENT, value });
                }
                match cursor.next_token() {
                    Some(b',') => {
                        cursor.at += 1;
                        if is_object {
                            self.key(cursor)?;
                        }
                        break;
                    }
                    Some(b'}') if is_object => {}
                    Some(b']') if !is_object => {}
                    _ => return Err(Problem::NotJson),
                }
                cursor.at += 1;
                self.open.pop();
                value = self.close(is_object, first, cursor);
            }
        }
    }

    /// Makes a container of the pending entries from `first` on.
    fn close(&mut self, is_object: bool, first: usize, cursor: &mut Cursor<'a>) -> Value<'a> {
        let entries = self.pending.get(first..).unwrap_or_default();
        let value = if is_object {
            let (object, is_verbatim) = self.objects.build(entries);
            if is_verbatim {
                let depth = self.open.len();
                if depth >= self.expected.len() {
                    self.expected.resize(depth + 1, &[]);
                }
                if let Some(expected) = self.expected.get_mut(depth) {
                    *expected = object.members;
                }
            }
            cursor.is_verbatim &= is_verbatim;
            cursor.is_sorted &= object.sorted.is_none();
            Value::Object(object)
        } else {
            Value::Array(self.arena.alloc_slice_fill_iter(entries.iter().map(|entry| entry.value)))
        };
        self.pending.truncate(first);
        value
    }

    /// Reads a key and its colon.
    #[inline]
    fn key(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Problem> {
        if let Some(key) = self.expected_key(cursor) {
            self.pending.push(Member { key, value: Value::Null });
            return Ok(());
        }
        if cursor.next_token() != Some(b'"') {
            return Err(Problem::NotJson);
        }
        let key = self.string(cursor)?;
        if cursor.next_token() != Some(b':') {
            return Err(Problem::NotJson);
        }
        cursor.at += 1;
        self.pending.push(Member { key, value: Value::Null });
        Ok(())
    }

    /// Takes the key that the object before this one had in the same place, if it is there again.
    #[inline]
    fn expected_key(&self, cursor: &mut Cursor<'a>) -> Option<Quoted<'a>> {
        let first = self.open.last()?.first;
        let expected = self.expected.get(self.open.len() - 1)?;
        let key = expected.get(self.pending.len() - first)?.key;
        // In its printed form a string ends at its first bare quotation mark: what begins like it is it.
        let rest = cursor.source.get(cursor.at..)?.strip_prefix(key.json)?;
        if rest.first() != Some(&b':') {
            return None;
        }
        cursor.at += key.json.len() + 1;
        Some(key)
    }

    fn number(&mut self, cursor: &mut Cursor<'a>) -> Result<Value<'a>, Problem> {
        let rest = cursor.source.get(cursor.at..).unwrap_or_default();
        let (value, length, same) = number::parse(rest, self.arena).ok_or(Problem::NotJson)?;
        cursor.at += length;
        cursor.is_verbatim &= same;
        if let Value::Infinite { .. } = value {
            cursor.has_infinity = true;
            return Ok(if self.infinity_is_null { Value::Null } else { value });
        }
        Ok(value)
    }

    /// Reads a string whose quotation mark is next.
    #[inline]
    fn string(&mut self, cursor: &mut Cursor<'a>) -> Result<Quoted<'a>, Problem> {
        let start = cursor.at;
        let rest = cursor.source.get(start + 1..).unwrap_or_default();
        let length = plain_len(rest, cursor.wtf8);
        if rest.get(length) == Some(&b'"') {
            cursor.at = start + length + 2;
            let json = cursor.source.get(start..cursor.at).unwrap_or_default();
            return Ok(Quoted::plain(json));
        }
        self.long_string(cursor, start, length)
    }

    /// A string with escapes: kept as it is while it holds only those that `JSON.stringify` would write.
    #[cold]
    fn long_string(
        &mut self,
        cursor: &mut Cursor<'a>,
        start: usize,
        plain: usize,
    ) -> Result<Quoted<'a>, Problem> {
        let body = cursor.source.get(start + 1..).unwrap_or_default();
        let mut at = plain;
        loop {
            match body.get(at..) {
                Some([b'"', ..]) => {
                    cursor.at = start + at + 2;
                    let json = cursor.source.get(start..cursor.at).unwrap_or_default();
                    return Ok(Quoted { json, escaped: true });
                }
                Some([b'\\', b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..]) => at += 2,
                _ => break,
            }
            at += plain_len(body.get(at..).unwrap_or_default(), cursor.wtf8);
        }
        self.rewrite_string(cursor, start, at)
    }

    /// Escapes a string anew; its first `kept` bytes can stay.
    fn rewrite_string(
        &mut self,
        cursor: &mut Cursor<'a>,
        start: usize,
        kept: usize,
    ) -> Result<Quoted<'a>, Problem> {
        let body = cursor.source.get(start + 1..).unwrap_or_default();
        let (head, mut rest) = body.split_at_checked(kept).ok_or(Problem::NotJson)?;
        let out = &mut self.scratch;
        out.clear();
        out.push(b'"');
        out.extend_from_slice(head);
        loop {
            rest = match rest {
                [b'"', after @ ..] => {
                    out.push(b'"');
                    cursor.at = cursor.source.len() - after.len();
                    break;
                }
                [0..0x20, ..] | [] => return Err(Problem::NotJson),
                [b'\\' | 0xed, ..] => {
                    let (unit, mut after) = unit_at(rest).ok_or(Problem::NotJson)?;
                    if (0xd800..0xdc00).contains(&unit)
                        && let Some((low @ 0xdc00..0xe000, next)) = unit_at(after)
                    {
                        let code = (u32::from(unit) - 0xd800) << 10 | (u32::from(low) - 0xdc00);
                        put_wtf8(out, 0x10000 + code);
                        after = next;
                    } else if (0xd800..0xe000).contains(&unit) {
                        put_unit_escape(out, unit);
                    } else if let Ok(byte @ 0..0x80) = u8::try_from(unit) {
                        put_ascii(out, byte);
                    } else {
                        put_wtf8(out, u32::from(unit));
                    }
                    after
                }
                _ => {
                    let (plain, after) = rest.split_at(plain_len(rest, true).max(1));
                    out.extend_from_slice(plain);
                    after
                }
            };
        }
        let escaped = out.contains(&b'\\');
        let written = cursor.source.get(start..cursor.at).unwrap_or_default();
        if written == out.as_slice() {
            return Ok(Quoted { json: written, escaped });
        }
        cursor.is_verbatim = false;
        Ok(Quoted { json: self.arena.alloc_slice_copy(out), escaped })
    }
}

/// The code unit of an escape sequence or of three bytes that begin with ED, surrogates included.
fn unit_at(bytes: &[u8]) -> Option<(u16, &[u8])> {
    if let [0xed, second, third, after @ ..] = bytes {
        let unit = surrogate(bytes)
            .unwrap_or(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
        return Some((unit, after));
    }
    escape(bytes)
}

/// A place in the source and what has been found out on the way.
struct Cursor<'a> {
    source: &'a [u8],
    at: usize,
    wtf8: bool,
    is_verbatim: bool,
    is_sorted: bool,
    has_infinity: bool,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// The next byte that is not blank.
    #[inline]
    fn next_token(&mut self) -> Option<u8> {
        match self.peek() {
            Some(0..=b' ') => {
                self.skip_blanks();
                self.peek()
            }
            byte => byte,
        }
    }

    #[cold]
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
            self.is_verbatim = false;
        }
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, Problem> {
        if !self.source.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(Problem::NotJson);
        }
        self.at += word.len();
        Ok(value)
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
