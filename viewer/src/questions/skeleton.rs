//! `skeleton`: the rows of a tree as columns of numbers, 28 bytes a row, in pieces. Owns the layout of the bytes.

use super::{
    Asked, Cache, Refusal,
    tree::{Name, Tree},
};
use crate::{
    index::{Index, NONE, Span},
    json::Json,
    parse::hex_span_id,
    span_flags::Flags,
    tree::{Entry, Mark},
};

/// Rows of the first piece, of each further one, and of all together.
pub(super) struct Limits {
    pub first: u32,
    pub next: u32,
    pub all: u32,
}

pub(super) const LIMITS: Limits = Limits { first: 4096, next: 65_536, all: 2_000_000 };

const HEADER_BYTES: usize = 64;
const VERSION: u32 = 1;

const ERROR: u16 = 1;
const BLOCK: u16 = 2;
const MISSING: u16 = 4;
const CIRCLE: u16 = 8;
const BEGINS_BEFORE: u16 = 16;
const ENDS_AFTER: u16 = 32;
const OTHER_RESOURCE: u16 = 64;
const ID_TWICE: u16 = 128;
const ENDS_EARLY: u16 = 256;
const NO_START: u16 = 512;
const HAS_LINKS: u16 = 1024;
const HAS_EVENTS: u16 = 2048;
const KIND_SHIFT: u32 = 12;

pub(super) fn skeleton(asked: &Asked<'_>, cache: &mut Cache) -> Result<Vec<u8>, Refusal> {
    let tree = cache.tree(asked)?;
    let from = asked.with.number("from", 0, u32::MAX.into())? as u32;
    Ok(piece(asked.index, &tree, from, &LIMITS))
}

/// The rows from the position `from` on.
pub(super) fn piece(index: &Index, tree: &Tree, from: u32, limits: &Limits) -> Vec<u8> {
    let given = (tree.entries.len() as u32).min(limits.all);
    let most = if from == 0 { limits.first } else { limits.next };
    let from = from.min(given);
    let to = from.saturating_add(most).min(given);
    let mut columns = Columns::new(index, tree, (to - from) as usize);
    for position in from..to {
        columns.row(position, given);
    }
    let arrays = columns.bytes();
    let json = texts(index, tree, from, to);

    let trace = index.traces.get(tree.trace as usize);
    let mut out = Vec::with_capacity(HEADER_BYTES + arrays.len() + json.len());
    out.extend_from_slice(b"OLSK");
    let spans = trace.map_or(0, |trace| trace.spans);
    let all = tree.entries.len() as u32;
    let tick = columns.tick as u32;
    let numbers = [VERSION, to - from, from, all, spans, tick, tree.generation];
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    out.extend_from_slice(&columns.start.to_le_bytes());
    out.extend_from_slice(&columns.end.to_le_bytes());
    out.extend_from_slice(&(arrays.len() as u32).to_le_bytes());
    out.extend_from_slice(&(json.len() as u32).to_le_bytes());
    out.resize(HEADER_BYTES, 0);
    out.extend_from_slice(&arrays);
    out.extend_from_slice(json.as_bytes());
    out
}

/// Names and resources that are used here first.
fn texts(index: &Index, tree: &Tree, from: u32, to: u32) -> String {
    let mut json = Json::default();
    json.object().name("names").array();
    for name in tree.names.used_first(from, to) {
        match name {
            Name::Value(id) => json.text(index.dictionary.text(id)),
            Name::Missing(id) => json.text(&hex_span_id(id)),
        };
    }
    json.end_array().name("resources").array();
    for resource in tree.resources.used_first(from, to) {
        json.object().name("service").text(index.service(resource)).end_object();
    }
    json.end_array().end_object();
    json.into_text()
}

/// One after the other in the answer.
struct Columns<'a> {
    index: &'a Index,
    tree: &'a Tree,
    /// The trace, in nanoseconds since the epoch.
    start: u64,
    end: u64,
    /// Nanoseconds.
    tick: u64,
    starts: Vec<u32>,
    durations: Vec<u32>,
    sizes: Vec<u32>,
    depths: Vec<u32>,
    rows: Vec<u32>,
    names: Vec<u32>,
    resources: Vec<u16>,
    flags: Vec<u16>,
}

