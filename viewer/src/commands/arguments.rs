//! What was typed: owns the names of commands and options, and what is said about a name that is none.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::Prepared;

/// A command.
pub(super) struct Command {
    pub name: &'static str,
    /// What stands behind it.
    pub operands: &'static str,
    /// One sentence for the list of commands.
    pub summary: &'static str,
    pub options: &'static [OptionOf],
    pub action: Action,
}

#[derive(Clone, Copy)]
pub(super) enum Action {
    /// One answer. What is here checks the arguments, before any file is read.
    Answer(fn(&Arguments) -> Result<Prepared, UsageError>),
    /// As many answers as there are questions.
    Serve,
}

/// An option of a command.
pub(super) struct OptionOf {
    pub name: &'static str,
    /// What its value is called; none if it has no value.
    pub value: Option<&'static str>,
    pub help: &'static str,
}

/// Options that every command has.
pub(super) const COMMON: &[OptionOf] = &[
    OptionOf { name: "--recursive", value: None, help: "read subdirectories, too" },
    OptionOf {
        name: "--max-memory",
        value: Some("size"),
        help: "what the index may take, as 512MB; default: half of the memory, at most 2GiB",
    },
    OptionOf { name: "--strict", value: None, help: "end with 3 if anything was skipped" },
    OptionOf { name: "--quiet", value: None, help: "no progress and no notices" },
    OptionOf { name: "--help", value: None, help: "this text" },
];

#[derive(Debug)]
pub(super) struct UsageError(pub String);

/// The arguments of a command.
pub(super) struct Arguments {
    pub command: &'static Command,
    /// What stands before the paths, of a command that has such an operand.
    pub id: Option<String>,
    pub paths: Vec<PathBuf>,
    options: Vec<(&'static str, Option<String>)>,
}

impl Arguments {
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| *option == name)
    }

    /// The value of an option; the last one wins.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().rev().find(|(option, _)| *option == name)?;
        found.1.as_deref()
    }

    /// All values of an option that may stand there several times.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.options.iter().filter(move |(option, _)| *option == name);
        found.filter_map(|(_, value)| value.as_deref())
    }

    /// The value of an option that is a whole number.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, UsageError> {
        let Some(text) = self.value(name) else { return Ok(default) };
        text.parse().map_err(|_| UsageError(format!("{name} is a whole number; it is '{text}'")))
    }
}

pub(super) enum Parsed {
    Command(Arguments),
    /// Nothing was typed.
    Nothing,
    /// Help was asked for, on a command or on all of them.
    Help(Option<&'static Command>),
}

pub(super) fn parse(
    arguments: &[OsString],
    commands: &'static [Command],
) -> Result<Parsed, UsageError> {
    let Some((name, rest)) = arguments.split_first() else { return Ok(Parsed::Nothing) };
    let name = name.to_string_lossy();
    if ["--help", "-h", "help"].contains(&&*name) {
        return Ok(Parsed::Help(None));
    }
    let Some(command) = commands.iter().find(|command| command.name == name) else {
        let names = commands.iter().map(|command| command.name);
        return Err(UsageError(format!("there is no command '{name}'{}", nearest(&name, names))));
    };
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Parsed::Help(Some(command)));
    }
    let mut parsed = Arguments { command, id: None, paths: Vec::new(), options: Vec::new() };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.to_str().filter(|text| text.len() > 1 && text.starts_with('-')) {
            Some("--") => parsed.paths.extend(words.by_ref().map(PathBuf::from)),
            Some(text) => option(&mut parsed, text, &mut words)?,
            None => parsed.paths.push(PathBuf::from(word)),
        }
    }
    if command.operands.starts_with("<id>") && !parsed.paths.is_empty() {
        parsed.id = Some(parsed.paths.remove(0).to_string_lossy().into_owned());
    }
    Ok(Parsed::Command(parsed))
}

fn option<'a>(
    parsed: &mut Arguments,
    text: &str,
    words: &mut impl Iterator<Item = &'a OsString>,
) -> Result<(), UsageError> {
    let (name, inline) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let options = || parsed.command.options.iter().chain(COMMON);
    let Some(known) = options().find(|option| option.name == name) else {
        let hint = nearest(name, options().map(|option| option.name));
        return Err(UsageError(format!("'{}' has no option {name}{hint}", parsed.command.name)));
    };
    let value = match (known.value, inline) {
        (None, Some(_)) => return Err(UsageError(format!("{name} takes no value"))),
        (None, None) => None,
        (Some(_), Some(value)) => Some(value),
        (Some(what), None) => match words.next().map(OsString::as_os_str).and_then(OsStr::to_str) {
            Some(value) => Some(value.to_owned()),
            None => return Err(UsageError(format!("{name} needs a value: {name} <{what}>"))),
        },
    };
    parsed.options.push((known.name, value));
    Ok(())
}

/// The known name that a mistyped one is nearest to, as the end of a sentence.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names.map(|name| (distance(typed, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + name.len() / 3 => {
            format!("; did you mean {name}?")
        }
        _ => ": see --help".into(),
    }
}

/// How many letters have to be changed, added or taken away.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().take(64).enumerate() {
        let mut next = vec![index + 1];
        for ((known, pair), left) in other.iter().zip(row.windows(2)).zip(0..) {
            let &[before, above] = pair else { continue };
            let beside = next.get(left as usize).copied().unwrap_or(0);
            next.push((above + 1).min(beside + 1).min(before + usize::from(*known != letter)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
