//! Trace events, the format of `chrome://tracing`, as Perfetto, Chrome DevTools and speedscope read it: a process for each
//! service, a thread for each of its lanes, times in microseconds since the first span.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::lanes::Lanes;
use crate::{
    fields::value_json,
    index::{Index, NONE, Span, UNKNOWN_SERVICE},
    json::{Json, push_number},
    parse::{hex_id, hex_span_id},
    sorted::sort_by_key,
    time::time_text,
    value::Value,
};

pub(super) struct Chrome {
    /// Nanoseconds since the epoch.
    start: u64,
    /// Names and numbers of lanes; a service has its place here as its number, from one on.
    services: Vec<(String, usize)>,
    /// The service and the lane of each span.
    places: Vec<(u32, u32)>,
}

impl Chrome {
    /// Returns the rows in the order in which they are to be written, too.
    pub fn new(index: &Index, mut rows: Vec<u32>) -> (Chrome, Vec<u32>) {
        let times = |row: u32| index.span(row).map_or((0, 0), |span| (span.start, span.end()));
        let starts = rows.iter().map(|row| times(*row).0).filter(|start| *start > 0);
        let start = starts.min().unwrap_or(0);
        sort_by_key(&mut rows, |row| (times(*row).0, !times(*row).1));
        let mut services: Vec<(u32, Lanes)> = Vec::new();
        let mut numbers: HashMap<u32, u32, RandomState> = HashMap::default();
        let mut lanes: HashMap<u32, (u32, u32), RandomState> = HashMap::default();
        let mut places = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(span) = index.span(*row) else { continue };
            let service = index.service_id(span.resource).unwrap_or(NONE);
            let number = *numbers.entry(service).or_insert_with(|| {
                services.push((service, Lanes::default()));
                services.len() as u32 - 1
            });
            let parent = index.parent_row(span).and_then(|parent| lanes.get(&parent));
            let parent = parent.filter(|(service, _)| *service == number).map(|(_, lane)| *lane);
            let lane = services
                .get_mut(number as usize)
                .map_or(0, |(_, lanes)| lanes.take(span.start, span.end(), parent));
            lanes.insert(*row, (number, lane));
            places.push((number, lane));
        }
        let name = |service| match service {
            NONE => UNKNOWN_SERVICE.to_owned(),
            service => index.dictionary.text(service).to_owned(),
        };
        let services =
            services.into_iter().map(|(service, lanes)| (name(service), lanes.len())).collect();
        (Chrome { start, services, places }, rows)
    }

    /// What is before the spans: names of services and lanes.
    pub fn begin(&self, out: &mut Vec<u8>) {
        let mut json = Json::default();
        json.object().name("displayTimeUnit").text("ms");
        json.name("otherData").object().name("start").text(&time_text(self.start)).end_object();
        json.name("traceEvents").array();
        for (number, (name, lanes)) in (1..).zip(&self.services) {
            json.object()
                .name("ph")
                .text("M")
                .name("name")
                .text("process_name")
                .name("pid")
                .number(number);
            json.name("args").object().name("name").text(name).end_object().end_object();
            for lane in 1..=*lanes as u64 {
                json.object().name("ph").text("M").name("name").text("thread_name");
                json.name("pid").number(number).name("tid").number(lane);
                json.name("args").object().name("name");
                json.text(&["lane ", &lane.to_string()].concat()).end_object().end_object();
            }
        }
        out.extend_from_slice(json.into_text().as_bytes());
    }

    pub fn end(out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]}\n");
    }

    /// The span in `row`, which is the one with this number of all that are written. There is a service before it.
    pub fn row(&self, index: &Index, number: usize, row: u32, out: &mut Vec<u8>) {
        let Some(span) = index.span(row) else { return };
        let (service, lane) = self.places.get(number).copied().unwrap_or_default();
        let mut json = Json::default();
        json.object().name("ph").text("X").name("name").text(index.name(span));
        json.name("cat").text(span.flags.kind());
        json.name("pid").number(u64::from(service) + 1).name("tid").number(u64::from(lane) + 1);
        json.name("ts").raw(&micros(span.start.saturating_sub(self.start)));
        json.name("dur").raw(&micros(span.duration));
        json.name("args").object();
        arguments(&mut json, index, row, span);
        json.end_object().end_object();
        out.extend_from_slice(b",\n");
        out.extend_from_slice(json.into_text().as_bytes());
    }
}

/// Nanoseconds as microseconds, exactly.
fn micros(nanos: u64) -> String {
    let mut text = String::new();
    push_number(&mut text, nanos / 1000);
    text.push('.');
    push_number(&mut text, 1000 + nanos % 1000);
    // The leading one has kept the zeros.
    text.remove(text.len() - 4);
    text
}

fn arguments(json: &mut Json, index: &Index, row: u32, span: &Span) {
    let trace = index.traces.get(span.trace as usize).map_or(0, |trace| trace.id);
    json.name("trace").text(&hex_id(trace)).name("span").text(&hex_span_id(span.id));
    if span.parent != 0 {
        json.name("parent").text(&hex_span_id(span.parent));
    }
    json.name("status").text(span.flags.status());
    // By keys, in the order in which they come first.
    let mut places: HashMap<_, usize, RandomState> = HashMap::default();
    let mut lists: Vec<(_, Vec<String>)> = Vec::new();
    for attribute in index.attributes_of(row) {
        let place = *places.entry(attribute.key).or_insert_with(|| {
            lists.push((attribute.key, Vec::new()));
            lists.len() - 1
        });
        if let Some((_, values)) = lists.get_mut(place) {
            values.push(value_json(&index.dictionary.value(attribute.value)));
        }
    }
    for (key, values) in lists {
        // Those of events would need a track of their own.
        let Value::Text(key) = index.dictionary.value(key) else { continue };
        json.name(&["attr.", key].concat());
        match values.as_slice() {
            [value] => json.raw(value),
            values => json.raw(&["[", &values.join(","), "]"].concat()),
        };
    }
}
