//! The answer to one export call: owns the promise that it is given exactly once.
//! It refuses to know who listens.

use std::sync::Mutex;

use crate::{
    contain::contained,
    error::{DropReason, ExportFailure},
    lock::lock,
    otlp::PartialSuccess,
    stats::Drops,
};

/// What became of the spans of one export call.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Spans that the endpoint took.
    pub delivered: u64,
    /// Spans that the endpoint refused in a partial success.
    pub rejected: u64,
    /// Spans that a rule of the user has dropped.
    pub filtered: u64,
    /// Spans lost, by reason.
    pub dropped: Drops,
    /// Requests made for this call, the largest number for any of its spans.
    pub attempts: u32,
    /// The error of the last failed batch, if spans were dropped.
    pub error: Option<ExportFailure>,
    /// The last partial success that the endpoint reported.
    pub partial_success: Option<PartialSuccess>,
    /// Warnings for `diag.warn`.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// Whether `export()` answers with code 1.
    pub fn is_failure(&self) -> bool {
        self.dropped.iter().any(|(reason, _)| reason.fails_export())
    }
}

type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// Fires exactly once: with the outcome, or on drop with `internal_error`.
pub struct Completion(Option<Callback>);

impl Completion {
    /// `answer` runs on a Rust thread or inside `admit`; it must not block. A panic in it is contained.
    pub fn new(answer: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Completion(Some(Box::new(answer)))
    }

    /// Gives the answer.
    pub fn complete(mut self, outcome: Outcome) {
        self.fire(outcome);
    }

    fn fire(&mut self, outcome: Outcome) {
        if let Some(answer) = self.0.take() {
            contained((), || answer(outcome));
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        contained((), || {
            let error = Some(DropReason::InternalError.into());
            self.fire(Outcome { error, ..Outcome::default() });
        });
    }
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completion").field("pending", &self.0.is_some()).finish()
    }
}

/// What became of some spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The endpoint took them.
    Delivered,
    /// The endpoint refused them in a partial success.
    Rejected,
    /// A rule of the user has dropped them: neither a delivery nor a loss.
    Filtered,
    /// They are lost.
    Dropped(DropReason),
}

/// One export call on its way: collects what became of its spans and answers when the last one is settled.
#[derive(Debug)]
pub(crate) struct Call(Mutex<State>);

#[derive(Debug)]
struct State {
    unsettled: u64,
    outcome: Outcome,
    completion: Option<Completion>,
}

impl Call {
    pub(crate) fn new(spans: u64, completion: Completion) -> Self {
        Call(Mutex::new(State {
            unsettled: spans,
            outcome: Outcome::default(),
            completion: Some(completion),
        }))
    }

    /// Adds facts to the outcome.
    pub(crate) fn note(&self, note: impl FnOnce(&mut Outcome)) {
        note(&mut lock(&self.0).outcome);
    }

    /// Records the fate of `spans`; the answer is due if they were the last.
    pub(crate) fn settle(&self, spans: u64, fate: Fate) -> Option<Answer> {
        let mut state = lock(&self.0);
        let outcome = &mut state.outcome;
        match fate {
            Fate::Delivered => outcome.delivered += spans,
            Fate::Rejected => outcome.rejected += spans,
            Fate::Filtered => outcome.filtered += spans,
            Fate::Dropped(reason) => {
                outcome.dropped.add(reason, spans);
                if outcome.error.is_none() && reason.fails_export() {
                    outcome.error = Some(reason.into());
                }
            }
        }
        state.unsettled = state.unsettled.saturating_sub(spans);
        if state.unsettled > 0 {
            return None;
        }
        let completion = state.completion.take()?;
        Some(Answer { completion, outcome: std::mem::take(&mut state.outcome) })
    }
}

/// An answer that is due; given outside of every lock, because it runs foreign code.
#[must_use = "the caller is waiting"]
pub(crate) struct Answer {
    completion: Completion,
    outcome: Outcome,
}

impl Answer {
    pub(crate) fn give(self) {
        self.completion.complete(self.outcome);
    }
}
