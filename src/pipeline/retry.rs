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

/// Part of the longest wait that is always waited: full jitter without it could mean no wait at all.
const FLOOR: f64 = 0.1;

/// The wait before retry number `retry` (1 for the first).
pub(crate) fn backoff(policy: &RetryPolicy, retry: u32, jitter: &mut Jitter) -> Duration {
    let part = jitter.next().max(FLOOR);
    longest_backoff(policy, retry).mul_f64(part)
}

/// The wait before jitter.
pub(crate) fn longest_backoff(policy: &RetryPolicy, retry: u32) -> Duration {
    let growth = policy.multiplier.powi(retry.saturating_sub(1).min(64) as i32);
    let seconds = policy.initial_backoff.as_secs_f64() * growth;
    Duration::try_from_secs_f64(seconds).unwrap_or(policy.max_backoff).min(policy.max_backoff)
}
