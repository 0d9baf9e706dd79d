//! `offloop query`: the spans that meet a filter.

use std::sync::atomic::AtomicBool;

use super::{
    Answer, Output, Prepared,
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    fields_of, filter_of,
    json::end,
    notice::counted,
    width,
};
use crate::{
    fields::{Cells, Shown},
    index::{Index, Span},
    json::Json,
    query::{Filter, Matches, search},
    sorted::sort_by_key,
    terminal::{Table, csv_cell, shown},
};

pub(super) const COMMAND: Command = Command {
    name: "query",
    operands: "[paths]",
    summary: "The spans that meet a filter, by their start.",
    options: &[
        OptionOf {
            name: "--filter",
            value: Some("terms"),
            help: "as 'service=shop status=error duration>100ms http.route=/cart timeout'; all must hold",
        },
        OptionOf { name: "--limit", value: Some("n"), help: "spans to show; default: 50" },
        OptionOf {
            name: "--fields",
            value: Some("list"),
            help: "default: start,duration,status,service,name,trace,span; also kind, self, parent, scope, file, trace.spans, attr.<key>, resource.<key> …",
        },
        OptionOf { name: "--format", value: Some("name"), help: "table (default), jsonl or csv" },
    ],
    action: Action::Answer(prepare),
};

#[derive(Clone, Copy)]
enum Format {
    Table,
    JsonLines,
    Csv,
}

struct Query {
    filter: Filter,
    fields: Vec<Shown>,
    limit: usize,
    format: Format,
}

fn prepare(arguments: &Arguments) -> Result<Prepared, UsageError> {
    let format = match arguments.value("--format") {
        None | Some("table") => Format::Table,
        Some("jsonl") => Format::JsonLines,
        Some("csv") => Format::Csv,
        Some(other) => {
            return Err(UsageError(format!("--format is table, jsonl or csv; it is '{other}'")));
        }
    };
    let query = Query {
        filter: filter_of(arguments)?,
        fields: fields_of(arguments)?,
        limit: arguments.number("--limit", 50)?,
        format,
    };
    Ok(Box::new(move |index| query.answer(index)))
}

impl Query {
    fn answer(&self, index: &Index) -> Answer {
        let Matches { mut rows, not_searched, .. } =
            search(index, &self.filter, &AtomicBool::new(false));
        let mut notes = Vec::new();
        if not_searched > 0 {
            notes.push(format!(
                "{} could not be searched: the file is not what was read, or standard input",
                counted(not_searched, "span")
            ));
        }
        if rows.is_empty() {
            notes.push(
                if index.span_count() == 0 {
                    "no span was found"
                } else {
                    "no span meets the filter"
                }
                .into(),
            );
            return Answer::nothing(&notes.join("\n"));
        }
        sort_by_key(&mut rows, |row| (index.span(*row).map_or(0, |span| span.start), 0));
        let all = rows.len();
        if all > self.limit {
            notes.push(format!("{} of {} (--limit)", self.limit, counted(all as u64, "span")));
        } else {
            notes.push(counted(all as u64, "span"));
        }
        rows.truncate(self.limit);
        let spans = rows.iter().filter_map(|row| Some((*row, index.span(*row)?)));
        let text = match self.format {
            Format::Table => self.table(index, spans),
            Format::JsonLines => self.json_lines(index, spans),
            Format::Csv => self.csv(index, spans),
        };
        Answer { output: Output::Text(text), note: notes.join("\n") }
    }

    fn table<'i>(&self, index: &'i Index, spans: impl Iterator<Item = (u32, &'i Span)>) -> String {
        let cells = Cells::new(index, &self.fields);
        let mut table = Table::new(self.fields.iter().map(Shown::column).collect());
        for (row, span) in spans {
            let texts =
                self.fields.iter().map(|field| shown(&cells.cell(index, row, span, field).text()));
            table.push(texts.collect());
        }
        table.text(width())
    }

    fn json_lines<'i>(
        &self,
        index: &'i Index,
        spans: impl Iterator<Item = (u32, &'i Span)>,
    ) -> String {
        let cells = Cells::new(index, &self.fields);
        let line = |(row, span)| {
            let mut json = Json::default();
            json.object();
            for field in &self.fields {
                json.name(&field.name).raw(&cells.cell(index, row, span, field).json());
            }
            end(json)
        };
        spans.map(line).collect()
    }

    fn csv<'i>(&self, index: &'i Index, spans: impl Iterator<Item = (u32, &'i Span)>) -> String {
        let cells = Cells::new(index, &self.fields);
        let titles =
            self.fields.iter().map(|field| csv_cell(&field.name)).collect::<Vec<_>>().join(",");
        let line = |(row, span)| {
            let texts = self
                .fields
                .iter()
                .map(|field| csv_cell(&cells.cell(index, row, span, field).plain()));
            texts.collect::<Vec<_>>().join(",") + "\n"
        };
        titles + "\n" + &spans.map(line).collect::<String>()
    }
}
