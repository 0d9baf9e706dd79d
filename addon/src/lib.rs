//! The Node-API border of Offloop: converts, and decides nothing.
//!
//! Everything here is private to `js/`; no user calls it. Every entry catches panics, because an unwinding panic that
//! reaches Node aborts the process.

#![cfg_attr(test, allow(dead_code, reason = "napi registers nothing in a test build"))]

mod config;
mod convert;
mod environment;
mod header_questions;
mod lane;
mod mailbox;
mod monitor;
mod moving_sink;
mod node_sink;
mod open_questions;
mod text_writer;
mod thread_cpu;
