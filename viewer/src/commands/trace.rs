//! `offloop trace`: the tree of one trace.

use super::{
    Answer, Prepared,
    arguments::{Action, Arguments, Command, OptionOf, UsageError},
    notice::counted,
    width,
};
use crate::{
    index::{Index, NONE, Span, Trace},
    parse::{hex_id, hex_span_id},
    query::{root, services},
    span_flags::Flags,
    terminal::{count_text, duration_text, shown, truncated},
    time::time_text,
    tree::{Entry, Forest, Mark, Visited, critical_path, order},
};

pub(super) const COMMAND: Command = Command {
    name: "trace",
    operands: "<id> [paths]",
    summary: "The tree of the trace with this id, or with the span that has it; the first digits are enough.",
    options: &[
        OptionOf { name: "--depth", value: Some("n"), help: "levels to show; default: all" },
        OptionOf {
            name: "--critical",
            value: None,
            help: "only what the root waited for, and how long",
        },
    ],
    action: Action::Answer(prepare),
};

/// So many equal children become one line.
const GROUPED: usize = 20;
/// Traces that are named if the digits fit several.
const MOST_NAMED: usize = 5;
/// Deeper than this, a line is not indented further.
const DEEPEST_INDENT: u32 = 40;

fn prepare(arguments: &Arguments) -> Result<Prepared, UsageError> {
    let Some(digits) = id_digits(arguments.id.as_deref().unwrap_or_default()) else {
        return Err(UsageError(
            "the id of a trace or a span is missing: offloop trace <id> [paths]".into(),
        ));
    };
    let depth = arguments.number("--depth", usize::MAX)?;
    let is_critical = arguments.has("--critical");
    Ok(Box::new(move |index| {
        let traces = find(index, &digits);
        match *traces.as_slice() {
            [] => Answer::nothing(&format!(
                "no trace and no span has an id that begins with {digits}"
            )),
            [trace] => Answer::found(text(index, trace, depth, is_critical)),
            _ => Answer::nothing(&several(index, &digits, &traces)),
        }
    }))
}

/// An id, or the beginning of one, in small letters.
pub(super) fn id_digits(text: &str) -> Option<String> {
    let is_id = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

/// The traces that the digits may mean.
pub(super) fn find(index: &Index, digits: &str) -> Vec<u32> {
    let fits = |id: &str| id.starts_with(digits);
    let traces = index.traces.iter().zip(0..);
    let mut found: Vec<u32> = traces
        .filter(|(trace, _)| trace.id != 0 && fits(&hex_id(trace.id)))
        .map(|(_, number)| number)
        .collect();
    if found.is_empty() && digits.len() <= 16 {
        let spans = index.shown().map(|(_, span)| span);
        let spans = spans.filter(|span| span.id != 0 && fits(&hex_span_id(span.id)));
        found = spans.map(|span| span.trace).collect();
        found.sort_unstable();
        found.dedup();
    }
    found
}

fn several(index: &Index, digits: &str, traces: &[u32]) -> String {
    let ids = traces.iter().filter_map(|trace| index.traces.get(*trace as usize));
    let ids: Vec<String> = ids.take(MOST_NAMED).map(|trace| hex_id(trace.id)).collect();
    let more = if traces.len() > MOST_NAMED { ", …" } else { "" };
    format!(
        "{} begin with {digits}: {}{more}",
        counted(traces.len() as u64, "trace"),
        ids.join(", ")
    )
}

fn text(index: &Index, number: u32, depth: usize, is_critical: bool) -> String {
    let Some(trace) = index.traces.get(number as usize) else { return String::new() };
    let forest = Forest::new(index, index.rows_of(number).collect());
    let mut lines = vec![format!("trace {}", hex_id(trace.id)), head(index, number, trace)];
    let drawing = Drawing { index, trace, forest: &forest, width: width() };
    if is_critical {
        drawing.critical(root(index, number).0, &mut lines);
    } else {
        drawing.tree(depth, &mut lines);
    }
    lines.join("\n") + "\n"
}

fn head(index: &Index, number: u32, trace: &Trace) -> String {
    let mut parts = vec![
        counted(trace.spans.into(), "span"),
        counted(services(index, number).len() as u64, "service"),
        duration_text(trace.duration()),
        time_text(trace.start),
    ];
    if trace.errors > 0 {
        parts.insert(2, counted(trace.errors.into(), "error"));
    }
    if !root(index, number).1 {
        parts.push("parent missing".into());
    }
    parts.join(" · ")
}

struct Drawing<'a> {
    index: &'a Index,
    trace: &'a Trace,
    forest: &'a Forest,
    width: usize,
}

