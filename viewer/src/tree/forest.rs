//! Parents and children of some spans, by their place in a list of rows.

use crate::index::{Index, NONE, Span};

#[derive(Debug)]
pub(crate) struct Forest {
    /// The rows in ascending order.
    pub rows: Vec<u32>,
    /// The place of the parent, or `NONE`.
    parents: Vec<u32>,
    /// Where the children of a place begin in `children`; one more than there are places.
    starts: Vec<u32>,
    children: Vec<u32>,
}

impl Forest {
    /// `rows` are in ascending order.
    pub fn new(index: &Index, rows: Vec<u32>) -> Forest {
        let parents: Vec<u32> = rows.iter().map(|row| parent_place(index, &rows, *row)).collect();
        let mut starts = vec![0_u32; rows.len() + 1];
        for parent in parents.iter().filter(|parent| **parent != NONE) {
            if let Some(count) = starts.get_mut(*parent as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut free = starts.clone();
        let mut children = vec![NONE; total as usize];
        for (place, parent) in parents.iter().enumerate() {
            let Some(slot) = free.get_mut(*parent as usize) else { continue };
            if let Some(child) = children.get_mut(*slot as usize) {
                *child = place as u32;
            }
            *slot += 1;
        }
        let mut forest = Forest { rows, parents, starts, children };
        forest.sort(index);
        forest
    }

    /// All rows of an index; a row is its own place.
    pub fn of_all(index: &Index) -> Forest {
        Forest::new(index, (0..index.end_row()).collect())
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn span<'i>(&self, index: &'i Index, place: u32) -> Option<&'i Span> {
        index.span(*self.rows.get(place as usize)?)
    }

    pub fn parent(&self, place: u32) -> Option<u32> {
        self.parents.get(place as usize).copied().filter(|parent| *parent != NONE)
    }

    /// By their start, and then in the order of their rows.
    pub fn children(&self, place: u32) -> &[u32] {
        let start = self.starts.get(place as usize).copied().unwrap_or(0);
        let end = self.starts.get(place as usize + 1).copied().unwrap_or(start);
        self.children.get(start as usize..end as usize).unwrap_or_default()
    }

    fn sort(&mut self, index: &Index) {
        let rows = &self.rows;
        let start_of = |place: &u32| {
            let row = rows.get(*place as usize).copied().unwrap_or(NONE);
            (index.span(row).map_or(0, |span| span.start), row)
        };
        for ends in self.starts.windows(2) {
            let &[start, end] = ends else { continue };
            if let Some(children) = self.children.get_mut(start as usize..end as usize) {
                children.sort_unstable_by_key(start_of);
            }
        }
    }
}

fn parent_place(index: &Index, rows: &[u32], row: u32) -> u32 {
    let parent =
        index.span(row).and_then(|span| index.parent_row(span)).filter(|parent| *parent != row);
    let Some(parent) = parent else { return NONE };
    // All rows of an index are at their own places.
    if rows.get(parent as usize) == Some(&parent) {
        return parent;
    }
    rows.binary_search(&parent).map_or(NONE, |place| place as u32)
}
