//! A processor that reorders what arm64 lets it reorder, as a search through every order.
//! Memory itself is one (a store is visible to all others at once, as arm64 promises); what may move are the operations of
//! a thread. A change (compare-exchange, exchange, fetch-or) is a load and a store of which the store may come later, with no
//! store of others to the same word in between: so the instructions are that arm64 had before it had atomic ones.

use std::collections::{BTreeMap, HashSet};

/// A word and what becomes of it; `None` leaves it.
pub type Change = fn(seen: u32, value: u32) -> Option<u32>;

/// What a thread does. `at` is a word of memory, `to` the name of what was seen.
#[derive(Clone, Copy)]
pub enum Op {
    Load {
        at: usize,
        to: &'static str,
        acquire: bool,
    },
    Store {
        at: usize,
        value: u32,
        release: bool,
    },
    /// Acquires with its load and releases with its store, as everything of `Atomics` does.
    Change {
        at: usize,
        to: &'static str,
        change: Change,
        value: u32,
    },
    /// The same without an order.
    Weak {
        at: usize,
        to: &'static str,
        change: Change,
    },
    /// `fence(Ordering::Acquire)`.
    FenceAfterLoads,
    /// `fence(Ordering::Release)`, which is a full one on arm64.
    FullFence,
}

/// What was seen, by name.
pub type Outcome = BTreeMap<&'static str, u32>;

/// What a processor performs at once.
#[derive(Clone, Copy)]
enum Step {
    Load {
        at: usize,
        to: &'static str,
        acquire: bool,
        is_change: bool,
    },
    Store {
        at: usize,
        value: u32,
        release: bool,
    },
    /// The second half of a change, whose first half has put what it saw into `from`.
    Put {
        at: usize,
        from: &'static str,
        change: Change,
        value: u32,
        release: bool,
    },
    Fence {
        is_full: bool,
    },
}

impl Step {
    fn word(self) -> Option<usize> {
        match self {
            Step::Load { at, .. } | Step::Store { at, .. } | Step::Put { at, .. } => Some(at),
            Step::Fence { .. } => None,
        }
    }

    fn is_load(self) -> bool {
        matches!(self, Step::Load { .. })
    }

    fn acquires(self) -> bool {
        matches!(self, Step::Load { acquire: true, .. } | Step::Fence { .. })
    }

    fn releases(self) -> bool {
        matches!(
            self,
            Step::Store { release: true, .. }
                | Step::Put { release: true, .. }
                | Step::Fence { is_full: true }
        )
    }

    /// Whether this must be performed before `later`, which comes after it in the program.
    fn precedes(self, later: Step) -> bool {
        let is_same_word = self.word().is_some() && self.word() == later.word();
        let is_fenced = self.is_load() && matches!(later, Step::Fence { .. });
        let is_release_before_acquire = self.releases() && later.is_load() && later.acquires();
        is_same_word
            || is_fenced
            || self.acquires()
            || later.releases()
            || is_release_before_acquire
    }
}

fn steps(program: &[Op]) -> Vec<Step> {
    let mut steps = Vec::new();
    for op in program {
        let (at, to, change, value, ordered) = match *op {
            Op::Load { at, to, acquire } => {
                steps.push(Step::Load { at, to, acquire, is_change: false });
                continue;
            }
            Op::Store { at, value, release } => {
                steps.push(Step::Store { at, value, release });
                continue;
            }
            Op::FenceAfterLoads => {
                steps.push(Step::Fence { is_full: false });
                continue;
            }
            Op::FullFence => {
                steps.push(Step::Fence { is_full: true });
                continue;
            }
            Op::Change { at, to, change, value } => (at, to, change, value, true),
            Op::Weak { at, to, change } => (at, to, change, 0, false),
        };
        steps.push(Step::Load { at, to, acquire: ordered, is_change: true });
        steps.push(Step::Put { at, from: to, change, value, release: ordered });
    }
    steps
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    memory: Vec<u32>,
    seen: Outcome,
    /// Steps performed, a bit each.
    done: Vec<u32>,
    /// Words between the halves of a change, and whose.
    held: Vec<Option<usize>>,
}

/// All that the threads together can see, beginning with `memory`.
pub fn every_outcome(memory: &[u32], programs: &[Vec<Op>]) -> HashSet<Outcome> {
    let programs: Vec<_> = programs.iter().map(|program| steps(program)).collect();
    let start = State {
        memory: memory.to_vec(),
        seen: Outcome::new(),
        done: vec![0; programs.len()],
        held: vec![None; memory.len()],
    };
    let (mut waiting, mut known, mut outcomes) = (vec![start], HashSet::new(), HashSet::new());
    while let Some(state) = waiting.pop() {
        if !known.insert(state.clone()) {
            continue;
        }
        let is_over =
            state.done.iter().zip(&programs).all(|(done, all)| *done == (1 << all.len()) - 1);
        if is_over {
            outcomes.insert(state.seen);
            continue;
        }
        for (thread, program) in programs.iter().enumerate() {
            for (nth, step) in program.iter().enumerate() {
                let is_done = |nth: usize| state.done[thread] & 1 << nth != 0;
                let is_ready = program[..nth]
                    .iter()
                    .enumerate()
                    .all(|(earlier, each)| is_done(earlier) || !each.precedes(*step));
                if !is_done(nth) && is_ready {
                    waiting.extend(perform(&state, thread, nth, *step));
                }
            }
        }
    }
    outcomes
}

/// The state behind `step`; `None` if another thread is in the middle of a change of the word.
fn perform(state: &State, thread: usize, nth: usize, step: Step) -> Option<State> {
    let mut next = state.clone();
    next.done[thread] |= 1 << nth;
    let is_of_another = |at: usize| state.held[at].is_some_and(|holder| holder != thread);
    match step {
        Step::Load { at, to, is_change, .. } => {
            if is_change {
                if is_of_another(at) {
                    return None;
                }
                next.held[at] = Some(thread);
            }
            next.seen.insert(to, state.memory[at]);
        }
        Step::Store { at, value, .. } => {
            if is_of_another(at) {
                return None;
            }
            next.memory[at] = value;
        }
        Step::Put { at, from, change, value, .. } => {
            next.held[at] = None;
            if let Some(value) = change(state.seen[from], value) {
                next.memory[at] = value;
            }
        }
        Step::Fence { .. } => {}
    }
    Some(next)
}
