//! `offloop-viewer serve`: what the server of the page starts. It is no command for people.

use std::path::PathBuf;

use super::{
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    max_memory,
};
use crate::engine::{Settings, run};

pub(super) const COMMAND: Command = Command {
    name: "serve",
    operands: "[paths]",
    summary: "Answers questions that come in lines of JSON, until the input ends.",
    options: &[
        OptionOf {
            name: "--once",
            value: None,
            help: "read the files once and do not follow them",
        },
        OptionOf { name: "--source", value: Some("dir"), help: "show lines of the code in it" },
    ],
    action: Action::Serve,
};

pub(super) fn serve(arguments: &Arguments) -> Result<u8, UsageError> {
    run(Settings {
        paths: arguments.paths.clone(),
        is_recursive: arguments.has("--recursive"),
        source: arguments.value("--source").map(PathBuf::from),
        follows: !arguments.has("--once"),
        max_memory: max_memory(arguments)?,
    });
    Ok(super::FOUND)
}
