//! The end of a process: waits for everything accepted, by several exporters at once, within one budget.
//! It refuses to end anything: what is left afterwards is still on its way.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use crate::{
    lock::lock,
    pipeline::{flush::FlushMode, lane::Lane, messages::Client},
    stats::BreakerState,
};

/// Takes the number of spans left; runs on a Rust thread or inside the call, must not block.
pub type DrainDone = Box<dyn FnOnce(u64) + Send>;

struct Waiting {
    clients: Vec<Arc<Client>>,
    /// Those not over yet, by index.
    open: Vec<bool>,
    done: Option<DrainDone>,
}

/// Calls `done` when everything that `clients` have accepted is terminal or has proved to have nowhere to go, after
/// `timeout` at the latest.
pub(crate) fn drain(clients: Vec<Arc<Client>>, timeout: Duration, done: DrainDone) {
    let clients: Vec<_> =
        clients.into_iter().filter(|client| client.lane.ledger.pending() > 0).collect();
    if clients.is_empty() {
        return done(0);
    }
    let waiting =
        Waiting { open: vec![true; clients.len()], clients: clients.clone(), done: Some(done) };
    let waiting = Arc::new(Mutex::new(waiting));
    for (index, client) in clients.iter().enumerate() {
        // The attempt mode makes waiting batches due; the terminal one tells when all is over.
        for mode in [FlushMode::Attempt, FlushMode::Terminal] {
            let waiting = Arc::clone(&waiting);
            let over = Box::new(move |_| part_over(&waiting, index, mode));
            client.flush(mode, timeout, over);
        }
    }
}

/// Blocks until everything that `clients` have accepted is terminal or has proved to have nowhere to go, or until
/// `deadline`. Returns the spans left.
pub(crate) fn drain_blocking(clients: Vec<Arc<Client>>, deadline: Instant) -> u64 {
    let (over, waited) = mpsc::channel();
    let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let done = move |_| {
        let _ = over.send(());
    };
    drain(clients.clone(), left(deadline), Box::new(done));
    let _ = waited.recv_timeout(left(deadline));
    pending(&clients)
}

/// What an exporter owes, and what has become of the rest. For whoever tells what the end of the process costs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owing {
    /// Tells it from every other exporter of the process.
    pub lane: usize,
    /// Where its spans are to go, as it may be shown.
    pub endpoint: String,
    /// Spans accepted and not terminal.
    pub pending: u64,
    /// Spans lost so far.
    pub dropped: u64,
    /// Why what waits could not be delivered so far.
    pub trouble: Option<String>,
}

pub(crate) fn owing(clients: &[Arc<Client>]) -> Vec<Owing> {
    let of = |client: &Arc<Client>| {
        let lane = &client.lane;
        let stats = lane.ledger.snapshot();
        Owing {
            lane: Arc::as_ptr(lane).addr(),
            endpoint: lane.herald.shown_endpoint().to_owned(),
            pending: stats.pending,
            dropped: stats.dropped.total(),
            trouble: lane.ledger.trouble(),
        }
    };
    clients.iter().map(of).collect()
}

pub(crate) fn pending(clients: &[Arc<Client>]) -> u64 {
    clients.iter().map(|client| client.lane.ledger.pending()).sum()
}

fn part_over(waiting: &Mutex<Waiting>, index: usize, mode: FlushMode) {
    let done = {
        let mut waiting = lock(waiting);
        let waiting = &mut *waiting;
        let hopeless =
            || waiting.clients.get(index).is_some_and(|client| is_hopeless(&client.lane));
        if mode == FlushMode::Attempt && !hopeless() {
            return;
        }
        if let Some(open) = waiting.open.get_mut(index) {
            *open = false;
        }
        if waiting.open.contains(&true) {
            return;
        }
        waiting.done.take().map(|done| (done, pending(&waiting.clients)))
    };
    if let Some((done, left)) = done {
        done(left);
    }
}

/// Every batch has just had an attempt, and nobody was there: a later one would find the same.
fn is_hopeless(lane: &Lane) -> bool {
    let stats = lane.ledger.snapshot();
    stats.refused_connection || stats.breaker != BreakerState::Closed
}
