//! What viewer/bench/parsers measures: lines in memory to an index on one thread. Nothing else uses it.

use foldhash::quality::RandomState;
use memchr::memchr_iter;

use crate::{
    index::{FileState, Index},
    parse::{LONGEST_VALUE, LineParser, Part},
    source::Input,
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
            let mut merge = index.begin(Box::new(part), 0);
            while !index.go_on(&mut merge, usize::MAX) {}
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
}
