//! Who is whose child: owns order, depth and what time belongs to a span itself. Nothing here calls itself: a trace may
//! be a chain of any length.

mod critical_path;
mod forest;
mod order;
mod self_time;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    critical_path::{Piece, Visited, critical_path},
    forest::Forest,
    order::{Entry, Mark, order},
    self_time::self_times,
};
