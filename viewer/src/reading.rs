//! Reads files into an index: owns the threads, and how much may be in memory between them.
//!
//! One thread reads and cuts into lines, some parse, the one that owns the index merges. Parts are merged in the order in
//! which their lines were read, so the index does not depend on the number of threads.

mod budget;
mod merger;
mod pipeline;
mod progress;
mod reader;

#[cfg(test)]
mod tests;

use std::{fs, sync::atomic::Ordering, thread};

use foldhash::quality::RandomState;

pub(crate) use self::{
    merger::Merger,
    pipeline::Pipeline,
    progress::{Place, Progress, Reporter},
};
use crate::{
    index::{FileState, Index},
    source::Input,
};

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

const FULL: &str = "was not read to its end: --max-memory is used up";

/// Begins to read all `inputs`. Returns the index that is still empty, and the threads.
pub(crate) fn begin(inputs: &[Input], options: &Options) -> (Index, Pipeline) {
    let key = RandomState::default();
    let mut index = Index::new(&key, options.max_memory);
    index.files = inputs.iter().cloned().map(FileState::new).collect();
    (index, Pipeline::start(inputs.to_vec(), options.parsers, &key))
}

/// Reads all `inputs`. `on_progress` is called often, from this thread.
pub(crate) fn read(
    inputs: &[Input],
    options: &Options,
    on_progress: &mut dyn FnMut(Progress),
) -> Index {
    let total_bytes = bytes_of_all(inputs);
    let (mut index, mut pipeline) = begin(inputs, options);
    let mut merger = Merger::new(std::sync::Arc::clone(&pipeline.shared));
    let read_bytes = std::sync::Arc::clone(&pipeline.shared.read_bytes);
    while let Ok(step) = pipeline.steps.recv() {
        merger.take(step);
        while merger.go_on(&mut index) {}
        let read_bytes = read_bytes.load(Ordering::Relaxed);
        on_progress(Progress { read_bytes, total_bytes, spans: index.span_count() });
    }
    assert!(pipeline.has_ended_well(), "the thread that reads has ended early");
    if let Some(unknown) = index.files.iter_mut().find(|file| file.input == Input::StandardInput) {
        unknown.bytes = read_bytes.load(Ordering::Relaxed).saturating_sub(total_bytes);
    }
    index
}

pub(crate) fn bytes_of_all(inputs: &[Input]) -> u64 {
    inputs.iter().map(bytes_of).sum()
}

fn bytes_of(input: &Input) -> u64 {
    match input {
        Input::File(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        Input::StandardInput => 0,
    }
}
