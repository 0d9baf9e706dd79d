//! The verdicts of a batch by key: the same text in memory is the same key, so none is looked at twice.

use crate::process::rule::{NONE, Part, Verdict};

/// A key and what the rules say of it.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    at: usize,
    length: usize,
    part: Part,
    pub(super) effect: Effect,
    pub(super) verdict: Verdict,
}

/// What a verdict comes to, for those who are in a hurry.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Nothing,
    /// Texts are searched, and nothing else happens.
    Search,
    Other,
}

impl Effect {
    fn of(verdict: &Verdict) -> Effect {
        let rules = [verdict.gone, verdict.structured, verdict.whole, verdict.truncate];
        let is_alone = rules.iter().all(|rule| *rule == NONE);
        match verdict.detectors {
            _ if !is_alone || verdict.is_key_hit || verdict.is_unjudged => Effect::Other,
            0 => Effect::Nothing,
            _ => Effect::Search,
        }
    }
}

impl Seen {
    const NOTHING: Seen = Seen {
        at: usize::MAX,
        length: 0,
        part: Part::Attributes,
        effect: Effect::Other,
        verdict: Verdict::NOTHING,
    };

    #[inline]
    fn is_of(&self, part: Part, key: &[u8]) -> bool {
        self.at == key.as_ptr() as usize && self.length == key.len() && self.part == part
    }
}

/// Of more keys than that some are looked at again.
const PLACES: usize = 256;
/// Places where a key may be, one behind the other.
const TRIES: usize = 4;

/// A table of fixed size.
pub(super) struct SeenKeys(Vec<Seen>);

impl SeenKeys {
    pub(super) fn new() -> SeenKeys {
        SeenKeys(vec![Seen::NOTHING; PLACES])
    }

    /// For whoever never asks twice.
    pub(super) fn without_places() -> SeenKeys {
        SeenKeys(Vec::new())
    }

    #[inline]
    pub(super) fn get(&self, part: Part, key: &[u8]) -> Option<&Seen> {
        let first = first_place(part, key);
        let seen = self.0.get(first)?;
        if seen.is_of(part, key) {
            return Some(seen);
        }
        places(first).filter_map(|place| self.0.get(place)).find(|seen| seen.is_of(part, key))
    }

    /// Takes the first place that is free; where none is, another key gives up its own.
    pub(super) fn put(&mut self, part: Part, key: &[u8], verdict: Verdict) {
        let first = first_place(part, key);
        let is_free = |place: &usize| self.0.get(*place).is_some_and(|seen| seen.at == usize::MAX);
        let place = places(first).find(is_free).unwrap_or(first);
        if let Some(seen) = self.0.get_mut(place) {
            let (at, length) = (key.as_ptr() as usize, key.len());
            *seen = Seen { at, length, part, effect: Effect::of(&verdict), verdict };
        }
    }
}

#[inline]
fn first_place(part: Part, key: &[u8]) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (key.as_ptr() as u64 ^ (part as u64) << 48).wrapping_mul(SPREAD);
    (mixed >> (u64::BITS - PLACES.trailing_zeros())) as usize
}

#[inline]
fn places(first: usize) -> impl Iterator<Item = usize> {
    (first..first + TRIES).map(|place| place % PLACES)
}
