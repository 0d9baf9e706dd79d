//! Memory that comes back: owns which spans of removed files are given up when the memory is used up, and making the columns
//! smaller. Rows keep their numbers; an empty one keeps its place in the column of spans.

use std::{
    collections::{BTreeSet, HashSet},
    mem,
};

use super::{Index, columns::NONE, identities::Identities, merge::VALUES_SHARE};
use crate::{
    dictionary::{Dictionary, ValueId},
    parse::PartScope,
};

impl Index {
    /// Whether so much memory is used that values are left out.
    pub fn is_pressed(&self) -> bool {
        self.memory() >= self.max_memory / VALUES_SHARE.1 * VALUES_SHARE.0
    }

    /// Gives up the traces of which nothing is in a file that is there. Returns whether there were any. No part may be half
    /// taken in: values get other numbers.
    pub fn release(&mut self) -> bool {
        let files = self.removed_files();
        let (mut rows, mut traces) = (BTreeSet::new(), BTreeSet::new());
        for number in 0..self.traces.len() as u32 {
            let all: Vec<u32> = self.rows_of(number).collect();
            let is_in_removed =
                |row: &u32| self.file_number(*row).is_some_and(|file| files.contains(&file));
            if !all.is_empty() && all.iter().all(is_in_removed) {
                rows.extend(all);
                traces.insert(number);
            }
        }
        if rows.is_empty() {
            return false;
        }
        for row in &rows {
            let state = self.file_number(*row).and_then(|file| self.files.get_mut(file as usize));
            if let Some(state) = state {
                state.shown -= 1;
                state.released += 1;
            }
        }
        self.forget_rows(&rows, &traces);
        self.shrink();
        self.is_full = self.memory() >= self.max_memory;
        true
    }

    /// The files that have gone, and have no spans that a file which is there has, too.
    pub fn removed_files(&self) -> HashSet<u32> {
        let is_gone = |file: u32| self.files.get(file as usize).is_some_and(|state| state.is_gone);
        let mut files: HashSet<u32> =
            (0..self.files.len() as u32).filter(|file| is_gone(*file)).collect();
        for (copy, original) in self.copies.iter().filter(|(copy, _)| !is_gone(*copy)) {
            debug_assert!(copy != original);
            files.remove(original);
        }
        files
    }

    fn file_number(&self, row: u32) -> Option<u32> {
        let line = self.lines.get(self.span(row)?.line as usize)?;
        Some(line.file)
    }

    /// Takes what only empty rows have out of the columns and out of the dictionary.
    fn shrink(&mut self) {
        let mut attributes = Vec::new();
        let mut start = 0;
        for span in &mut self.spans {
            let end = span.attributes_end as usize;
            if span.trace != NONE {
                attributes.extend_from_slice(self.attributes.get(start..end).unwrap_or_default());
            }
            start = end;
            span.attributes_end = attributes.len() as u32;
        }
        let key = self.dictionary.key().clone();
        let dictionary = mem::replace(&mut self.dictionary, Dictionary::new(key));
        let mut values = Values {
            numbers: vec![NONE; dictionary.len()],
            old: dictionary,
            new: &mut self.dictionary,
        };
        values.renumber(&mut self.in_file);
        for span in &mut self.spans {
            match span.trace {
                NONE => span.name = self.in_file,
                _ => values.renumber(&mut span.name),
            }
        }
        for attribute in &mut attributes {
            values.renumber(&mut attribute.key);
            values.renumber(&mut attribute.value);
        }
        self.resources.renumber(|attribute| {
            values.renumber(&mut attribute.key);
            values.renumber(&mut attribute.value);
        });
        self.scope_numbers.clear();
        for (scope, number) in self.scopes.iter_mut().zip(0..) {
            let PartScope { name, version } = scope;
            values.renumber(name);
            values.renumber(version);
            self.scope_numbers.insert(*scope, number);
        }
        attributes.shrink_to_fit();
        self.attributes = attributes;
        self.links.shrink_to_fit();
        Identities::rebuild(&mut self.identities, &self.spans);
    }
}

/// Gives values the numbers of another dictionary.
struct Values<'d> {
    old: Dictionary,
    new: &'d mut Dictionary,
    numbers: Vec<ValueId>,
}

impl Values<'_> {
    fn renumber(&mut self, id: &mut ValueId) {
        let Some(number) = self.numbers.get_mut(*id as usize) else { return };
        if *number == NONE {
            *number = self.new.adopt(&self.old, *id);
        }
        *id = *number;
    }
}
