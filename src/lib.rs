//! Offloop's core: takes spans that JavaScript wrote into native memory and delivers them, without Node.
//!
//! ```text
//!         JS thread (never blocks)             |                    Rust threads (may block)
//!  span.end()            handoff block         |   transform workers          I/O thread
//!  ─────────►  js/  ───────────────────► addon ──► admission ─► queue ─► decode ─► encode ─► compress ─► dispatcher ─► sink
//!              writes the finished span        |   ticket +              (pure functions over arenas)    schedule,    http
//!              one call per batch              |   permits                                               retry        file
//!  resultCallback / Promise ◄── outcome ◄──────┼────────────────────── completion, exactly once ◄──────────────────────┘
//! ```
//!
//! This crate refuses to know Node-API: no dependency of it names napi, and `cargo test` needs no Node.

pub mod clock;
pub mod config;
pub mod contain;
pub mod drift;
pub mod error;
pub mod exporter;
pub mod handoff;
pub mod lock;
pub mod monitor;
pub mod otlp;
pub mod pipeline;
pub mod process;
pub mod recorder;
pub mod shown;
pub mod sink;
pub mod span;
pub mod stats;
pub mod transform;
mod verdict;
