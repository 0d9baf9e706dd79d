//! How long the turns of a loop were: a histogram that one thread fills and any thread reads.
//! It refuses to lock and to forget: who wants an interval subtracts two snapshots.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Linear steps within a power of two: a value is known to 1/8.
const STEPS: u32 = 8;
/// Up to 2^27 µs, about two minutes; longer turns are in the last bucket.
const BUCKETS: usize = (27 - 2) * STEPS as usize;

/// Lengths of turns. One writer.
#[derive(Debug)]
pub struct Delays {
    buckets: Box<[AtomicU32]>,
    micros: AtomicU64,
    square_micros: AtomicU64,
    max_micros: AtomicU64,
}

impl Default for Delays {
    fn default() -> Self {
        Delays {
            buckets: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            micros: AtomicU64::new(0),
            square_micros: AtomicU64::new(0),
            max_micros: AtomicU64::new(0),
        }
    }
}

/// All turns up to a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    buckets: Vec<u32>,
    micros: u64,
    square_micros: u64,
    max_micros: u64,
}

/// What an interval looked like; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Turns.
    pub count: u64,
    /// Shortest.
    pub min: f64,
    /// Longest.
    pub max: f64,
    /// Average.
    pub mean: f64,
    /// Standard deviation.
    pub stddev: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl Delays {
    /// Counts `turns` of the same length. A load and a store instead of a locked addition: there is one writer.
    pub fn record(&self, nanos: u64, turns: u64) {
        let micros = nanos / 1000;
        if let Some(bucket) = self.buckets.get(bucket_of(micros)) {
            bucket.store(bucket.load(Relaxed).wrapping_add(turns as u32), Relaxed);
        }
        let sum = nanos.saturating_mul(turns) / 1000;
        self.micros.store(self.micros.load(Relaxed).wrapping_add(sum), Relaxed);
        let square = sum.saturating_mul(micros);
        let square = self.square_micros.load(Relaxed).saturating_add(square);
        self.square_micros.store(square, Relaxed);
        if micros > self.max_micros.load(Relaxed) {
            self.max_micros.store(micros, Relaxed);
        }
    }

    /// Everything counted so far.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            buckets: self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
            micros: self.micros.load(Relaxed),
            square_micros: self.square_micros.load(Relaxed),
            max_micros: self.max_micros.load(Relaxed),
        }
    }
}

impl Snapshot {
    /// What came after `earlier`.
    pub fn since(&self, earlier: &Snapshot) -> Summary {
        let earlier_counts = earlier.buckets.iter().copied().chain(std::iter::repeat(0));
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .zip(earlier_counts)
            .map(|(now, then)| u64::from(now.wrapping_sub(then)))
            .collect();
        let count: u64 = counts.iter().sum();
        if count == 0 {
            return Summary::default();
        }
        let at = |rank: f64| {
            let wanted = (count as f64 * rank).ceil().max(1.0) as u64;
            let mut seen = 0;
            let bucket = counts.iter().position(|of_bucket| {
                seen += of_bucket;
                seen >= wanted
            });
            upper_micros(bucket.unwrap_or_default()).min(self.max_micros) as f64 / 1e3
        };
        let mean = self.micros.wrapping_sub(earlier.micros) as f64 / count as f64;
        let squares = self.square_micros.saturating_sub(earlier.square_micros) as f64;
        let variance = (squares / count as f64 - mean * mean).max(0.0);
        Summary {
            count,
            min: at(0.0),
            max: at(1.0),
            mean: mean / 1e3,
            stddev: variance.sqrt() / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
        }
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < u64::from(STEPS) {
        return micros as usize;
    }
    let power = micros.ilog2(); // 3 or more
    let step = (micros >> (power - 3)) as u32 - STEPS;
    (((power - 2) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper_micros(bucket: usize) -> u64 {
    let (power, step) = (bucket as u32 / STEPS, bucket as u32 % STEPS);
    if power == 0 {
        return u64::from(step);
    }
    (u64::from(STEPS + step + 1) << (power - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_keep_an_eighth() {
        let mut last = 0;
        for micros in 0..200_000 {
            let bucket = bucket_of(micros);
            assert!(bucket == last || bucket == last + 1, "{micros}");
            last = bucket;
            let upper = upper_micros(bucket);
            assert!(micros <= upper && upper <= micros + micros / 8 + 1, "{micros} in ..={upper}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn an_interval_is_the_difference_of_two_snapshots() {
        let delays = Delays::default();
        delays.record(1_000_000_000, 1);
        let before = delays.snapshot();
        for millis in 1..=100 {
            delays.record(millis * 1_000_000, 1);
        }
        let summary = delays.snapshot().since(&before);
        assert_eq!(summary.count, 100);
        assert!((summary.mean - 50.5).abs() < 0.01, "{summary:?}");
        assert!((summary.p50 - 50.0).abs() < 7.0 && (summary.p99 - 99.0).abs() < 13.0);
        assert!((summary.max - 100.0).abs() < 13.0 && summary.min < 1.2, "{summary:?}");
        assert!((summary.stddev - 28.87).abs() < 0.1);
        let all = delays.snapshot().since(&Snapshot::default());
        assert_eq!(all.max, 1000.0, "never beyond the longest");
        assert_eq!(delays.snapshot().since(&delays.snapshot()), Summary::default());
    }
}
