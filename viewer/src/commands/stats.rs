//! `offloop stats`: how long operations take, and which lines of code blocked the event loop.

use super::{
    Answer, Prepared,
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    json::{account, end},
    width,
};
use crate::{
    index::Index,
    json::Json,
    query::{BlockLine, By, Group, block_lines, latency, with_blocks_once},
    questions::write_group,
    terminal::{Column, Table, count_text, duration_text, shown},
    time::time_text,
    tree::{Forest, self_times},
};

pub(super) const COMMAND: Command = Command {
    name: "stats",
    operands: "[paths]",
    summary: "Count, errors, percentiles and self time of each operation, and the lines of code that blocked the event loop most.",
    options: &[
        OptionOf {
            name: "--by",
            value: Some("key"),
            help: "operation (default), service, kind, file, or an attribute such as http.route",
        },
        OptionOf { name: "--limit", value: Some("n"), help: "rows of the table; default: 50" },
        OptionOf {
            name: "--json",
            value: None,
            help: "all rows as JSON, times in nanoseconds, and the account of the files",
        },
    ],
    action: Action::Answer(prepare),
};

const WORST_BLOCKS: usize = 5;

fn prepare(arguments: &Arguments) -> Result<Prepared, UsageError> {
    let by = match arguments.value("--by") {
        None | Some("operation") => By::Operation,
        Some("service") => By::Service,
        Some("kind") => By::Kind,
        Some("file") => By::File,
        Some(key) => By::Key(key.to_owned()),
    };
    let limit = arguments.number("--limit", 50)?;
    let is_json = arguments.has("--json");
    Ok(Box::new(move |index| match is_json {
        _ if index.span_count() == 0 => Answer::nothing("no span was found"),
        true => Answer::found(json(index, &by)),
        false => Answer::found(text(index, &by, limit)),
    }))
}

/// The groups, and how many spans were counted.
fn groups(index: &Index, by: &By) -> (Vec<Group>, u64) {
    let own = self_times(index, &Forest::of_all(index));
    let rows = with_blocks_once(index, index.rows().collect());
    (latency(index, by, &mut rows.iter().copied(), &own), rows.len() as u64)
}

fn text(index: &Index, by: &By, limit: usize) -> String {
    let (groups, spans) = groups(index, by);
    let (title, word) = match by {
        By::Operation => ("OPERATION", "operations"),
        By::Service => ("SERVICE", "services"),
        By::Kind => ("KIND", "kinds"),
        By::File => ("FILE", "files"),
        By::Key(_) => ("VALUE", "values"),
    };
    let mut columns = vec![Column::text("SERVICE"), Column::text(title)];
    columns.extend(["COUNT", "ERRORS", "P50", "P95", "P99", "SELF"].map(Column::figure));
    if *by != By::Operation {
        columns.remove(0);
    }
    let mut table = Table::new(columns);
    for group in groups.iter().take(limit) {
        let mut row: Vec<String> = group.service.iter().map(|service| shown(service)).collect();
        row.push(shown(&group.name));
        row.extend([count_text(group.count), count_text(group.errors)]);
        row.extend([group.p50, group.p95, group.p99, group.self_time].map(duration_text));
        table.push(row);
    }
    let mut text = table.text(width());
    if groups.len() > limit {
        let more = count_text((groups.len() - limit) as u64);
        text.push_str(&format!("… and {more} more {word} with less self time (--limit)\n"));
    }
    if let By::Key(key) = by {
        let has_it: u64 = groups.iter().map(|group| group.count).sum();
        text.push_str(&format!(
            "{} of {} spans have {}\n",
            count_text(has_it),
            count_text(spans),
            shown(key)
        ));
    }
    text.push_str(&blocks_text(&block_lines(index)));
    text
}

fn blocks_text(lines: &[BlockLine]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut columns = vec![Column::text("EVENT LOOP BLOCKED IN"), Column::place("AT")];
    columns.extend([
        Column::whole("CAUSE"),
        Column::figure("COUNT"),
        Column::figure("TOTAL"),
        Column::spare("LONGEST"),
    ]);
    let mut table = Table::new(columns);
    for line in lines.iter().take(WORST_BLOCKS) {
        table.push(vec![
            function_text(line),
            shown(&line.at.place),
            shown(&line.at.cause),
            count_text(line.count),
            duration_text(line.total),
            duration_text(line.longest),
        ]);
    }
    let mut text = format!("\n{}", table.text(width()));
    if lines.len() > WORST_BLOCKS {
        text.push_str(&format!("… and {} more (offloop blocks)\n", lines.len() - WORST_BLOCKS));
    }
    text
}

/// The function of a line of code.
pub(super) fn function_text(line: &BlockLine) -> String {
    match (line.at.place.is_empty(), line.at.function.is_empty()) {
        (true, _) => "(no stack)".into(),
        (false, true) => "(anonymous)".into(),
        (false, false) => shown(&line.at.function),
    }
}

fn json(index: &Index, by: &By) -> String {
    let mut json = account(index);
    json.name("groups").array();
    for group in groups(index, by).0 {
        write_group(&mut json, &group);
    }
    json.end_array().name("blocks").array();
    for line in block_lines(index) {
        write_block(json.object(), &line);
        json.end_object();
    }
    json.end_array();
    end(json)
}

/// The members of a line of code that blocked.
pub(super) fn write_block(json: &mut Json, line: &BlockLine) {
    json.name("function").text(&line.at.function).name("place").text(&line.at.place);
    json.name("cause").text(&line.at.cause).name("count").number(line.count);
    json.name("total").number(line.total).name("longest").number(line.longest);
    json.name("cpu").number(line.cpu).name("gc").number(line.gc);
    json.name("last").text(&time_text(line.last));
}
