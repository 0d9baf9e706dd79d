//! Turns blocks of an event loop into spans while they last: a native thread watches a counter that the loop advances.
//! It refuses to know Node: how a loop is read and how a stack is taken is behind [`watchdog::WatchedLoop`].
//!
//! ```text
//! loop thread                      watchdog thread
//! ───────────                      ───────────────
//! prepare hook ──► TurnClock ────► Observation ──► Machine::step ──► Action ──► request a stack
//!   (stamps)      (shared)         (readings)       (pure)                  └──► report::span ──► lane
//! processor ─────► OpenSpanTable ──────────────────────────────────────────────────┘
//! ```
//! A *turn* is one round of the loop from its wake-up to its next look for events; a turn that is longer than the
//! threshold is a *block*.

pub mod block;
pub mod collections;
pub mod delays;
pub mod machine;
pub mod open_spans;
pub mod rate_limit;
pub mod report;
mod sleep;
pub mod stack;
pub mod turns;
pub mod usage;
pub mod watchdog;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
