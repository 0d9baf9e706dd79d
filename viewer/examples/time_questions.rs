//! Prints how much CPU time questions about some files take, in milliseconds, as JSON lines:
//!
//! ```sh
//! node viewer/bench/make_spans.mjs --spans 222000 --shape one --seed 1 --out .cache/one
//! cargo run --release -p offloop-viewer --example time_questions -- .cache/one
//! ```

#![allow(clippy::print_stdout, reason = "what it prints is its result")]

use std::{env, path::PathBuf};

fn main() {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    for (name, millis) in offloop_viewer::time_questions(&paths) {
        println!("{{\"name\":\"{name}\",\"cpuMillis\":{millis:.3}}}");
    }
}
