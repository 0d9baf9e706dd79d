//! Reads a request in one pass, without a tape: as FileSpanExporter and the Collector write it, and with members in any
//! order that needs no looking back. It refuses everything else, and the line is read by way of a tape then, with the same
//! result.

use std::{mem, slice};

use super::{
    attributes::Of,
    cursor::Cursor,
    id::{parse_span_id, parse_trace_id},
    part::{PartAttribute, PartLink, PartScope},
    request::RequestReader,
    scalar::{Number, enumeration, number, unsigned},
    span::{KIND_NAMES, Place, STATUS_NAMES, SpanFacts},
    tape::Item,
};
use crate::{dictionary::ValueId, value::Value};

/// Arrays in arrays that are read here.
const DEEPEST: usize = 4;

/// Places in a list of attributes whose keys are remembered.
const KNOWN: usize = 32;

/// Members of an object that have been seen, so that one that is there twice is noticed.
#[derive(Default)]
struct Once(u32);

impl Once {
    #[inline]
    fn see(&mut self, number: u32) -> Option<()> {
        let bit = 1 << number;
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new.then_some(())
    }

    #[inline]
    fn has(&self, number: u32) -> bool {
        self.0 & (1 << number) != 0
    }
}

/// The members of a span.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Member {
    Trace,
    Id,
    Parent,
    Name,
    Kind,
    Start,
    End,
    Attributes,
    Events,
    Links,
    Status,
    #[default]
    Other,
}

/// A member of a span: its name with the quotes and the colon.
#[derive(Clone, Copy, Default)]
struct KnownMember<'l> {
    name: &'l [u8],
    member: Member,
    /// Its value, with the byte behind it; empty unless `number` is all that is to be known of it.
    value: &'l [u8],
    /// The number of a kind or a status.
    number: u8,
}

/// How an attribute begins: its braces, its key, and the kind of its value if that is a text.
#[derive(Clone, Copy, Default)]
struct Beginning<'l> {
    bytes: &'l [u8],
    key: ValueId,
    is_text: bool,
    /// What was behind it the last time, up to the end of the attribute, and the number of the value.
    rest: &'l [u8],
    value: ValueId,
}

