//! The order in which rules work, whatever the order they are written in.

use super::build::*;

const CARD: &str = "4111 1111 1111 1111";

#[test]
fn p18_the_order_of_rules_of_different_phases_changes_nothing() {
    let given: &[(&str, Value)] = &[
        ("gone", "1".into()),
        ("http.url", format!("https://u:p@h/?sig=1&c={CARD}&x=123456789").as_str().into()),
        ("db.statement", format!("select '{CARD}', a from b").as_str().into()),
        ("doc", format!("{{\"p\":1,\"c\":\"{CARD}\"}}").as_str().into()),
        ("token", "t".into()),
        ("text", format!("pay {CARD} with 0123456789").as_str().into()),
        ("other", "not in the list".into()),
    ];
    let rules = || {
        vec![
            on(&["gone", "http.url", "db.statement", "doc", "token", "text"], &["allow"]),
            on(&["gone"], &["delete"]),
            on(&["http.url"], &["url", "0"]),
            on(&["db.statement"], &["sql", "auto"]),
            on(&["doc"], &["json", "1", "$.p", "0", "false"]),
            on(&["token"], &["hash"]),
            searching(&["creditCard"], "mask"),
            on(&["text", "http.url"], &["truncate", "24"]),
        ]
    };
    let expected = attributes(&rules(), given);
    assert!(
        expected.starts_with("http.url=https://REDACTED:REDACTE db.statement=select ?, a from b "),
        "{expected}"
    );
    assert!(expected.contains(r#"doc={"p":"[redacted]","c":"[redacted]"} token=h"#), "{expected}");
    assert!(expected.ends_with(" text=pay [redacted] with 0123"), "{expected}");
    let mut random = Random(5);
    for _ in 0..200 {
        let mut shuffled = rules();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, random.below(at + 1));
        }
        assert_eq!(attributes(&shuffled, given), expected);
    }
}

#[test]
fn p18_within_a_phase_the_first_rule_that_takes_a_key_wins() {
    let given: &[(&str, Value)] = &[("a", "x".into())];
    assert_eq!(attributes(&[on(&["a"], &["mask"]), on(&["*"], &["hash"])], given), "a=[redacted]");
    assert!(attributes(&[on(&["*"], &["hash"]), on(&["a"], &["mask"])], given).starts_with("a=h"));
    // What the first spares, the second takes.
    let spared = [on(&["a"], &["hash"]).unless(&["x"]), on(&["*"], &["mask"])];
    assert_eq!(attributes(&spared, given), "a=[redacted]");
}

#[test]
fn p18_what_an_action_for_texts_or_a_limit_spares_the_next_one_takes() {
    const URL: &str = "https://u:p@h";
    let actions: [&[&str]; 3] =
        [&["url", "0"], &["sql", "generic"], &["json", "1", "$.p", "0", "false"]];
    for action in actions {
        let given: &[(&str, Value)] = &[("a", URL.into()), ("y", Value::Bytes(URL.into()))];
        let rules = [on(&["a", "y"], action).unless(&["https*"]), on(&["*"], &["url", "0"])];
        assert_eq!(attributes(&rules, given), "a=https://REDACTED:REDACTED@h y=[redacted]");
    }
    let given: &[(&str, Value)] = &[("a", "abcdef".into())];
    let limits = [on(&["a"], &["truncate", "5"]).unless(&["abc*"]), on(&["*"], &["truncate", "2"])];
    assert_eq!(attributes(&limits, given), "a=ab");
    // Inside of a map, too, and what holds for the map holds for its members.
    let given: &[(&str, Value)] = &[("a", Value::Map(members(&[("b", URL.into())])))];
    for other in ["a*", "a"] {
        let rules = [on(&["a.b"], &["url", "0"]).unless(&["*@h"]), on(&[other], &["url", "0"])];
        assert_eq!(attributes(&rules, given), "a={b:https://REDACTED:REDACTED@h}");
    }
}

#[test]
fn p18_a_key_that_is_too_long_to_be_judged_is_in_no_list_of_what_may_stay() {
    let long = format!("{}-4711", "k".repeat(5000));
    let given: &[(&str, Value)] = &[("a", "x".into()), (&long, "y".into())];
    assert_eq!(attributes(&[on(&["a"], &["allow"])], given), "a=x");
    let elsewhere = [on(&["a"], &["allow"]).within(&["events"])];
    assert_eq!(attributes(&elsewhere, given), format!("a=x {long}=[redacted]"));
}

#[test]
fn p19_a_text_is_shortened_after_everything_else_by_characters() {
    let given: &[(&str, Value)] =
        &[("a", format!("€€ {CARD}").as_str().into()), ("b", "€€€".into())];
    let rules = [on(&["*"], &["truncate", "6"]), searching(&["creditCard"], "mask")];
    assert_eq!(attributes(&rules, given), "a=€€ [re b=€€€");
    assert_eq!(attributes(&[on(&["*"], &["truncate", "2"])], given), "a=€€ b=€€");
    let bytes: &[(&str, Value)] =
        &[("y", Value::Bytes(vec![1, 2, 3, 4])), ("n", Value::Number(12345.0))];
    assert_eq!(attributes(&[on(&["*"], &["truncate", "3"])], bytes), "y=b\"AQID\" n=12345");
}

#[test]
fn p46_the_database_is_named_by_an_attribute_wherever_it_stands_and_whatever_becomes_of_it() {
    let statement = ("db.statement", Value::from("select \"c\" from t where a = 'x'"));
    let rules = || [on(&["db.statement"], &["sql", "auto"]), on(&["db.system*"], &["delete"])];
    for (system, expected) in [
        (vec![("db.system", "postgresql")], "db.statement=select \"c\" from t where a = ?"),
        (vec![("db.system", "mysql")], "db.statement=select ? from t where a = ?"),
        (
            vec![("db.system", "mysql"), ("db.system.name", "postgresql")],
            "db.statement=select \"c\" from t where a = ?",
        ),
        (vec![("db.system", "redis")], "db.statement=[redacted]"),
        (vec![], "db.statement=select ? from t where a = ?"),
    ] {
        let mut given = vec![statement.clone()];
        given.extend(system.iter().map(|(key, value)| (*key, Value::from(*value))));
        assert_eq!(attributes(&rules(), &given), expected);
    }
}

#[test]
fn p114_what_is_no_json_is_counted_and_replaced() {
    let process = redacting(&[on(&["doc"], &["json", "1", "$.p", "0", "false"])]);
    let given: &[(&str, Value)] =
        &[("doc", "{\"p\":\"secret\",\"q\":".into()), ("doc", "secret".into()), ("doc", "".into())];
    assert_eq!(
        shown(&process, given),
        r#"doc={"p":"[redacted]","q":[redacted] doc=[redacted] doc="#
    );
    assert_eq!(process.fail_closed()[0], ("json", 2));
}

#[test]
fn p18_a_list_of_what_may_stay_takes_the_rest_of_its_parts_only() {
    let rules = [on(&["a", "b.*"], &["allow"]).within(&["attributes"])];
    let process = redacting(&rules);
    let span = Made {
        attributes: members(&[("a", "1".into()), ("b.c", "2".into()), ("secret", "3".into())]),
        resource: members(&[("service.name", "s".into())]),
        ..Made::default()
    };
    let text = json(&process, &[span]);
    assert!(text.contains("service.name") && text.contains("b.c") && !text.contains("secret"));
}
