//! The runtime under the I/O thread: sockets and timers, made with what the system has left.
//! It refuses to know what runs on it.

use std::{future::Future, io, thread, time::Duration};

use tokio::runtime::{Builder, Runtime};

use crate::{
    contain::contained,
    pipeline::faults::{Faults, Stage},
};

/// Pauses before each further try to make one for a thread that runs already.
const PAUSES_MILLIS: [u64; 4] = [10, 40, 100, 250];

const TURNS_PER_LOOK: u32 = 8;

/// A private single-threaded runtime.
pub(crate) struct Reactor(Option<Runtime>);

impl Reactor {
    /// Fails where no descriptor is free.
    pub(crate) fn new(faults: &Faults) -> io::Result<Reactor> {
        if faults.strikes(Stage::Reactor) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            // Two threads at most for name look-ups, which cannot be cancelled.
            .max_blocking_threads(2)
            // Sockets are looked at after so many turns of tasks: a busy connection must not keep others waiting.
            .event_interval(TURNS_PER_LOOK)
            .build()?;
        Ok(Reactor(Some(runtime)))
    }

    /// One in place of another that is gone; `None` if the system has nothing for it for half a second.
    pub(super) fn again(faults: &Faults) -> Option<Reactor> {
        let first = Reactor::new(faults);
        first.ok().or_else(|| {
            PAUSES_MILLIS.into_iter().find_map(|pause| {
                thread::sleep(Duration::from_millis(pause));
                Reactor::new(faults).ok()
            })
        })
    }

    /// Runs `work` to its end on this thread.
    pub(super) fn run(&self, work: impl Future<Output = ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(work);
        }
    }
}

/// A hanging name look-up must not hold anyone: its thread is left behind. That also makes it legal to drop one inside
/// of somebody else's runtime.
impl Drop for Reactor {
    fn drop(&mut self) {
        contained((), || {
            if let Some(runtime) = self.0.take() {
                runtime.shutdown_background();
            }
        });
    }
}
