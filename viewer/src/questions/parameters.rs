//! What is asked with a question: owns reading texts as numbers, filters and traces, and the words for those that are none.

use super::Refusal;
use crate::{
    index::Index,
    parse::parse_trace_id,
    query::{Filter, FilterError, parse},
};

/// Names and values, as they stand in the address of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn new(all: Vec<(String, String)>) -> Parameters {
        Parameters(all)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number up to `most`; `default` if it is not given.
    pub fn number(&self, name: &str, default: u64, most: u64) -> Result<u64, Refusal> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| *number <= most).ok_or_else(|| {
            Refusal::wrong(&["`", name, "` is a whole number up to ", &most.to_string()].concat())
        })
    }

    /// A number that has to be there.
    pub fn row(&self) -> Result<u32, Refusal> {
        match self.get("row") {
            Some(_) => Ok(self.number("row", 0, u32::MAX.into())? as u32),
            None => Err(Refusal::wrong("`row` is missing")),
        }
    }

    pub fn filter(&self) -> Result<Filter, Refusal> {
        parse(self.get("filter").unwrap_or_default()).map_err(|FilterError { column, expected }| {
            Refusal { column: Some(column), ..Refusal::wrong(&expected) }
        })
    }

    /// The number of the trace in `trace`: 32 hexadecimal digits, or `key:` and the number.
    pub fn trace(&self, index: &Index) -> Result<u32, Refusal> {
        let Some(text) = self.get("trace") else {
            return Err(Refusal::wrong("`trace` is missing"));
        };
        trace_named(index, text)
    }
}

pub(super) fn trace_named(index: &Index, text: &str) -> Result<u32, Refusal> {
    let number = match text.strip_prefix("key:") {
        Some(number) => number.parse().ok(),
        None => index.trace_of(parse_trace_id(text)),
    };
    let is_there = |number: &u32| index.traces.get(*number as usize).is_some();
    number.filter(is_there).ok_or_else(|| Refusal::unknown("there is no such trace in these files"))
}
