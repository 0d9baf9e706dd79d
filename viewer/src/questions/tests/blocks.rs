use super::*;
use crate::{
    questions::write_links,
    reading::{Options, read},
    source::discover,
    test_directory::TestDirectory,
    test_spans::{attribute, index_of_spans, span},
};

fn block(id: u64, start: u64, end: u64, function: &str, stack: &str) -> TestSpan {
    let mut block = span(id, 0, start, end);
    block.trace = 100 + u128::from(id);
    block.name = "event-loop-blocked".into();
    block.scope = "offloop/event-loop-monitor".into();
    let text = |text: &str| format!("{{\"stringValue\":\"{text}\"}}");
    block.attributes = [
        attribute("event_loop.block.cause", &text("cpu")),
        attribute("code.function.name", &text(function)),
        attribute("code.file.path", &text("/app/shop.js")),
        attribute("code.line.number", r#"{"intValue":12}"#),
        attribute("code.stacktrace", &text(stack)),
    ]
    .join(",");
    block
}

#[test]
fn v64_a_line_of_code_has_its_blocks_its_stack_and_what_was_open() {
    let directory = TestDirectory::new();
    let stack = "    at parse (/app/shop.js:12:3)\\n".repeat(30);
    let mut spans: Vec<TestSpan> =
        (1..=25).map(|id| block(id, id * 1000, id * 1000 + 10 + id, "parse", &stack)).collect();
    let mut get = span(60, 0, 3005, 9999);
    get.name = "GET /".into();
    spans.push(get);
    let path = directory.write("spans.jsonl", lines(&spans));
    let find = move || discover(std::slice::from_ref(&path), false);
    let index = read(find, &Options { parsers: 1, max_memory: u64::MAX }, &mut |_| {});
    let answer = ask(&index, "blocks");
    let line = &answer["lines"][0];
    assert_eq!((&line["function"], &line["place"]), (&"parse".into(), &"/app/shop.js:12".into()));
    assert_eq!(
        (&line["count"], &line["longest"], &line["last"]),
        (&25.into(), &35.into(), &"25000".into())
    );
    // Of a text as long as this one the index has the beginning only.
    assert_eq!(line["stack"], stack.replace("\\n", "\n"));
    let rows = list(&line["rows"]);
    assert_eq!((rows.len(), &rows[0]["row"], &rows[0]["duration"]), (20, &24.into(), &35.into()));
    assert_eq!(rows[0]["trace"], "0000000000000000000000000000007d");
    assert_eq!(
        line["routes"],
        serde_json::json!([{"operation": "shop GET /", "spans": 7, "blocked": 8 + 14 + 15 + 16 + 17 + 18 + 19}])
    );
    std::fs::remove_file(directory.path("spans.jsonl")).unwrap();
    let without = ask(&index, "blocks")["lines"][0]["stack"].as_str().unwrap().to_owned();
    assert!(without.starts_with("    at parse") && without.ends_with("bytes)"), "{without}");
}

#[test]
fn v65_at_most_fifty_spans_are_named_beside_their_number_and_the_ancestors() {
    let mut inner = block(1, 1000, 2000, "parse", "");
    (inner.trace, inner.parent) = (500, 2);
    let mut outer = span(2, 3, 900, 2500);
    outer.trace = 500;
    let mut top = span(3, 0, 800, 1500);
    top.trace = 500;
    let mut spans = vec![inner, outer, top];
    spans.extend((10..80).map(|id| span(id, 0, 1000 + id, 1500)));
    let mut elsewhere = span(90, 0, 1000, 2000);
    elsewhere.service = "orders".into();
    spans.extend([elsewhere, span(91, 0, 2000, 2100)]);
    let index = index_of_spans(&spans);
    let answer = ask(&index, "held-up?row=0");
    assert_eq!((list(&answer["spans"]).len(), &answer["count"]), (50, &70.into()));
    let first = &answer["spans"][0];
    assert_eq!(
        (&first["span"], &first["overlap"], &first["name"]),
        (&"000000000000000a".into(), &490.into(), &"span 10".into())
    );
    let ancestors: Vec<_> = list(&answer["ancestors"])
        .iter()
        .map(|span| (span["row"].as_u64().unwrap(), span["overlap"].as_u64().unwrap()))
        .collect();
    assert_eq!(ancestors, [(1, 1000), (2, 500)]);
}

#[test]
fn v66_a_trace_has_the_blocks_of_its_processes_whatever_trace_they_are_of() {
    let mut other = span(2, 1, 1500, 1600);
    other.service = "orders".into();
    let mut unrelated = block(5, 1100, 1200, "elsewhere", "");
    unrelated.service = "payments".into();
    let index = index_of_spans(&[
        span(1, 0, 1000, 2000),
        other,
        block(3, 900, 1100, "parse", ""),
        block(4, 1900, 2100, "render", ""),
        unrelated,
        block(6, 2000, 2100, "late", ""),
        block(7, 800, 1000, "early", ""),
    ]);
    let answer = ask(&index, "bands?trace=4bf92f3577b34da6a3ce929d0e0e4736");
    let band = |resource: u64, start: i64, function: &str, row: u64| {
        let trace = format!("{:032x}", 100 + row + 1);
        serde_json::json!({"resource": resource, "start": start, "function": function, "place": "/app/shop.js:12",
            "cause": "cpu", "duration": 200, "row": row, "trace": trace})
    };
    assert_eq!(
        answer["bands"],
        serde_json::json!([band(0, -100, "parse", 2), band(0, 900, "render", 3)])
    );
}

#[test]
fn v62_a_span_lists_what_it_links_to_and_what_links_to_it() {
    let link = |span: u64, trace: u128| {
        format!(
            r#","links":[{{"traceId":"{trace:032x}","spanId":"{span:016x}"}},{{"traceId":"{:032x}","spanId":"00000000000000ff"}}]"#,
            9
        )
    };
    let mut one = span(1, 0, 10, 20);
    (one.trace, one.more) = (5, link(2, 6));
    let mut two = span(2, 0, 30, 40);
    two.trace = 6;
    let mut three = span(3, 0, 50, 60);
    (three.trace, three.more) = (7, link(2, 6));
    let index = index_of_spans(&[one, two, three]);
    let links = |row: u32| {
        let mut json = crate::json::Json::default();
        write_links(json.object(), &index, row);
        json.end_object();
        serde_json::from_str::<Value>(&json.into_text()).unwrap()["links"].clone()
    };
    let told = |links: &Value| -> Vec<(String, Option<u64>)> {
        list(links)
            .iter()
            .map(|link| (link["span"].as_str().unwrap().to_owned(), link["row"].as_u64()))
            .collect()
    };
    let (first, second) = (links(0), links(1));
    assert_eq!(
        told(&first["to"]),
        [("0000000000000002".into(), Some(1)), ("00000000000000ff".into(), None)]
    );
    assert_eq!(told(&first["from"]), []);
    assert_eq!(
        told(&second["from"]),
        [("0000000000000001".into(), Some(0)), ("0000000000000003".into(), Some(2))]
    );
    assert_eq!(second["from"][1]["trace"], "00000000000000000000000000000007");
    assert_eq!(second["from"][1]["name"], "span 3");
}
