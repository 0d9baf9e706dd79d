//! The answers to questions, compared with what the spans say.

use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::{Asked, Cache, Parameters, Reading, answer};
use crate::{
    index::Index,
    test_spans::{index_of_spans, span},
};

/// The status and the answer to a question such as `traces?limit=2`.
fn ask(index: &Index, cache: &mut Cache, question: &str) -> (u16, Value) {
    let (name, with) = question.split_once('?').unwrap_or((question, ""));
    let pairs = with.split('&').filter_map(|pair| pair.split_once('='));
    let with = Parameters::new(pairs.map(|(name, value)| (name.into(), value.into())).collect());
    let is_cancelled = AtomicBool::new(false);
    let reading = Reading { generation: 7, ..Reading::default() };
    let asked = Asked { index, reading, with: &with, is_cancelled: &is_cancelled };
    let reply = answer(name, &asked, cache);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn v44_v45_a_list_names_the_root_and_what_is_in_the_trace() {
    let index = index_of_spans(&[span(2, 1, 20, 30), span(1, 0, 10, 50)]);
    let (status, list) = ask(&index, &mut Cache::default(), "traces");
    assert_eq!(status, 200);
    assert_eq!(list["items"][0]["name"], "span 1");
    assert_eq!(list["items"][0]["duration"], 40);
    assert_eq!(list["items"][0]["start"], "10");
}

#[test]
fn a_wrong_question_is_refused_with_a_sentence() {
    let index = index_of_spans(&[span(1, 0, 10, 50)]);
    for (question, status) in [
        ("traces?limit=501", 400),
        ("traces?sort=size", 400),
        ("traces?filter=duration>5", 400),
        ("traces?cursor=9.1", 409),
        ("nothing", 404),
    ] {
        let (actual, reply) = ask(&index, &mut Cache::default(), question);
        assert_eq!(actual, status, "{question}");
        assert!(reply["error"].is_string(), "{question}: {reply}");
    }
}
