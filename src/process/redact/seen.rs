//! The verdicts of a batch by key: the same text in memory is the same key, so none is looked at twice.
//! They lie in the order in which they were met, which most lists repeat: the next key is mostly the next one here.

use crate::process::rule::{NONE, Part, Verdict};

/// A key and what the rules say of it.
pub(super) struct Seen {
    at: usize,
    length: usize,
    pub(super) effect: Effect,
    pub(super) verdict: Verdict,
}

/// What a verdict comes to, for those who are in a hurry.
#[derive(Clone, Copy, PartialEq)]
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
    #[inline]
    pub(super) fn is_of(&self, key: &[u8]) -> bool {
        self.at == key.as_ptr() as usize && self.length == key.len()
    }
}

/// A part with more keys begins again.
const MOST_KEYS: usize = 256;
/// Most of them stay free, so that a search soon ends at a free one.
const PLACES: usize = 4 * MOST_KEYS;

/// The keys of each part.
#[derive(Default)]
pub(super) struct SeenKeys([Keys; Part::COUNT]);

#[derive(Default)]
struct Keys {
    seen: Vec<Seen>,
    /// By the hash of a key its number and one more; 0: nobody's. None before the first key.
    places: Vec<u16>,
}

impl SeenKeys {
    /// All keys of a part, as they were met.
    #[inline]
    pub(super) fn all(&self, part: Part) -> &[Seen] {
        self.0.get(part as usize).map(|keys| &*keys.seen).unwrap_or_default()
    }

    /// A key with those that were met after it, or nothing.
    #[inline(never)]
    pub(super) fn from(&self, part: Part, key: &[u8]) -> &[Seen] {
        self.0.get(part as usize).and_then(|keys| keys.from(key)).unwrap_or_default()
    }

    pub(super) fn put(&mut self, part: Part, key: &[u8], verdict: Verdict) {
        if let Some(keys) = self.0.get_mut(part as usize) {
            keys.put(key, verdict);
        }
    }
}

impl Keys {
    fn from(&self, key: &[u8]) -> Option<&[Seen]> {
        for place in places(key) {
            let number = usize::from(*self.places.get(place)?).checked_sub(1)?;
            let seen = self.seen.get(number..)?;
            if seen.first()?.is_of(key) {
                return Some(seen);
            }
        }
        None
    }

    fn put(&mut self, key: &[u8], verdict: Verdict) {
        if self.seen.len() >= MOST_KEYS || self.places.is_empty() {
            self.seen.clear();
            self.seen.reserve(MOST_KEYS);
            self.places.clear();
            self.places.resize(PLACES, 0);
        }
        let free = places(key).find(|place| self.places.get(*place) == Some(&0));
        let Some(place) = free.and_then(|place| self.places.get_mut(place)) else { return };
        let (at, length) = (key.as_ptr() as usize, key.len());
        self.seen.push(Seen { at, length, effect: Effect::of(&verdict), verdict });
        *place = self.seen.len() as u16;
    }
}

/// Where a key may be, one place behind the other.
#[inline]
fn places(key: &[u8]) -> impl Iterator<Item = usize> {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (key.as_ptr() as u64).wrapping_mul(SPREAD);
    let first = (mixed >> (u64::BITS - PLACES.trailing_zeros())) as usize;
    (first..first + PLACES).map(|place| place % PLACES)
}
