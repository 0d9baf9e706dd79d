//! Reads files into an index: owns the threads, and how much may be in memory between them.
//!
//! One thread reads and cuts into lines, some parse, the one that asked merges. Parts are merged in the order in which
//! their lines were read, so the index does not depend on the number of threads.

mod budget;
mod progress;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use foldhash::quality::RandomState;

use self::budget::Budget;
pub(crate) use self::progress::{Place, Progress, Reporter};
use crate::{
    index::{FileState, Identity, Index},
    parse::{LONGEST_VALUE, LineParser, Part},
    source::{Chunk, Input, open},
};

/// Bytes of lines that are between the reader and the index. A longer line is there alone.
const IN_FLIGHT: usize = 64 << 20;
/// Of lines longer than this, one at a time is parsed: a tape is several times as large as its line.
const LONG_LINE: usize = 8 << 20;
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

/// What goes from the reader to the index, by way of a parser if it has lines.
enum Step {
    /// The next file begins; the steps that follow are about it.
    Open {
        bytes: u64,
        is_plain: bool,
        identity: Option<Identity>,
    },
    Lines {
        part: Box<Part>,
        too_long: Vec<u64>,
        bytes: usize,
    },
    /// The file ends here, and why if it did not end by itself.
    Close {
        failure: Option<String>,
    },
}

struct Job {
    number: u64,
    chunk: Chunk,
}

type Numbered = (u64, thread::Result<Step>);

/// Reads all `inputs`. `on_progress` is called often, from this thread.
pub(crate) fn read(
    inputs: &[Input],
    options: &Options,
    on_progress: &mut dyn FnMut(Progress),
) -> Index {
    let key = RandomState::default();
    let mut index = Index::new(&key, options.max_memory);
    index.files = inputs.iter().cloned().map(FileState::new).collect();
    let total_bytes = inputs.iter().map(bytes_of).sum();
    let read_bytes = Arc::new(AtomicU64::new(0));
    let is_stopped = AtomicBool::new(false);
    let budget = Budget::new(IN_FLIGHT);
    let long_line = Mutex::new(());
    let (job_sender, jobs) = bounded::<Job>(options.parsers * 2);
    let (step_sender, steps) = unbounded::<Numbered>();
    thread::scope(|scope| {
        let reader = Reader {
            jobs: job_sender,
            steps: step_sender.clone(),
            budget: &budget,
            is_stopped: &is_stopped,
            read_bytes: Arc::clone(&read_bytes),
            next: 0,
        };
        scope.spawn(move || reader.read(inputs));
        for _ in 0..options.parsers {
            let (jobs, steps, key) = (jobs.clone(), step_sender.clone(), key.clone());
            let long_line = &long_line;
            scope.spawn(move || parse(&jobs, &steps, &key, long_line));
        }
        drop((jobs, step_sender));
        let _closing = Closing(&budget);
        let mut merger =
            Merger { index: &mut index, budget: &budget, file: None, is_cut_short: false };
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, step) in steps {
            waiting.insert(number, step);
            while let Some(step) = waiting.remove(&next) {
                next += 1;
                match step {
                    Ok(step) => merger.take(step),
                    Err(panic) => resume_unwind(panic),
                }
                is_stopped.fetch_or(merger.index.is_full, Ordering::Relaxed);
                let read_bytes = read_bytes.load(Ordering::Relaxed);
                let spans = merger.index.spans.len() as u64;
                on_progress(Progress { read_bytes, total_bytes, spans });
            }
        }
    });
    if let Some(unknown) = index.files.iter_mut().find(|file| file.input == Input::StandardInput) {
        unknown.bytes = read_bytes.load(Ordering::Relaxed).saturating_sub(total_bytes);
    }
    index
}

fn bytes_of(input: &Input) -> u64 {
    match input {
        Input::File(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        Input::StandardInput => 0,
    }
}

struct Reader<'a> {
    jobs: Sender<Job>,
    steps: Sender<Numbered>,
    budget: &'a Budget,
    is_stopped: &'a AtomicBool,
    read_bytes: Arc<AtomicU64>,
    next: u64,
}

