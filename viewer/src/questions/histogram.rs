//! `histogram`: how many spans of a filter take how long. Each doubling of the duration has the same number of buckets, as
//! many as fit.

use super::{Answer, Asked, Cache};

const MOST_BUCKETS: u64 = 120;
/// A doubling has two to the power of this many buckets, if there is room.
const FINEST: u32 = 3;

/// The bucket of a duration: durations below a full set of buckets have one each.
fn bucket(duration: u64, bits: u32) -> u64 {
    let shift = duration.checked_ilog2().map_or(0, |octave| octave.saturating_sub(bits));
    (u64::from(shift) << bits) + (duration >> shift)
}

/// The shortest duration of a bucket.
fn shortest(bucket: u64, bits: u32) -> u64 {
    let shift = (bucket >> bits).saturating_sub(1);
    let rest = u128::from(bucket - (shift << bits)) << shift;
    u64::try_from(rest).unwrap_or(u64::MAX)
}

pub(super) fn histogram(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let found = cache.matches(asked)?;
    let spans = || found.rows.iter().filter_map(|row| asked.index.span(*row));
    let (mut least, mut most) = (u64::MAX, 0);
    for span in spans() {
        least = least.min(span.duration);
        most = most.max(span.duration);
    }
    asked.check()?;
    let count = |bits: u32| bucket(most, bits).saturating_sub(bucket(least, bits)) + 1;
    let bits = (0..=FINEST).rev().find(|bits| count(*bits) <= MOST_BUCKETS).unwrap_or(0);
    let first = bucket(least.min(most), bits);
    let mut counts =
        vec![(0_u64, 0_u64); if found.rows.is_empty() { 0 } else { count(bits) as usize }];
    for span in spans() {
        let place = bucket(span.duration, bits) - first;
        if let Some((all, errors)) = counts.get_mut(place as usize) {
            *all += 1;
            *errors += u64::from(span.flags.is_error());
        }
    }
    let mut json = asked.json();
    json.name("notSearched").number(found.not_searched).name("buckets").array();
    for (bucket, (all, errors)) in (first..).zip(counts) {
        json.object().name("from").number(shortest(bucket, bits));
        json.name("to").number(shortest(bucket + 1, bits));
        json.name("count").number(all).name("errors").number(errors).end_object();
    }
    json.end_array().end_object();
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v47_every_duration_is_in_the_bucket_whose_limits_are_around_it() {
        for bits in 0..=FINEST {
            let mut before = None;
            let near = (0..64).flat_map(|octave| {
                let power = 1_u64 << octave;
                [power - 1, power, power + 1, power + power / 3, power + power / 7 * 5]
            });
            let mut durations: Vec<u64> = near.chain([u64::MAX, 0, 5, 6, 7]).collect();
            durations.sort_unstable();
            for duration in durations {
                let number = bucket(duration, bits);
                let to = shortest(number + 1, bits);
                assert!(shortest(number, bits) <= duration, "{duration} {bits}");
                assert!(duration < to || to == u64::MAX, "{duration} {bits}");
                assert!(before.is_none_or(|before| before <= number), "{duration} {bits}");
                before = Some(number);
            }
        }
        assert!(bucket(u64::MAX, 0) < MOST_BUCKETS);
    }
}
