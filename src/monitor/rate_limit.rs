//! How many spans one place in the code may make per minute. Pure: it is told the time.
//! It refuses to forget a block: what it suppresses is counted by its caller.

use std::{collections::HashMap, time::Duration};

use crate::clock::Moment;

const MINUTE: Duration = Duration::from_secs(60);
/// Places remembered at most.
const MAX_PLACES: usize = 1024;

/// Spans of the current minute, by fingerprint of the stack.
#[derive(Debug)]
pub struct RateLimit {
    per_minute: u32,
    places: HashMap<u64, Minute>,
}

#[derive(Debug)]
struct Minute {
    since: Moment,
    spans: u32,
}

impl RateLimit {
    /// `per_minute` spans for each place.
    pub fn new(per_minute: u32) -> Self {
        RateLimit { per_minute, places: HashMap::new() }
    }

    /// Whether one more span may be made.
    pub fn allows(&mut self, fingerprint: u64, now: Moment) -> bool {
        if self.places.len() >= MAX_PLACES {
            self.places.retain(|_, minute| now.since(minute.since) < MINUTE);
        }
        if self.places.len() >= MAX_PLACES {
            return false;
        }
        let minute = self.places.entry(fingerprint).or_insert(Minute { since: now, spans: 0 });
        if now.since(minute.since) >= MINUTE {
            *minute = Minute { since: now, spans: 0 };
        }
        minute.spans += 1;
        minute.spans <= self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gets_its_spans_per_minute_and_others_theirs() {
        let mut limit = RateLimit::new(2);
        let at = |seconds| Moment(Duration::from_secs(seconds));
        assert_eq!([1, 2, 3, 59].map(|s| limit.allows(7, at(s))), [true, true, false, false]);
        assert!(limit.allows(8, at(59)));
        assert!(limit.allows(7, at(61)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut limit = RateLimit::new(1);
        let allowed = (0..5000).filter(|place| limit.allows(*place, Moment::default())).count();
        assert_eq!(allowed, MAX_PLACES);
        assert!(limit.allows(9999, Moment(MINUTE)), "a new minute");
    }
}
