//! What makes an object of members as they were written: one member per key, integer-like keys first, and the order
//! of the canonical text. Rows of one shape are ordered once.
//! It refuses to look into values.

use std::cmp::Ordering;

use bumpalo::Bump;

use super::{
    text::units,
    value::{Member, Object, Quoted},
};

/// Setting this key on an ordinary object sets its prototype instead: canonical text and schemas lose it.
pub(super) const PROTO: &[u8] = b"\"__proto__\"";

const SHAPES: usize = 8;

/// Builds objects in an arena and remembers the order of the last few shapes.
pub(super) struct ObjectBuilder<'a> {
    arena: &'a Bump,
    shapes: [Object<'a>; SHAPES],
    order: Vec<u32>,
}

impl<'a> ObjectBuilder<'a> {
    pub fn new(arena: &'a Bump) -> Self {
        Self { arena, shapes: [Object::default(); SHAPES], order: Vec::new() }
    }

    /// Makes an object; says whether it enumerates exactly what was written.
    pub fn build(&mut self, written: &[Member<'a>]) -> (&'a Object<'a>, bool) {
        let slot = shape_slot(written);
        if let Some(shape) = self.shapes.get(slot).filter(|shape| same_keys(shape.members, written))
        {
            let members = self.arena.alloc_slice_copy(written);
            return (self.arena.alloc(Object { members, sorted: shape.sorted }), true);
        }
        let is_verbatim = self.sort(written);
        if !is_verbatim {
            let members = enumerate(written, &self.order);
            self.sort(&members);
            return (self.finish(&members), false);
        }
        let object = self.finish(written);
        if let Some(shape) = self.shapes.get_mut(slot) {
            *shape = *object;
        }
        (object, true)
    }

    /// Fills `order` with the canonical order, equal keys in the order they were written. Says whether enumeration
    /// shows the members as they were written.
    fn sort(&mut self, written: &[Member<'a>]) -> bool {
        self.order.clear();
        self.order.extend(0..written.len() as u32);
        let key = |index: &u32| written.get(*index as usize).map_or(Quoted::EMPTY, |m| m.key);
        if written.is_sorted_by(|a, b| compare_keys(a.key, b.key) == Ordering::Less) {
            return true;
        }
        self.order.sort_unstable_by(|a, b| compare_places(written, *a, *b));
        let unique = self.order.is_sorted_by(|a, b| key(a) != key(b));
        let indices = self.order.iter().take_while(|index| array_index(key(index)).is_some());
        unique && indices.enumerate().all(|(place, index)| place == *index as usize)
    }

    fn finish(&self, members: &[Member<'a>]) -> &'a Object<'a> {
        let hidden = |index: &u32| {
            members.get(*index as usize).is_none_or(|member| member.key.json == PROTO)
        };
        let shows_all = !self.order.iter().any(hidden);
        let sorted = match shows_all && self.order.is_sorted() {
            true => None,
            false => Some(&*self.arena.alloc_slice_fill_iter(
                self.order.iter().filter(|i| !hidden(i)).copied().collect::<Vec<_>>(),
            )),
        };
        self.arena.alloc(Object { members: self.arena.alloc_slice_copy(members), sorted })
    }
}

/// One member per key, the first's place and the last's value, integer-like keys in front.
fn enumerate<'a>(written: &[Member<'a>], order: &[u32]) -> Vec<Member<'a>> {
    let at = |index: &u32| written.get(*index as usize).copied();
    let mut indexed = Vec::new();
    let mut named: Vec<(u32, Member<'a>)> = Vec::new();
    for twins in order.chunk_by(|a, b| at(a).map(|m| m.key) == at(b).map(|m| m.key)) {
        let (Some(place), Some(last)) = (twins.first(), twins.last().and_then(at)) else {
            continue;
        };
        match array_index(last.key) {
            Some(_) => indexed.push(last),
            None => named.push((*place, last)),
        }
    }
    named.sort_unstable_by_key(|(place, _)| *place);
    indexed.extend(named.into_iter().map(|(_, member)| member));
    indexed
}

fn shape_slot(members: &[Member<'_>]) -> usize {
    let length = |member: Option<&Member<'_>>| member.map_or(0, |member| member.key.json.len());
    (members.len() + length(members.first()) * 3 + length(members.last()) * 5) % SHAPES
}

fn same_keys(shape: &[Member<'_>], members: &[Member<'_>]) -> bool {
    shape.len() == members.len() && shape.iter().zip(members).all(|(a, b)| a.key.json == b.key.json)
}

/// The number that V8 takes a key for: "0" to "4294967294" without leading zeros.
pub(super) fn array_index(key: Quoted<'_>) -> Option<u32> {
    let digits = key.inner();
    match digits {
        [b'0'] => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 10 => {}
        _ => return None,
    }
    let mut number = 0u64;
    for digit in digits {
        number = number * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    u32::try_from(number).ok().filter(|number| *number != u32::MAX)
}

/// The members at two places by their keys, then by their places. A sort would have it inlined at a hundred places.
#[inline(never)]
fn compare_places(written: &[Member<'_>], a: u32, b: u32) -> Ordering {
    let key = |index: u32| written.get(index as usize).map_or(Quoted::EMPTY, |m| m.key);
    compare_keys(key(a), key(b)).then(a.cmp(&b))
}

/// Integer-like keys by number, before all others by UTF-16 code units.
pub(super) fn compare_keys(a: Quoted<'_>, b: Quoted<'_>) -> Ordering {
    match (array_index(a), array_index(b)) {
        (None, None) => {}
        (Some(a), Some(b)) => return a.cmp(&b),
        (a, _) => return if a.is_some() { Ordering::Less } else { Ordering::Greater },
    }
    if a.escaped || b.escaped {
        return units(a).cmp(units(b));
    }
    let (a, b) = (a.inner(), b.inner());
    // UTF-8 sorts as code points do. UTF-16 puts what needs surrogates (first byte 0xf0) before U+E000 to U+FFFF (0xee, 0xef).
    let rank = |byte: u8| if matches!(byte, 0xee | 0xef) { byte + 12 } else { byte };
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) => rank(*a).cmp(&rank(*b)),
        None => a.len().cmp(&b.len()),
    }
}
