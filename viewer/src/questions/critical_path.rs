//! `critical-path`: what each root of a trace waited for. A path that cannot be computed is said, and never left out.

use std::cmp::Reverse;

use super::{Answer, Asked, Cache, tree::Tree};
use crate::{
    index::Index,
    json::Json,
    parse::hex_span_id,
    tree::{Piece, Visited, critical_path},
};

/// Pieces that are told, the longest ones.
const MOST_PIECES: usize = 20_000;
/// Roots whose paths are told, the first ones.
const MOST_ROOTS: usize = 1000;

pub(super) fn of_trace(asked: &Asked<'_>, cache: &mut Cache) -> Answer {
    let tree = cache.tree(asked)?;
    let index = asked.index;
    let mut paths = Vec::new();
    let mut visited = Visited::new(&tree.forest);
    for root in tree.roots().take(MOST_ROOTS) {
        asked.check()?;
        let pieces = critical_path(index, &tree.forest, root, &mut visited);
        if let Err(problem) = check(index, &tree, root, &pieces) {
            let mut json = Json::default();
            json.object().name("generation").number(tree.generation.into());
            json.name("error").text(&problem).end_object();
            return Ok(json);
        }
        paths.push((root, pieces));
    }
    let all = paths.iter().map(|(_, pieces)| pieces.len()).sum::<usize>();
    let shortest = shortest_told(&paths, all);
    let start = index.traces.get(tree.trace as usize).map_or(0, |trace| trace.start);
    let mut json = Json::default();
    json.object().name("generation").number(tree.generation.into()).name("roots").array();
    let mut told = 0;
    for (root, pieces) in &paths {
        json.object().name("position").number(tree.position(*root).into()).name("pieces").array();
        for piece in pieces {
            let duration = piece.end - piece.start;
            if duration >= shortest && told < MOST_PIECES {
                told += 1;
                json.array().number(tree.position(piece.place).into());
                json.number(piece.start.saturating_sub(start)).number(duration).end_array();
            }
        }
        json.end_array().end_object();
    }
    json.end_array().name("omitted").number((all - told) as u64);
    let roots = tree.roots().count();
    json.name("moreRoots").number((roots - paths.len()) as u64).end_object();
    Ok(json)
}

/// How long a piece has to be, so that not too many are told.
fn shortest_told(paths: &[(u32, Vec<Piece>)], all: usize) -> u64 {
    if all <= MOST_PIECES {
        return 0;
    }
    let pieces = paths.iter().flat_map(|(_, pieces)| pieces);
    let mut durations: Vec<u64> = pieces.map(|piece| piece.end - piece.start).collect();
    let (_, shortest, _) = durations.select_nth_unstable_by_key(MOST_PIECES, |each| Reverse(*each));
    *shortest + 1
}

/// The pieces of a path are one behind the other, and together as long as the root.
pub(super) fn check(index: &Index, tree: &Tree, root: u32, pieces: &[Piece]) -> Result<(), String> {
    let Some(span) = tree.forest.span(index, root) else { return Ok(()) };
    let mut cursor = span.start;
    for piece in pieces {
        if piece.start != cursor || piece.end <= piece.start {
            break;
        }
        cursor = piece.end;
    }
    if cursor == span.end() {
        return Ok(());
    }
    let id = hex_span_id(span.id);
    Err(["the critical path of the span ", &id, " cannot be computed: its pieces do not add up"]
        .concat())
}
