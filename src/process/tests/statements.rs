//! Statements as databases read them: made of pieces of which it is known what they are, and put together at random. What the
//! pass makes of them is compared with the pieces, so that no second reader of SQL is needed to judge it.

use crate::process::sql::{Dialect, Masked, mask};

/// Letters of a secret, in every literal and comment of text.
const SECRET: &str = "S3CRET";
/// Digits of one, in every number.
const DIGITS: &str = "73918";

/// A piece, and what has to become of it.
type Piece = (&'static str, &'static str);

/// How one database writes.
struct Database {
    systems: &'static [&'static str],
    pieces: &'static [Piece],
}

/// All databases agree about these.
const COMMON: &[Piece] = &[
    ("'S3CRET'", "?"),
    ("'it''S3CRET'", "?"),
    ("''''", "?"),
    ("''", "?"),
    ("'-- S3CRET'", "?"),
    ("'/* S3CRET'", "?"),
    ("'\"S3CRET`'", "?"),
    ("'a\nS3CRET'", "?"),
    ("73918", "?"),
    ("73918.5", "?"),
    (".73918", "?"),
    ("73918e-73918", "?"),
    ("1E+73918", "?"),
    ("- 73918", "- ?"),
    ("N'S3CRET'", "?"),
    ("X'73918'", "?"),
    ("0x73918", "?"),
    ("B'73918'", "?"),
    ("DATE '73918'", "DATE ?"),
    ("{ts '73918 S3CRET'}", "{ts ?}"),
    ("INTERVAL '73918' DAY", "INTERVAL ? DAY"),
    ("TRUE", "?"),
    ("NULL", "NULL"),
    ("?", "?"),
    (":name", ":name"),
    ("t1.größe", "t1.größe"),
    ("count(*)", "count(*)"),
    ("a2", "a2"),
    ("/* S3CRET 'it */", "/*?*/"),
    ("-- it's S3CRET\r\n", "/*?*/\r\n"),
    ("-- S3CRET \"\n", "/*?*/\n"),
    ("--\x0bit's S3CRET\n", "/*?*/\n"),
];

const DATABASES: &[Database] = &[
    Database {
        systems: &["mysql", "mariadb"],
        pieces: &[
            ("'a\\'S3CRET'", "?"),
            ("'a\\\\'", "?"),
            ("\"S3CRET\"", "?"),
            ("\"a\\\"S3CRET'\"", "?"),
            ("\"a\"\"S3CRET\"", "?"),
            ("_utf8'S3CRET'", "_utf8?"),
            ("_utf8mb4 X'73918'", "_utf8mb4 ?"),
            ("`it's \"a`", "`it's \"a`"),
            ("`a``'b\\`", "`a``'b\\`"),
            ("# it's S3CRET\n", "/*?*/\n"),
            ("-- a\r it's S3CRET\n", "/*?*/\n"),
            ("/* /* S3CRET */", "/*?*/"),
            ("/*! S3CRET 73918 */", "/*?*/"),
            ("5--73918", "?--?"),
            ("5--- S3CRET\n", "?-/*?*/\n"),
            ("$a$", "$a$"),
            ("$$\"$$ S3CRET\"", "$$?"),
            ("@'S3CRET'", "@?"),
        ],
    },
    Database {
        systems: &["postgresql", "cockroachdb"],
        pieces: &[
            ("'a\\'", "?"),
            ("E'a\\'S3CRET',", "?,"),
            ("e'a\\\\',", "?,"),
            ("E'a'\n'b\\'S3CRET',", "?\n?,"),
            ("E'a' -- it's S3CRET\n 'b\\'S3CRET',", "? /*?*/\n ?,"),
            ("U&'d\\0061S3CRET'", "?"),
            ("$$it's S3CRET$$", "?"),
            ("$t$ $$ 'S3CRET $t$", "?"),
            ("$ключ$S3CRET$ключ$", "?"),
            ("@$$S3CRET$$", "@?"),
            ("a$b$", "a$b$"),
            ("$1", "$1"),
            ("$542", "$542"),
            ("73918$a$ S3CRET $a$", "??"),
            ("x[:1$a$ S3CRET $a$]", "x[:1?]"),
            ("\"it's \"\"a\"", "\"it's \"\"a\""),
            ("\"a\\\"", "\"a\\\""),
            ("a ` 'S3CRET' ` b", "a ` ? ` b"),
            ("a `--` S3CRET\n", "a `/*?*/\n"),
            ("a # 'S3CRET'", "a # ?"),
            ("/* 'a /* S3CRET */ S3CRET */", "/*?*/"),
            ("-- a\r 'S3CRET'", "/*?*/\r ?"),
            ("5--S3CRET 73918\n", "?/*?*/\n"),
            ("x::text[1:73918]", "x::text[?:?]"),
        ],
    },
    Database {
        systems: &["oracle", "oracle.db"],
        pieces: &[
            ("q'[it's S3CRET]'", "?"),
            ("NQ'{it's S3CRET}'", "?"),
            ("q'!S3CRET'!'", "?"),
            ("'a\\'", "?"),
            ("\"it's\"", "\"it's\""),
            ("/*+ FULL(t) */", "/*?*/"),
            ("/* /* S3CRET */", "/*?*/"),
        ],
    },
    Database {
        systems: &["clickhouse", "redshift", "aws.redshift", "hanadb"],
        pieces: &[
            ("'a\\'S3CRET'", "?"),
            ("\"a'\\\"b\"", "\"a'\\\"b\""),
            ("$$it's S3CRET$$", "?"),
            ("# it's S3CRET\n", "?"),
            ("['S3CRET', 'b']", "[?, ?]"),
        ],
    },
    Database {
        systems: &["mssql", "microsoft.sql_server", "sqlite"],
        pieces: &[
            ("[o'clock]", "?"),
            ("[a/*b]", "?"),
            ("[a--b]", "?"),
            ("[a\"b]", "?"),
            ("[plain name]", "[plain name]"),
            ("x[a-73918/2]", "x[a-?/?]"),
            ("/*Mary's S3CRET*/", "/*?*/"),
            ("#temp", "?"),
            ("\"S3CRET\"", "?"),
            ("'a\\'", "?"),
            ("/* /* S3CRET */ S3CRET */", "/*?*/"),
            ("@p1", "@p1"),
            ("$542", "?"),
            ("$542.10", "?"),
        ],
    },
    Database {
        systems: &["gcp.bigquery", "spanner", "databricks"],
        pieces: &[
            ("'''it's S3CRET'''", "?"),
            ("\"\"\"it's \"S3CRET\"\"\"", "?"),
            ("r'a\\'S3CRET'", "r?"),
            ("'a\\'S3CRET'", "?"),
            ("`a.b`", "`a.b`"),
            ("`a\\`'b`", "?"),
            ("# it's S3CRET\n", "?"),
        ],
    },
    Database {
        systems: &["cassandra", "snowflake", "duckdb"],
        pieces: &[("// it's S3CRET\n", "?"), ("$$it's S3CRET$$", "?"), ("\"S3CRET\"", "?")],
    },
    Database {
        systems: &["an old MySQL"],
        pieces: &[
            ("/*! 'a*/ S3CRET' */", "?"),
            ("/*M!100100 \"a*/ S3CRET\" */", "?"),
            ("/*+ QB_NAME(`a*/ S3CRET`) */", "?"),
        ],
    },
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }
}

