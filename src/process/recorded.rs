//! Redaction of what a recorder has recorded: values as JavaScript has them, whose schemas stay. So every value keeps its type, and a
//! value that cannot be judged is taken with all that is in it.
//! It refuses to know how recordings are read and written.

use bumpalo::Bump;

use super::{
    Process,
    account::FailClosed,
    redact::Redactor,
    rule::{Part, Stage},
};
use crate::span::Entry;

/// Where a text without a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside the values, as what says how they are encoded.
    Values,
    /// The name of the span.
    Name,
    /// The message of its status.
    Status,
    /// What has recorded it.
    Scope,
}

impl Place {
    fn part(self) -> Part {
        match self {
            Place::Values => Part::Attributes,
            Place::Name => Part::Name,
            Place::Status => Part::Status,
            Place::Scope => Part::Scope,
        }
    }
}

/// Redacts the values of one span, stage by stage.
pub struct Recorded<'a> {
    process: &'a Process,
    redactors: Vec<Redactor<'a>>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(process: &'a Process, arena: &'a Bump) -> Self {
        let redactor = |stage: &'a Stage| Redactor::of_recording(process, stage, arena);
        Recorded { process, redactors: process.stages.iter().map(redactor).collect() }
    }

    /// One value with all that is in it; the key of the first entry is where its path begins. Says whether anything has changed.
    pub fn values(&mut self, tape: &mut [Entry<'a>]) -> bool {
        self.each(|redactor| redactor.recorded(tape))
    }

    /// Keys and texts that are only searched.
    pub fn texts(&mut self, place: Place, tape: &mut [Entry<'a>]) -> bool {
        self.each(|redactor| redactor.recorded_texts(place.part(), tape))
    }

    /// Whether a rule searches for something that stands in `text`, which is under `key` in `root`; elements have no key.
    pub fn finds(&mut self, root: &str, key: &[u8], text: &[u8]) -> bool {
        self.each(|redactor| redactor.finds(root.as_bytes(), key, text))
    }

    /// A member was said to be base64, and is none.
    pub fn is_undecodable(&self) {
        self.process.account.failed_closed(FailClosed::Base64);
    }

    /// A member begins as JSON, and is none to its end.
    pub fn is_no_json(&self) {
        self.process.account.failed_closed(FailClosed::Json);
    }

    /// Whether a rule has keys, of which any may stand in what cannot be read.
    pub fn judge_keys(&self) -> bool {
        self.process.stages.iter().any(|stage| stage.has_keys)
    }

    /// Every stage, whatever the one before it has answered.
    fn each(&mut self, mut redact: impl FnMut(&mut Redactor<'a>) -> bool) -> bool {
        let mut has_changed = false;
        for redactor in &mut self.redactors {
            has_changed |= redact(redactor);
        }
        has_changed
    }
}
