//! `facets`: the most frequent keys and values of the spans of a filter, each with the term that asks for it.

use std::collections::HashMap;

use super::{Answer, Asked, Cache, ROOM};
use crate::{
    dictionary::ValueId,
    index::{Index, NONE, UNKNOWN_SERVICE},
    json::Json,
    query::{Facet, FacetOf, Place, facets, quoted, term_for},
    sorted::sort_by,
    span_flags::Flags,
    value::Value,
};

const MOST_KEYS: usize = 60;
const MOST_VALUES: usize = 10;

pub(super) fn of_spans(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let found = cache.matches(asked)?;
    let index = asked.index;
    let all = facets(index, &found.rows);
    asked.check()?;
    let mut json = asked.json();
    json.name("matchedSpans").number(found.rows.len() as u64);
    json.name("notSearched").number(found.not_searched).name("keys").array();
    fields(&mut json, index, &found.rows);
    let shown = all.iter().filter(|facet| !is_service(index, facet));
    let mut left = shown.clone().count();
    for facet in shown.take(MOST_KEYS) {
        if json.len() > ROOM {
            break;
        }
        left -= 1;
        attribute(&mut json, index, facet);
    }
    json.end_array().name("more").number(left as u64).end_object();
    Ok(json)
}

/// It is among the fields.
fn is_service(index: &Index, facet: &Facet) -> bool {
    facet.of == FacetOf::Resource && index.dictionary.text(facet.key) == "service.name"
}

fn attribute(json: &mut Json, index: &Index, facet: &Facet) {
    let (place, key) = match (index.dictionary.value(facet.key), facet.of) {
        (Value::EventKey(key), _) => (Place::Event, key),
        (_, FacetOf::Span) => (Place::SpanOrResource, index.dictionary.text(facet.key)),
        (_, FacetOf::Resource) => (Place::Resource, index.dictionary.text(facet.key)),
    };
    let name = match place {
        Place::Event => ["event.", key].concat(),
        Place::Resource => ["resource.", key].concat(),
        _ => key.to_owned(),
    };
    json.object().name("key").text(&name).name("count").number(facet.count.into());
    json.name("values").array();
    for (id, count) in facet.values.iter().take(MOST_VALUES) {
        let value = index.dictionary.value(*id);
        let term = term_for(place, key, value);
        item(json, &value.to_string(), *count, term.as_deref());
    }
    json.end_array();
    json.name("more").number(facet.values.len().saturating_sub(MOST_VALUES) as u64).end_object();
}

fn item(json: &mut Json, value: &str, count: u32, term: Option<&str>) {
    json.object().name("value").text(value).name("count").number(count.into());
    if let Some(term) = term {
        json.name("term").text(term);
    }
    json.end_object();
}

/// What is no attribute: service, name, kind and status.
fn fields(json: &mut Json, index: &Index, rows: &[u32]) {
    let mut resources = vec![0_u32; index.resources()];
    let mut names: HashMap<ValueId, u32> = HashMap::new();
    let mut flags: HashMap<Flags, u32> = HashMap::new();
    for span in rows.iter().filter_map(|row| index.span(*row)) {
        if let Some(count) = resources.get_mut(span.resource as usize) {
            *count += 1;
        }
        *names.entry(span.name).or_default() += 1;
        *flags.entry(span.flags.kind_and_status()).or_default() += 1;
    }
    let mut services: HashMap<ValueId, u32> = HashMap::new();
    for (resource, count) in (0..).zip(resources).filter(|(_, count)| *count > 0) {
        *services.entry(index.service_id(resource).unwrap_or(NONE)).or_default() += count;
    }
    let text = |id: &ValueId| match *id {
        NONE => UNKNOWN_SERVICE.to_owned(),
        id => index.dictionary.text(id).to_owned(),
    };
    let by = |word: fn(Flags) -> &'static str| {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for (flags, count) in &flags {
            *counts.entry(word(*flags)).or_default() += count;
        }
        counts.into_iter().map(|(word, count)| (word.to_owned(), count)).collect()
    };
    field(json, "service", services.iter().map(|(id, count)| (text(id), *count)).collect());
    field(json, "name", names.iter().map(|(id, count)| (text(id), *count)).collect());
    field(json, "kind", by(Flags::kind));
    field(json, "status", by(Flags::status));
}

fn field(json: &mut Json, name: &str, mut counts: Vec<(String, u32)>) {
    let total: u32 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return;
    }
    sort_by(&mut counts, |one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
    json.object().name("key").text(name).name("count").number(total.into());
    json.name("values").array();
    for (value, count) in counts.iter().take(MOST_VALUES) {
        let term = [name, "=", &quoted(value)].concat();
        item(json, value, *count, Some(&term));
    }
    json.end_array();
    json.name("more").number(counts.len().saturating_sub(MOST_VALUES) as u64).end_object();
}
