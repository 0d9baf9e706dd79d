//! Questions to JavaScript that wait for an answer, by number.
//! It refuses to time them: whoever asked gives up by dropping the receiver.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::sync::oneshot;

/// Open questions with answers of type `T`. Any thread asks; JavaScript answers.
pub(crate) struct OpenQuestions<T> {
    next: AtomicU32,
    is_closed: AtomicBool,
    open: Mutex<HashMap<u32, oneshot::Sender<T>>>,
}

impl<T> Default for OpenQuestions<T> {
    fn default() -> Self {
        Self { next: AtomicU32::new(0), is_closed: AtomicBool::new(false), open: Mutex::default() }
    }
}

impl<T> OpenQuestions<T> {
    /// A number for a new question.
    pub fn begin(&self, answer: oneshot::Sender<T>) -> u32 {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, answer| !answer.is_closed()); // nobody waits any more
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // Read under the lock: `close` empties the map under it afterwards.
        if !self.is_closed.load(Ordering::Acquire) {
            open.insert(id, answer);
        }
        id
    }

    /// Nobody answers any more: who waits, and who asks later, finds the question dropped.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Delivers an answer, if anybody still waits for it.
    pub fn answer(&self, id: u32, answer: T) {
        let waiting = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }
}
