//! What was computed for earlier questions and may be asked for again.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Asked, Refusal, traces::List, tree::Tree};
use crate::{
    query::{Matches, search},
    tree::{Forest, self_times},
};

/// Lists of traces that are kept, so that their next pages fit the first one.
const MOST_LISTS: usize = 8;
/// Trees that are kept, those asked for last.
const MOST_TREES: usize = 4;
/// Filters whose spans are kept. A page asks several questions with the same one.
const MOST_MATCHES: usize = 2;
/// A tree that is asked for again is not built more often than this, although spans may have come.
const SHORTEST_BETWEEN_TREES: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Cache {
    lists: VecDeque<(u64, Arc<List>)>,
    next_list: u64,
    trees: VecDeque<Kept>,
    next_tree: u32,
    matches: VecDeque<(u64, String, Arc<Matches>)>,
    self_times: Option<(u64, Arc<Vec<u64>>)>,
    /// The clock, which tests set.
    pub(super) now: fn() -> Instant,
}

#[derive(Debug)]
struct Kept {
    trace: u32,
    tree: Arc<Tree>,
    built: Instant,
    took: Duration,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            lists: VecDeque::new(),
            next_list: 0,
            trees: VecDeque::new(),
            next_tree: 0,
            matches: VecDeque::new(),
            self_times: None,
            now: Instant::now,
        }
    }
}

impl Cache {
    /// Forgets all that may hold numbers of values. What was given a number by this cache does not get it again.
    pub fn forget(&mut self) {
        self.trees.clear();
        self.matches.clear();
        self.self_times = None;
    }

    /// Keeps a list. Returns its number.
    pub(super) fn keep_list(&mut self, list: Arc<List>) -> u64 {
        self.next_list += 1;
        keep(&mut self.lists, MOST_LISTS, (self.next_list, list));
        self.next_list
    }

    pub(super) fn list(&self, number: u64) -> Option<Arc<List>> {
        let found = self.lists.iter().find(|(known, _)| *known == number);
        found.map(|(_, list)| Arc::clone(list))
    }

    /// The tree of the trace that a question is about: the one with the generation that it names, or the current one.
    pub(super) fn tree(&mut self, asked: &Asked<'_>) -> Result<Arc<Tree>, Refusal> {
        let trace = asked.with.trace(asked.index)?;
        let wanted = asked.with.number("generation", 0, u32::MAX.into())? as u32;
        let place = self.trees.iter().position(|kept| kept.trace == trace);
        if let Some(kept) = place.and_then(|place| self.trees.remove(place)) {
            let tree = Arc::clone(&kept.tree);
            let pause = SHORTEST_BETWEEN_TREES.max(kept.took * 10);
            let is_current = tree.is_current(asked.index)
                || (self.now)().saturating_duration_since(kept.built) < pause;
            if wanted == tree.generation || wanted == 0 && is_current {
                self.trees.push_back(kept);
                return Ok(tree);
            }
            if wanted != 0 {
                self.trees.push_back(kept);
            }
        }
        if wanted != 0 {
            return Err(Refusal::outdated("the tree of this trace has changed"));
        }
        let started = (self.now)();
        self.next_tree += 1;
        let tree = Arc::new(Tree::new(asked, trace, self.next_tree)?);
        let built = (self.now)();
        let took = built.saturating_duration_since(started);
        keep(&mut self.trees, MOST_TREES, Kept { trace, tree: Arc::clone(&tree), built, took });
        Ok(tree)
    }

    /// The spans that meet the filter of a question.
    pub(super) fn matches(&mut self, asked: &Asked<'_>) -> Result<Arc<Matches>, Refusal> {
        let text = asked.with.get("filter").unwrap_or_default();
        let generation = asked.reading.generation;
        let is_it = |(known, filter, _): &&(u64, String, Arc<Matches>)| {
            *known == generation && filter == text
        };
        if let Some((_, _, found)) = self.matches.iter().find(is_it) {
            return Ok(Arc::clone(found));
        }
        let filter = asked.with.filter()?;
        let found = if filter.terms.is_empty() {
            let rows = asked.index.rows().collect();
            Matches { rows, ..Matches::default() }
        } else {
            search(asked.index, &filter, asked.is_cancelled)
        };
        asked.check()?;
        let found = Arc::new(found);
        keep(&mut self.matches, MOST_MATCHES, (generation, text.to_owned(), Arc::clone(&found)));
        Ok(found)
    }

    /// The time that no child covers, for each row.
    pub(super) fn self_times(&mut self, asked: &Asked<'_>) -> Arc<Vec<u64>> {
        let generation = asked.reading.generation;
        match &self.self_times {
            Some((known, times)) if *known == generation => Arc::clone(times),
            _ => {
                let times = Arc::new(self_times(asked.index, &Forest::of_all(asked.index)));
                self.self_times = Some((generation, Arc::clone(&times)));
                times
            }
        }
    }
}

/// Puts something behind the others; if these are too many, the first goes.
fn keep<T>(all: &mut VecDeque<T>, most: usize, new: T) {
    if all.len() == most {
        all.pop_front();
    }
    all.push_back(new);
}
