//! Lanes of a service: spans on one lane are inside each other or apart, so that no two bars overlap.

use std::{cmp::Reverse, collections::BinaryHeap};

/// A lane and the spans that are open on it.
#[derive(Debug, Default)]
struct Lane {
    /// Their ends, that of the innermost last.
    open: Vec<u64>,
    /// When nothing is open any more.
    free: u64,
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    /// Lanes by the time at which they are free. A lane may be here with an earlier time, too.
    by_time: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Lanes {
    /// The lane of a span; that of its parent if it fits there. Spans come by their start, the longer of two first.
    pub fn take(&mut self, start: u64, end: u64, parent: Option<u32>) -> u32 {
        if let Some(lane) = parent.filter(|lane| self.fits(*lane, start, end)) {
            return self.put(lane, end);
        }
        while let Some(Reverse((time, lane))) = self.by_time.peek().copied() {
            let is_so = self.lanes.get(lane as usize).is_some_and(|known| known.free == time);
            if is_so && time > start {
                break;
            }
            self.by_time.pop();
            if is_so && self.fits(lane, start, end) {
                return self.put(lane, end);
            }
        }
        self.lanes.push(Lane::default());
        self.put(self.lanes.len() as u32 - 1, end)
    }

    fn fits(&mut self, lane: u32, start: u64, end: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(lane as usize) else { return false };
        while lane.open.last().is_some_and(|open| *open <= start) {
            lane.open.pop();
        }
        lane.open.last().is_none_or(|open| *open >= end)
    }

    fn put(&mut self, number: u32, end: u64) -> u32 {
        if let Some(lane) = self.lanes.get_mut(number as usize) {
            if lane.open.is_empty() {
                lane.free = end;
                self.by_time.push(Reverse((end, number)));
            }
            lane.open.push(end);
        }
        number
    }

    pub fn len(&self) -> usize {
        self.lanes.len()
    }
}
