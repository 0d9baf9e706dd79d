//! No filter may lose what a detector finds: all of them are compared with the detectors themselves.

use std::ops::Range;

use super::{
    super::{Detector, Detectors, Hit, find},
    *,
};

/// What a detector looks at, by itself.
fn is_hinted_by(detector: Detector, byte: u8) -> bool {
    match detector {
        Detector::Email => matches!(byte, b'@' | b'%'),
        Detector::CreditCard | Detector::Ipv4 | Detector::Iban => byte.is_ascii_digit(),
        Detector::Jwt => byte == b'J',
        Detector::Bearer | Detector::BasicAuth => matches!(byte, b'b' | b'B'),
        Detector::PrivateKey => byte == b'-',
        Detector::AwsKey | Detector::GoogleKey => byte == b'A',
        Detector::GithubToken | Detector::StripeKey => byte == b'_',
        Detector::SlackToken => byte == b'x',
        Detector::UrlCredentials | Detector::Ipv6 => byte == b':',
    }
}

#[test]
fn p42_the_table_of_hints_is_that_of_the_detectors() {
    for byte in 0..=255u8 {
        for detector in Detector::ALL {
            let is_hinted = hint(byte) & detector.bit() != 0;
            assert_eq!(is_hinted, is_hinted_by(detector, byte), "{byte} {detector:?}");
        }
    }
}