pub(super) struct DirectReader<'l, 'r, 'p> {
    cursor: Cursor<'l>,
    /// For texts with escapes.
    scratch: &'r mut String,
    reader: &'r mut RequestReader<'p>,
    /// How the attribute in this place of a list began the last time. Spans of one kind have the same keys in the same
    /// order, and then neither the key nor what is around it has to be looked at in detail.
    known: [Beginning<'l>; KNOWN],
    /// The same for the members of a span.
    known_members: [KnownMember<'l>; KNOWN],
}

impl<'l, 'r, 'p> DirectReader<'l, 'r, 'p> {
    pub fn new(
        text: &'l str,
        scratch: &'r mut String,
        reader: &'r mut RequestReader<'p>,
    ) -> DirectReader<'l, 'r, 'p> {
        DirectReader {
            cursor: Cursor::new(text),
            scratch,
            reader,
            known: Default::default(),
            known_members: Default::default(),
        }
    }

    /// Appends what the line holds. If it holds anything that is not for this reader, nothing is returned, and what has
    /// been appended has to be taken away.
    pub fn request(mut self) -> Option<()> {
        let mut once = Once::default();
        self.members(|this, name| match name {
            "resourceSpans" | "resource_spans" => {
                once.see(0)?;
                this.elements(Self::resource_spans)
            }
            "resourceLogs" | "resource_logs" | "resourceMetrics" | "resource_metrics"
            | "resourceProfiles" | "resource_profiles" => None,
            _ => this.skip(),
        })?;
        (once.has(0) && self.cursor.is_at_end()).then_some(())
    }

    fn resource_spans(&mut self) -> Option<()> {
        let number = self.reader.open_resource();
        let mut once = Once::default();
        self.members(|this, name| match name {
            "resource" => {
                once.see(0)?;
                this.resource(number)
            }
            "scopeSpans" | "scope_spans" => {
                once.see(1)?;
                this.elements(|this| this.scope_spans(number))
            }
            "instrumentationLibrarySpans" | "instrumentation_library_spans" => None,
            _ => this.skip(),
        })
    }

    fn resource(&mut self, number: u32) -> Option<()> {
        let mut once = Once::default();
        let mut attributes = Vec::new();
        self.members(|this, name| match name {
            "attributes" => {
                once.see(0)?;
                this.attributes(Of::SpanOrResource, &mut attributes)
            }
            _ => this.skip(),
        })?;
        *self.reader.part.resources.get_mut(number as usize)? = attributes;
        Some(())
    }

    fn scope_spans(&mut self, resource: u32) -> Option<()> {
        let number = self.reader.open_scope();
        let mut once = Once::default();
        self.members(|this, name| match name {
            "scope" => {
                once.see(0)?;
                this.scope(number)
            }
            "spans" => {
                once.see(1)?;
                this.elements(|this| this.span(resource, number))
            }
            "instrumentationLibrary" | "instrumentation_library" => None,
            _ => this.skip(),
        })
    }

    fn scope(&mut self, number: u32) -> Option<()> {
        let mut once = Once::default();
        let PartScope { mut name, mut version } = *self.reader.part.scopes.get(number as usize)?;
        self.members(|this, member| {
            let (bit, out) = match member {
                "name" => (0, &mut name),
                "version" => (1, &mut version),
                _ => return this.skip(),
            };
            once.see(bit)?;
            *out = this.text()?;
            Some(())
        })?;
        *self.reader.part.scopes.get_mut(number as usize)? = PartScope { name, version };
        Some(())
    }

    fn span(&mut self, resource: u32, scope: u32) -> Option<()> {
        let mut facts = SpanFacts::default();
        let mut name = None;
        let mut once = Once::default();
        let mut attributes = mem::take(&mut self.reader.part.attributes);
        let read = self.span_members(|this, member, known| {
            if member != Member::Other {
                once.see(member as u32)?;
            }
            match (member, known) {
                (Member::Kind, Some(kind)) => facts.kind = kind,
                (Member::Status, Some(status)) => facts.status = status,
                (_, Some(_)) => {}
                (Member::Trace, _) => facts.trace = parse_trace_id(this.string()?),
                (Member::Id, _) => facts.id = parse_span_id(this.string()?),
                (Member::Parent, _) => facts.parent = parse_span_id(this.string()?),
                (Member::Name, _) => name = Some(this.text()?),
                (Member::Kind, _) => {
                    facts.kind =
                        this.with_scalar(|item| enumeration(item, "SPAN_KIND_", &KIND_NAMES))?;
                    return Some(Some(facts.kind));
                }
                (Member::Start, _) => facts.start = this.time()?,
                (Member::End, _) => facts.end = this.time()?,
                // Those of the events come behind those of the span.
                (Member::Attributes, _) if once.has(Member::Events as u32) => return None,
                (Member::Attributes, _) => this.attributes(Of::SpanOrResource, &mut attributes)?,
                (Member::Events, _) => {
                    this.elements(|this| {
                        facts.has_events = true;
                        this.event(&mut attributes)
                    })?;
                    return Some((!facts.has_events).then_some(0));
                }
                (Member::Links, _) => {
                    this.elements(|this| {
                        facts.has_links = true;
                        this.link()
                    })?;
                    return Some((!facts.has_links).then_some(0));
                }
                (Member::Status, _) => {
                    facts.status = this.status()?;
                    return Some(Some(facts.status));
                }
                (Member::Other, _) => {
                    this.skip()?;
                    return Some(Some(0));
                }
            }
            Some(None)
        });
        self.reader.part.attributes = attributes;
        read?;
        // One without a name may be no span.
        let name = name?;
        let reader = &mut *self.reader;
        let place = Place { resource, scope, line: reader.line, ordinal: reader.ordinal };
        reader.part.push_span(&facts, name, place);
        reader.ordinal += 1;
        reader.part.counts.seen += 1;
        Some(())
    }

    /// Hands each member to `take`, with its number if its value is the one that stood there before. `take` says which
    /// number the value is known by, if it is all that is to be known.
    fn span_members(
        &mut self,
        mut take: impl FnMut(&mut Self, Member, Option<u8>) -> Option<Option<u8>>,
    ) -> Option<()> {
        self.cursor.expect(b'{')?;
        let mut place = 0;
        loop {
            let member = self.span_member(&mut place)?;
            if let Some(&KnownMember { value, number, .. }) = self.known_members.get(place)
                && !value.is_empty()
                && self.cursor.eat_up_to_last(value)
            {
                take(self, member, Some(number))?;
            } else {
                let start = self.cursor.at();
                let number = take(self, member, None)?;
                let value = self.cursor.since_with_next(start);
                let is_over = matches!(value.last(), Some(b',' | b'}'));
                if let (Some(number), Some(known)) = (number, self.known_members.get_mut(place)) {
                    (known.value, known.number) = (if is_over { value } else { &[] }, number);
                }
            }
            place += 1;
            if !self.cursor.eat(b',') {
                return self.cursor.expect(b'}');
            }
        }
    }

    /// The member that stands here, which is nearly always the one that stood in this place of the span before; a root
    /// has one less than the others.
    #[inline]
    fn span_member(&mut self, place: &mut usize) -> Option<Member> {
        for guess in [*place, *place + 1] {
            if let Some(&KnownMember { name, member, .. }) = self.known_members.get(guess)
                && !name.is_empty()
                && self.cursor.eat_all(name)
            {
                *place = guess;
                return Some(member);
            }
        }
        let start = self.cursor.at();
        let member = match self.cursor.key()? {
            "traceId" | "trace_id" => Member::Trace,
            "spanId" | "span_id" => Member::Id,
            "parentSpanId" | "parent_span_id" => Member::Parent,
            "name" => Member::Name,
            "kind" => Member::Kind,
            "startTimeUnixNano" | "start_time_unix_nano" => Member::Start,
            "endTimeUnixNano" | "end_time_unix_nano" => Member::End,
            "attributes" => Member::Attributes,
            "events" => Member::Events,
            "links" => Member::Links,
            "status" => Member::Status,
            _ => Member::Other,
        };
        if let Some(known) = self.known_members.get_mut(*place) {
            let name = self.cursor.since(start);
            *known = KnownMember { name, member, ..KnownMember::default() };
        }
        Some(member)
    }

    fn status(&mut self) -> Option<u8> {
        let mut once = Once::default();
        let mut status = 0;
        self.members(|this, name| match name {
            "code" => {
                once.see(0)?;
                status =
                    this.with_scalar(|item| enumeration(item, "STATUS_CODE_", &STATUS_NAMES))?;
                Some(())
            }
            _ => this.skip(),
        })?;
        Some(status)
    }

    fn event(&mut self, attributes: &mut Vec<PartAttribute>) -> Option<()> {
        let mut once = Once::default();
        let first = attributes.len();
        self.members(|this, name| match name {
            "name" => {
                once.see(0)?;
                let value = this.text()?;
                let key = this.reader.part.dictionary.intern(Value::EventKey("name"));
                // It stands before the attributes of the event, wherever it was written.
                attributes.insert(first, PartAttribute { key, value });
                Some(())
            }
            "attributes" => {
                once.see(1)?;
                this.attributes(Of::Event, attributes)
            }
            _ => this.skip(),
        })
    }

    fn link(&mut self) -> Option<()> {
        let mut once = Once::default();
        let (mut trace, mut id) = (0, 0);
        self.members(|this, name| match name {
            "traceId" | "trace_id" => {
                once.see(0)?;
                trace = parse_trace_id(this.string()?);
                Some(())
            }
            "spanId" | "span_id" => {
                once.see(1)?;
                id = parse_span_id(this.string()?);
                Some(())
            }
            _ => this.skip(),
        })?;
        if trace != 0 && id != 0 {
            let span = self.reader.part.spans.len() as u32;
            self.reader.part.links.push(PartLink { span, trace, id });
        }
        Some(())
    }

    fn attributes(&mut self, of: Of, out: &mut Vec<PartAttribute>) -> Option<()> {
        let mut position = 0;
        self.elements(|this| {
            position += 1;
            if of == Of::SpanOrResource
                && let Some(&known) = this.known.get(position)
                && !known.bytes.is_empty()
                && this.cursor.eat_all(known.bytes)
            {
                if !known.rest.is_empty() && this.cursor.eat_all(known.rest) {
                    out.push(PartAttribute { key: known.key, value: known.value });
                    return Some(());
                }
                return this.value_behind(known, position, out);
            }
            let start = this.cursor.at();
            this.cursor.expect(b'{')?;
            (this.cursor.key()? == "key").then_some(())?;
            let key = this.cursor.string(this.scratch)?;
            let dictionary = &mut this.reader.part.dictionary;
            let key = match of {
                Of::Event => dictionary.intern(Value::EventKey(key)),
                Of::SpanOrResource => dictionary.intern_text(key, this.reader.longest),
            };
            this.cursor.expect(b',')?;
            (this.cursor.key()? == "value").then_some(())?;
            let is_text = this.cursor.eat_all(b"{\"stringValue\":\"");
            let bytes = this.cursor.since(start);
            let beginning = Beginning { bytes, key, is_text, ..Beginning::default() };
            if of == Of::Event {
                return this.value_behind(beginning, KNOWN, out);
            }
            if let Some(known) = this.known.get_mut(position) {
                *known = beginning;
            }
            this.value_behind(beginning, position, out)
        })
    }

    /// The rest of an attribute, which is remembered for this position of a list.
    #[inline]
    fn value_behind(
        &mut self,
        Beginning { key, is_text, .. }: Beginning<'_>,
        position: usize,
        out: &mut Vec<PartAttribute>,
    ) -> Option<()> {
        let (start, before) = (self.cursor.at(), out.len());
        if is_text {
            let value = self.text_end()?;
            out.push(PartAttribute { key, value });
            self.cursor.expect(b'}')?;
        } else {
            self.value(key, 0, out)?;
        }
        self.cursor.expect(b'}')?;
        if let (Some(known), [attribute]) =
            (self.known.get_mut(position), out.get(before..).unwrap_or_default())
        {
            (known.rest, known.value) = (self.cursor.since(start), attribute.value);
        }
        Some(())
    }

    /// Appends a value, and of an array each of its elements.
    fn value(&mut self, key: ValueId, depth: usize, out: &mut Vec<PartAttribute>) -> Option<()> {
        self.cursor.expect(b'{')?;
        if self.cursor.eat(b'}') {
            let value = self.reader.part.dictionary.intern(Value::Empty);
            out.push(PartAttribute { key, value });
            return Some(());
        }
        let value = match self.cursor.key()? {
            "stringValue" | "string_value" => self.text()?,
            "intValue" | "int_value" | "doubleValue" | "double_value" => {
                let value = self.with_scalar(|item| match number(item) {
                    Some(Number::Int(number)) => Value::Int(number),
                    Some(Number::Double(number)) => Value::Double(number),
                    None => Value::Empty,
                })?;
                self.reader.part.dictionary.intern(value)
            }
            "boolValue" | "bool_value" if self.cursor.eat_all(b"true") => {
                self.reader.part.dictionary.intern(Value::Bool(true))
            }
            "boolValue" | "bool_value" if self.cursor.eat_all(b"false") => {
                self.reader.part.dictionary.intern(Value::Bool(false))
            }
            "arrayValue" | "array_value" if depth < DEEPEST => {
                let mut once = Once::default();
                self.members(|this, name| match name {
                    "values" => {
                        once.see(0)?;
                        this.elements(|this| this.value(key, depth + 1, out))
                    }
                    _ => this.skip(),
                })?;
                return self.cursor.expect(b'}');
            }
            _ => return None,
        };
        out.push(PartAttribute { key, value });
        self.cursor.expect(b'}')
    }

    fn string(&mut self) -> Option<&str> {
        self.cursor.string(self.scratch)
    }

    /// A time: nearly always digits in quotes.
    #[inline]
    fn time(&mut self) -> Option<u64> {
        match self.cursor.quoted_digits() {
            Some(time) => Some(time),
            None => self.with_scalar(|item| unsigned(item).unwrap_or(0)),
        }
    }

    fn text(&mut self) -> Option<ValueId> {
        self.cursor.expect(b'"')?;
        self.text_end()
    }

    /// The number of a text whose first quote has been read.
    #[inline]
    fn text_end(&mut self) -> Option<ValueId> {
        let text = self.cursor.string_end(self.scratch)?;
        Some(self.reader.part.dictionary.intern_text(text, self.reader.longest))
    }

    fn with_scalar<T>(&mut self, take: impl FnOnce(Item<'_, '_>) -> T) -> Option<T> {
        let node = self.cursor.scalar(self.scratch)?;
        Some(take(Item::new(slice::from_ref(&node))))
    }

    fn skip(&mut self) -> Option<()> {
        self.cursor.skip(self.scratch)
    }

    fn members(&mut self, mut member: impl FnMut(&mut Self, &'l str) -> Option<()>) -> Option<()> {
        self.cursor.expect(b'{')?;
        if self.cursor.eat(b'}') {
            return Some(());
        }
        loop {
            let name = self.cursor.key()?;
            member(self, name)?;
            if !self.cursor.eat(b',') {
                return self.cursor.expect(b'}');
            }
        }
    }

    fn elements(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.cursor.expect(b'[')?;
        if self.cursor.eat(b']') {
            return Some(());
        }
        loop {
            element(self)?;
            if !self.cursor.eat(b',') {
                return self.cursor.expect(b']');
            }
        }
    }
}
