//! Answers questions over standard input and standard output: owns the threads, and how the program ends.
//!
//! ```text
//! stdin ─► main thread ─► questions ─┐
//! files ─► reader ─► parsers ─► steps ─► desk (owns the index) ─► frames ─► writer ─► stdout
//! ```

mod answer;
mod code;
mod desk;
mod details;
mod live;
mod protocol;
mod refused;

#[cfg(test)]
mod tests;

use std::{
    io::{self, BufRead, BufReader, Write},
    panic,
    path::PathBuf,
    process,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use self::{
    answer::answer_to,
    desk::{Desk, Note, Question},
    protocol::{Frame, Message, message},
};
use crate::{
    questions::{Asked, Cache, Parameters},
    reading::{Options, begin},
    source::discover,
};

pub(crate) struct Settings {
    pub paths: Vec<PathBuf>,
    pub is_recursive: bool,
    /// Whether the files are looked at again and again.
    pub follows: bool,
    /// The directory whose code may be shown.
    pub source: Option<PathBuf>,
    /// Bytes that the index may take.
    pub max_memory: u64,
}

/// Works until standard input ends. The threads end with the program.
pub(crate) fn run(settings: Settings) {
    // A question that panics is answered, and nobody reads what would be written here.
    panic::set_hook(Box::new(|_| ()));
    let (frames, to_write) = unbounded();
    thread::spawn(move || end_if_it_panics(|| write(&to_write)));
    let (ask, questions) = unbounded();
    thread::spawn(move || {
        end_if_it_panics(|| {
            let Settings { paths, is_recursive, follows, source, max_memory } = settings;
            let find = move || discover(&paths, is_recursive);
            let begun = begin(find, follows, &Options::new(max_memory));
            let answerer = move |question: &str, asked: &Asked<'_>, cache: &mut Cache| {
                answer_to(question, asked, cache, source.as_deref())
            };
            Desk::new(begun, Box::new(answerer), frames).work(&questions);
        });
    });
    listen(&mut BufReader::new(io::stdin()), &ask);
}

/// Hands on what comes in, until it ends.
fn listen(input: &mut impl BufRead, ask: &Sender<Note>) {
    let mut waiting: Vec<(u64, Weak<AtomicBool>)> = Vec::new();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        match message(&line) {
            Some(Message::Ask { id, question, with }) => {
                let is_cancelled = Arc::new(AtomicBool::new(false));
                waiting.retain(|(_, flag)| flag.strong_count() > 0);
                waiting.push((id, Arc::downgrade(&is_cancelled)));
                let with = Parameters::new(with);
                let _ = ask.send(Note::Ask(Question { id, question, with, is_cancelled }));
            }
            Some(Message::Cancel(id)) => {
                let flags = waiting.iter().filter(|(other, _)| *other == id);
                for flag in flags.filter_map(|(_, flag)| flag.upgrade()) {
                    flag.store(true, Ordering::Relaxed);
                }
                let _ = ask.send(Note::Cancelled);
            }
            Some(Message::Next(id)) => drop(ask.send(Note::Next(id))),
            None => {}
        }
        line.clear();
    }
}

/// Writes the frames in their order. The program ends if nobody reads them.
fn write(frames: &Receiver<Frame>) {
    let mut out = io::stdout().lock();
    for Frame { head, body } in frames {
        let whole = [head.as_bytes(), b"\n", &body].concat();
        if out.write_all(&whole).and_then(|()| out.flush()).is_err() {
            process::exit(0);
        }
    }
}

/// Nothing can be answered without these threads.
fn end_if_it_panics(work: impl FnOnce()) {
    if panic::catch_unwind(panic::AssertUnwindSafe(work)).is_err() {
        let _ = io::stderr().write_all(b"offloop: the viewer has failed; this is a defect\n");
        process::exit(1);
    }
}
