//! How long spans take, by operation, service, file or any attribute.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::{
    dictionary::ValueId,
    index::{Index, NONE, Span, UNKNOWN_SERVICE},
    sorted::sort_by,
};

/// What spans are grouped by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// Service and name.
    Operation,
    Service,
    Kind,
    File,
    /// The values of an attribute of the span, or else of its resource.
    Key(String),
}

/// The spans that have the same of it. Times are in nanoseconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Group {
    pub service: Option<String>,
    pub name: String,
    pub count: u64,
    pub errors: u64,
    /// Exact, by nearest rank.
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
    pub longest: u64,
    /// The time that no child covers, of all its spans together.
    pub self_time: u64,
}

#[derive(Default)]
struct Counted {
    durations: Vec<u64>,
    errors: u64,
    self_time: u64,
}

/// The groups of the spans in `rows`, that with the most time of its own first. `own` has the self times of all spans.
pub(crate) fn latency(
    index: &Index,
    by: &By,
    rows: &mut dyn Iterator<Item = u32>,
    own: &[u64],
) -> Vec<Group> {
    let mut counted: HashMap<(u32, u32), Counted, RandomState> = HashMap::default();
    let services = Services::new(index);
    let key = match by {
        By::Key(key) => index.text_id(key),
        _ => None,
    };
    let mut values = Vec::new();
    for row in rows {
        let Some(span) = index.span(row) else { continue };
        let self_time = own.get(row as usize).copied().unwrap_or(0);
        let mut count = |key| {
            let group = counted.entry(key).or_default();
            group.durations.push(span.duration);
            group.errors += u64::from(span.flags.is_error());
            group.self_time += self_time;
        };
        match by {
            By::Operation => count((services.of(span), span.name)),
            By::Service => count((services.of(span), NONE)),
            By::Kind => count((span.flags.kind_number(), NONE)),
            By::File => {
                count((index.lines.get(span.line as usize).map_or(NONE, |line| line.file), NONE))
            }
            By::Key(_) => {
                values_of(index, row, span, key, &mut values);
                values.iter().for_each(|value| count((*value, NONE)));
            }
        }
    }
    let mut groups: Vec<Group> =
        counted.into_iter().map(|(key, counted)| group(index, by, key, counted)).collect();
    sort_by(&mut groups, |one, other| {
        let key = (one.self_time, &other.service, &other.name);
        (other.self_time, &one.service, &one.name).cmp(&key)
    });
    groups
}

/// The different values that a span has for a key: its own, or else those of its resource.
fn values_of(
    index: &Index,
    row: u32,
    span: &Span,
    key: Option<ValueId>,
    values: &mut Vec<ValueId>,
) {
    values.clear();
    for list in [index.attributes_of(row), index.resource(span.resource)] {
        let found = list.iter().filter(|attribute| Some(attribute.key) == key);
        values.extend(found.map(|attribute| attribute.value));
        if !values.is_empty() {
            break;
        }
    }
    values.sort_unstable();
    values.dedup();
}

fn group(index: &Index, by: &By, (first, second): (u32, u32), mut counted: Counted) -> Group {
    counted.durations.sort_unstable();
    let service = || match first {
        NONE => UNKNOWN_SERVICE.to_owned(),
        value => index.dictionary.text(value).to_owned(),
    };
    let (service, name) = match by {
        By::Operation => (Some(service()), index.dictionary.text(second).to_owned()),
        By::Service => (None, service()),
        By::Kind => (
            None,
            crate::span_flags::KINDS.get(first as usize).copied().unwrap_or_default().to_owned(),
        ),
        By::File => (
            None,
            index.files.get(first as usize).map_or_else(String::new, |file| file.input.name()),
        ),
        By::Key(_) => (None, index.dictionary.value(first).to_string()),
    };
    Group {
        service,
        name,
        count: counted.durations.len() as u64,
        errors: counted.errors,
        p50: percentile(&counted.durations, 50),
        p95: percentile(&counted.durations, 95),
        p99: percentile(&counted.durations, 99),
        longest: counted.durations.last().copied().unwrap_or(0),
        self_time: counted.self_time,
    }
}

/// The smallest value that so many per cent of all are not above.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// The names of services by resource.
struct Services(Vec<u32>);

impl Services {
    fn new(index: &Index) -> Services {
        let resources = 0..index.resources() as u32;
        Services(resources.map(|resource| index.service_id(resource).unwrap_or(NONE)).collect())
    }

    fn of(&self, span: &Span) -> u32 {
        self.0.get(span.resource as usize).copied().unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn v46_a_percentile_is_a_value_that_occurs() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([50, 95, 99].map(|percent| percentile(&hundred, percent)), [50, 95, 99]);
        assert_eq!([50, 95, 99].map(|percent| percentile(&[10, 20, 30], percent)), [20, 30, 30]);
        assert_eq!([50, 95, 99].map(|percent| percentile(&[7], percent)), [7, 7, 7]);
        assert_eq!(percentile(&[], 50), 0);
    }
}
