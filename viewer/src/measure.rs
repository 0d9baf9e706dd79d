//! What viewer/bench/parsers measures: lines in memory to an index on one thread, and what is asked of the index then.
//! Nothing else uses it.

use foldhash::quality::RandomState;
use memchr::memchr_iter;

use crate::{
    index::{FileState, Index},
    parse::{LONGEST_VALUE, LineParser, Part},
    query::{By, Filter, latency, parse as parse_filter, search},
    source::Input,
    tree::{Forest, critical_path, order},
};

/// An index of its own.
pub struct Store(Index);

impl Store {
    /// Each block is some whole lines, as a reader hands them to a parser.
    pub fn new<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> Store {
        let key = RandomState::default();
        let mut index = Index::new(&key, u64::MAX);
        index.files.push(FileState::new(Input::StandardInput));
        let mut parser = LineParser::default();
        for block in blocks {
            let mut part = Part::new(key.clone());
            let mut start = 0;
            for end in memchr_iter(b'\n', block) {
                let line = block.get(start..end).unwrap_or_default();
                parser.parse(line, start as u64, true, LONGEST_VALUE, &mut part);
                start = end + 1;
            }
            index.merge(&part, 0);
        }
        Store(index)
    }

    /// Spans.
    pub fn spans(&self) -> usize {
        self.0.spans.len()
    }

    /// Bytes of the index.
    pub fn memory(&self) -> u64 {
        self.0.memory()
    }

    /// Lines of the tree of the first trace.
    pub fn tree(&self) -> usize {
        order(&self.0, &self.first_trace()).len()
    }

    /// Who waits for whom in the first trace.
    pub fn first(&self) -> Trace<'_> {
        Trace { index: &self.0, forest: self.first_trace() }
    }

    fn first_trace(&self) -> Forest {
        Forest::new(&self.0, self.0.rows_of(0).collect())
    }

    /// Operations, with their percentiles.
    pub fn operations(&self) -> usize {
        latency(&self.0, &By::Operation).len()
    }

    /// Spans that meet a filter; none if it is none.
    pub fn matching(&self, filter: &str) -> usize {
        let filter: Option<Filter> = parse_filter(filter).ok();
        filter.map_or(0, |filter| search(&self.0, &filter).rows.len())
    }
}

/// A trace whose tree is there.
pub struct Trace<'i> {
    index: &'i Index,
    forest: Forest,
}

impl Trace<'_> {
    /// Pieces of the critical path of its first span.
    pub fn critical_path(&self) -> usize {
        critical_path(self.index, &self.forest, 0).len()
    }
}
