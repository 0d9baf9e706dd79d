//! A batch being filled, with its answer: whoever comes first hands it over, JavaScript or its schedule delay.
//! It refuses to admit: that happens when it is handed over, so offered spans are counted once.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::oneshot;

use crate::{
    handoff::{OpenBatch, RawBatch},
    lock::lock,
    pipeline::{completion::Completion, ids::CallId},
};

/// A batch that JavaScript is filling while native threads may hand it over.
#[derive(Debug)]
pub struct Window {
    batch: OpenBatch,
    /// Tag of the export call.
    call: CallId,
    completion: Mutex<Option<Completion>>,
    /// Dropped when the window is taken: that ends the wait for its time.
    alarm: Mutex<Option<oneshot::Sender<()>>>,
}

impl Window {
    /// `completion` answers for all spans that are in it when it is handed over.
    pub fn new(batch: OpenBatch, call: u32, completion: Completion) -> Self {
        Window { batch, call, completion: Mutex::new(Some(completion)), alarm: Mutex::default() }
    }

    /// What JavaScript writes to.
    pub fn batch(&self) -> &OpenBatch {
        &self.batch
    }

    /// Ends by itself when the window is taken or gone.
    pub(crate) fn alarm(&self) -> oneshot::Receiver<()> {
        let (alarm, taken) = oneshot::channel();
        *lock(&self.alarm) = Some(alarm);
        taken
    }

    /// Its spans and the answer owed for them; `None`: somebody else was faster.
    pub(crate) fn take(&self) -> Option<(RawBatch, Completion)> {
        let raw = self.batch.take()?.with_call(self.call);
        drop(lock(&self.alarm).take());
        let completion = lock(&self.completion).take()?;
        Some((raw, completion))
    }
}

/// The batches of one exporter that are being filled. The end of the process hands over what is in them if JavaScript was
/// not asked: an `exit` listener of the application may end the process before ours is called.
#[derive(Default)]
pub(crate) struct OpenWindows(Mutex<Vec<OpenWindow>>);

struct OpenWindow {
    window: Weak<Window>,
    hand_over: Box<dyn FnOnce() + Send>,
}

impl OpenWindows {
    /// `window` is being filled, and `hand_over` hands it over; both are forgotten when it has been taken.
    pub(crate) fn add(&self, window: &Arc<Window>, hand_over: impl FnOnce() + Send + 'static) {
        let mut windows = self.lock();
        windows
            .retain(|open| open.window.upgrade().is_some_and(|window| !window.batch().is_taken()));
        let window = Arc::downgrade(window);
        windows.push(OpenWindow { window, hand_over: Box::new(hand_over) });
    }

    /// Hands over every span that is counted in one of them.
    pub(crate) fn hand_over(&self) {
        let windows = std::mem::take(&mut *self.lock());
        windows.into_iter().for_each(|open| (open.hand_over)());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpenWindow>> {
        lock(&self.0)
    }
}