impl<'a> Columns<'a> {
    fn new(index: &'a Index, tree: &'a Tree, rows: usize) -> Columns<'a> {
        let trace = index.traces.get(tree.trace as usize);
        let (start, end) = trace.map_or((0, 0), |trace| (trace.start, trace.end));
        let column = || Vec::with_capacity(rows);
        Columns {
            index,
            tree,
            start,
            end,
            tick: end.saturating_sub(start).div_ceil(u32::MAX.into()).clamp(1, u32::MAX.into()),
            starts: column(),
            durations: column(),
            sizes: column(),
            depths: column(),
            rows: column(),
            names: column(),
            resources: Vec::with_capacity(rows),
            flags: Vec::with_capacity(rows),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let numbers =
            [&self.starts, &self.durations, &self.sizes, &self.depths, &self.rows, &self.names];
        let mut bytes = Vec::with_capacity(self.starts.len() * 28);
        for column in numbers {
            append(&mut bytes, column.iter().map(|number| number.to_le_bytes()));
        }
        for column in [&self.resources, &self.flags] {
            append(&mut bytes, column.iter().map(|number| number.to_le_bytes()));
        }
        bytes
    }

    /// Appends the row at `position` of a tree of which `given` rows are given.
    fn row(&mut self, position: u32, given: u32) {
        let Some(entry) = self.tree.entries.get(position as usize) else { return };
        let size = self.tree.sizes.get(position as usize).copied().unwrap_or(1);
        self.sizes.push(size.min(given - position));
        self.depths.push(entry.depth());
        self.names.push(self.tree.names.at(position));
        let resource = self.tree.resources.at(position);
        self.resources.push(resource.min(u16::MAX.into()) as u16);
        match *entry {
            Entry::Span { place, mark, .. } => self.span(place, mark),
            Entry::MissingParent { .. } => self.missing(position, size),
        }
    }

    fn span(&mut self, place: u32, mark: Mark) {
        let tree = self.tree;
        let Some(span) = tree.forest.span(self.index, place) else { return };
        let parent = tree.forest.parent(place).filter(|_| mark != Mark::Circle);
        let parent = parent.and_then(|parent| tree.forest.span(self.index, parent));
        let row = tree.forest.rows.get(place as usize).copied().unwrap_or(NONE);
        self.times(span.start, span.end());
        self.rows.push(row);
        self.flags.push(flags(span, parent, mark, tree.is_block(row)));
    }

    /// A parent that is not in the files is as long as its children together.
    fn missing(&mut self, position: u32, size: u32) {
        let tree = self.tree;
        let from = position as usize + 1;
        let below = tree.entries.get(from..(position + size) as usize).unwrap_or_default();
        let children = below.iter().filter(|entry| entry.depth() == 1);
        let (mut start, mut end) = (0, 0);
        for place in children.filter_map(Entry::place) {
            let Some(span) = tree.forest.span(self.index, place) else { continue };
            start = if start == 0 { span.start } else { start.min(span.start) };
            end = end.max(span.end());
        }
        self.times(start, end);
        self.rows.push(NONE);
        self.flags.push(MISSING);
    }

    /// In ticks since the start of the trace. A span without a start is at its beginning.
    fn times(&mut self, start: u64, end: u64) {
        let ticks =
            |nanos: u64| (nanos.saturating_sub(self.start) / self.tick).min(u32::MAX.into());
        let (start, end) = (ticks(start), ticks(end));
        self.starts.push(start as u32);
        self.durations.push((end - start.min(end)) as u32);
    }
}

/// Makes room for all of them at once: one by one, each would look whether there is any.
fn append<const N: usize>(bytes: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = [u8; N]>) {
    let before = bytes.len();
    bytes.resize(before + numbers.len() * N, 0);
    let (places, _) = bytes.get_mut(before..).unwrap_or_default().as_chunks_mut();
    for (place, number) in places.iter_mut().zip(numbers) {
        *place = number;
    }
}

fn flags(span: &Span, parent: Option<&Span>, mark: Mark, is_block: bool) -> u16 {
    let bit = |bit: u16, is_set: bool| if is_set { bit } else { 0 };
    let has = |number, flag| bit(number, span.flags.has(flag));
    let outside = parent.map_or(0, |parent| {
        let has_start = span.start > 0;
        bit(BEGINS_BEFORE, has_start && span.start < parent.start)
            | bit(ENDS_AFTER, has_start && span.end() > parent.end())
            | bit(OTHER_RESOURCE, parent.resource != span.resource)
    });
    (span.flags.kind_number() as u16) << KIND_SHIFT
        | bit(ERROR, span.flags.is_error())
        | bit(BLOCK, is_block)
        | bit(CIRCLE, mark == Mark::Circle)
        | outside
        | has(ID_TWICE, Flags::ID_TWICE)
        | has(ENDS_EARLY, Flags::ENDS_EARLY)
        | has(NO_START, Flags::NO_START)
        | has(HAS_LINKS, Flags::HAS_LINKS)
        | has(HAS_EVENTS, Flags::HAS_EVENTS)
}
