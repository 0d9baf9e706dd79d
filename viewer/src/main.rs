//! The program behind `offloop stats`, `query`, `trace` and `blocks`.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    ExitCode::from(offloop_viewer::run(&arguments))
}
