//! The texts of `--help`, made from the tables of commands and options.

use super::arguments::{COMMON, Command, OptionOf};

const WIDTH: usize = 80;

pub(super) fn overview(commands: &[Command]) -> String {
    let mut text = String::from(
        "Spans of FileSpanExporter and of the Collector's file exporter, in the terminal.\n\n",
    );
    for command in commands {
        row(&mut text, command.name, command.summary);
    }
    text.push_str("\n`offloop <command> --help` shows the options of a command.\n");
    text
}

pub(super) fn of(command: &Command) -> String {
    let mut text = format!("offloop {} [options] {}\n\n", command.name, command.operands);
    row(&mut text, "", command.summary);
    text.push('\n');
    let paths = "files, directories, or - for standard input; without any ./spans if it is there, else the current directory";
    row(&mut text, "paths", paths);
    for OptionOf { name, value, help } in command.options.iter().chain(COMMON) {
        let name = match value {
            Some(value) => format!("{name} <{value}>"),
            None => (*name).to_owned(),
        };
        row(&mut text, &name, help);
    }
    text
}

/// A name and what is said about it, in lines that fit.
fn row(text: &mut String, name: &str, words: &str) {
    const INDENT: usize = 24;
    let indent = if name.is_empty() { 2 } else { INDENT };
    let mut line = format!("  {name}");
    line.push_str(&" ".repeat(indent.saturating_sub(line.len())));
    let mut is_first = true;
    for word in words.split(' ') {
        if !is_first && line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(indent);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    text.push_str(&line);
    text.push('\n');
}
