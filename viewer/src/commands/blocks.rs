//! `offloop blocks`: which lines of code blocked the event loop, and what was open meanwhile.

use std::collections::HashMap;

use super::{
    Answer, Prepared,
    arguments::{Arguments, Command, OptionOf, UsageError},
    json::{Members, account, array},
    stats::{block_json, function_text},
    width,
};
use crate::{
    index::Index,
    query::{BlockLine, HeldUp, RouteTime, block_lines, held_up},
    terminal::{Column, Table, count_text, duration_text, shown},
    time::time_text,
};

pub(super) const COMMAND: Command = Command {
    name: "blocks",
    operands: "[paths]",
    summary: "The lines of code that blocked the event loop, those that took the most time first, and the operations that were open in the same process meanwhile.",
    options: &[
        OptionOf { name: "--limit", value: Some("n"), help: "lines of code to show; default: 20" },
        OptionOf { name: "--json", value: None, help: "all lines as JSON, times in nanoseconds" },
    ],
    prepare,
};

/// Operations that are named for each line of code.
const MOST_OPERATIONS: usize = 3;

fn prepare(arguments: &Arguments) -> Result<Prepared, UsageError> {
    let limit = arguments.number("--limit", 20)?;
    let is_json = arguments.has("--json");
    Ok(Box::new(move |index| {
        let lines = block_lines(index);
        match is_json {
            _ if lines.is_empty() => Answer::nothing(
                "no block of the event loop was found: EventLoopMonitor reports them",
            ),
            true => Answer::found(json(index, &lines)),
            false => Answer::found(text(index, &lines, limit)),
        }
    }))
}

/// Spans with one service and name that were open during the blocks of a line.
struct Operation {
    name: String,
    count: u64,
    overlap: u64,
}

/// Those with the most blocked time first.
fn operations(index: &Index, rows: &[u32]) -> Vec<Operation> {
    let mut found: HashMap<(u32, u32), Operation> = HashMap::new();
    for open in held_up(index, rows).iter().flat_map(|HeldUp { open, .. }| open) {
        let Some(span) = index.span(open.row) else { continue };
        let operation = found.entry((span.resource, span.name)).or_insert_with(|| Operation {
            name: format!("{} {}", index.service(span.resource), index.name(span)),
            count: 0,
            overlap: 0,
        });
        operation.count += 1;
        operation.overlap += open.overlap;
    }
    let mut operations: Vec<Operation> = found.into_values().collect();
    operations.sort_by(|one, other| (other.overlap, &one.name).cmp(&(one.overlap, &other.name)));
    operations
}

fn text(index: &Index, lines: &[BlockLine], limit: usize) -> String {
    let lists_routes = lines.iter().take(limit).any(|line| !line.routes.is_empty());
    let mut columns = vec![Column::text("FUNCTION"), Column::text("AT")];
    if lists_routes {
        columns.push(Column::text("ROUTE"));
    }
    columns.push(Column::whole("CAUSE"));
    columns.extend(["COUNT", "TOTAL", "LONGEST", "CPU", "GC"].map(Column::figure));
    let mut table = Table::new(columns);
    for line in lines.iter().take(limit) {
        let mut row = vec![function_text(line), shown(&line.place)];
        if lists_routes {
            row.push(routes_text(line));
        }
        row.extend([shown(&line.cause), count_text(line.count)]);
        row.extend([line.total, line.longest, line.cpu, line.gc].map(duration_text));
        table.push(row);
    }
    let mut text = table.text(width());
    if lines.len() > limit {
        text.push_str(&format!("… and {} more (--limit)\n", lines.len() - limit));
    }
    for line in lines.iter().take(limit) {
        text.push_str(&format!("\n{}, last at {}\n", function_text(line), time_text(line.last)));
        let operations = operations(index, &line.rows);
        if operations.is_empty() {
            text.push_str("  nothing else was open in the same process\n");
            continue;
        }
        text.push_str("  open in the same process meanwhile:\n");
        let mut table = Table::new(vec![
            Column::text("  OPERATION"),
            Column::figure("SPANS"),
            Column::figure("BLOCKED"),
        ]);
        for operation in operations.iter().take(MOST_OPERATIONS) {
            let name = format!("  {}", shown(&operation.name));
            table.push(vec![name, count_text(operation.count), duration_text(operation.overlap)]);
        }
        text.push_str(&table.text(width()));
        if operations.len() > MOST_OPERATIONS {
            text.push_str(&format!(
                "  … and {} more operations (--json)\n",
                operations.len() - MOST_OPERATIONS
            ));
        }
    }
    text
}

/// The route that the line held up longest, and how many others there are.
fn routes_text(line: &BlockLine) -> String {
    match line.routes.as_slice() {
        [] => String::new(),
        [only] => shown(&only.route),
        [first, others @ ..] => format!("{} +{}", shown(&first.route), others.len()),
    }
}

fn json(index: &Index, lines: &[BlockLine]) -> String {
    let line = |line: &BlockLine| {
        let open = operations(index, &line.rows);
        let open = open.iter().map(|operation| {
            let Operation { name, count, overlap } = operation;
            Members::default()
                .text("operation", name)
                .number("spans", *count)
                .number("blocked", *overlap)
                .object()
        });
        let routes = line.routes.iter().map(|RouteTime { route, count, total }| {
            Members::default()
                .text("route", route)
                .number("count", *count)
                .number("total", *total)
                .object()
        });
        block_json(line).raw("routes", array(routes)).raw("open", array(open)).object()
    };
    account(index).raw("blocks", array(lines.iter().map(line))).object() + "\n"
}