impl Drawing<'_> {
    fn tree(&self, depth: usize, lines: &mut Vec<String>) {
        let entries = order(self.index, self.forest);
        let mut at = 0;
        let mut hidden = 0_u64;
        while let Some(entry) = entries.get(at) {
            at += 1;
            match *entry {
                Entry::MissingParent { id } => {
                    lines.push(format!(
                        "{:>9} {:>9}  parent {id:016x} is not in these files",
                        "", ""
                    ));
                }
                Entry::Span { depth: level, .. } if level as usize >= depth => hidden += 1,
                Entry::Span { place, depth: level, mark } => {
                    let run = self.run_of_equals(entries.get(at - 1..).unwrap_or_default());
                    if run.len() >= GROUPED {
                        lines.push(self.group(&run, level));
                        at += run.len() - 1;
                    } else {
                        lines.push(self.span(place, level, mark));
                    }
                }
            }
        }
        if hidden > 0 {
            lines.push(format!("… and {} deeper (--depth)", counted(hidden, "span")));
        }
    }

    /// How many entries from the first on are siblings without children and with one service and name.
    fn run_of_equals(&self, entries: &[Entry]) -> Vec<u32> {
        let leaf = |entry: &Entry| match *entry {
            Entry::Span { place, depth, mark: Mark::None }
                if self.forest.children(place).is_empty() =>
            {
                let span = self.forest.span(self.index, place)?;
                let parent = self.forest.parent(place);
                let marks = self.marks(place, span, Mark::None);
                Some((place, (depth, parent, span.name, span.resource, marks)))
            }
            _ => None,
        };
        let Some((_, first)) = entries.first().and_then(leaf) else { return Vec::new() };
        let equal =
            |entry: &Entry| leaf(entry).filter(|(_, key)| *key == first).map(|(place, _)| place);
        entries.iter().map_while(equal).collect()
    }

    fn span(&self, place: u32, level: u32, mark: Mark) -> String {
        let Some(span) = self.forest.span(self.index, place) else { return String::new() };
        let text = self.label(span) + &self.marks(place, span, mark);
        self.line(span.start, duration_text(span.duration), level, &text)
    }

    /// What is odd about a span, to be put behind its name.
    fn marks(&self, place: u32, span: &Span, mark: Mark) -> String {
        let parent = self.forest.parent(place);
        let parent = parent.and_then(|parent| self.forest.span(self.index, parent));
        marks(span, parent, mark).iter().map(|mark| format!(" · {mark}")).collect()
    }

    fn group(&self, run: &[u32], level: u32) -> String {
        let spans = || run.iter().filter_map(|place| self.forest.span(self.index, *place));
        let total: u64 = spans().map(|span| span.duration).sum();
        let longest = spans().map(|span| span.duration).max().unwrap_or(0);
        let errors = spans().filter(|span| span.flags.is_error()).count() as u64;
        let (Some(first), Some(place)) = (spans().next(), run.first()) else {
            return String::new();
        };
        let mut text = format!(
            "{} × {} · total {} · longest {}",
            self.name(first),
            count_text(run.len() as u64),
            duration_text(total),
            duration_text(longest)
        );
        if errors > 0 {
            text.push_str(&format!(" · {}", counted(errors, "error")));
        }
        text.push_str(&self.marks(*place, first, Mark::None));
        self.line(first.start, String::new(), level, &text)
    }

    fn critical(&self, root: u32, lines: &mut Vec<String>) {
        let root = self.forest.rows.binary_search(&root).map_or(NONE, |place| place as u32);
        for piece in critical_path(self.index, self.forest, root, &mut Visited::new(self.forest)) {
            if let Some(span) = self.forest.span(self.index, piece.place) {
                let label = self.label(span);
                lines.push(self.line(
                    piece.start,
                    duration_text(piece.end - piece.start),
                    0,
                    &label,
                ));
            }
        }
    }

    fn label(&self, span: &Span) -> String {
        let error = if span.flags.is_error() { " ERROR" } else { "" };
        self.name(span) + error
    }

    /// Service and name.
    fn name(&self, span: &Span) -> String {
        format!("{} {}", shown(self.index.service(span.resource)), shown(self.index.name(span)))
    }

    /// The time since the start of the trace, how long it took, and what.
    fn line(&self, start: u64, duration: String, level: u32, text: &str) -> String {
        let since = match start.checked_sub(self.trace.start) {
            Some(since) if start > 0 => duration_text(since),
            _ => "?".into(),
        };
        let indent = "  ".repeat(level.min(DEEPEST_INDENT) as usize);
        let deeper = if level > DEEPEST_INDENT { format!("[{level}] ") } else { String::new() };
        truncated(&format!("{since:>9} {duration:>9}  {indent}{deeper}{text}"), self.width)
    }
}

/// What is odd about a span.
fn marks(span: &Span, parent: Option<&Span>, mark: Mark) -> Vec<&'static str> {
    let mut marks = Vec::new();
    if mark == Mark::Circle {
        marks.push("its own ancestor");
    }
    if span.flags.has(Flags::ID_TWICE) {
        marks.push("id used twice");
    }
    if span.flags.has(Flags::NO_START) {
        marks.push("no start");
    }
    if span.flags.has(Flags::ENDS_EARLY) {
        marks.push("ends before it starts");
    }
    if let Some(parent) =
        parent.filter(|parent| span.start < parent.start || span.end() > parent.end())
    {
        let is_elsewhere = parent.resource != span.resource;
        marks.push(if is_elsewhere {
            "outside its parent: clocks differ?"
        } else {
            "outside its parent"
        });
    }
    marks
}
