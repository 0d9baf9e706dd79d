//! What was computed for earlier questions and may be asked for again.

use std::{collections::VecDeque, sync::Arc};

use super::traces::List;

/// Lists of traces that are kept, so that their next pages fit the first one.
const MOST_LISTS: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    lists: VecDeque<(u64, Arc<List>)>,
    next_list: u64,
}

impl Cache {
    /// Keeps a list. Returns its number.
    pub(super) fn keep_list(&mut self, list: Arc<List>) -> u64 {
        self.next_list += 1;
        if self.lists.len() == MOST_LISTS {
            self.lists.pop_front();
        }
        self.lists.push_back((self.next_list, list));
        self.next_list
    }

    pub(super) fn list(&self, number: u64) -> Option<Arc<List>> {
        let found = self.lists.iter().find(|(known, _)| *known == number);
        found.map(|(_, list)| Arc::clone(list))
    }
}
