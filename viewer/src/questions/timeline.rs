//! `timeline`: how many spans of a filter begin when, and the slowest of them. Blocks of the event loop are those of all
//! services in that time, whatever the filter.

use super::{Answer, Asked, Cache};
use crate::query::block_rows;

const MOST_BUCKETS: u64 = 1000;

#[derive(Clone, Default)]
struct Bucket {
    count: u64,
    errors: u64,
    longest: u64,
    blocks: u64,
}

pub(super) fn timeline(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let number = asked.with.number("buckets", 120, MOST_BUCKETS)?.max(1);
    let found = cache.matches(asked)?;
    let index = asked.index;
    let with_start = || {
        let spans = found.rows.iter().filter_map(|row| index.span(*row));
        spans.filter(|span| span.start > 0)
    };
    let (mut from, mut to) = (u64::MAX, 0);
    for span in with_start() {
        from = from.min(span.start);
        to = to.max(span.start);
    }
    asked.check()?;
    let mut json = asked.json();
    json.name("notSearched").number(found.not_searched);
    if from > to {
        json.name("from").time(0).name("to").time(0).name("buckets").array().end_array();
        json.end_object();
        return Ok(json);
    }
    // The last start is before the end of the last bucket.
    let width = ((to - from) / number + 1).max(1);
    let mut buckets = vec![Bucket::default(); ((to - from) / width + 1) as usize];
    for span in with_start() {
        if let Some(bucket) = buckets.get_mut(((span.start - from) / width) as usize) {
            bucket.count += 1;
            bucket.errors += u64::from(span.flags.is_error());
            bucket.longest = bucket.longest.max(span.duration);
        }
    }
    for span in block_rows(index).iter().filter_map(|row| index.span(*row)) {
        let place = span.start.checked_sub(from).map(|since| since / width);
        if let Some(bucket) = place.and_then(|place| buckets.get_mut(place as usize)) {
            bucket.blocks += 1;
        }
    }
    json.name("from").time(from);
    json.name("to").time(from.saturating_add(width.saturating_mul(buckets.len() as u64)));
    json.name("buckets").array();
    for Bucket { count, errors, longest, blocks } in buckets {
        json.object().name("count").number(count).name("errors").number(errors);
        json.name("longest").number(longest).name("blocks").number(blocks).end_object();
    }
    json.end_array().end_object();
    Ok(json)
}
