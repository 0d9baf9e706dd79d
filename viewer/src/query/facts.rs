//! What a filter may ask that is not in the row of a span: found once, and only if it is asked for.

use std::collections::HashSet;

use super::blocks::block_rows;
use crate::{
    index::{Index, NONE},
    tree::{Forest, self_times},
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    pub self_times: bool,
    pub blocks: bool,
    pub roots: bool,
    pub services: bool,
}

pub(super) struct Facts {
    newest: u64,
    self_times: Vec<u64>,
    blocks: HashSet<u32>,
    /// By trace.
    roots: Vec<u32>,
    services: Vec<u64>,
}

impl Facts {
    pub fn new(index: &Index, needs: Needs) -> Facts {
        let mut facts = Facts {
            newest: index.traces.iter().map(|trace| trace.end).max().unwrap_or(0),
            self_times: Vec::new(),
            blocks: HashSet::new(),
            roots: Vec::new(),
            services: Vec::new(),
        };
        let traces = 0..index.traces.len() as u32;
        if needs.self_times {
            facts.self_times = self_times(index, &Forest::of_all(index));
        }
        if needs.blocks {
            facts.blocks = block_rows(index).into_iter().collect();
        }
        if needs.roots {
            facts.roots = traces.clone().map(|trace| root(index, trace).0).collect();
        }
        if needs.services {
            facts.services = traces.map(|trace| services(index, trace).len() as u64).collect();
        }
        facts
    }

    /// The end of the newest span.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    pub fn self_time(&self, row: u32) -> u64 {
        self.self_times.get(row as usize).copied().unwrap_or(0)
    }

    pub fn is_block(&self, row: u32) -> bool {
        self.blocks.contains(&row)
    }

    pub fn is_root(&self, trace: u32, row: u32) -> bool {
        self.roots.get(trace as usize) == Some(&row)
    }

    pub fn services(&self, trace: u32) -> u64 {
        self.services.get(trace as usize).copied().unwrap_or(0)
    }
}

/// The row of the root of a trace: the earliest span without a parent, or else the earliest; and which of both it is.
pub(crate) fn root(index: &Index, trace: u32) -> (u32, bool) {
    let key = |row: &u32| index.span(*row).map_or((u64::MAX, NONE), |span| (span.start, *row));
    let has_no_parent = |row: &u32| index.span(*row).is_some_and(|span| span.parent == 0);
    let root = index.rows_of(trace).filter(has_no_parent).min_by_key(key);
    let earliest = || index.rows_of(trace).min_by_key(key).unwrap_or(NONE);
    (root.unwrap_or_else(earliest), root.is_some())
}

/// The names of the services that a trace runs through.
pub(crate) fn services(index: &Index, trace: u32) -> HashSet<&str> {
    let resources: HashSet<u32> =
        index.rows_of(trace).filter_map(|row| index.span(row)).map(|span| span.resource).collect();
    resources.into_iter().map(|resource| index.service(resource)).collect()
}
