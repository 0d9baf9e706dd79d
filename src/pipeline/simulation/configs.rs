//! The lanes that a run between threads may open.
//! It refuses to be thorough: few places and short clocks, so that things meet.

use super::{long, millis, secs, stock};
use crate::config::{Config, Overflow, QueueConfig, RetryPolicy};

/// One of them, by number: bit 0 the endpoint and whether slow requests count, bit 1 how long it tries, bit 2 what goes
/// when it is full, bits 3 and 4 the places.
pub(super) fn config(kind: u8) -> Config {
    let base = if kind & 2 == 0 { stock() } else { long() };
    let places = 1 + u32::from(kind >> 3 & 3);
    let overflow = if kind & 4 == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
    Config {
        endpoint: format!("http://place-{}:4318/v1/traces", kind & 1),
        queue: QueueConfig { max_spans: 40, max_bytes: 3_000, overflow },
        max_concurrency: places,
        max_under_way: if kind & 1 == 0 { 6 } else { places },
        retry: RetryPolicy {
            attempt_timeout: if kind & 2 == 0 { secs(10) } else { millis(700) },
            max_elapsed: secs(20),
            ..base.retry
        },
        ..base
    }
}
