//! The threads between the files and the index: one reads and cuts into lines, some parse. What comes out of them is
//! numbered in the order in which it was read.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use foldhash::quality::RandomState;

use super::{
    messages::{Job, Numbered, Shared, Step},
    reader::Reader,
};
use crate::{
    account::Skipped,
    parse::{LONGEST_VALUE, LineParser, Part},
    source::{Chunk, Found},
};

/// Of lines longer than this, one at a time is parsed: a tape is several times as large as its line.
const LONG_LINE: usize = 8 << 20;

/// The running threads. They end when this is dropped.
pub(crate) struct Pipeline {
    pub shared: Arc<Shared>,
    /// Ends when all has been read.
    pub steps: Receiver<Numbered>,
    reader: Option<JoinHandle<()>>,
}

impl Pipeline {
    /// Reads what `find` finds, once, or again and again.
    pub fn start(
        find: impl Fn() -> Found + Send + 'static,
        follows: bool,
        parsers: usize,
        key: &RandomState,
    ) -> Pipeline {
        let shared = Arc::new(Shared::default());
        let (job_sender, jobs) = bounded::<Job>(parsers * 2);
        let (step_sender, steps) = unbounded::<Numbered>();
        for _ in 0..parsers {
            let (jobs, steps, key) = (jobs.clone(), step_sender.clone(), key.clone());
            let shared = Arc::clone(&shared);
            thread::spawn(move || parse(&jobs, &steps, &key, &shared.long_line));
        }
        let reader = Reader::new(job_sender, step_sender, Arc::clone(&shared));
        let reader = thread::spawn(move || match follows {
            true => reader.follow(find),
            false => reader.read(find),
        });
        Pipeline { shared, steps, reader: Some(reader) }
    }

    /// Whether the thread that reads has come to its end, and not to grief. To be asked when there are no more steps.
    pub fn has_ended_well(&mut self) -> bool {
        self.reader.take().is_none_or(|reader| reader.join().is_ok())
    }
}

impl Drop for Pipeline {
    /// Lets the reader go on to its end if it waits.
    fn drop(&mut self) {
        self.shared.budget.close();
    }
}

fn parse(jobs: &Receiver<Job>, steps: &Sender<Numbered>, key: &RandomState, long_line: &Mutex<()>) {
    let mut parser = LineParser::default();
    for Job { number, file, chunk } in jobs {
        let step = parse_chunk(&mut parser, file, chunk, key, long_line);
        if steps.send((number, step)).is_err() {
            return;
        }
    }
}

pub(super) fn parse_chunk(
    parser: &mut LineParser,
    file: u32,
    chunk: Chunk,
    key: &RandomState,
    long_line: &Mutex<()>,
) -> Step {
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let mut part = Box::new(Part::new(key.clone()));
        for (offset, line, has_end) in chunk.lines() {
            let turn = (line.len() > LONG_LINE)
                .then(|| long_line.lock().unwrap_or_else(PoisonError::into_inner));
            parser.parse(line, offset, has_end, LONGEST_VALUE, &mut part);
            drop(turn);
        }
        part
    }));
    let part = parsed.unwrap_or_else(|_| {
        *parser = LineParser::default();
        Box::new(unreadable(&chunk, key))
    });
    let (start, bytes) = (chunk.start(), chunk.memory());
    Step::Lines { file, part, too_long: chunk.too_long, start, bytes }
}

/// Lines over which the parser has come to grief: they are counted, and the rest is read.
fn unreadable(chunk: &Chunk, key: &RandomState) -> Part {
    let mut part = Part::new(key.clone());
    for _ in chunk.lines() {
        part.counts.lines += 1;
        part.counts.skip(Skipped::NotJson);
    }
    part
}
