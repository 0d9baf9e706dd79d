//! `traces`: the list of traces, in pages. The order is made once, for the first page, and kept: spans that arrive later
//! move no trace from one page to another.

use std::sync::Arc;

use super::{Answer, Asked, Cache, ROOM, Refusal, trace_text};
use crate::{
    index::{Index, NONE},
    json::Json,
    query::{block_rows, root, services},
    sorted::{sort_by, sort_by_key},
};

/// Traces in one answer.
const MOST_ITEMS: u64 = 500;
/// Services of a trace that are named.
const MOST_SERVICES: usize = 5;

/// The traces that meet a filter, in their order.
#[derive(Debug)]
pub(super) struct List {
    /// The number of a trace, and how many of its spans meet the filter.
    traces: Vec<(u32, u32)>,
    matched_spans: u64,
    not_searched: u64,
}

pub(super) fn traces(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let limit = asked.with.number("limit", 100, MOST_ITEMS)?.max(1) as usize;
    let (number, list, from) = match asked.with.get("cursor") {
        Some(cursor) => next_page(cursor, cache)?,
        None => {
            let list = Arc::new(list(asked, cache)?);
            (None, list, 0)
        }
    };
    let Asked { index, .. } = asked;
    let mut json = asked.json();
    json.name("traces").number(list.traces.len() as u64);
    json.name("matchedSpans").number(list.matched_spans);
    json.name("notSearched").number(list.not_searched).name("items").array();
    let rest = list.traces.get(from..).unwrap_or_default();
    let blocks = Blocks::new(index);
    let mut told = 0;
    for (trace, matched) in rest.iter().take(limit) {
        if json.len() > ROOM {
            break;
        }
        told += 1;
        item(&mut json, index, *trace, *matched, &blocks);
    }
    json.end_array();
    if rest.len() > told {
        let number = number.unwrap_or_else(|| cache.keep_list(Arc::clone(&list)));
        let cursor = [number.to_string(), (from + told).to_string()].join(".");
        json.name("cursor").text(&cursor);
    }
    json.end_object();
    Ok(json)
}

/// The list that a cursor belongs to, and the place in it.
fn next_page(cursor: &str, cache: &Cache) -> Result<(Option<u64>, Arc<List>, usize), Refusal> {
    let parts = cursor.split_once('.');
    let parts = parts.and_then(|(list, from)| Some((list.parse().ok()?, from.parse().ok()?)));
    let Some((number, from)) = parts else {
        return Err(Refusal::wrong("`cursor` is what another answer has given"));
    };
    match cache.list(number) {
        Some(list) => Ok((Some(number), list, from)),
        None => Err(Refusal::outdated("this list is not kept any more; ask for its first page")),
    }
}

fn list(asked: &Asked<'_>, cache: &mut Cache) -> Result<List, Refusal> {
    let Asked { index, with, .. } = asked;
    let found = cache.matches(asked)?;
    let mut matched = vec![0_u32; index.traces.len()];
    for span in found.rows.iter().filter_map(|row| index.span(*row)) {
        if let Some(count) = matched.get_mut(span.trace as usize) {
            *count += 1;
        }
    }
    let mut list = List {
        traces: (0..).zip(matched).filter(|(_, matched)| *matched > 0).collect(),
        matched_spans: found.rows.len() as u64,
        not_searched: found.not_searched,
    };
    asked.check()?;
    sort(index, &mut list.traces, with.get("sort"), with.get("order"))?;
    Ok(list)
}

/// Traces with the same key stay in the order of the files.
fn sort(
    index: &Index,
    traces: &mut Vec<(u32, u32)>,
    by: Option<&str>,
    order: Option<&str>,
) -> Result<(), Refusal> {
    let is_descending = match order {
        None => by != Some("name"),
        Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(Refusal::wrong("`order` is desc or asc")),
    };
    if by == Some("name") {
        let mut titled: Vec<_> =
            traces.drain(..).map(|trace| (title(index, root(index, trace.0).0), trace)).collect();
        sort_by(&mut titled, |one, other| one.0.cmp(&other.0));
        traces.extend(titled.into_iter().map(|(_, trace)| trace));
        if is_descending {
            traces.reverse();
        }
        return Ok(());
    }
    let key = |number: u32| {
        let Some(trace) = index.traces.get(number as usize) else { return 0 };
        match by {
            Some("duration") => trace.duration(),
            Some("spans") => trace.spans.into(),
            Some("errors") => trace.errors.into(),
            _ => trace.start,
        }
    };
    match (by, is_descending) {
        (None | Some("start" | "duration" | "spans" | "errors"), true) => {
            sort_by_key(traces, |(trace, _)| (!key(*trace), 0));
        }
        (None | Some("start" | "duration" | "spans" | "errors"), false) => {
            sort_by_key(traces, |(trace, _)| (key(*trace), 0));
        }
        _ => {
            return Err(Refusal::wrong("`sort` is start, duration, spans, errors or name"));
        }
    }
    Ok(())
}

fn title(index: &Index, row: u32) -> (String, String) {
    index.span(row).map_or_else(Default::default, |span| {
        (index.name(span).to_owned(), index.service(span.resource).to_owned())
    })
}

/// Blocks by trace.
struct Blocks(Vec<u32>);

impl Blocks {
    fn new(index: &Index) -> Blocks {
        let rows = block_rows(index);
        let mut traces: Vec<u32> =
            rows.iter().map(|row| index.span(*row).map_or(NONE, |span| span.trace)).collect();
        traces.sort_unstable();
        Blocks(traces)
    }

    fn of(&self, trace: u32) -> u64 {
        let from = self.0.partition_point(|other| *other < trace);
        let to = self.0.partition_point(|other| *other <= trace);
        (to - from) as u64
    }
}

fn item(json: &mut Json, index: &Index, number: u32, matched: u32, blocks: &Blocks) {
    let Some(trace) = index.traces.get(number as usize).filter(|trace| trace.spans > 0) else {
        return;
    };
    let (root, has_root) = root(index, number);
    let (name, service) = title(index, root);
    let mut names: Vec<&str> = services(index, number).into_iter().collect();
    sort_by(&mut names, |one, other| one.cmp(other));
    json.object().name("id");
    json.text(&trace_text(trace.id));
    json.name("key").number(number.into());
    json.name("service").text(&service).name("name").text(&name);
    json.name("start").time(trace.start).name("duration").number(trace.duration());
    json.name("spans").number(trace.spans.into()).name("errors").number(trace.errors.into());
    json.name("services").array();
    for name in names.iter().take(MOST_SERVICES) {
        json.text(name);
    }
    json.end_array().name("serviceCount").number(names.len() as u64);
    json.name("blocks").number(blocks.of(number)).name("matched").number(matched.into());
    json.name("marks").array();
    if !has_root {
        json.text("parent missing");
    }
    json.end_array().end_object();
}
