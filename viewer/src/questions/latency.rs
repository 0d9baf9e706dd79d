//! `latency`: how long the spans of a filter take, by operation or something else, that with the most self time first.

use super::{Answer, Asked, Cache, ROOM};
use crate::{
    json::Json,
    query::{By, Group, latency, with_blocks_once},
};

const MOST_ITEMS: u64 = 500;

pub(super) fn by(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let by = match asked.with.get("by") {
        None | Some("operation" | "") => By::Operation,
        Some("service") => By::Service,
        Some("kind") => By::Kind,
        Some("file") => By::File,
        Some(key) => By::Key(key.to_owned()),
    };
    let limit = asked.with.number("limit", MOST_ITEMS, MOST_ITEMS)? as usize;
    let found = cache.matches(asked)?;
    let own = cache.self_times(asked);
    asked.check()?;
    let rows = with_blocks_once(asked.index, found.rows.to_vec());
    let groups = latency(asked.index, &by, &mut rows.iter().copied(), &own);
    asked.check()?;
    let mut json = asked.json();
    json.name("matchedSpans").number(found.rows.len() as u64);
    json.name("notSearched").number(found.not_searched).name("items").array();
    let mut told = 0;
    for group in groups.iter().take(limit) {
        if json.len() > ROOM {
            break;
        }
        told += 1;
        write_group(&mut json, group);
    }
    json.end_array().name("more").number((groups.len() - told) as u64).end_object();
    Ok(json)
}

/// The figures of a group.
pub(crate) fn write_group(json: &mut Json, group: &Group) {
    json.object();
    if let Some(service) = &group.service {
        json.name("service").text(service);
    }
    json.name("name").text(&group.name).name("count").number(group.count);
    json.name("errors").number(group.errors).name("p50").number(group.p50);
    json.name("p95").number(group.p95).name("p99").number(group.p99);
    json.name("longest").number(group.longest).name("self").number(group.self_time);
    json.end_object();
}
