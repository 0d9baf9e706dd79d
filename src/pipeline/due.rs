//! Work for a later time that is done in any case: also when the thread that keeps the time ends before.

use crate::contain::contained;

/// Something to do on the I/O thread at a given time, or at once when that thread ends before.
pub(crate) struct Due(Option<Box<dyn FnOnce() + Send>>);

impl Due {
    pub(crate) fn new(work: impl FnOnce() + Send + 'static) -> Self {
        Due(Some(Box::new(work)))
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        contained((), || {
            if let Some(work) = self.0.take() {
                work();
            }
        });
    }
}

impl std::fmt::Debug for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Due")
    }
}
