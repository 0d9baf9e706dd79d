//! How long to wait before the next attempt. Pure: numbers in, numbers out.
//! It refuses to know clocks, and takes its randomness from the caller's generator.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use crate::config::RetryPolicy;

/// Source of jitter, so that a fleet of processes never retries in step. Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// Differs from process to process and from call to call.
    pub(crate) fn seeded_by_system() -> Self {
        Jitter(RandomState::new().build_hasher().finish())
    }

    #[cfg(test)]
    pub(crate) fn seeded(seed: u64) -> Self {
        Jitter(seed)
    }

    /// Uniform in [0, 1).
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A wait is longer or shorter than it would be without jitter by this part of it at most, as in the stock exporter. More
/// would make some batches use up their attempts before an outage is over that the stock exporter sits out.
const JITTER: f64 = 0.2;
/// Time that a wait which is shortened leaves to its attempt, or half of what there is.
const ATTEMPT: Duration = Duration::from_secs(2);
/// With less time no attempt is worth a request.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);
/// What the way to the sink and back may take on a busy machine.
const WAY: Duration = Duration::from_millis(50);

/// The wait before retry number `retry` (1 for the first).
pub(crate) fn backoff(policy: &RetryPolicy, retry: u32, jitter: &mut Jitter) -> Duration {
    let part = 1.0 + JITTER * (2.0 * jitter.next() - 1.0);
    mean_backoff(policy, retry).mul_f64(part).min(policy.max_backoff)
}

/// Time that an attempt needs where answers have taken `answer`: a quarter more, and what the way to the sink and back takes.
fn needed(answer: Option<Duration>) -> Duration {
    let needed = |answer: Duration| answer.saturating_add(answer / 4).saturating_add(WAY);
    answer.map_or(SHORTEST_ATTEMPT, |answer| needed(answer).max(SHORTEST_ATTEMPT))
}

/// Whether an attempt after `wait` still has some of the time `left`.
pub(crate) fn fits(wait: Duration, left: Duration) -> bool {
    wait.saturating_add(SHORTEST_ATTEMPT) <= left
}

/// The shorter wait of an attempt whose answer would come too late after `wait`, because answers have taken `answer`. `None`:
/// it comes in time, or it would come too late from an attempt made at once as well.
pub(crate) fn answered_wait(
    wait: Duration,
    left: Duration,
    answer: Option<Duration>,
) -> Option<Duration> {
    let latest = left.saturating_sub(needed(answer));
    (wait > latest && answer.is_some_and(|answer| answer <= left)).then_some(latest)
}

/// The wait before one last attempt where the ordinary `wait` does not fit into the time `left`. It is late, because the
/// endpoint has more time to come back then, and leaves time for the attempt: as much as answers have taken, if there is.
pub(crate) fn last_wait(
    wait: Duration,
    left: Duration,
    answer: Option<Duration>,
) -> Option<Duration> {
    let attempt = if wait <= left { SHORTEST_ATTEMPT } else { ATTEMPT.min(left / 2) };
    let shorter = left.saturating_sub(attempt);
    let latest = answered_wait(shorter, left, answer);
    let shorter = latest.unwrap_or(shorter);
    (fits(shorter, left) && (latest.is_some() || !shorter.is_zero())).then_some(shorter)
}

/// The wait without jitter.
pub(crate) fn mean_backoff(policy: &RetryPolicy, retry: u32) -> Duration {
    let growth = policy.multiplier.powi(retry.saturating_sub(1).min(64) as i32);
    let seconds = policy.initial_backoff.as_secs_f64() * growth;
    Duration::try_from_secs_f64(seconds).unwrap_or(policy.max_backoff).min(policy.max_backoff)
}
