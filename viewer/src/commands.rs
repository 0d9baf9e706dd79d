//! The commands of the terminal: owns what is written to which stream, and with which exit code a command ends.

mod arguments;
mod blocks;
mod export;
mod help;
mod json;
mod memory;
mod notice;
mod query;
mod serve;
mod stats;
mod trace;

use std::{
    env,
    ffi::OsString,
    io::{self, ErrorKind, IsTerminal, Write},
    time::Instant,
};

use self::arguments::{Action, Arguments, Command, Parsed, UsageError};
use crate::{
    export::Export,
    fields::{self, Shown},
    index::Index,
    query::{Filter, FilterError, parse},
    reading::{Options, Place, Reporter, read},
    source::discover,
};

const COMMANDS: &[Command] =
    &[stats::COMMAND, query::COMMAND, trace::COMMAND, blocks::COMMAND, export::COMMAND];
/// For the server of the page alone: no help names it.
const HIDDEN: &[Command] = &[serve::COMMAND];

const FOUND: u8 = 0;
/// Nothing could be read, or no span was found.
const NOTHING: u8 = 1;
const WRONG_USAGE: u8 = 2;
/// `--strict`, and something was skipped.
const SKIPPED: u8 = 3;

/// Columns of a terminal that does not say how many it has.
const WIDTH: usize = 80;

/// Runs the command that `arguments`, those behind the name of the program, ask for. Returns the exit code.
pub fn run(arguments: &[OsString]) -> u8 {
    let mut out = io::stdout();
    match answer(arguments, &mut out) {
        Ok(code) => code,
        // Whoever reads has seen enough, as `head` has.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => FOUND,
        Err(Failure::Output(error)) => {
            complain(&format!("the result cannot be written: {error}"));
            NOTHING
        }
        Err(Failure::Usage(UsageError(text))) => {
            complain(&text);
            WRONG_USAGE
        }
    }
}

enum Failure {
    Usage(UsageError),
    Output(io::Error),
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Failure {
        Failure::Usage(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

fn answer(arguments: &[OsString], out: &mut dyn Write) -> Result<u8, Failure> {
    let is_hidden = |name: &OsString| HIDDEN.iter().any(|command| name == command.name);
    let commands = if arguments.first().is_some_and(is_hidden) { HIDDEN } else { COMMANDS };
    let arguments = match arguments::parse(arguments, commands)? {
        Parsed::Nothing => {
            tell(&help::overview(COMMANDS));
            return Ok(WRONG_USAGE);
        }
        Parsed::Help(command) => {
            let text = command.map_or_else(|| help::overview(COMMANDS), help::of);
            out.write_all(text.as_bytes())?;
            return Ok(FOUND);
        }
        Parsed::Command(arguments) => arguments,
    };
    let prepared = match arguments.command.action {
        Action::Answer(prepare) => prepare(&arguments)?,
        Action::Serve => return Ok(serve::serve(&arguments)?),
    };
    let index = read_files(&arguments)?;
    let is_strict = arguments.has("--strict");
    let notice = notice::notice(&index);
    if !arguments.has("--quiet") {
        tell(&notice.text);
    }
    let Answer { output, mut note } = prepared(&index);
    let (mut has_found, mut is_anything_skipped) = (true, notice.is_anything_skipped);
    match output {
        Output::Nothing => has_found = false,
        Output::Text(text) => out.write_all(text.as_bytes())?,
        Output::Export(export, target) => {
            let spans = export.spans() as u64;
            let left_out = export::write(export, &index, target.as_ref(), out)?;
            is_anything_skipped |= left_out > 0;
            has_found = left_out < spans;
            note.push_str(&export::note(left_out));
        }
    }
    out.flush()?;
    if !note.is_empty() && (!has_found || !arguments.has("--quiet")) {
        tell(&format!("{note}\n"));
    }
    Ok(match has_found {
        false => NOTHING,
        true if is_strict && is_anything_skipped => SKIPPED,
        true => FOUND,
    })
}

/// What a command makes of an index.
struct Answer {
    output: Output,
    /// What else is to be said.
    note: String,
}

/// The result.
enum Output {
    Nothing,
    Text(String),
    /// Spans that are written piece by piece, into a file if one is named.
    Export(Export, Option<export::Target>),
}

impl Answer {
    fn found(text: String) -> Answer {
        Answer { output: Output::Text(text), note: String::new() }
    }

    fn nothing(note: &str) -> Answer {
        Answer { output: Output::Nothing, note: note.into() }
    }
}

/// A command whose arguments have been checked.
type Prepared = Box<dyn Fn(&Index) -> Answer>;

/// The filter of `--filter`, or what is wrong with it and where.
fn filter_of(arguments: &Arguments) -> Result<Filter, UsageError> {
    let text = arguments.value("--filter").unwrap_or_default();
    parse(text).map_err(|error| {
        let FilterError { column, expected } = error;
        let blanks = " ".repeat(column.saturating_sub(1));
        UsageError(format!(
            "the filter is wrong at column {column}: expected is {expected}\n  {text}\n  {blanks}^"
        ))
    })
}

/// The fields of `--fields`.
fn fields_of(arguments: &Arguments) -> Result<Vec<Shown>, UsageError> {
    let list = arguments.value("--fields").unwrap_or(fields::DEFAULT);
    fields::read_list(list).map_err(|problem| UsageError(["--fields: ", &problem].concat()))
}

fn read_files(arguments: &Arguments) -> Result<Index, UsageError> {
    let max_memory = max_memory(arguments)?;
    let (paths, is_recursive) = (arguments.paths.clone(), arguments.has("--recursive"));
    let place = match io::stderr().is_terminal() {
        _ if arguments.has("--quiet") => Place::Nowhere,
        true => Place::Terminal,
        false => Place::Log,
    };
    let mut reporter = Reporter::new(io::stderr(), place, Instant::now());
    let find = move || discover(&paths, is_recursive);
    let index = read(find, &Options::new(max_memory), &mut |progress| {
        reporter.report(progress, Instant::now());
    });
    reporter.finish();
    Ok(index)
}

fn max_memory(arguments: &Arguments) -> Result<u64, UsageError> {
    arguments.value("--max-memory").map_or_else(|| Ok(memory::default_limit()), memory::parse)
}

/// Columns of the terminal: what COLUMNS says, which a shell keeps to itself unless it is exported.
fn width() -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.filter(|columns| (40..10_000).contains(columns)).unwrap_or(WIDTH)
}

/// Writes to the stream that is not for results. Nobody is to be told if that fails.
fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn complain(text: &str) {
    tell(&format!("offloop: {text}\n"));
}