fn masked(text: &str, dialect: Dialect) -> (String, Masked) {
    let mut out = Vec::new();
    match mask(text.as_bytes(), dialect, &mut out) {
        Masked::Unchanged => (text.to_owned(), Masked::Unchanged),
        verdict => (String::from_utf8(out).unwrap(), verdict),
    }
}

fn has_secret(text: &str) -> bool {
    text.contains(SECRET) || text.contains(DIGITS)
}

#[test]
fn p45_p46_p47_statements_of_every_database_keep_their_names_and_lose_their_literals() {
    let mut random = Random(45);
    for Database { systems, pieces } in DATABASES {
        let (mut whole, mut cut) = (0, 0);
        for _ in 0..4000 {
            let (mut text, mut expected) = (String::new(), String::new());
            for _ in 0..1 + random.below(8) {
                let own = random.below(2) == 0;
                let from = if own { *pieces } else { COMMON };
                let (piece, becomes) = from[random.below(from.len())];
                let gap = [" ", "\n", ", ", " = ", " || ", "(", ") "][random.below(7)];
                text += piece;
                text += gap;
                expected += becomes;
                expected += gap;
            }
            for system in *systems {
                let dialect = Dialect::of_system(system.as_bytes()).unwrap();
                let (out, verdict) = masked(&text, dialect);
                assert!(!has_secret(&out), "{system}: {text}\n{out}");
                match verdict {
                    Masked::CutShort => {
                        let kept = out.strip_suffix('?').unwrap();
                        assert!(expected.starts_with(kept), "{system}: {text}\n{out}\n{expected}");
                        cut += 1;
                    }
                    Masked::Changed | Masked::Unchanged => {
                        assert_eq!(out, expected, "{system}: {text}");
                        whole += 1;
                    }
                }
                assert_eq!(masked(&out, dialect).0, out, "again, {system}: {text}");
            }
            // Whoever does not say which database it is loses names, and no secret leaves.
            let (out, _) = masked(&text, Dialect::Generic);
            assert!(!has_secret(&out), "unknown: {text}\n{out}");
        }
        assert!(
            whole > 100,
            "{systems:?}: {whole} statements were read to their end, {cut} were not"
        );
    }
}

#[test]
fn p45_every_piece_alone_becomes_what_it_should() {
    for Database { systems, pieces } in DATABASES {
        for system in *systems {
            let dialect = Dialect::of_system(system.as_bytes()).unwrap();
            for (piece, becomes) in COMMON.iter().chain(*pieces) {
                let (out, verdict) = masked(piece, dialect);
                let is_right = out == *becomes || verdict == Masked::CutShort;
                assert!(is_right && !has_secret(&out), "{system}: {piece} became {out}");
            }
        }
    }
}

#[test]
fn p47_brackets_without_end_are_looked_into_once() {
    for piece in ["[", "[a", "[]", "[1,", "[$"] {
        // What is quadratic would take hours here.
        assert!(masked(&piece.repeat(200_000), Dialect::Generic).0.len() <= 1_000_000);
    }
}
