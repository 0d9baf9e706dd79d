use std::{
    fs,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    index::Index,
    questions::{Kind, Reading, Reply},
    test_directory::TestDirectory,
    test_spans::{TestSpan, index_of_spans, lines, span},
};

/// A desk with these files, and another answer to some questions.
fn desk(directory: &TestDirectory) -> (Sender<Note>, Receiver<Frame>) {
    let path = directory.path("");
    let find = move || discover(std::slice::from_ref(&path), false);
    let begun = begin(find, false, &Options { parsers: 2, max_memory: u64::MAX });
    let (frames, to_write) = unbounded();
    let (notes, to_do) = unbounded();
    let answerer = |question: &str, asked: &Asked<'_>, cache: &mut Cache| {
        assert_ne!(question, "panics", "a question that panics");
        answer_to(question, asked, cache, None)
    };
    thread::spawn(move || Desk::new(begun, Box::new(answerer), frames).work(&to_do));
    (notes, to_write)
}

fn ask(notes: &Sender<Note>, id: u64, question: &str, with: &[(&str, &str)]) -> Arc<AtomicBool> {
    let is_cancelled = Arc::new(AtomicBool::new(false));
    let with = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let question = Question {
        id,
        question: question.into(),
        with: Parameters::new(with.collect()),
        is_cancelled: Arc::clone(&is_cancelled),
    };
    notes.send(Note::Ask(question)).unwrap();
    is_cancelled
}

/// The next frame that is an answer.
fn answered(frames: &Receiver<Frame>) -> (serde_json::Value, String) {
    loop {
        let Frame { head, body } = frames.recv().unwrap();
        let head: serde_json::Value = serde_json::from_str(&head).unwrap();
        if head.get("live").is_none() {
            return (head, String::from_utf8(body).unwrap());
        }
    }
}

#[test]
fn v35_a_question_that_panics_is_answered_and_the_next_one_works() {
    let directory = TestDirectory::new();
    directory.write("a.jsonl", lines(&[span(1, 0, 10, 20)]));
    let (notes, frames) = desk(&directory);
    for id in 0..10 {
        ask(&notes, id * 2, "panics", &[]);
        ask(&notes, id * 2 + 1, "files", &[]);
        let (head, body) = answered(&frames);
        assert_eq!((&head["id"], &head["status"]), (&(id * 2).into(), &500.into()));
        assert!(body.contains("\"error\":\"the question has failed"), "{body}");
        assert_eq!(answered(&frames).0["status"], 200);
    }
}

#[test]
fn v35_the_desk_ends_when_nobody_can_ask_any_more() {
    let directory = TestDirectory::new();
    directory.write("a.jsonl", lines(&[span(1, 0, 10, 20)]));
    let (notes, frames) = desk(&directory);
    drop(notes);
    while frames.recv().is_ok() {}
}

#[test]
fn v77_a_cancelled_export_gives_no_further_piece() {
    let directory = TestDirectory::new();
    let spans: Vec<TestSpan> = (1..4000).map(|id| span(id, 0, 10, 20)).collect();
    let path = directory.write("a.jsonl", lines(&spans));
    let (notes, frames) = desk(&directory);
    // Wait until all has been read.
    while {
        ask(&notes, 1, "files", &[]);
        !answered(&frames).1.contains("\"isDone\":true")
    } {}
    assert!(fs::metadata(path).unwrap().len() > 1 << 20);
    let is_cancelled = ask(&notes, 2, "export", &[]);
    let (head, body) = answered(&frames);
    assert_eq!((&head["type"], &head["more"]), (&"text".into(), &true.into()));
    assert!(!body.is_empty());
    is_cancelled.store(true, Ordering::Relaxed);
    notes.send(Note::Cancelled).unwrap();
    notes.send(Note::Next(2)).unwrap();
    ask(&notes, 3, "files", &[]);
    assert_eq!(answered(&frames).0["id"], 3);
}

#[test]
fn v95_there_are_four_lines_of_news_in_a_second_at_most() {
    let mut live = live::Live::default();
    let mut index = index_of_spans(&[span(1, 0, 10, 20)]);
    let start = Instant::now();
    let mut reading = Reading::default();
    let mut told = Vec::new();
    for millis in 0..10_000 {
        let now = start + Duration::from_millis(millis);
        reading.generation += 1;
        if live.line(&reading, &mut index, now).is_some() {
            told.push(millis);
        }
    }
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 250), "{told:?}");
    assert_eq!(told.len(), 40);
    // What has not changed is not told.
    let later = start + Duration::from_secs(20);
    assert!(live.line(&reading, &mut index, later).is_some());
    assert_eq!(live.line(&reading, &mut index, later + Duration::from_secs(9)), None);
    assert_eq!(live.due_in(&reading, later), None);
}

#[test]
fn v95_of_many_changed_traces_a_hundred_are_named_and_all_are_counted() {
    let spans: Vec<TestSpan> = (1..=300)
        .map(|id| TestSpan { trace: u128::from(id % 150 + 1), ..span(id, 0, 10, 20) })
        .collect();
    let mut index: Index = index_of_spans(&spans);
    let line = live::Live::default().line(&Reading::default(), &mut index, Instant::now()).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (line["changed"].as_array().unwrap().len(), &line["changedCount"]),
        (100, &150.into())
    );
    assert_eq!(line["changed"][0], format!("{:032x}", 1));
}

#[test]
fn an_answer_is_a_line_and_as_many_bytes_as_it_says() {
    let Reply { status, kind, body } =
        Reply { status: 200, kind: Kind::Binary, body: vec![1, 2, 3] };
    let frame = Frame::answer(7, status, kind, true, body);
    assert_eq!(frame.head, r#"{"id":7,"status":200,"bytes":3,"type":"binary","more":true}"#);
    assert_eq!(frame.body, [1, 2, 3]);
}
