use std::sync::atomic::AtomicBool;

use super::*;
use crate::{
    index::Index,
    query::search,
    test_spans::{Random, TRACE, TestSpan, attribute, index_of, index_of_spans, lines, span},
};

/// Ids of the spans that meet a filter.
fn found(index: &Index, filter: &str) -> Vec<u64> {
    let filter = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    search(index, &filter, &AtomicBool::new(false))
        .rows
        .iter()
        .map(|row| index.span(*row).unwrap().id)
        .collect()
}

fn shop() -> Index {
    let text = |text: &str| format!("{{\"stringValue\":\"{text}\"}}");
    let mut request = span(1, 0, 1_000_000_000, 1_250_000_000);
    request.name = "GET /cart".into();
    request.attributes =
        [attribute("http.route", &text("/cart")), attribute("n", r#"{"intValue":"5"}"#)].join(",");
    let mut query = span(2, 1, 1_010_000_000, 1_020_000_000);
    query.name = "SELECT carts".into();
    query.service = "database".into();
    query.scope = "pg".into();
    query.status = 2;
    query.attributes = [
        attribute("n", r#"{"doubleValue":5.5}"#),
        attribute("list", r#"{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}"#),
        attribute("ok", r#"{"boolValue":true}"#),
    ]
    .join(",");
    query.more = r#","kind":3,"events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"Timeout"}}]}]"#.into();
    let mut other = span(0xabcd_ef01_2345_6789, 0, 2_000_000_000, 2_000_000_500);
    other.trace = TRACE + 1;
    other.attributes = attribute("n", &text("5"));
    index_of_spans(&[request, query, other])
}

const OTHER: u64 = 0xabcd_ef01_2345_6789;

#[test]
fn v37_every_field_of_a_span_can_be_asked_for() {
    let index = shop();
    let cases: &[(&str, &[u64])] = &[
        ("", &[1, 2, OTHER]),
        ("service=database", &[2]),
        ("service~DATA", &[2]),
        ("service!=database", &[1, OTHER]),
        ("service=shop,database", &[1, 2, OTHER]),
        ("service!=shop,database", &[]),
        ("name=\"GET /cart\"", &[1]),
        ("name~cart", &[1, 2]),
        ("-name~cart", &[OTHER]),
        ("kind=client", &[2]),
        ("kind!=client", &[1, OTHER]),
        ("status=error", &[2]),
        ("status=ok", &[]),
        ("duration>100ms", &[1]),
        ("duration>=250ms duration<=0.25s", &[1]),
        ("duration<1us", &[OTHER]),
        ("duration=500ns", &[OTHER]),
        ("self=240ms", &[1]),
        ("start>1970-01-01T00:00:01Z", &[2, OTHER]),
        ("start>=-1s", &[2, OTHER]),
        ("end<=1970-01-01T00:00:01.02Z", &[2]),
        ("trace=4bf92f3577b34da6a3ce929d0e0e4736", &[1, 2]),
        ("trace=4BF92F35", &[1, 2, OTHER]),
        ("trace~4737", &[OTHER]),
        ("span=abcdef0123456789", &[OTHER]),
        ("parent=0000000000000001", &[2]),
        ("scope=pg", &[2]),
        ("file~INPUT", &[1, 2, OTHER]),
        ("root=true", &[1, OTHER]),
        ("root!=true", &[2]),
        ("block=true", &[]),
        ("trace.duration>=250ms", &[1, 2]),
        ("trace.spans=1", &[OTHER]),
        ("trace.errors>0", &[1, 2]),
        ("trace.services=2", &[1, 2]),
        ("attr.http.route=/cart", &[1]),
        ("http.route=/cart", &[1]),
        ("resource.service.name=database", &[2]),
        ("attr.service.name=database", &[]),
        ("service.name=database", &[2]),
        ("event.name=exception", &[2]),
        ("event.exception.type~time", &[2]),
        ("exception.type~time", &[]),
        ("list=b", &[2]),
        ("list!=b", &[]),
        ("ok=true", &[2]),
    ];
    for (filter, ids) in cases {
        assert_eq!(found(&index, filter), *ids, "{filter}");
    }
}

#[test]
fn v38_durations_have_a_unit_and_times_may_go_back_from_the_newest_span() {
    let index = shop();
    for (text, nanos) in [
        ("5ns", 5),
        ("5us", 5_000),
        ("5µs", 5_000),
        ("5ms", 5_000_000),
        ("1.5s", 1_500_000_000),
        ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000),
    ] {
        let filter = parse(&format!("duration>{text}")).unwrap();
        let Test::Field { values, .. } = &filter.terms[0].test else { panic!("{filter:?}") };
        assert_eq!(*values, [literal::Literal::Duration(nanos)], "{text}");
    }
    assert_eq!(found(&index, "start>-500ms"), [OTHER]);
    assert_eq!(found(&index, "start<-995ms"), [1]);
    assert_eq!(parse("duration>5").unwrap_err().expected, "a duration with its unit, as 100ms");
}

#[test]
fn v39_an_error_names_the_column_and_what_was_expected() {
    let cases = [
        ("service=", 9, "a value"),
        ("service=a,", 11, "a value"),
        ("duration~5ms", 9, "=, !=, >, >=, < or <="),
        ("name>5", 5, "=, != or ~"),
        ("a=b duration>fast", 14, "a duration with its unit, as 100ms"),
        ("start>yesterday", 7, "a time, as 2026-11-29T16:00:00Z, or -15m"),
        (
            "kind=server,router",
            13,
            "one of unspecified, internal, server, client, producer, consumer",
        ),
        ("status=500", 8, "one of unset, ok, error"),
        ("root=yes", 6, "true or false"),
        ("trace.spans>many", 13, "a whole number"),
        ("n>abc", 3, "a number"),
        ("trace=xyz", 7, "hexadecimal digits"),
        ("=5", 1, "the name of a field"),
        ("attr.=5", 1, "the name of a field"),
        ("- a", 2, "a field or a text behind the minus"),
        ("name=\"a", 8, "the quote that ends the text"),
        ("name=\"a\\n\"", 8, "\\\" or \\\\"),
        ("name=\"a\"b", 9, "a blank or a comma"),
        ("ü=\"a\"b", 6, "a blank or a comma"),
        ("a!b", 2, "= behind the exclamation mark"),
        ("a\"b\"", 2, "an operator or a blank before the quote"),
    ];
    for (text, column, expected) in cases {
        assert_eq!(parse(text), Err(FilterError { column, expected: expected.into() }), "{text}");
    }
}

#[test]
fn v39_every_beginning_of_a_filter_is_read_or_has_an_error_within_it() {
    let filters = [
        "service=shop status=error duration>100ms http.route=/cart -name~health timeout",
        "name=\"a \\\"quoted\\\" text\",other start>2026-11-29T16:00:00Z end<-15m trace=4bf92f35",
        "-attr.n>=5 resource.host.name!=a,b event.exception.type~\"time out\" root=true self<=1.5s ünïcode=✓",
    ];
    for filter in filters {
        assert!(parse(filter).is_ok(), "{filter}");
        for (end, _) in filter.char_indices() {
            if let Err(error) = parse(&filter[..end]) {
                let letters = filter[..end].chars().count();
                assert!((1..=letters + 1).contains(&error.column), "{}: {error:?}", &filter[..end]);
                assert!(!error.expected.is_empty());
            }
        }
    }
}

#[test]
fn v40_numbers_compare_as_numbers_however_they_were_written() {
    let index = shop();
    assert_eq!(found(&index, "n=5"), [1, OTHER]);
    assert_eq!(found(&index, "n=5.0"), [1]);
    assert_eq!(found(&index, "n=\"5\""), [OTHER]);
    assert_eq!(found(&index, "n>=5"), [1, 2]);
    assert_eq!(found(&index, "n>5"), [2]);
    assert_eq!(found(&index, "n!=5"), [2]);
    assert_eq!(found(&index, "-n=5"), [2]);
    assert_eq!(found(&index, "n<1e3"), [1, 2]);
    assert_eq!(found(&index, "n~5"), [1, 2, OTHER]);
}

#[test]
fn v42_free_text_is_looked_for_everywhere_and_an_id_opens_what_has_it() {
    let index = shop();
    for (filter, ids) in [
        ("cart", &[1, 2][..]),
        ("\"GET /cart\"", &[1]),
        ("DATABASE", &[2]),
        ("timeout", &[2]),
        ("4737", &[OTHER]),
        ("abcdef0123456789", &[OTHER]),
        ("4bf92f3577b34da6a3ce929d0e0e4736", &[1, 2]),
        ("nowhere", &[]),
        ("http.route", &[]),
    ] {
        assert_eq!(found(&index, filter), ids, "{filter}");
    }
}

/// What a span is to the naive evaluation: members as JSON has them.
struct Plain<'j> {
    span: &'j serde_json::Value,
    service: &'j str,
}

impl Plain<'_> {
    fn values(&self, key: &str) -> Vec<&serde_json::Value> {
        let list = self.span["attributes"].as_array().unwrap();
        let of_key = list.iter().filter(|entry| entry["key"] == key);
        of_key
            .flat_map(|entry| match &entry["value"]["arrayValue"] {
                serde_json::Value::Null => vec![&entry["value"]],
                array => array["values"].as_array().unwrap().iter().collect(),
            })
            .collect()
    }

    fn holds(&self, term: &NaiveTerm) -> bool {
        let texts: Vec<String> = match term.field {
            "name" => vec![self.span["name"].as_str().unwrap().into()],
            "service" => vec![self.service.into()],
            key => self.values(key).iter().map(|value| text_of(value)).collect(),
        };
        let numbers: Vec<f64> = match term.field {
            "name" | "service" => vec![],
            key => self.values(key).iter().filter_map(|value| number_of(value)).collect(),
        };
        let is_number = |value: &str| numbers.iter().any(|number| value.parse() == Ok(*number));
        let is_equal = |value: &str| {
            let is_text = match term.field {
                "name" | "service" => texts.iter().any(|text| text == value),
                key => self
                    .values(key)
                    .iter()
                    .any(|one| number_of(one).is_none() && text_of(one) == value),
            };
            is_text || is_number(value)
        };
        let compared = |test: fn(f64, f64) -> bool| {
            let literals = term.values.iter().filter_map(|value| value.parse().ok());
            literals.into_iter().any(|literal| numbers.iter().any(|number| test(*number, literal)))
        };
        let holds = match term.operator {
            "=" => term.values.iter().any(|value| is_equal(value)),
            "!=" => !texts.is_empty() && !term.values.iter().any(|value| is_equal(value)),
            "~" => term.values.iter().any(|value| {
                texts.iter().any(|text| text.to_lowercase().contains(&value.to_lowercase()))
            }),
            ">" => compared(|one, other| one > other),
            "<=" => compared(|one, other| one <= other),
            other => unreachable!("{other}"),
        };
        holds != term.is_negated
    }
}

fn number_of(value: &serde_json::Value) -> Option<f64> {
    let number = value.get("intValue").or(value.get("doubleValue"))?;
    number.as_f64().or_else(|| number.as_str()?.parse().ok())
}

fn text_of(value: &serde_json::Value) -> String {
    if let Some(number) = number_of(value) {
        return number.to_string();
    }
    match (&value["stringValue"], &value["boolValue"]) {
        (serde_json::Value::String(text), _) => text.clone(),
        (_, serde_json::Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

#[derive(Debug)]
struct NaiveTerm {
    is_negated: bool,
    field: &'static str,
    operator: &'static str,
    values: Vec<&'static str>,
}

const TEXTS: [&str; 6] = ["a", "ab", "GET", "get", "x7", "true"];
const NUMBERS: [&str; 5] = ["5", "-7", "0.5", "1000000", "7"];

fn random_value(random: &mut Random, long: &str) -> String {
    match random.below(7) {
        0 => format!("{{\"intValue\":{}}}", ["5", "-7", "7"][random.below(3) as usize]),
        1 => format!("{{\"intValue\":\"{}\"}}", ["5", "1000000"][random.below(2) as usize]),
        2 => format!("{{\"doubleValue\":{}}}", ["0.5", "5.0", "-7.5"][random.below(3) as usize]),
        3 => format!("{{\"boolValue\":{}}}", random.below(2) == 0),
        4 => format!("{{\"stringValue\":\"{long}{}\"}}", TEXTS[random.below(6) as usize]),
        _ => format!("{{\"stringValue\":\"{}\"}}", TEXTS[random.below(6) as usize]),
    }
}

fn random_span(random: &mut Random, id: u64) -> TestSpan {
    let long = "-".repeat(300);
    let mut made = span(id, 0, 1000, 2000);
    made.name = TEXTS[random.below(6) as usize].into();
    made.service = ["shop", "get"][random.below(2) as usize].into();
    let count = random.below(4);
    let attributes: Vec<String> = (0..count)
        .map(|_| {
            let key = ["k", "l", "http.route"][random.below(3) as usize];
            if random.below(4) == 0 {
                let values = [random_value(random, &long), random_value(random, &long)].join(",");
                return attribute(key, &format!("{{\"arrayValue\":{{\"values\":[{values}]}}}}"));
            }
            attribute(key, &random_value(random, &long))
        })
        .collect();
    made.attributes = attributes.join(",");
    made
}

fn random_term(random: &mut Random) -> NaiveTerm {
    let field = ["name", "service", "k", "l", "http.route"][random.below(5) as usize];
    let operators: &[&str] =
        if random.below(5) < 3 { &["=", "!=", "~"] } else { &["=", "!=", "~", ">", "<="] };
    let operator = match operators[random.below(operators.len() as u64) as usize] {
        ">" | "<=" if field == "name" || field == "service" => "=",
        operator => operator,
    };
    let is_numeric = matches!(operator, ">" | "<=");
    let values = (0..1 + random.below(2))
        .map(|_| match random.below(2) {
            0 if !is_numeric => TEXTS[random.below(6) as usize],
            _ => NUMBERS[random.below(5) as usize],
        })
        .collect();
    NaiveTerm { is_negated: random.below(4) == 0, field, operator, values }
}

#[test]
fn v31_v41_a_filter_is_what_a_naive_evaluation_of_the_same_files_says() {
    let directory = crate::test_directory::TestDirectory::new();
    let mut random = Random(0xdead_beef_cafe_f00d);
    let spans: Vec<TestSpan> = (1..=50).map(|id| random_span(&mut random, id)).collect();
    let text = lines(&spans);
    directory.write("spans.jsonl", &text);
    let inputs = crate::source::discover(&[directory.path("spans.jsonl")], false).inputs;
    let options = crate::reading::Options { parsers: 2, max_memory: u64::MAX };
    let index = crate::reading::read(finding(inputs), &options, &mut |_| ());
    let requests: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let plain: Vec<Plain> = requests
        .iter()
        .map(|request| {
            let group = &request["resourceSpans"][0];
            let service =
                group["resource"]["attributes"][0]["value"]["stringValue"].as_str().unwrap();
            Plain { span: &group["scopeSpans"][0]["spans"][0], service }
        })
        .collect();
    let mut matched = 0;
    for _ in 0..2000 {
        let terms: Vec<NaiveTerm> =
            (0..1 + random.below(3)).map(|_| random_term(&mut random)).collect();
        let text: Vec<String> = terms
            .iter()
            .map(|term| {
                format!(
                    "{}{}{}{}",
                    if term.is_negated { "-" } else { "" },
                    term.field,
                    term.operator,
                    term.values.join(",")
                )
            })
            .collect();
        let expected: Vec<u64> = plain
            .iter()
            .zip(1..)
            .filter(|(plain, _)| terms.iter().all(|term| plain.holds(term)))
            .map(|(_, id)| id)
            .collect();
        matched += expected.len();
        assert_eq!(found(&index, &text.join(" ")), expected, "{}", text.join(" "));
    }
    assert!(matched > 5_000, "{matched}");
}

#[test]
fn v31_only_lines_that_may_have_the_text_are_read_again() {
    let directory = crate::test_directory::TestDirectory::new();
    let long = "-".repeat(300);
    let spans: Vec<TestSpan> = (1..=50)
        .map(|id| {
            let mut made = span(id, 0, 1000, 2000);
            let needle = if id == 7 { "needle" } else { "hay" };
            let is_long = id % 2 == 1;
            let text = if is_long { format!("{long}{needle}{long}") } else { needle.into() };
            made.attributes = attribute("payload", &format!("{{\"stringValue\":\"{text}\"}}"));
            made
        })
        .collect();
    let path = directory.write("spans.jsonl", lines(&spans));
    let options = crate::reading::Options { parsers: 1, max_memory: u64::MAX };
    let index = crate::reading::read(
        finding(vec![crate::source::Input::File(path.clone())]),
        &options,
        &mut |_| (),
    );
    let filter = parse("payload~NEEDLE").unwrap();
    let matches = search(&index, &filter, &AtomicBool::new(false));
    let line = spans[0].line().len() as u64;
    assert_eq!((matches.rows.as_slice(), matches.not_searched), (&[6][..], 0));
    // The 25 lines of which the index does not know the whole text.
    assert!((25 * line..25 * (line + 20)).contains(&matches.bytes_read), "{}", matches.bytes_read);
    assert_eq!(
        search(
            &index,
            &parse(&format!("payload={long}needle{long}")).unwrap(),
            &AtomicBool::new(false)
        )
        .bytes_read,
        0
    );
    // Another file has taken its name.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    let matches = search(&index, &filter, &AtomicBool::new(false));
    assert_eq!((matches.rows.len(), matches.not_searched), (0, 25));
    assert_eq!(
        search(&index_of(&lines(&spans)), &filter, &AtomicBool::new(false)).not_searched,
        25
    );
}

fn finding(inputs: Vec<crate::source::Input>) -> impl Fn() -> crate::source::Found + Send {
    move || crate::source::Found { inputs: inputs.clone(), ..Default::default() }
}