impl Reader<'_> {
    fn read(mut self, inputs: &[Input]) {
        for input in inputs {
            let failure = self.file(input);
            self.step(Step::Close { failure });
        }
    }

    /// Reads one file. Returns why it was not read to its end.
    fn file(&mut self, input: &Input) -> Option<String> {
        if self.is_stopped.load(Ordering::Relaxed) {
            self.step(Step::Open { bytes: bytes_of(input), is_plain: false, identity: None });
            return Some(FULL.into());
        }
        let metadata = match input {
            Input::File(path) => fs::metadata(path).ok(),
            Input::StandardInput => None,
        };
        let bytes = metadata.as_ref().map_or(0, fs::Metadata::len);
        let identity = metadata.as_ref().map(Identity::of);
        let opened = open(input, &self.read_bytes);
        let is_plain = matches!(&opened, Ok(Ok(opened)) if opened.is_plain);
        self.step(Step::Open { bytes, is_plain, identity });
        let mut opened = match opened {
            Err(error) => return Some(format!("cannot be read: {}", reason(&error))),
            Ok(Err(refused)) => return Some(refused.words().into()),
            Ok(Ok(opened)) => opened,
        };
        while let Some(chunk) = opened.next() {
            if !self.budget.take(chunk.memory()) || self.is_stopped.load(Ordering::Relaxed) {
                return Some(FULL.into());
            }
            let number = self.number();
            if self.jobs.send(Job { number, chunk }).is_err() {
                return None;
            }
        }
        opened.failure().map(|error| format!("was not read to its end: {}", reason(&error)))
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn step(&mut self, step: Step) {
        let number = self.number();
        // Nobody listens any more if the index has panicked.
        let _ = self.steps.send((number, Ok(step)));
    }
}

/// The words of the system, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn parse(jobs: &Receiver<Job>, steps: &Sender<Numbered>, key: &RandomState, long_line: &Mutex<()>) {
    let mut parser = LineParser::default();
    for Job { number, chunk } in jobs {
        let step = catch_unwind(AssertUnwindSafe(|| {
            let mut part = Box::new(Part::new(key.clone()));
            for (offset, line, has_end) in chunk.lines() {
                let turn = (line.len() > LONG_LINE)
                    .then(|| long_line.lock().unwrap_or_else(PoisonError::into_inner));
                parser.parse(line, offset, has_end, LONGEST_VALUE, &mut part);
                drop(turn);
            }
            let bytes = chunk.memory();
            Step::Lines { part, too_long: chunk.too_long, bytes }
        }));
        if steps.send((number, step)).is_err() {
            return;
        }
    }
}

/// Lets the reader go on to its end whatever happens to the one that merges, who waits for it.
struct Closing<'a>(&'a Budget);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Merger<'a> {
    index: &'a mut Index,
    budget: &'a Budget,
    /// Number of the file that is being read.
    file: Option<u32>,
    /// Whether lines of it were left out because the index is full.
    is_cut_short: bool,
}

impl Merger<'_> {
    fn take(&mut self, step: Step) {
        if let Step::Open { .. } = step {
            self.file = Some(self.file.map_or(0, |file| file + 1));
            self.is_cut_short = false;
        }
        let file = self.file.unwrap_or(0);
        match step {
            Step::Open { bytes, is_plain, identity } => {
                if let Some(state) = self.index.files.get_mut(file as usize) {
                    (state.bytes, state.is_plain, state.identity) = (bytes, is_plain, identity);
                }
            }
            Step::Lines { part, too_long, bytes } => {
                self.is_cut_short |= self.index.is_full;
                if !self.index.is_full {
                    self.index.merge(&part, file);
                    self.index.skip_too_long(file, &too_long);
                }
                self.budget.give(bytes);
            }
            Step::Close { failure } => {
                if let Some(state) = self.index.files.get_mut(file as usize) {
                    state.failure = failure.or_else(|| self.is_cut_short.then(|| FULL.into()));
                }
            }
        }
    }
}
