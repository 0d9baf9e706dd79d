//! The right to some spans in the ledger: owns the rule that every admitted span is settled once, whatever happens.
//! It refuses to count; dropping a permit (return, error, unwinding, thread end) makes the ledger do it.

use std::sync::Arc;

use crate::{
    contain::contained,
    error::DropReason,
    pipeline::{
        completion::{Fate, Outcome},
        ids::{BatchId, Epoch},
        ledger::{Eviction, Key, Ledger},
    },
};

/// Owns the spans of one export call, or a part of them.
#[derive(Debug)]
pub(crate) struct Permit {
    ledger: Arc<Ledger>,
    key: Key,
    epoch: Epoch,
    /// Spans left to settle, as far as nobody voided the permit.
    spans: u64,
    /// What is recorded when nobody settles it.
    on_drop: DropReason,
}

impl Permit {
    pub(crate) fn new(ledger: Arc<Ledger>, key: Key, epoch: Epoch, spans: u64) -> Self {
        Permit { ledger, key, epoch, spans, on_drop: DropReason::InternalError }
    }

    /// Owns nothing: for an export of no spans.
    pub(crate) fn empty(ledger: Arc<Ledger>) -> Self {
        Permit::new(ledger, Key::MAX, 0, 0)
    }

    pub(crate) fn spans(&self) -> u64 {
        self.spans
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Records the fate of some of its spans; `detail` words a drop better than its reason does.
    pub(crate) fn settle_some(&mut self, spans: u64, fate: Fate, detail: Option<&str>) {
        let spans = spans.min(self.spans);
        self.spans -= spans;
        self.ledger.settle(self.key, spans, fate, detail);
    }

    /// Moves `spans` of them, at most all, to a permit of their own.
    pub(crate) fn split(&mut self, spans: u64) -> Permit {
        let spans = spans.min(self.spans);
        self.spans -= spans;
        match self.ledger.split(self.key, spans) {
            Some(key) => Permit {
                ledger: Arc::clone(&self.ledger),
                key,
                spans,
                epoch: self.epoch,
                on_drop: self.on_drop,
            },
            // Voided: the new one is void too.
            None => Permit {
                ledger: Arc::clone(&self.ledger),
                key: self.key,
                spans: 0,
                epoch: self.epoch,
                on_drop: self.on_drop,
            },
        }
    }

    /// Charges the size of the present representation.
    pub(crate) fn recharge(&self, bytes: u64) {
        self.ledger.recharge(self.key, bytes);
    }

    /// Whether it still owns spans: eviction and abandoned shutdowns void permits.
    pub(crate) fn is_live(&self) -> bool {
        self.ledger.is_live(self.key)
    }

    /// Adds facts to the outcome of the call.
    pub(crate) fn note(&self, note: impl FnOnce(&mut Outcome)) {
        if let Some(call) = self.ledger.call(self.key) {
            call.note(note);
        }
    }

    /// A first attempt has completed.
    pub(crate) fn attempted(&self) {
        self.ledger.attempted(self.key);
    }

    /// It is made into another request, which owes an attempt.
    pub(crate) fn owe_attempt(&self) {
        self.ledger.owe_attempt(self.key);
    }

    /// It waits in `batch`. Returns what has to go for it.
    pub(crate) fn park(&self, batch: BatchId) -> Eviction {
        self.ledger.park(self.key, batch)
    }

    /// It waits no more; false if it has been voided meanwhile.
    pub(crate) fn unpark(&self) -> bool {
        self.ledger.unpark(self.key)
    }

    pub(crate) fn set_on_drop(&mut self, reason: DropReason) {
        self.on_drop = reason;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        contained((), || {
            if self.spans > 0 {
                self.ledger.lose(self.key, self.spans, self.on_drop);
            }
        });
    }
}

/// An admitted export call whose spans are still being written. Dropped without `submit`, they count as
/// `environment_gone`.
#[derive(Debug)]
#[must_use = "dropping a ticket drops its spans"]
pub struct Ticket {
    permit: Permit,
}

impl Ticket {
    pub(crate) fn new(mut permit: Permit) -> Self {
        permit.set_on_drop(DropReason::EnvironmentGone);
        Ticket { permit }
    }

    pub(crate) fn into_permit(self) -> Permit {
        let mut permit = self.permit;
        permit.set_on_drop(DropReason::InternalError);
        permit
    }
}
