//! How many bytes may be on their way: whoever adds some waits until there is room.

use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Debug)]
pub(crate) struct Budget {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    is_closed: bool,
}

impl Budget {
    pub fn new(limit: usize) -> Budget {
        Budget { state: Mutex::default(), changed: Condvar::new(), limit }
    }

    /// Waits until `bytes` fit, or nothing else is there. Returns whether it is worth going on.
    pub fn take(&self, bytes: usize) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.is_closed && state.taken > 0 && state.taken + bytes > self.limit {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.taken += bytes;
        !state.is_closed
    }

    pub fn give(&self, bytes: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).taken -= bytes;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed
    }

    /// Lets everybody go on who waits.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn v27_who_takes_more_than_there_is_waits_until_it_is_given_back() {
        let budget = Budget::new(10);
        assert!(budget.take(8));
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let budget = &budget;
            scope.spawn(move || {
                assert!(budget.take(50));
                sender.send(()).unwrap();
            });
            assert!(receiver.try_recv().is_err());
            budget.give(8);
            receiver.recv().unwrap();
        });
        thread::scope(|scope| {
            let waiter = scope.spawn(|| budget.take(1));
            budget.close();
            assert!(!waiter.join().unwrap());
        });
    }
}
