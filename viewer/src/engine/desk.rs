//! The thread that owns the index: owns what it does next. A question comes before what was read, so nobody waits for
//! longer than one slice of a merge.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, after, never, select};

use super::{answer::Answered, live::Live, protocol::Frame};
use crate::{
    export::Export,
    index::Index,
    questions::{Asked, Cache, Kind, Parameters, Reading, Reply},
    reading::{Merger, Pipeline},
};

/// What the desk is asked.
pub(super) struct Question {
    pub id: u64,
    pub question: String,
    pub with: Parameters,
    pub is_cancelled: Arc<AtomicBool>,
}

/// What the desk is told.
pub(super) enum Note {
    Ask(Question),
    /// The next piece of a long answer is wanted.
    Next(u64),
    /// Some question has been cancelled.
    Cancelled,
}

/// Answers a question.
pub(super) type Answerer = Box<dyn Fn(&str, &Asked<'_>, &mut Cache) -> Answered>;

/// An answer of which not all has been written.
struct Long {
    id: u64,
    export: Box<Export>,
    is_cancelled: Arc<AtomicBool>,
}

pub(super) struct Desk {
    index: Index,
    merger: Merger,
    pipeline: Pipeline,
    /// Whether nothing more is going to be read.
    has_ended: bool,
    reading: Reading,
    cache: Cache,
    answerer: Answerer,
    long: Vec<Long>,
    live: Live,
    out: Sender<Frame>,
}

impl Desk {
    pub fn new(
        (index, pipeline): (Index, Pipeline),
        answerer: Answerer,
        out: Sender<Frame>,
    ) -> Desk {
        Desk {
            index,
            merger: Merger::new(Arc::clone(&pipeline.shared)),
            pipeline,
            has_ended: false,
            reading: Reading::default(),
            cache: Cache::default(),
            answerer,
            long: Vec::new(),
            live: Live::default(),
            out,
        }
    }

    /// Works until nobody can ask any more.
    pub fn work(mut self, notes: &Receiver<Note>) {
        loop {
            match notes.try_recv() {
                Ok(note) => {
                    self.note(note);
                    continue;
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            // A long answer may hold numbers of values.
            if self.long.is_empty() && self.merger.relieve(&mut self.index) {
                self.cache.forget();
                self.note_change();
            }
            if self.merger.go_on(&mut self.index) {
                self.note_change();
                continue;
            }
            self.tell(Instant::now());
            self.wait(notes);
        }
    }

    fn note_change(&mut self) {
        self.reading.generation += 1;
        let counters = &self.pipeline.shared.counters;
        self.reading.total_bytes = counters.total.load(Ordering::Relaxed);
        if let Some(bytes) = self.merger.looked {
            (self.reading.bytes, self.reading.is_done) = (bytes, true);
        } else {
            self.reading.bytes = counters.read.load(Ordering::Relaxed);
        }
        self.tell(Instant::now());
    }

    /// Waits for a question, for what was read, and for the time at which news may be told.
    fn wait(&mut self, notes: &Receiver<Note>) {
        let told = match self.live.due_in(&self.reading, Instant::now()) {
            Some(wait) => after(wait.max(Duration::from_millis(1))),
            None => never(),
        };
        let steps = if self.has_ended { never() } else { self.pipeline.steps.clone() };
        select! {
            recv(notes) -> note => {
                if let Ok(note) = note {
                    self.note(note);
                }
            }
            recv(steps) -> step => match step {
                Ok(step) => self.merger.take(step),
                Err(_) => {
                    self.has_ended = true;
                    assert!(self.pipeline.has_ended_well(), "the thread that reads has ended early");
                }
            },
            recv(told) -> _ => {}
        }
    }

    fn tell(&mut self, now: Instant) {
        if let Some(line) = self.live.line(&self.reading, &mut self.index, now) {
            self.send(Frame::live(line));
        }
    }

    fn send(&self, frame: Frame) {
        // Whoever reads has gone, and with it the reason to go on: the thread that writes ends the program.
        let _ = self.out.send(frame);
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Ask(question) => self.answer(question),
            Note::Next(id) => {
                if let Some(at) = self.long.iter().position(|long| long.id == id) {
                    let long = self.long.remove(at);
                    self.go_on(long);
                }
            }
            Note::Cancelled => {
                self.long.retain(|long| !long.is_cancelled.load(Ordering::Relaxed));
            }
        }
    }

    /// Sends the next piece of a long answer.
    fn go_on(&mut self, mut long: Long) {
        let piece = catch_unwind(AssertUnwindSafe(|| long.export.next(&self.index)));
        let id = long.id;
        match piece {
            Ok(Some(piece)) => {
                self.send(Frame::answer(id, 200, Kind::Text, true, piece));
                self.long.push(long);
            }
            Ok(None) => self.send(Frame::answer(id, 200, Kind::Text, false, Vec::new())),
            Err(_) => {
                let Reply { status, kind, body } = failed();
                self.send(Frame::answer(id, status, kind, false, body));
            }
        }
    }

    fn answer(&mut self, question: Question) {
        let Question { id, question, with, is_cancelled } = question;
        if is_cancelled.load(Ordering::Relaxed) {
            return;
        }
        let Desk { index, cache, reading, answerer, .. } = &mut *self;
        let asked = Asked { index, reading: *reading, with: &with, is_cancelled: &is_cancelled };
        let answered = catch_unwind(AssertUnwindSafe(|| answerer(&question, &asked, cache)));
        let answered = answered.unwrap_or_else(|_| Answered::Whole(failed()));
        if is_cancelled.load(Ordering::Relaxed) {
            return;
        }
        match answered {
            Answered::Whole(Reply { status, kind, body }) => {
                self.send(Frame::answer(id, status, kind, false, body));
            }
            Answered::Long(export) => self.go_on(Long { id, export, is_cancelled }),
        }
    }
}

/// The answer to a question that has panicked.
fn failed() -> Reply {
    let body = br#"{"error":"the question has failed; this is a defect of the viewer"}"#;
    Reply { status: 500, kind: Kind::Json, body: body.to_vec() }
}
