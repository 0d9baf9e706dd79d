//! What the page asks, answered as JSON or bytes: owns the form of the answers and their limits.
//! It refuses to know who asks, and by which way the answer goes there.

mod blocks;
mod cache;
mod critical_path;
mod export;
mod facets;
mod files;
mod find;
mod histogram;
mod latency;
mod links;
mod parameters;
mod skeleton;
mod timeline;
mod traces;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::{
    cache::Cache, files::write_file, latency::write_group, links::write_links,
    parameters::Parameters,
};
use crate::{
    export::Export,
    index::Index,
    json::Json,
    parse::{hex_id, hex_span_id},
};

/// Bytes of an answer from which on nothing is added; none but a skeleton exceeds 1 MiB.
const ROOM: usize = 900 << 10;

/// What a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Json,
    Binary,
    Text,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub kind: Kind,
    pub body: Vec<u8>,
}

/// How far the files have been read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    /// Another one each time the index has changed.
    pub generation: u64,
    pub bytes: u64,
    pub total_bytes: u64,
    pub is_done: bool,
}

/// A question and all that an answer is made of.
pub(crate) struct Asked<'a> {
    pub index: &'a Index,
    pub reading: Reading,
    pub with: &'a Parameters,
    /// Set when nobody waits for the answer any more. It then is a refusal, and need not be sent.
    pub is_cancelled: &'a AtomicBool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    error: String,
    /// Where a filter is wrong.
    column: Option<usize>,
}

type Answer = Result<Json, Refusal>;

/// Answers the question with this name.
pub(crate) fn answer(question: &str, asked: &Asked<'_>, cache: &mut Cache) -> Reply {
    let answer =
        match question {
            "files" => files::files(asked),
            "traces" => traces::traces(asked, cache),
            "latency" => latency::by(asked, cache),
            "histogram" => histogram::histogram(asked, cache),
            "timeline" => timeline::timeline(asked, cache),
            "facets" => facets::of_spans(asked, cache),
            "blocks" => blocks::lines(asked),
            "held-up" => blocks::held_up_by(asked),
            "bands" => blocks::bands(asked, cache),
            "critical-path" => critical_path::of_trace(asked, cache),
            "find" => find::find(asked, cache),
            "skeleton" => {
                return skeleton::skeleton(asked, cache).map_or_else(Refusal::reply, |body| {
                    Reply { status: 200, kind: Kind::Binary, body }
                });
            }
            _ => Err(Refusal::unknown("there is no such question")),
        };
    match answer {
        Ok(json) => Reply { status: 200, kind: Kind::Json, body: json.into_text().into_bytes() },
        Err(refusal) => refusal.reply(),
    }
}

/// The answer to `export`, which is written piece by piece: `Export::next` until there is none.
pub(crate) fn export(asked: &Asked<'_>, cache: &mut Cache) -> Result<Export, Reply> {
    export::export(asked, cache).map_err(Refusal::reply)
}

impl Asked<'_> {
    /// An error if nobody waits any more.
    fn check(&self) -> Result<(), Refusal> {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => Err(Refusal::new(499, "nobody waits for the answer")),
            false => Ok(()),
        }
    }

    /// An object that begins with the generation.
    fn json(&self) -> Json {
        let mut json = Json::default();
        json.object().name("generation").number(self.reading.generation);
        json
    }
}

impl Refusal {
    fn new(status: u16, error: &str) -> Refusal {
        Refusal { status, error: error.to_owned(), column: None }
    }

    /// The question is wrong.
    fn wrong(error: &str) -> Refusal {
        Refusal::new(400, error)
    }

    /// What is asked for is not there.
    fn unknown(error: &str) -> Refusal {
        Refusal::new(404, error)
    }

    /// What is asked for was there, and is another one now.
    fn outdated(error: &str) -> Refusal {
        Refusal::new(409, error)
    }

    pub(crate) fn reply(self) -> Reply {
        let mut json = Json::default();
        json.object().name("error").text(&self.error);
        if let Some(column) = self.column {
            json.name("column").number(column as u64);
        }
        json.end_object();
        Reply { status: self.status, kind: Kind::Json, body: json.into_text().into_bytes() }
    }
}

/// The id of a trace; empty for the spans of a file that have none.
fn trace_text(id: u128) -> String {
    if id == 0 { String::new() } else { hex_id(id) }
}

/// What a list says about a span.
fn json_of_span(json: &mut Json, index: &Index, row: u32) {
    let Some(span) = index.span(row) else { return };
    let trace = index.traces.get(span.trace as usize).map_or(0, |trace| trace.id);
    json.name("row").number(row.into()).name("trace").text(&trace_text(trace));
    json.name("span").text(&hex_span_id(span.id));
    json.name("service").text(index.service(span.resource)).name("name").text(index.name(span));
    json.name("start").time(span.start).name("duration").number(span.duration);
}
