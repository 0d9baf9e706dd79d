//! The links of a span, for whoever tells the span itself.

use crate::{
    index::Index,
    json::Json,
    parse::{hex_id, hex_span_id},
    query::{links_from, links_to},
};

use super::json_of_span;

/// Links that are told in each direction.
const MOST_LINKS: usize = 500;

/// Writes the member `links`: what the span links to, and what links to it.
pub(crate) fn write_links(json: &mut Json, index: &Index, row: u32) {
    let to = links_to(index, row);
    let from = links_from(index, row);
    json.name("links").object().name("to").array();
    for link in to.iter().take(MOST_LINKS) {
        json.object();
        match link.row {
            Some(row) => json_of_span(json, index, row),
            None => {
                json.name("trace").text(&hex_id(link.trace));
                json.name("span").text(&hex_span_id(link.id));
            }
        }
        json.end_object();
    }
    json.end_array().name("from").array();
    for row in from.iter().take(MOST_LINKS) {
        json_of_span(json.object(), index, *row);
        json.end_object();
    }
    let more = to.len().saturating_sub(MOST_LINKS) + from.len().saturating_sub(MOST_LINKS);
    json.end_array().name("more").number(more as u64).end_object();
}
