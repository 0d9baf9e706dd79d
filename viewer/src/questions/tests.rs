//! The answers to questions, compared with what the spans say.

mod blocks;
mod figures;
mod lists;
mod trees;

use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::{Asked, Cache, Kind, Parameters, Reading, Reply, answer};
use crate::{
    index::Index,
    parse::{LONGEST_VALUE, LineParser, Part},
    test_spans::{TestSpan, lines},
};

fn reply(index: &Index, cache: &mut Cache, generation: u64, question: &str) -> Reply {
    let (name, with) = question.split_once('?').unwrap_or((question, ""));
    let pairs = with.split('&').filter_map(|pair| pair.split_once('='));
    let with = Parameters::new(pairs.map(|(name, value)| (name.into(), value.into())).collect());
    let is_cancelled = AtomicBool::new(false);
    let reading = Reading { generation, ..Reading::default() };
    answer(name, &Asked { index, reading, with: &with, is_cancelled: &is_cancelled }, cache)
}

/// The status and the answer to a question such as `traces?limit=2`.
fn ask_at(index: &Index, cache: &mut Cache, generation: u64, question: &str) -> (u16, Value) {
    let reply = reply(index, cache, generation, question);
    assert_eq!(reply.kind, Kind::Json);
    assert!(reply.body.len() <= 1 << 20, "{question}: {} bytes", reply.body.len());
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

/// The answer of a new cache, which has to be one.
fn ask(index: &Index, question: &str) -> Value {
    let (status, answer) = ask_at(index, &mut Cache::default(), 1, question);
    assert_eq!(status, 200, "{question}: {answer}");
    answer
}

/// Appends spans, as a file that grows does.
fn append(index: &mut Index, spans: &[TestSpan]) {
    let mut part = Part::new(index.dictionary.key().clone());
    let mut parser = LineParser::default();
    for line in lines(spans).lines() {
        parser.parse(line.as_bytes(), 0, true, LONGEST_VALUE, &mut part);
    }
    index.merge(part, 0);
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn sum(values: &Value, member: &str) -> u64 {
    list(values).iter().map(|value| value[member].as_u64().unwrap()).sum()
}
