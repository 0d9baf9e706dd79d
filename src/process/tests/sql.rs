//! Statements without their literals, by dialect.

use crate::process::sql::{Dialect, Masked, mask};

const DIALECTS: [Dialect; 4] =
    [Dialect::MySql, Dialect::PostgreSql, Dialect::QuotedNames, Dialect::Generic];

fn masked(text: &str, dialect: Dialect) -> String {
    let mut out = Vec::new();
    match mask(text.as_bytes(), dialect, &mut out) {
        Masked::Unchanged => text.to_owned(),
        _ => String::from_utf8(out).unwrap(),
    }
}

#[test]
fn p45_literals_become_question_marks_and_nothing_else_changes() {
    for (text, expected) in [
        ("SELECT * FROM t1 WHERE a = 'x' AND b2=5", "SELECT * FROM t1 WHERE a = ? AND b2=?"),
        ("IN (1, 2,3)", "IN (?, ?,?)"),
        ("a = 'it''s' ", "a = ? "),
        ("-1.5e-10 + .5 - 0xFF", "-? + ? - ?"),
        ("x = X'AB' OR b'01' OR N'n' OR U&'d\\0061'", "x = ? OR ? OR ? OR ?"),
        ("d = DATE '2020-01-01' AND TRUE", "d = DATE ? AND ?"),
        (
            "a = ? AND b = :name AND c = @p1 AND d = $1 AND e = :1",
            "a = ? AND b = :name AND c = @p1 AND d = $1 AND e = :1",
        ),
        ("SELECT `weird one` FROM t", "SELECT `weird one` FROM t"),
        ("SELECT 1 -- secret\n, 2", "SELECT ? /*?*/\n, ?"),
        ("SELECT /* secret */ a", "SELECT /*?*/ a"),
        ("a = 'never ends", "a = ?"),
        ("größe = 'ß'", "größe = ?"),
        ("CALL p('a', NULL)", "CALL p(?, NULL)"),
    ] {
        for dialect in DIALECTS {
            assert_eq!(masked(text, dialect), expected, "{dialect:?}");
            assert_eq!(masked(expected, dialect), expected, "again, {dialect:?}");
        }
    }
}

#[test]
fn p46_double_quotes_and_dollars_depend_on_the_database() {
    for (system, expected) in [
        ("postgresql", "\"a\" = ?"),
        ("oracle.db", "\"a\" = ?"),
        ("db2", "\"a\" = ?"),
        ("clickhouse", "\"a\" = ?"),
        ("mysql", "? = $t$x$t$"),
        ("mssql", "? = ?"),
        ("something else", "? = ?"),
    ] {
        let dialect = Dialect::of_system(system.as_bytes()).unwrap();
        assert_eq!(masked("\"a\" = $t$x$t$", dialect), expected, "{system}");
    }
    assert_eq!(masked("$$it's$$, $1", Dialect::PostgreSql), "?, $1");
    assert_eq!(masked("$a$ never ends $b$", Dialect::Generic), "?");
    assert_eq!(Dialect::of_system(b"redis"), None);
}

#[test]
fn p47_what_databases_read_differently_masks_the_rest() {
    for (text, mysql, postgresql, generic) in [
        ("a = 'x\\' OR b = 'y'", "a = ?y?", "a = ? OR b = ?", "a = ?"),
        ("a = 'x\\\\' OR b = 'y'", "a = ? OR b = ?", "a = ? OR b = ?", "a = ? OR b = ?"),
        ("a = E'x\\'y' , 'z'", "a = ? , ?", "a = ? , ?", "a = ? , ?"),
        ("a # it's\n, 'b'", "a /*?*/\n, ?", "a # it??", "a ?"),
        ("5--3, 'x'", "?--?, ?", "?/*?*/", "??"),
        ("/* /* */ 'x' */ 'y'", "/*?*/ ? */ ?", "/*?*/ ?", "?"),
        ("q'[it's]'", "?", "?", "?"),
    ] {
        assert_eq!(masked(text, Dialect::MySql), mysql, "mysql");
        assert_eq!(masked(text, Dialect::PostgreSql), postgresql, "postgresql");
        assert_eq!(masked(text, Dialect::Generic), generic, "generic");
    }
}

#[test]
fn p47_names_and_amounts_of_sql_server_end_where_it_reads_their_end() {
    for (text, expected) in [
        ("SELECT [a]]'b] WHERE x = 'S3CRET' AND y = 'z'", "SELECT ?"),
        ("SELECT [a]] b] WHERE x = 'y'", "SELECT [a]] b] WHERE x = ?"),
        ("x[[1], [2]], 'y'", "x[[?], ?"),
        ("a = $542.10 AND b = $2", "a = ? AND b = $2"),
    ] {
        assert_eq!(masked(text, Dialect::Generic), expected);
    }
    assert_eq!(Dialect::of_system(b"Redis"), None);
}

#[test]
fn p47_the_letters_of_a_number_may_be_the_prefix_of_the_literal_behind_it() {
    for (text, mysql, postgresql, generic) in [
        ("1e'x\\' S3CRET' , a", "?? , a", "?? , a", "??"),
        ("1.5E'x\\' S3CRET'", "??", "??", "??"),
        ("2q'[it's S3CRET]' , a", "??", "??", "??"),
        ("0xe'x' , a", "?? , a", "?? , a", "?? , a"),
        ("0xdeadbeef'x' , a", "?? , a", "?? , a", "?? , a"),
    ] {
        assert_eq!(masked(text, Dialect::MySql), mysql, "mysql {text}");
        assert_eq!(masked(text, Dialect::PostgreSql), postgresql, "postgresql {text}");
        assert_eq!(masked(text, Dialect::QuotedNames), generic, "quoted names {text}");
        assert_eq!(masked(text, Dialect::Generic), generic, "generic {text}");
    }
}

#[test]
fn p47_a_comment_in_what_mysql_executes_may_hide_its_end() {
    for comment in ["-- ", "# "] {
        let text = format!("SELECT /*! {comment}*/ it's\n*/ a, 'S3CRET'");
        for dialect in [Dialect::MySql, Dialect::QuotedNames, Dialect::Generic] {
            assert_eq!(masked(&text, dialect), "SELECT ?", "{dialect:?}");
        }
    }
    assert_eq!(masked("SELECT /*!40001 SQL_NO_CACHE */ a", Dialect::MySql), "SELECT /*?*/ a");
}

#[test]
fn p45_a_literal_is_gone_wherever_it_stands() {
    let positions = [
        "SELECT {}",
        "WHERE a={}",
        "WHERE a = {} AND b",
        "IN ({},{})",
        "VALUES ({})",
        "LIKE {}",
        "f({})",
        "a||{}",
        "{}::text",
        "CAST({} AS x)",
        "CASE WHEN {} THEN {} END",
        "BETWEEN {} AND {}",
        "LIMIT 1 -- x\n,{}",
        "/* x */{}",
        "a<>{}",
        "a>={}",
        "({})",
        "[{}]",
        "{};",
        "\t{}\n",
        "SET x={}",
        "ESCAPE {}",
        "'a',{}",
        "1,{}",
        "x.y={}",
        "@v:={}",
        "a-{}",
        "-{}",
        "INTERVAL {}",
        "N{}",
    ];
    for position in positions {
        for literal in ["'S3CRET'", "'a''S3CRET'", "'S3CRET\n'", "'-- S3CRET'", "'/* S3CRET'"] {
            for dialect in DIALECTS {
                let out = masked(&position.replace("{}", literal), dialect);
                assert!(!out.contains("S3CRET"), "{position} {literal} {dialect:?}: {out}");
            }
        }
    }
}
