//! `find`: where a text is in the tree of a trace.

use super::{Answer, Asked, Cache, Refusal};
use crate::{
    json::Json,
    query::{Filter, search_in},
};

const MOST_POSITIONS: usize = 10_000;

pub(super) fn find(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let text = asked.with.get("text").unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::wrong("`text` is missing"));
    }
    let tree = cache.tree(asked)?;
    let filter = Filter::anywhere(text);
    let mut rows = tree.forest.rows.iter().copied();
    let found = search_in(asked.index, &filter, &mut rows, asked.is_cancelled);
    asked.check()?;
    let mut positions: Vec<u32> =
        found.rows.iter().filter_map(|row| tree.position_of_row(*row)).collect();
    positions.sort_unstable();
    let mut json = Json::default();
    json.object().name("generation").number(tree.generation.into());
    json.name("count").number(positions.len() as u64);
    json.name("notSearched").number(found.not_searched).name("positions").array();
    for position in positions.iter().take(MOST_POSITIONS) {
        json.number((*position).into());
    }
    json.end_array().end_object();
    Ok(json)
}
