//! What a connection and the requests on it must know of each other: owns how long it is kept without a request, and whether
//! the answer to its request has begun.
//! It refuses to close anything: the stream does, when its time is over.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Waker},
    time::Duration,
};

use hyper::{header::HeaderMap, http::Extensions};

use crate::{contain::contained, lock::lock};

/// Longest time without a request: longer than the usual schedule of exports, shorter than the minute after which many
/// servers and balancers close. So a request seldom meets a connection that is being closed (F8).
pub(super) const MAX_IDLE: Duration = Duration::from_secs(55);

/// The server's time begins when it has answered, ours when the answer is there.
const HINT_MARGIN: Duration = Duration::from_secs(1);

/// One connection's part in all of this; the connection and those who wait for its answers share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    max_idle: Duration,
    /// Exchanges that are reading an answer.
    readers: u32,
    /// An answer has come before the request that it carries now.
    is_used: bool,
    /// A byte of an answer has come that nobody has read to its end.
    has_answer: bool,
    /// Whoever closes the connection when its time is over.
    closer: Option<Waker>,
}

impl Default for State {
    fn default() -> State {
        State { max_idle: MAX_IDLE, readers: 0, is_used: false, has_answer: false, closer: None }
    }
}

impl Kept {
    /// That of the connection which carried a request or its answer.
    pub fn of(extensions: &Extensions) -> Option<&Kept> {
        extensions.get()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// The first byte of another request is written.
    pub fn next_request(&self) {
        let mut state = self.locked();
        (state.is_used, state.has_answer) = (true, false);
    }

    /// Bytes of an answer have come.
    pub fn note_answer(&self) {
        self.locked().has_answer = true;
    }

    /// Whether a byte of the answer to the last request has come.
    pub fn has_answer(&self) -> bool {
        self.locked().has_answer
    }

    /// Whether it carried a request before this one.
    pub fn is_used(&self) -> bool {
        self.locked().is_used
    }

    /// How long it may be quiet after an answer; `None` while somebody reads that. Whoever asks is woken when this changes.
    pub fn max_idle(&self, context: &Context<'_>) -> Option<Duration> {
        let mut state = self.locked();
        state.closer = Some(context.waker().clone());
        (state.readers == 0).then_some(state.max_idle)
    }

    /// Somebody reads an answer, with these headers, until the result is dropped.
    pub fn read_answer(&self, headers: &HeaderMap) -> Reading {
        let mut state = self.locked();
        state.readers += 1;
        state.max_idle = match hint(headers) {
            Some(seconds) => MAX_IDLE.min(seconds.saturating_sub(HINT_MARGIN)),
            None => MAX_IDLE,
        };
        Reading(self.clone())
    }
}

/// An answer is being read.
#[derive(Debug)]
pub(super) struct Reading(Kept);

impl Drop for Reading {
    fn drop(&mut self) {
        contained((), || {
            let mut state = self.0.locked();
            state.readers = state.readers.saturating_sub(1);
            state.has_answer = false;
            let closer = state.closer.take();
            drop(state);
            if let Some(closer) = closer {
                closer.wake();
            }
        });
    }
}

/// `Keep-Alive: timeout=5, max=100`.
fn hint(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("keep-alive")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))
        .and_then(|(_, seconds)| seconds.trim().parse().ok())
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn idle_after(values: &[&'static str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("keep-alive", value.parse().unwrap());
        }
        let kept = Kept::default();
        let context = Context::from_waker(Waker::noop());
        let reading = kept.read_answer(&headers);
        assert_eq!(kept.max_idle(&context), None, "it is not idle while an answer is read");
        drop(reading);
        kept.max_idle(&context)
    }

    #[test]
    fn the_servers_hint_shortens_the_time_and_nothing_lengthens_it() {
        let cases: [(&[&str], u64); 10] = [
            (&[], 55),
            (&["timeout=5"], 4),
            (&["timeout=5, max=100"], 4),
            (&["max=100,Timeout = 20"], 19),
            (&["max=3", "timeout=7"], 6),
            (&["timeout=600"], 55),
            (&["timeout=1"], 0),
            (&["timeout=0"], 0),
            (&["timeout=soon"], 55),
            (&["timeout=99999999999999999999999"], 55),
        ];
        for (values, seconds) in cases {
            assert_eq!(idle_after(values), Some(Duration::from_secs(seconds)), "{values:?}");
        }
    }
}
