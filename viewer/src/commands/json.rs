//! JSON for programs: the account of the files, in every answer.

use crate::{index::Index, json::Json, questions::write_file};

/// An object that begins with what every answer has.
pub(super) fn account(index: &Index) -> Json {
    let mut json = Json::default();
    json.object().name("files").array();
    for file in &index.files {
        write_file(&mut json, file);
    }
    json.end_array().name("spans").number(index.span_count());
    json.name("traces").number(index.trace_count());
    json.name("valuesNotIndexed").number(index.values_left_out);
    json
}

/// Ends the object and the line.
pub(super) fn end(mut json: Json) -> String {
    json.end_object();
    json.into_text() + "\n"
}
