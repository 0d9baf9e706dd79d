//! Rules on whole batches: what is left of them in the bytes that leave, in both formats.

mod build;
mod json;
mod parts;
mod phases;
mod reference;
mod spans;
mod sql;
mod statements;
