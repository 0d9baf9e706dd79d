//! `export`: the spans of a filter, or whole traces, written out in pieces.

use super::{Asked, Cache, Refusal, parameters::trace_named};
use crate::{
    export::{Export, Format, rows_of_traces, with_whole_traces},
    fields,
};

/// `format` is otlp, csv or chrome; `filter` or `trace`, several with commas; `whole=true` for the whole traces of the spans
/// that meet the filter; `fields` for csv.
pub(super) fn export(asked: &Asked<'_>, cache: &mut Cache) -> Result<Export, Refusal> {
    let Asked { index, with, .. } = asked;
    let format = with.get("format").unwrap_or("otlp");
    let format =
        Format::named(format).ok_or_else(|| Refusal::wrong("`format` is otlp, csv or chrome"))?;
    let list = with.get("fields").unwrap_or(fields::DEFAULT);
    let fields = fields::read_list(list).map_err(|problem| Refusal::wrong(&problem))?;
    let mut rows = cache.matches(asked)?.rows.clone();
    if with.get("whole") == Some("true") {
        rows = with_whole_traces(index, &rows);
    }
    if let Some(list) = with.get("trace") {
        let traces = list.split(',').map(|text| trace_named(index, text));
        let chosen = rows_of_traces(index, traces.collect::<Result<_, _>>()?);
        rows.retain(|row| chosen.binary_search(row).is_ok());
    }
    Ok(Export::new(index, format, rows, fields))
}
