//! The thread that reads: owns the order of the files, and why one was not read to its end.

use std::{
    fs, io,
    sync::{Arc, atomic::Ordering},
};

use crossbeam_channel::Sender;

use super::{
    FULL, bytes_of,
    pipeline::{Job, Numbered, Shared, Step},
};
use crate::{
    index::Identity,
    source::{Input, open},
};

pub(super) struct Reader {
    jobs: Sender<Job>,
    steps: Sender<Numbered>,
    shared: Arc<Shared>,
    next: u64,
}

impl Reader {
    pub fn new(jobs: Sender<Job>, steps: Sender<Numbered>, shared: Arc<Shared>) -> Reader {
        Reader { jobs, steps, shared, next: 0 }
    }

    pub fn read(mut self, inputs: &[Input]) {
        for (file, input) in (0..).zip(inputs) {
            let failure = self.file(file, input);
            self.step(Step::Close { file, failure });
        }
    }

    /// Reads one file. Returns why it was not read to its end.
    fn file(&mut self, file: u32, input: &Input) -> Option<String> {
        if self.is_stopped() {
            let bytes = bytes_of(input);
            self.step(Step::Open { file, bytes, is_plain: false, identity: None });
            return Some(FULL.into());
        }
        let metadata = match input {
            Input::File(path) => fs::metadata(path).ok(),
            Input::StandardInput => None,
        };
        let bytes = metadata.as_ref().map_or(0, fs::Metadata::len);
        let identity = metadata.as_ref().map(Identity::of);
        let opened = open(input, &self.shared.read_bytes);
        let is_plain = matches!(&opened, Ok(Ok(opened)) if opened.is_plain);
        self.step(Step::Open { file, bytes, is_plain, identity });
        let mut opened = match opened {
            Err(error) => return Some(format!("cannot be read: {}", reason(&error))),
            Ok(Err(refused)) => return Some(refused.words().into()),
            Ok(Ok(opened)) => opened,
        };
        while let Some(chunk) = opened.next() {
            if !self.shared.budget.take(chunk.memory()) || self.is_stopped() {
                return Some(FULL.into());
            }
            let number = self.number();
            if self.jobs.send(Job { number, file, chunk }).is_err() {
                return None;
            }
        }
        opened.failure().map(|error| format!("was not read to its end: {}", reason(&error)))
    }

    fn is_stopped(&self) -> bool {
        self.shared.is_stopped.load(Ordering::Relaxed)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn step(&mut self, step: Step) {
        let number = self.number();
        // Nobody listens any more if the index has gone.
        let _ = self.steps.send((number, step));
    }
}

/// The words of the system, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
