//! Turns the records of a [`RawBatch`] into spans over an arena, trusting nothing in them.
//! It refuses to repair: what does not fit the layout is an error, never a guess.

use bumpalo::Bump;

use super::{
    batch::RawBatch,
    error::HandoffError,
    layout::*,
    reader::{Bulk, BulkTable, JoinedText, Words, whole, word},
};
use crate::span::{
    Attributes, Entry, Event, HrTime, Link, Node, Resource, Scope, Span, SpanBatch, Text,
};

/// Decodes a batch. Text stays where JavaScript wrote it unless it is UTF-16 or in several pieces; then it is
/// transcoded or joined once, in `arena`.
///
/// # Errors
/// If the batch does not follow the layout. Time and memory are linear in the batch either way.
pub fn decode<'a>(raw: &'a RawBatch, arena: &'a Bump) -> Result<SpanBatch<'a>, HandoffError> {
    if let Some(span) = raw.made_span() {
        return Ok(span.batch());
    }
    let mut decoder = Decoder {
        batch: SpanBatch::default(),
        bulk: BulkTable::default(),
        keys: Vec::new(),
        arena,
    };
    let mut scratch = Vec::new();
    let mut records = Vec::with_capacity(raw.spans() as usize + 2);
    for segment in raw.segments() {
        let mut rest = segment.bytes()?;
        while !rest.is_empty() {
            let kind = whole(word(rest, 0)?)?;
            let words = whole(word(rest, 1)?)? as usize;
            let (record, next) = rest
                .split_at_checked(words.saturating_mul(8))
                .ok_or(HandoffError("record length"))?;
            if words < RECORD_HEADER_WORDS {
                return Err(HandoffError("record length"));
            }
            match kind {
                KIND_BULK => decoder.bulk.add(
                    whole(word(record, 2)?)?,
                    whole(word(record, 3)?)?,
                    whole(word(record, 4)?)?,
                    record.get(BULK_HEADER_WORDS * 8..).unwrap_or_default(),
                )?,
                KIND_SPAN | KIND_RESOURCE | KIND_SCOPE => records.push((kind, record)),
                _ => return Err(HandoffError("record kind")),
            }
            rest = next;
        }
    }
    decoder.bulk.sort();
    decoder.batch.spans.reserve(records.len());
    for (kind, bytes) in records {
        decoder.record(kind, bytes, &mut scratch)?;
    }
    let found = u32::try_from(decoder.batch.spans.len()).unwrap_or(u32::MAX);
    decoder.batch.invalid =
        raw.spans().checked_sub(found).ok_or(HandoffError("more spans than announced"))?;
    Ok(decoder.batch)
}

struct Decoder<'a> {
    batch: SpanBatch<'a>,
    bulk: BulkTable<'a>,
    keys: Vec<Text<'a>>,
    arena: &'a Bump,
}

/// One record being read.
struct Record<'a, 's> {
    words: Words<'a>,
    text: JoinedText<'a>,
    scratch: &'s mut Vec<u8>,
    /// A bulk value or the text is missing: its copy failed on the JavaScript side.
    is_incomplete: bool,
}

impl<'a> Decoder<'a> {
    fn record(
        &mut self,
        kind: u32,
        bytes: &'a [u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), HandoffError> {
        let text_at = whole(word(bytes, 2)?)? as usize;
        let units = whole(word(bytes, 3)?)?;
        let encoding = whole(word(bytes, 4)?)?;
        let (words, text) = bytes
            .split_at_checked(text_at.saturating_mul(8))
            .ok_or(HandoffError("text is outside the record"))?;
        let text = match encoding.checked_sub(ENCODING_KEPT) {
            None => JoinedText::new(text, units, encoding)?,
            Some(number) => self.bulk.joined_text(number, units)?,
        };
        let is_incomplete = text.is_lost();
        let words = Words::new(words, RECORD_HEADER_WORDS);
        let mut record = Record { words, text, scratch, is_incomplete };
        match kind {
            KIND_RESOURCE => {
                let resource = self.resource(&mut record)?;
                self.batch.resources.push(resource);
            }
            KIND_SCOPE => {
                let scope = self.scope(&mut record)?;
                self.batch.scopes.push(scope);
            }
            _ => {
                let span = self.span(&mut record)?;
                if !record.is_incomplete {
                    self.batch.spans.push(span);
                }
            }
        }
        if record.words.is_at_end() && record.text.is_at_end() {
            Ok(())
        } else {
            Err(HandoffError("record has more than its fields"))
        }
    }

