//! The end of the process, seen from below JavaScript: spans that nobody has waited for, because the main thread never
//! loaded the library, because a worker handed them over after the `exit` event or because another listener of that event
//! ended the process first, get what time there is left.
//! It refuses to wait where the main thread has waited its time out, and to do anything but wait on the thread that ends
//! the process: whatever locks that thread holds and however few thread-locals it has left, it goes on in time.

use std::{
    sync::{Arc, Condvar, Mutex, Once},
    thread,
    time::Instant,
};

use crate::{
    contain::contained,
    lock::lock,
    pipeline::{
        drain::drain_blocking,
        engine::Engine,
        lane::Lane,
        platform::{at_process_end, is_forked_child, leave_signals_to_the_host},
    },
};

/// From now on the end of the process waits for the engine of the process.
pub(crate) fn watch() {
    extern "C" fn ends() {
        contained((), wait);
    }
    static WATCH: Once = Once::new();
    WATCH.call_once(|| at_process_end(ends));
}

/// Waits on a thread of its own, which has all its thread-locals and holds no lock.
fn wait() {
    if is_forked_child() {
        return;
    }
    let Some(engine) = Engine::existing().filter(|engine| engine.threads() > 0) else { return };
    let began = Instant::now();
    let limit = engine.exit_times().deadline().unwrap_or(began + engine.exit_times().longest());
    if limit <= began {
        return;
    }
    let over = Arc::new((Mutex::new(false), Condvar::new()));
    let waiting = Over(Arc::clone(&over));
    let spawned = thread::Builder::new().name("offloop-exit".to_owned()).spawn(move || {
        leave_signals_to_the_host();
        contained((), || drain(&engine, began));
        drop(waiting);
    });
    if spawned.is_err() {
        return;
    }
    let (is_over, changed) = &*over;
    let is_over = lock(is_over);
    drop(changed.wait_timeout_while(is_over, limit - began, |is_over| !*is_over));
}

/// An exporter whose environment has waited for it is not waited for again.
fn drain(engine: &Engine, began: Instant) {
    engine.hand_over_windows();
    let is_owed = |lane: &Lane| !lane.has_waited() && lane.ledger.pending() > 0;
    let clients: Vec<_> =
        engine.clients().into_iter().filter(|client| is_owed(&client.lane)).collect();
    let allowed = clients.iter().map(|client| client.lane.config.exit_timeout);
    let longest = allowed.max().unwrap_or_default();
    drain_blocking(clients, engine.exit_times().deadline().unwrap_or(began + longest));
}

/// Lets the end of the process go on when it is dropped.
struct Over(Arc<(Mutex<bool>, Condvar)>);

impl Drop for Over {
    fn drop(&mut self) {
        contained((), || {
            *lock(&self.0.0) = true;
            self.0.1.notify_one();
        });
    }
}
