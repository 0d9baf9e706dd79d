//! `offloop export`: spans for other programs, into a file or to standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::{
    Answer, Output, Prepared,
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    fields_of, filter_of,
    notice::counted,
    trace::{find, id_digits},
};
use crate::{
    export::{Export, Format, rows_of_traces, with_whole_traces},
    index::Index,
    query::{Filter, search},
};

pub(super) const COMMAND: Command = Command {
    name: "export",
    operands: "[paths]",
    summary: "Spans for other programs: all, those that meet a filter, or whole traces.",
    options: &[
        OptionOf {
            name: "--format",
            value: Some("name"),
            help: "otlp (default): lines of OTLP/JSON, texts byte for byte as they were written; csv: a row for each span; chrome: trace events for Perfetto, Chrome DevTools and speedscope",
        },
        OptionOf { name: "--filter", value: Some("terms"), help: "as in `offloop query`" },
        OptionOf {
            name: "--trace",
            value: Some("id"),
            help: "the trace with this id, of which the first digits are enough; may be given several times",
        },
        OptionOf {
            name: "--traces",
            value: None,
            help: "with --filter: the whole traces of the spans that meet it",
        },
        OptionOf {
            name: "--fields",
            value: Some("list"),
            help: "columns of csv, as in `offloop query`",
        },
        OptionOf {
            name: "-o",
            value: Some("file"),
            help: "write into a new file that only you can read (0600)",
        },
        OptionOf { name: "--force", value: None, help: "replace the file of -o if it is there" },
    ],
    action: Action::Answer(prepare),
};

struct Chosen {
    format: Format,
    filter: Filter,
    /// Digits of ids of traces.
    traces: Vec<String>,
    has_whole_traces: bool,
}

fn prepare(arguments: &Arguments) -> Result<Prepared, UsageError> {
    let name = arguments.value("--format").unwrap_or("otlp");
    let Some(format) = Format::named(name) else {
        return Err(UsageError(format!("--format is otlp, csv or chrome; it is '{name}'")));
    };
    let ids = arguments.values("--trace").map(|text| {
        id_digits(text).ok_or_else(|| UsageError("--trace is the id of a trace".into()))
    });
    let chosen = Chosen {
        format,
        filter: filter_of(arguments)?,
        traces: ids.collect::<Result<_, _>>()?,
        has_whole_traces: arguments.has("--traces"),
    };
    if arguments.value("--fields").is_some() && format != Format::Csv {
        return Err(UsageError("--fields is for --format csv".into()));
    }
    fields_of(arguments)?;
    let fields = arguments.value("--fields").map(str::to_owned);
    let target = Target::of(arguments)?;
    Ok(Box::new(move |index| {
        let rows = match chosen.rows(index) {
            Ok(rows) => rows,
            Err(problem) => return Answer::nothing(&problem),
        };
        let fields = crate::fields::read_list(fields.as_deref().unwrap_or(crate::fields::DEFAULT));
        let export = Export::new(index, chosen.format, rows, fields.unwrap_or_default());
        let note = counted(export.spans() as u64, "span");
        Answer { output: Output::Export(export, target.clone()), note }
    }))
}

impl Chosen {
    fn rows(&self, index: &Index) -> Result<Vec<u32>, String> {
        if index.span_count() == 0 {
            return Err("no span was found".into());
        }
        let mut traces = Vec::new();
        for digits in &self.traces {
            match *find(index, digits).as_slice() {
                [] => {
                    return Err(format!(
                        "no trace and no span has an id that begins with {digits}"
                    ));
                }
                [trace] => traces.push(trace),
                _ => return Err(format!("several traces have an id that begins with {digits}")),
            }
        }
        let mut rows = search(index, &self.filter, &AtomicBool::new(false)).rows;
        if self.has_whole_traces {
            rows = with_whole_traces(index, &rows);
        }
        if !self.traces.is_empty() {
            let chosen = rows_of_traces(index, traces);
            rows.retain(|row| chosen.binary_search(row).is_ok());
        }
        if rows.is_empty() { Err("no span meets the filter".into()) } else { Ok(rows) }
    }
}

/// Where an export goes.
#[derive(Clone)]
pub(super) struct Target {
    path: PathBuf,
    replaces: bool,
}

impl Target {
    fn of(arguments: &Arguments) -> Result<Option<Target>, UsageError> {
        let Some(path) = arguments.value("-o").map(PathBuf::from) else { return Ok(None) };
        let replaces = arguments.has("--force");
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(UsageError(format!(
                "{} is there already; --force replaces it",
                path.display()
            )));
        }
        Ok(Some(Target { path, replaces }))
    }

    /// The name under which it is written: a file that is replaced stays until all is there.
    fn written(&self) -> PathBuf {
        if !self.replaces {
            return self.path.clone();
        }
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}.part", std::process::id()));
        name.into()
    }
}

/// Writes all pieces. Returns how many spans had to be left out.
pub(super) fn write(
    mut export: Export,
    index: &Index,
    target: Option<&Target>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let Some(target) = target else {
        pieces(&mut export, index, out)?;
        return Ok(export.left_out);
    };
    let path = target.written();
    let written = create(&path).and_then(|mut file| {
        let all = pieces(&mut export, index, &mut file);
        let all = all
            .and_then(|()| if target.replaces { fs::rename(&path, &target.path) } else { Ok(()) });
        // What is not all there is of no use.
        all.inspect_err(|_| drop(fs::remove_file(&path)))
    });
    written.map(|()| export.left_out)
}

fn pieces(export: &mut Export, index: &Index, out: &mut dyn Write) -> io::Result<()> {
    while let Some(piece) = export.next(index) {
        out.write_all(&piece)?;
    }
    out.flush()
}

/// A new file that only its owner can read: spans hold addresses, statements and names.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What is said about spans that were left out.
pub(super) fn note(left_out: u64) -> String {
    if left_out == 0 {
        return String::new();
    }
    format!(
        "; {} left out: the file is not what was read, or standard input",
        counted(left_out, "span")
    )
}
