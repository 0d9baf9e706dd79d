//! Reads files into an index: owns the threads, and how much may be in memory between them.
//!
//! One thread reads and cuts into lines, some parse, the one that owns the index merges. Parts are merged in the order in
//! which their lines were read, so the index does not depend on the number of threads.

mod budget;
mod merger;
mod messages;
mod pipeline;
mod progress;
mod reader;

#[cfg(test)]
mod following_tests;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use foldhash::quality::RandomState;

pub(crate) use self::{
    merger::Merger,
    pipeline::Pipeline,
    progress::{Place, Progress, Reporter},
};
use crate::{index::Index, source::Found};

const MOST_PARSERS: usize = 8;

pub(crate) struct Options {
    /// Threads that parse.
    pub parsers: usize,
    /// Bytes that the index may take.
    pub max_memory: u64,
}

impl Options {
    pub fn new(max_memory: u64) -> Options {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Options { parsers: processors.clamp(1, MOST_PARSERS), max_memory }
    }
}

/// Begins to read what `find` finds, once or following it. Returns the index that is still empty, and the threads.
pub(crate) fn begin(
    find: impl Fn() -> Found + Send + 'static,
    follows: bool,
    options: &Options,
) -> (Index, Pipeline) {
    let key = RandomState::default();
    let index = Index::new(&key, options.max_memory);
    (index, Pipeline::start(find, follows, options.parsers, &key))
}

/// Reads what `find` finds. `on_progress` is called often, from this thread.
pub(crate) fn read(
    find: impl Fn() -> Found + Send + 'static,
    options: &Options,
    on_progress: &mut dyn FnMut(Progress),
) -> Index {
    let (mut index, mut pipeline) = begin(find, false, options);
    let mut merger = Merger::new(Arc::clone(&pipeline.shared));
    let counters = pipeline.shared.counters.clone();
    while let Ok(step) = pipeline.steps.recv() {
        merger.take(step);
        while merger.go_on(&mut index) {}
        let read_bytes = counters.read.load(Ordering::Relaxed);
        let total_bytes = counters.total.load(Ordering::Relaxed);
        on_progress(Progress { read_bytes, total_bytes, spans: index.span_count() });
    }
    assert!(pipeline.has_ended_well(), "the thread that reads has ended early");
    index
}
