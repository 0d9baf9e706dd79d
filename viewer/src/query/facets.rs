//! Which keys and values the spans of a filter have most often.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::{
    dictionary::ValueId,
    index::{Attribute, Index, NONE},
    sorted::sort_by_key,
    value::Value,
};

/// Where a key stands: in spans and their events, or in resources.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Of {
    Span,
    Resource,
}

/// A key, how many spans have it, and how many have which value of it, the most frequent first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Facet {
    pub of: Of,
    pub key: ValueId,
    pub count: u32,
    pub values: Vec<(ValueId, u32)>,
}

/// A count of spans; each counts once, however often it has the same.
#[derive(Clone, Copy)]
struct Count {
    key: ValueId,
    count: u32,
    /// The row that was counted last, and one.
    seen: u32,
}

const NOTHING: Count = Count { key: NONE, count: 0, seen: 0 };

/// Counts of pairs of a key and a value. Nearly every value belongs to one key, so it has a place of its own; the others
/// are in a table.
struct Counts {
    by_value: Vec<Count>,
    others: HashMap<Attribute, Count, RandomState>,
    by_key: HashMap<ValueId, Count, RandomState>,
}

impl Counts {
    fn new(index: &Index) -> Counts {
        Counts {
            by_value: vec![NOTHING; index.dictionary.len()],
            others: HashMap::default(),
            by_key: HashMap::default(),
        }
    }

    /// Counts the attributes of so many spans; `row` is one of them.
    fn add(&mut self, attributes: &[Attribute], row: u32, spans: u32) {
        let seen = row.wrapping_add(1);
        let mut before = NONE;
        for attribute in attributes {
            if attribute.key != before {
                let nothing = Count { key: attribute.key, ..NOTHING };
                once(self.by_key.entry(attribute.key).or_insert(nothing), seen, spans);
                before = attribute.key;
            }
            let Some(place) = self.by_value.get_mut(attribute.value as usize) else { continue };
            if place.key == NONE {
                place.key = attribute.key;
            }
            if place.key == attribute.key {
                once(place, seen, spans);
            } else {
                let nothing = Count { key: attribute.key, ..NOTHING };
                once(self.others.entry(*attribute).or_insert(nothing), seen, spans);
            }
        }
    }

    fn facets(self, index: &Index, of: Of) -> Vec<Facet> {
        let mut places = HashMap::new();
        let mut facets: Vec<Facet> = Vec::new();
        for (key, count) in self.by_key {
            places.insert(key, facets.len());
            facets.push(Facet { of, key, count: count.count, values: Vec::new() });
        }
        let main = (0..).zip(&self.by_value).filter(|(_, count)| count.count > 0);
        let others = self.others.iter().map(|(attribute, count)| (attribute.value, count));
        for (value, count) in main.chain(others) {
            // A value that was not indexed says nothing.
            if index.dictionary.value(value) == Value::InFile {
                continue;
            }
            let facet = places.get(&count.key).and_then(|place| facets.get_mut(*place));
            if let Some(facet) = facet {
                facet.values.push((value, count.count));
            }
        }
        facets
    }
}

fn once(count: &mut Count, seen: u32, spans: u32) {
    if count.seen != seen {
        count.seen = seen;
        count.count += spans;
    }
}

/// The facets of the spans in `rows`, the most frequent key first.
pub(crate) fn facets(index: &Index, rows: &[u32]) -> Vec<Facet> {
    let mut counts = Counts::new(index);
    let mut resources = vec![0_u32; index.resources()];
    for row in rows {
        counts.add(index.attributes_of(*row), *row, 1);
        let resource = index.span(*row).map_or(NONE, |span| span.resource);
        if let Some(count) = resources.get_mut(resource as usize) {
            *count += 1;
        }
    }
    let mut facets = counts.facets(index, Of::Span);
    let mut counts = Counts::new(index);
    for (resource, spans) in (0..).zip(resources).filter(|(_, spans)| *spans > 0) {
        counts.add(index.resource(resource), resource, spans);
    }
    facets.extend(counts.facets(index, Of::Resource));
    for facet in &mut facets {
        sort_by_key(&mut facet.values, |(value, count)| (!u64::from(*count), (*value).into()));
    }
    sort_by_key(&mut facets, |facet| {
        let of = u64::from(facet.of == Of::Resource);
        (!u64::from(facet.count), of << 32 | u64::from(facet.key))
    });
    facets
}
