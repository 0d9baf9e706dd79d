//! What is known of one connection: owns the facts that those who call over it, the bytes on it and its driver share.
//! It refuses to act on them.

use std::{
    sync::{Mutex, MutexGuard},
    task::{Context, Waker},
};

use tokio::{sync::watch, time::Instant};

use crate::{lock::lock, sink::SendError};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer has said nothing that is HTTP/2.
    Silent,
    /// It speaks HTTP/2.
    Speaking,
    /// It is gone.
    Over,
    /// It is gone, and the peer has never spoken HTTP/2.
    NeverSpoke,
}

/// What a connection is needed for.
pub(super) enum Usage {
    /// No call is under way; if it is retired none will be.
    Idle { since: Instant, is_retired: bool },
    /// Calls are.
    Busy { since: Instant },
}

/// The facts of one connection.
pub(super) struct Life {
    facts: Mutex<Facts>,
    stage: watch::Sender<Stage>,
}

struct Facts {
    /// Calls under way.
    calls: usize,
    /// When there was a call last.
    used: Instant,
    /// When the first of the calls under way began.
    busy_since: Instant,
    /// When a byte came last.
    heard: Instant,
    /// An answer has come.
    is_proven: bool,
    /// Calls that ran out of time since one had an answer.
    missed: u32,
    /// Takes no more calls, since then.
    retired: Option<Instant>,
    /// Why it has ended.
    end: Option<SendError>,
    /// The peer wants fewer pings.
    is_pinged_too_often: bool,
    driver: Option<Waker>,
}

impl Life {
    pub fn new() -> Life {
        let now = Instant::now();
        let facts = Facts {
            calls: 0,
            used: now,
            busy_since: now,
            heard: now,
            is_proven: false,
            missed: 0,
            retired: None,
            end: None,
            is_pinged_too_often: false,
            driver: None,
        };
        Life { facts: Mutex::new(facts), stage: watch::Sender::new(Stage::Silent) }
    }

    fn locked(&self) -> MutexGuard<'_, Facts> {
        lock(&self.facts)
    }

    /// Bytes have come.
    pub fn note_heard(&self) {
        self.locked().heard = Instant::now();
    }

    /// Whether a byte has come since `moment`.
    pub fn is_heard_since(&self, moment: Instant) -> bool {
        self.locked().heard > moment
    }

    /// The peer speaks HTTP/2.
    pub fn note_speaking(&self) {
        self.stage.send_if_modified(|stage| {
            let is_first = *stage == Stage::Silent;
            if is_first {
                *stage = Stage::Speaking;
            }
            is_first
        });
    }

    /// A call has been answered: the peer acknowledges what it gets.
    pub fn note_answered(&self) {
        let mut facts = self.locked();
        (facts.is_proven, facts.missed) = (true, 0);
    }

    /// A call has run out of time. Returns how many have since one had an answer.
    pub fn note_missed(&self) -> u32 {
        let mut facts = self.locked();
        facts.missed = facts.missed.saturating_add(1);
        facts.missed
    }

    pub fn is_proven(&self) -> bool {
        self.locked().is_proven
    }

    /// Waits until the peer speaks HTTP/2 or the connection is over.
    pub async fn speaking(&self) -> Stage {
        let mut stage = self.stage.subscribe();
        let known = stage.wait_for(|stage| *stage != Stage::Silent).await;
        known.map_or(Stage::Over, |stage| *stage)
    }

    /// It has ended; the first reason counts, as later ones follow from it.
    pub fn note_end(&self, reason: SendError) {
        self.locked().end.get_or_insert(reason);
    }

    /// Nobody drives it any more.
    pub fn note_over(&self) {
        self.stage.send_modify(|stage| {
            *stage = match *stage {
                Stage::Silent | Stage::NeverSpoke => Stage::NeverSpoke,
                Stage::Speaking | Stage::Over => Stage::Over,
            }
        });
    }

    /// Why it has ended, if that is known.
    pub fn end(&self) -> Option<SendError> {
        self.locked().end.clone()
    }

    /// The peer has said that it is pinged too often.
    pub fn note_too_many_pings(&self) {
        self.locked().is_pinged_too_often = true;
    }

    pub fn is_pinged_too_often(&self) -> bool {
        self.locked().is_pinged_too_often
    }

    /// A call begins.
    pub fn note_call(&self) {
        let mut facts = self.locked();
        facts.used = Instant::now();
        if facts.calls == 0 {
            facts.busy_since = facts.used;
        }
        facts.calls += 1;
        wake(facts);
    }

    /// A call has ended.
    pub fn note_call_over(&self) {
        let mut facts = self.locked();
        facts.calls = facts.calls.saturating_sub(1);
        facts.used = Instant::now();
        wake(facts);
    }

    /// It takes no more calls from now on.
    pub fn retire(&self) {
        let mut facts = self.locked();
        facts.retired.get_or_insert_with(Instant::now);
        wake(facts);
    }

    /// How it is used. The driver is woken when this changes.
    pub fn usage(&self, context: &Context<'_>) -> Usage {
        let mut facts = self.locked();
        facts.driver = Some(context.waker().clone());
        match facts.calls {
            0 => Usage::Idle {
                since: facts.retired.map_or(facts.used, |retired| retired.max(facts.used)),
                is_retired: facts.retired.is_some(),
            },
            _ => Usage::Busy { since: facts.busy_since },
        }
    }
}

fn wake(mut facts: MutexGuard<'_, Facts>) {
    let driver = facts.driver.take();
    drop(facts);
    if let Some(driver) = driver {
        driver.wake();
    }
}