    fn resource(&mut self, record: &mut Record<'a, '_>) -> Result<Resource<'a>, HandoffError> {
        let schema_url = self.slot(record)?;
        Ok(Resource { schema_url, attributes: self.attributes(record)? })
    }

    fn scope(&mut self, record: &mut Record<'a, '_>) -> Result<Scope<'a>, HandoffError> {
        let name = self.slot(record)?;
        let version = self.slot(record)?;
        let schema_url = self.slot(record)?;
        let dropped_attributes = record.words.next()?;
        let has_attributes = record.words.next()? != 0.0;
        let attributes = self.attributes(record)?;
        Ok(Scope {
            name,
            version,
            schema_url,
            dropped_attributes,
            attributes: has_attributes.then_some(attributes),
        })
    }

    fn span(&mut self, record: &mut Record<'a, '_>) -> Result<Span<'a>, HandoffError> {
        let resource = record.words.next_whole()?;
        let scope = record.words.next_whole()?;
        if resource as usize >= self.batch.resources.len()
            || scope as usize >= self.batch.scopes.len()
        {
            return Err(HandoffError("unknown resource or scope"));
        }
        let trace_id = self.required(record)?;
        let span_id = self.required(record)?;
        let trace_state = self.slot(record)?;
        let parent_span_id = self.slot(record)?;
        let texts = record.text.rest_of_views();
        let name = self.slot(record)?;
        let kind = record.words.next()?;
        let start = hr_time(&mut record.words)?;
        let end = hr_time(&mut record.words)?;
        let status_code = record.words.next()?;
        let status_message = self.slot(record)?;
        let flags = record.words.next()?;
        let dropped_attributes = record.words.next()?;
        let dropped_events = record.words.next()?;
        let dropped_links = record.words.next()?;
        let attribute_count = record.words.next_whole()?;
        let event_count = record.words.next_whole()?;
        let link_count = record.words.next_whole()?;
        let attributes = self.counted_attributes(record, attribute_count)?;
        let first_event = self.batch.events.len();
        for _ in 0..event_count {
            let event = self.event(record)?;
            self.batch.events.push(event);
        }
        let first_link = self.batch.links.len();
        for _ in 0..link_count {
            let link = self.link(record)?;
            self.batch.links.push(link);
        }
        Ok(Span {
            resource,
            scope,
            trace_id,
            span_id,
            trace_state,
            parent_span_id,
            name,
            kind,
            start,
            end,
            status_code,
            status_message,
            flags,
            attributes,
            dropped_attributes,
            dropped_events,
            dropped_links,
            events: first_event..self.batch.events.len(),
            links: first_link..self.batch.links.len(),
            texts,
        })
    }

    fn event(&mut self, record: &mut Record<'a, '_>) -> Result<Event<'a>, HandoffError> {
        let time = hr_time(&mut record.words)?;
        let name = self.slot(record)?;
        let dropped_attributes = record.words.next()?;
        Ok(Event { time, name, dropped_attributes, attributes: self.attributes(record)? })
    }

    fn link(&mut self, record: &mut Record<'a, '_>) -> Result<Link<'a>, HandoffError> {
        let trace_id = self.required(record)?;
        let span_id = self.required(record)?;
        let trace_state = self.slot(record)?;
        let flags = record.words.next()?;
        let dropped_attributes = record.words.next()?;
        let attributes = self.attributes(record)?;
        Ok(Link { trace_id, span_id, trace_state, flags, attributes, dropped_attributes })
    }

    fn attributes(&mut self, record: &mut Record<'a, '_>) -> Result<Attributes, HandoffError> {
        let count = record.words.next_whole()?;
        self.counted_attributes(record, count)
    }

    fn counted_attributes(
        &mut self,
        record: &mut Record<'a, '_>,
        count: u32,
    ) -> Result<Attributes, HandoffError> {
        let first = self.batch.tape.len();
        for _ in 0..count {
            self.keyed(record, 0)?;
        }
        Ok(Attributes { entries: first..self.batch.tape.len(), count })
    }

    fn keyed(&mut self, record: &mut Record<'a, '_>, depth: usize) -> Result<(), HandoffError> {
        let head = record.words.next()?;
        let (key, tag) = if head >= 0.0 {
            let head = whole(head)?;
            match head & 15 {
                TAG_BULK_KEY => {
                    let number = record.words.next_whole()?;
                    (self.bulk_text(record, number)?, TAG_NESTED)
                }
                tag => {
                    (*self.keys.get((head >> 4) as usize).ok_or(HandoffError("unknown key"))?, tag)
                }
            }
        } else {
            if record.text.is_lost() {
                return Err(HandoffError("key in a lost text")); // later records count on it
            }
            let head = whole(-1.0 - head)?;
            let key = record.text.take(head >> 4, record.scratch, self.arena)?;
            if self.keys.len() < MAX_KEYS {
                self.keys.push(key);
            }
            (key, head & 15)
        };
        if tag == TAG_NESTED {
            let tag = record.words.next_whole()?;
            self.value(record, key, tag, depth)
        } else {
            self.value(record, key, tag, depth)
        }
    }

    fn value(
        &mut self,
        record: &mut Record<'a, '_>,
        key: Text<'a>,
        tag: u32,
        depth: usize,
    ) -> Result<(), HandoffError> {
        let node = match tag {
            TAG_EMPTY => Node::Empty,
            TAG_TRUE => Node::Bool(true),
            TAG_FALSE => Node::Bool(false),
            TAG_NUMBER => Node::Number(record.words.next()?),
            TAG_TEXT => {
                let units = record.words.next_whole()?;
                Node::Text(record.text.take(units, record.scratch, self.arena)?)
            }
            TAG_BULK => {
                let number = record.words.next_whole()?;
                match self.bulk.get(number, record.scratch, self.arena)? {
                    Some(Bulk::Text(text)) => Node::Text(text),
                    Some(Bulk::Bytes(bytes)) => Node::Bytes(bytes),
                    None => {
                        record.is_incomplete = true;
                        Node::Empty
                    }
                }
            }
            TAG_ARRAY | TAG_MAP => return self.container(record, key, tag, depth),
            _ => return Err(HandoffError("value tag")),
        };
        self.batch.tape.push(Entry { key, node });
        Ok(())
    }

    fn container(
        &mut self,
        record: &mut Record<'a, '_>,
        key: Text<'a>,
        tag: u32,
        depth: usize,
    ) -> Result<(), HandoffError> {
        if depth >= MAX_DEPTH {
            return Err(HandoffError("value is nested too deeply"));
        }
        let count = record.words.next_whole()?;
        if tag == TAG_ARRAY {
            self.batch.tape.push(Entry { key, node: Node::Array(count) });
            for _ in 0..count {
                let tag = record.words.next_whole()?;
                self.value(record, Text::default(), tag, depth + 1)?;
            }
        } else {
            self.batch.tape.push(Entry { key, node: Node::Map(count) });
            for _ in 0..count {
                self.keyed(record, depth + 1)?;
            }
        }
        Ok(())
    }

    fn required(&mut self, record: &mut Record<'a, '_>) -> Result<Text<'a>, HandoffError> {
        self.slot(record)?.ok_or(HandoffError("required text is absent"))
    }

    fn slot(&mut self, record: &mut Record<'a, '_>) -> Result<Option<Text<'a>>, HandoffError> {
        let slot = record.words.next()?;
        if slot >= 0.0 {
            Ok(Some(record.text.take(whole(slot)?, record.scratch, self.arena)?))
        } else if slot == -1.0 {
            Ok(None)
        } else {
            let number = whole(-2.0 - slot)?;
            Ok(Some(self.bulk_text(record, number)?))
        }
    }

    fn bulk_text(
        &mut self,
        record: &mut Record<'a, '_>,
        number: u32,
    ) -> Result<Text<'a>, HandoffError> {
        match self.bulk.get(number, record.scratch, self.arena)? {
            Some(Bulk::Text(text)) => Ok(text),
            Some(Bulk::Bytes(_)) => Err(HandoffError("bytes where text belongs")),
            None => {
                record.is_incomplete = true;
                Ok(Text::default())
            }
        }
    }
}

fn hr_time(words: &mut Words<'_>) -> Result<HrTime, HandoffError> {
    Ok(HrTime { seconds: words.next()?, nanos: words.next()? })
}