#[test]
fn p42_texts_of_every_day_are_ruled_out_at_a_glance() {
    for text in [
        "select order_id from orders where customer = 4711 limit 100",
        "SELECT * FROM Accounts AS A WHERE A.STATE IN ('OPEN', 'PAID')",
        "2026-11-30 12:50:24.123456 +0000",
        "123e4567-e89b-12d3-b456-426614174000",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537 (KHTML, like Gecko) Chrome/131",
        "application/json; charset=utf-8, base64 and debug, 100%",
    ] {
        let marked = Detectors::MAX ^ (CARD | IBAN | IPV4 | IPV6);
        assert_eq!(possible(text.as_bytes(), marked), 0, "{text}");
    }
    assert_eq!(possible(b"order 4711 of 2026-11-30 12:50, 1,234,567.89", CARD), 0);
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// What detectors find, and what they almost find.
const PIECES: [&[u8]; 57] = [
    b"a@b.de",
    b"ada%40example.org",
    b"@",
    b"%40",
    b".de",
    b"4111 1111 1111 1111",
    b"4111111111111111",
    b"4222222222222",
    b"3782-822463-10005",
    b"5 5 5 5 5 5 5 5 5 5 5 5 5 7",
    b"411111111111111",
    b"4111+1111+1111+1111",
    b"4111%201111%201111%201111",
    b"4%202%202%202%202%202%202%202%202%202%202%202%202",
    b"4111.1111.1111.1111",
    b"%224111111111111111%22",
    b"1",
    b"DE89370400440532013000",
    b"DE89 3704 0044 0532 0130 00",
    b"gb82-west-1234-5698-7654-32",
    b"DE8",
    b"eyJhbGciOiJIUzI1",
    b"eyJ",
    b"bearer Abc123",
    b"BEARER%20s3cretX",
    b"bEaReR=Abcdef",
    b"Basic dXNlcjpwYXNz",
    b"basic+QWxh1",
    b"database ",
    b"-----BEGIN PRIVATE KEY-----\nMIIE",
    b"-----BEGIN RSA PRIVATE KEY",
    b"-----END PRIVATE KEY-----",
    b"----------BEGIN EC PRIVATE KEY",
    b"-----",
    b"AKIAIOSFODNN7EXAMPLE",
    b"ASIA1234",
    b"ABIAABIAABIAABIAABIA",
    b"ACCA0000",
    b"AIzaSyA-0123456789_abcdefghijklmnopqrs",
    b"AIza",
    b"ghp_0123456789abcdef",
    b"github_pat_0123456789abcdef",
    b"gho_abcd",
    b"xoxb-1234567890",
    b"xapp-1.23456789",
    b"xox",
    b"sk_live_0123456789",
    b"rk_test_0123",
    b"whsec_0123456789",
    b"postgres://u:p@h/x",
    b"https:\\\\u:p@h",
    b"//u:p@h",
    b"ws:u@h",
    b"10.0.0.1",
    b"fe80::1",
    b"::",
    b"user:pass",
];
/// What stands between them.
const GAPS: [&[u8]; 16] = [
    b"",
    b" ",
    b"-",
    b"\n",
    b"_",
    b"/",
    b":",
    b"\"",
    b"0",
    b"z",
    b"K",
    "é".as_bytes(),
    "東京".as_bytes(),
    "😀".as_bytes(),
    // Half of a surrogate pair.
    b"\xed\xa0\x80",
    b"\xff\x80",
];

/// Of 0 to 200 bytes and a few more: pieces, whole, cut or with a byte that is another, wherever a block may end.
fn make_text(random: &mut Random, text: &mut Vec<u8>) {
    text.clear();
    let filler = random.pick(b"a .b1-_xA@:/");
    text.resize(random.below(68) * random.below(2), filler);
    let least = random.below(100) * random.below(3);
    loop {
        let mut piece = random.pick(&PIECES);
        match random.below(6) {
            0 => piece = &piece[..random.below(piece.len() + 1)],
            1 => piece = &piece[random.below(piece.len())..],
            _ => {}
        }
        let from = text.len();
        text.extend_from_slice(piece);
        if random.below(8) == 0 && text.len() > from {
            let at = from + random.below(text.len() - from);
            text[at] = random.pick(b"aZ09 -_.:@/\x80");
        }
        if random.below(3) > 0 {
            text.extend_from_slice(random.pick(&GAPS));
        }
        if text.len() >= least {
            break;
        }
    }
    if random.below(8) == 0 {
        text.truncate(random.below(text.len() + 1));
    }
}

/// Whether a detector finds something wherever it may look, without anything that spares it a look.
fn finds(text: &[u8], detector: Detector) -> bool {
    (0..text.len())
        .any(|at| is_hinted_by(detector, text[at]) && detector.look(text, at).found.is_some())
}

#[test]
fn p42_what_is_found_is_never_ruled_out_before_by_a_glance() {
    let texts = std::env::var("OFFLOOP_GLANCE_TEXTS").ok().map(|texts| texts.parse().unwrap());
    let mut random = Random(7);
    let (mut hits, mut text) = (Vec::<Hit>::new(), Vec::new());
    let mut seen = [0; Detector::ALL.len()];
    for _ in 0..texts.unwrap_or(200_000) {
        make_text(&mut random, &mut text);
        let all = possible(&text, Detectors::MAX);
        let mut found = 0;
        for detector in Detector::ALL {
            if finds(&text, detector) {
                found |= detector.bit();
                seen[detector as usize] += 1;
                assert_ne!(
                    possible(&text, detector.bit()),
                    0,
                    "{detector:?} alone {:?}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
        assert_eq!(found & !all, 0, "{:?}", String::from_utf8_lossy(&text));
        // Those that are ruled out may be left out.
        find(&text, Detectors::MAX, &mut hits);
        let expected: Vec<(Range<usize>, Detector)> =
            hits.iter().map(|hit| (hit.range.clone(), hit.detector)).collect();
        find(&text, all, &mut hits);
        let got = hits.iter().map(|hit| (hit.range.clone(), hit.detector));
        assert!(got.eq(expected), "{:?}", String::from_utf8_lossy(&text));
    }
    assert!(seen.iter().all(|seen| *seen > 1_000), "{seen:?}");
}

#[test]
fn p42_no_place_of_a_hit_in_a_text_of_up_to_200_bytes_hides_it() {
    for piece in PIECES {
        for filler in *b"a 1-_.b" {
            for length in piece.len()..200 {
                let mut text = vec![filler; length];
                text[length - piece.len()..].copy_from_slice(piece);
                check(&text);
                text.extend_from_slice(&[b' '; 40]);
                check(&text);
            }
        }
    }
}

fn check(text: &[u8]) {
    let all = possible(text, Detectors::MAX);
    for detector in Detector::ALL {
        let is_found = finds(text, detector);
        assert!(
            !is_found || all & detector.bit() != 0,
            "{detector:?} {:?}",
            String::from_utf8_lossy(text)
        );
    }
}
