//! Questions to the index, each answered with data: owns what is counted, grouped and compared.
//! It refuses to know how an answer is shown.

mod blocks;
mod facts;
mod filter;
mod held_up;
mod latency;
mod search;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    blocks::{BlockLine, RouteTime, block_lines},
    facts::{root, services},
    filter::{Field, Filter, FilterError, Place, parse},
    held_up::{HeldUp, held_up},
    latency::{By, Group, latency},
    search::{Matches, search},
};
