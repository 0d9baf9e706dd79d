//! `offloop blocks`: which lines of code blocked the event loop, and what was open meanwhile.

use super::{
    Answer, Prepared,
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    json::{account, end},
    stats::{function_text, write_block},
    width,
};
use crate::{
    index::Index,
    query::{BlockLine, Operation, RouteTime, block_lines, operations},
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
    action: Action::Answer(prepare),
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

fn text(index: &Index, lines: &[BlockLine], limit: usize) -> String {
    let lists_routes = lines.iter().take(limit).any(|line| !line.routes.is_empty());
    let mut columns = vec![Column::text("FUNCTION"), Column::place("AT")];
    if lists_routes {
        columns.push(Column::aside("ROUTE"));
    }
    columns.push(Column::whole("CAUSE"));
    columns.extend(["COUNT", "TOTAL"].map(Column::figure));
    columns.extend(["LONGEST", "CPU", "GC"].map(Column::spare));
    let mut table = Table::new(columns);
    for line in lines.iter().take(limit) {
        let mut row = vec![function_text(line), shown(&line.at.place)];
        if lists_routes {
            row.push(routes_text(line));
        }
        row.extend([shown(&line.at.cause), count_text(line.count)]);
        row.extend([line.total, line.longest, line.cpu, line.gc].map(duration_text));
        table.push(row);
    }
    let mut text = table.text(width());
    if lines.len() > limit {
        text.push_str(&format!("… and {} more (--limit)\n", lines.len() - limit));
    }
    for line in lines.iter().take(limit) {
        // In full, whatever the table has room for.
        let place = if line.at.place.is_empty() {
            String::new()
        } else {
            format!(" ({})", shown(&line.at.place))
        };
        let last = time_text(line.last);
        text.push_str(&format!("\n{}{place}, last at {last}\n", function_text(line)));
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
    let mut json = account(index);
    json.name("blocks").array();
    for line in lines {
        write_block(json.object(), line);
        json.name("routes").array();
        for RouteTime { route, count, total } in &line.routes {
            json.object().name("route").text(route).name("count").number(*count);
            json.name("total").number(*total).end_object();
        }
        json.end_array().name("open").array();
        for Operation { name, count, overlap } in operations(index, &line.rows) {
            json.object().name("operation").text(&name).name("spans").number(count);
            json.name("blocked").number(overlap).end_object();
        }
        json.end_array().end_object();
    }
    json.end_array();
    end(json)
}
