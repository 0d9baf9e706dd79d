//! `files`: what was read, and what of it is not shown.

use super::{Answer, Asked};
use crate::{account::Skipped, index::FileState, json::Json};

pub(super) fn files(asked: &Asked<'_>) -> Answer {
    let Asked { index, reading, .. } = asked;
    let mut json = asked.json();
    json.name("reading").object();
    json.name("bytes").number(reading.bytes).name("totalBytes").number(reading.total_bytes);
    json.name("isDone").flag(reading.is_done).end_object();
    json.name("spans").number(index.span_count());
    json.name("traces").number(index.trace_count());
    json.name("memory").number(index.memory()).name("maxMemory").number(index.max_memory());
    json.name("valuesNotIndexed").number(index.values_left_out);
    json.name("isFull").flag(index.is_full);
    json.name("files").array();
    for state in index.files.iter().filter(|state| !state.is_nothing()) {
        write_file(&mut json, state);
    }
    json.end_array().end_object();
    Ok(json)
}

/// The account of a file.
pub(crate) fn write_file(json: &mut Json, file: &FileState) {
    let counts = &file.counts;
    json.object().name("name").text(&file.input.name()).name("bytes").number(file.bytes);
    json.name("lines").number(counts.lines).name("parsed").number(counts.parsed);
    json.name("skipped").object();
    for reason in Skipped::ALL {
        json.name(reason.code()).number(counts.skipped(reason));
    }
    json.end_object().name("tooLongAt").array();
    for offset in &file.too_long {
        json.number(*offset);
    }
    json.end_array();
    json.name("logs").number(counts.logs).name("metrics").number(counts.metrics);
    json.name("profiles").number(counts.profiles).name("seen").number(counts.seen);
    json.name("shown").number(file.shown).name("duplicates").number(file.duplicates);
    json.name("bad").number(counts.bad);
    if file.is_gone {
        json.name("isGone").flag(true);
    }
    if let Some(failure) = &file.failure {
        json.name("failure").text(failure);
    }
    if file.is_gone {
        json.name("isGone").flag(true).name("released").number(file.released);
    }
    json.end_object();
}
