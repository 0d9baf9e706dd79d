//! Masks values inside a text of JSON: one pass, no tree, no recursion beyond a document inside a string.
//! It refuses to repair: behind the first wrong byte everything is the marker.

use super::{
    json_path::{Paths, Progress},
    json_text::{Scanned, number_len, put_quoted, scan_string},
};

/// What a rule asks of such a text.
#[derive(Debug)]
pub(super) struct JsonRule {
    /// Values that become the marker.
    pub(super) mask: Paths,
    /// Values that become tokens.
    pub(super) hash: Paths,
    /// If present, every scalar that none of these names becomes the marker.
    pub(super) keep: Option<Paths>,
    /// Numbers become 0, booleans `false`, and containers are entered.
    pub(super) keep_type: bool,
}

/// What happens to the leaves: the rest of the redaction.
pub(super) trait Leaves {
    /// What a masked value becomes.
    fn marker(&self) -> &[u8];
    /// Appends the token of a value.
    fn token(&mut self, value: &[u8], out: &mut Vec<u8>);
    /// A text, a number or a key that stays: `out` gets what it becomes, if that is something else.
    fn patterns(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool;
    /// The rule has taken a value.
    fn hit(&mut self);
}

/// What has become of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masked {
    /// Nothing in it was to be masked.
    Unchanged,
    /// It is in the output, as valid as before.
    Changed,
    /// It is no JSON to its end; what was read is in the output, masked, and then the marker.
    Broken,
    /// It is nested too deeply: as above.
    TooDeep,
}

/// Containers inside each other.
const MAX_DEPTH: usize = 512;

/// Writes `text` to `out` as `rule` asks, if that is not the text itself.
pub(super) fn mask(
    text: &[u8],
    rule: &JsonRule,
    leaves: &mut dyn Leaves,
    out: &mut Vec<u8>,
) -> Masked {
    let mut progress = Vec::new();
    for (paths, _) in rule.all() {
        progress.extend((0..paths.len()).map(|index| paths.start(index)));
    }
    Document::new(text, rule, leaves, out, 1).mask(&progress, Taken::default())
}

impl JsonRule {
    fn all(&self) -> impl Iterator<Item = (&Paths, Kind)> {
        let keep = self.keep.iter().map(|paths| (paths, Kind::Keep));
        [(&self.mask, Kind::Mask), (&self.hash, Kind::Hash)].into_iter().chain(keep)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mask,
    Hash,
    Keep,
}

/// What the paths say of a value, or of a container that it is in.
#[derive(Clone, Copy, Default)]
struct Taken {
    mask: bool,
    hash: bool,
    keep: bool,
}

struct Level {
    is_object: bool,
    taken: Taken,
    /// A member or an element has been read.
    has_any: bool,
    /// Keys that have become the marker.
    renamed: usize,
    /// It is replaced as a whole: nothing in it is written.
    is_mute: bool,
}

enum Stop {
    WrongByte,
    EndOfText,
    TooDeep,
}

struct Document<'t, 'r> {
    text: &'t [u8],
    at: usize,
    /// What has been read up to here is in the output.
    written: usize,
    rule: &'r JsonRule,
    leaves: &'r mut dyn Leaves,
    out: &'r mut Vec<u8>,
    levels: Vec<Level>,
    /// The progress of every path, level by level.
    progress: Vec<Progress>,
    scratch: Vec<u8>,
    /// Documents inside strings that may be entered.
    inner: usize,
    has_read: bool,
    changed: bool,
}

impl<'t, 'r> Document<'t, 'r> {
    fn new(
        text: &'t [u8],
        rule: &'r JsonRule,
        leaves: &'r mut dyn Leaves,
        out: &'r mut Vec<u8>,
        inner: usize,
    ) -> Self {
        Document {
            text,
            at: 0,
            written: 0,
            rule,
            leaves,
            out,
            levels: Vec::new(),
            progress: Vec::new(),
            scratch: Vec::new(),
            inner,
            has_read: false,
            changed: false,
        }
    }

    fn mask(mut self, progress: &[Progress], taken: Taken) -> Masked {
        let start = self.out.len();
        let stop = match self.run(progress, taken) {
            Ok(()) if self.changed => {
                self.flush(self.at);
                return Masked::Changed;
            }
            Ok(()) => return Masked::Unchanged,
            Err(stop) => stop,
        };
        let is_container = matches!(self.text.trim_ascii_start().first(), Some(b'{' | b'['));
        if is_container {
            self.flush(self.at);
        } else {
            self.out.truncate(start);
        }
        self.out.extend_from_slice(self.leaves.marker());
        match stop {
            Stop::TooDeep => Masked::TooDeep,
            Stop::WrongByte | Stop::EndOfText => Masked::Broken,
        }
    }

    fn run(&mut self, progress: &[Progress], taken: Taken) -> Result<(), Stop> {
        self.blanks();
        self.value(progress, taken)?;
        let mut of_value = Vec::with_capacity(progress.len());
        while let Some(level) = self.levels.last() {
            let (is_object, has_any, taken) = (level.is_object, level.has_any, level.taken);
            self.blanks();
            let byte = self.peek()?;
            if byte == if is_object { b'}' } else { b']' } {
                self.close(progress.len());
                continue;
            }
            if has_any {
                if byte != b',' {
                    return Err(Stop::WrongByte);
                }
                self.at += 1;
                self.blanks();
            }
            of_value.clear();
            if is_object {
                self.key(&mut of_value, progress.len())?;
            } else {
                self.step(None, &mut of_value, progress.len());
            }
            if let Some(level) = self.levels.last_mut() {
                level.has_any = true;
            }
            self.value(&of_value, taken)?;
        }
        self.blanks();
        if self.at < self.text.len() { Err(Stop::WrongByte) } else { Ok(()) }
    }

    fn is_mute(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_mute)
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop::EndOfText)
    }

    fn blanks(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(is_blank).count();
    }

    /// Copies what has been read and stays.
    fn flush(&mut self, to: usize) {
        if !self.is_mute() {
            self.out.extend_from_slice(self.text.get(self.written..to).unwrap_or_default());
        }
        self.written = to;
    }

    /// The value from `start` to here is replaced by what `put` writes.
    fn replace(&mut self, start: usize, put: impl FnOnce(&mut dyn Leaves, &mut Vec<u8>)) {
        self.changed = true;
        if !self.is_mute() {
            self.flush(start);
            put(self.leaves, self.out);
        }
        self.written = self.at;
    }

    fn step(&self, key: Option<&[u8]>, of_value: &mut Vec<Progress>, count: usize) {
        let from = self.progress.get(self.progress.len() - count..).unwrap_or_default();
        let mut from = from.iter();
        for (paths, _) in self.rule.all() {
            let steps = (0..paths.len()).zip(from.by_ref());
            of_value.extend(steps.map(|(index, from)| paths.step(index, *from, key)));
        }
    }

    fn judge(&self, progress: &[Progress], mut taken: Taken) -> Taken {
        let mut progress = progress.iter();
        for (paths, kind) in self.rule.all() {
            let is_named = (0..paths.len())
                .zip(progress.by_ref())
                .filter(|(index, at)| paths.is_end(*index, **at));
            if is_named.count() > 0 {
                match kind {
                    Kind::Mask => taken.mask = true,
                    Kind::Hash => taken.hash = true,
                    Kind::Keep => taken.keep = true,
                }
            }
        }
        taken
    }

    fn key(&mut self, of_value: &mut Vec<Progress>, count: usize) -> Result<(), Stop> {
        let start = self.at;
        let mut decoded = std::mem::take(&mut self.scratch);
        let scanned = self.string(&mut decoded)?;
        let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let key = if scanned.is_escaped { decoded.as_slice() } else { raw };
        self.step(Some(key), of_value, count);
        let mut unused = Vec::new();
        if !self.is_mute() && self.leaves.patterns(key, &mut unused) {
            let renamed = self.levels.last_mut().map_or(1, |level| {
                level.renamed += 1;
                level.renamed
            });
            self.replace(start, |leaves, out| {
                let mut name = leaves.marker().to_vec();
                if renamed > 1 {
                    name.extend_from_slice(format!("#{renamed}").as_bytes());
                }
                put_quoted(out, &name);
            });
        }
        self.scratch = decoded;
        self.has_read = true;
        self.blanks();
        if self.peek()? != b':' {
            return Err(Stop::WrongByte);
        }
        self.at += 1;
        self.blanks();
        Ok(())
    }

    /// Moves behind a string. Its text is in `decoded` if there is an escape in it.
    fn string(&mut self, decoded: &mut Vec<u8>) -> Result<Scanned, Stop> {
        if self.peek()? != b'"' {
            return Err(Stop::WrongByte);
        }
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let scanned = scan_string(rest, decoded)
            .map_err(|is_at_end| if is_at_end { Stop::EndOfText } else { Stop::WrongByte })?;
        self.at += 1 + scanned.length;
        Ok(scanned)
    }

    fn value(&mut self, progress: &[Progress], inherited: Taken) -> Result<(), Stop> {
        let taken = self.judge(progress, inherited);
        let is_masked = taken.mask || (self.rule.keep.is_some() && !taken.keep && !taken.hash);
        match self.peek()? {
            byte @ (b'{' | b'[') => {
                self.open(byte == b'{', progress, taken)?;
                return Ok(());
            }
            b'"' => self.text_value(progress, taken, is_masked)?,
            byte => self.plain_value(byte, taken, is_masked)?,
        }
        self.has_read = true;
        Ok(())
    }

    fn open(&mut self, is_object: bool, progress: &[Progress], taken: Taken) -> Result<(), Stop> {
        if self.levels.len() >= MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        let is_replaced = (taken.mask || taken.hash) && !self.rule.keep_type;
        let is_mute = self.is_mute();
        if is_replaced && !is_mute {
            self.leaves.hit();
            self.replace(self.at, |leaves, out| put_quoted(out, leaves.marker()));
        }
        self.progress.extend_from_slice(progress);
        self.at += 1;
        self.levels.push(Level {
            is_object,
            taken,
            has_any: false,
            renamed: 0,
            is_mute: is_mute || is_replaced,
        });
        Ok(())
    }

    fn close(&mut self, count: usize) {
        self.at += 1;
        let was_mute = self.levels.pop().is_some_and(|level| level.is_mute);
        self.progress.truncate(self.progress.len() - count.min(self.progress.len()));
        if was_mute {
            self.written = self.at;
        }
    }

    fn text_value(
        &mut self,
        progress: &[Progress],
        taken: Taken,
        is_masked: bool,
    ) -> Result<(), Stop> {
        let start = self.at;
        let mut decoded = std::mem::take(&mut self.scratch);
        let scanned = self.string(&mut decoded)?;
        let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let text = if scanned.is_escaped { decoded.as_slice() } else { raw };
        if self.is_mute() {
            // Gone with its container.
        } else if is_masked {
            self.leaves.hit();
            self.replace(start, |leaves, out| put_quoted(out, leaves.marker()));
        } else if taken.hash {
            self.leaves.hit();
            self.replace(start, |leaves, out| {
                let mut token = Vec::new();
                leaves.token(text, &mut token);
                put_quoted(out, &token);
            });
        } else {
            let mut new = Vec::new();
            let is_new = self.entered(text, progress, taken, &mut new).unwrap_or_else(|| {
                new.clear();
                self.leaves.patterns(text, &mut new)
            });
            if is_new {
                self.replace(start, |_, out| put_quoted(out, &new));
            }
        }
        self.scratch = decoded;
        Ok(())
    }

    /// A document inside a string. `None`: the text is none.
    fn entered(
        &mut self,
        text: &[u8],
        progress: &[Progress],
        taken: Taken,
        new: &mut Vec<u8>,
    ) -> Option<bool> {
        let is_container = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
        if self.inner == 0 || !is_container {
            return None;
        }
        let mut inside = Document::new(text, self.rule, self.leaves, new, self.inner - 1);
        match inside.run(progress, taken) {
            Err(Stop::WrongByte) if !inside.has_read => None,
            Err(_) => {
                inside.flush(inside.at);
                let marker = inside.leaves.marker().to_vec();
                new.extend_from_slice(&marker);
                Some(true)
            }
            Ok(()) => {
                inside.flush(inside.at);
                Some(inside.changed)
            }
        }
    }

    /// A number or a word.
    fn plain_value(&mut self, first: u8, taken: Taken, is_masked: bool) -> Result<(), Stop> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let words: [&[u8]; 3] = [b"true", b"false", b"null"];
        let is_number = first == b'-' || first.is_ascii_digit();
        let length = if is_number {
            number_len(rest)
        } else {
            words.iter().find(|word| rest.starts_with(word)).map(|word| word.len())
        };
        let Some(length) = length else {
            let is_cut = words.iter().any(|word| word.starts_with(rest)) || is_number;
            return Err(if is_cut { Stop::EndOfText } else { Stop::WrongByte });
        };
        self.at += length;
        let source = self.text.get(start..self.at).unwrap_or_default();
        if self.is_mute() {
            return Ok(());
        }
        let typed: &[u8] = match first {
            b't' | b'f' => b"false",
            b'n' => b"null",
            _ => b"0",
        };
        if (is_masked || taken.hash) && self.rule.keep_type {
            self.leaves.hit();
            if source != typed {
                self.replace(start, |_, out| out.extend_from_slice(typed));
            }
        } else if is_masked {
            self.leaves.hit();
            self.replace(start, |leaves, out| put_quoted(out, leaves.marker()));
        } else if taken.hash {
            self.leaves.hit();
            self.replace(start, |leaves, out| {
                let mut token = Vec::new();
                leaves.token(source, &mut token);
                put_quoted(out, &token);
            });
        } else if is_number && !source.contains(&b'.') {
            // The digits of a fraction are no card.
            let mut new = Vec::new();
            if self.leaves.patterns(source, &mut new) {
                self.replace(start, |_, out| put_quoted(out, &new));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::detect::{Detector, Hit, find};

    /// Leaves with a marker, tokens that can be told, and e-mail addresses to search for.
    #[derive(Default)]
    struct Plain {
        hits: usize,
    }

    impl Leaves for Plain {
        fn marker(&self) -> &[u8] {
            b"[\"x\"]"
        }

        fn token(&mut self, value: &[u8], out: &mut Vec<u8>) {
            out.extend_from_slice(b"t:");
            out.extend_from_slice(value);
        }

        fn patterns(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
            let mut hits = Vec::new();
            find(text, Detector::Email.bit() | Detector::CreditCard.bit(), &mut hits);
            let mut copied = 0;
            for Hit { range, .. } in &hits {
                out.extend_from_slice(&text[copied..range.start]);
                out.extend_from_slice(b"@@");
                copied = range.end;
            }
            out.extend_from_slice(&text[copied..]);
            !hits.is_empty()
        }

        fn hit(&mut self) {
            self.hits += 1;
        }
    }

    fn rule(mask: &[&str], hash: &[&str], keep: Option<&[&str]>, keep_type: bool) -> JsonRule {
        let paths = |texts: &[&str]| Paths::new(texts.iter().copied()).unwrap();
        JsonRule { mask: paths(mask), hash: paths(hash), keep: keep.map(paths), keep_type }
    }

    fn masked(text: &str, rule: &JsonRule) -> (String, Masked) {
        let mut out = Vec::new();
        let result = mask(text.as_bytes(), rule, &mut Plain::default(), &mut out);
        let out = match result {
            Masked::Unchanged => text.to_owned(),
            _ => String::from_utf8(out).unwrap(),
        };
        (out, result)
    }

    const MARKER: &str = r#""[\"x\"]""#;

    #[test]
    fn p48_values_under_a_path_are_masked_and_everything_else_keeps_its_bytes() {
        let secret =
            rule(&["$.user.password", "**.token", "$.list[*].id"], &["$.user.id"], None, false);
        for (text, expected) in [
            (
                r#"{ "user" : {"password":"a", "name" : 1.50e3} }"#,
                r#"{ "user" : {"password":M, "name" : 1.50e3} }"#,
            ),
            (
                r#"{"user":{"pass\u0077ord":{"a":[1,"}"]},"x":null}}"#,
                r#"{"user":{"pass\u0077ord":M,"x":null}}"#,
            ),
            (
                r#"{"a":[{"token":[1]},{"token":true}],"token":2}"#,
                r#"{"a":[{"token":M},{"token":M}],"token":M}"#,
            ),
            (
                r#"{"list":[{"id":1},{"id":"b","c":3}],"id":7}"#,
                r#"{"list":[{"id":M},{"id":M,"c":3}],"id":7}"#,
            ),
            (r#"{"user":{"id":"a\nb"}}"#, r#"{"user":{"id":"t:a\nb"}}"#),
            (
                r#"{"user":{"id":12,"password":1,"password":2}}"#,
                r#"{"user":{"id":"t:12","password":M,"password":M}}"#,
            ),
            (r#"[]"#, "[]"),
            (r#"{"other":"user.password"}"#, r#"{"other":"user.password"}"#),
        ] {
            let (out, _) = masked(text, &secret);
            assert_eq!(out, expected.replace('M', MARKER), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
        }
    }

    #[test]
    fn p48_a_list_of_what_stays_masks_every_other_scalar() {
        let keep = rule(&["**.pin"], &[], Some(&["$.ok", "$.list[*].id"]), false);
        let (out, _) =
            masked(r#"{"ok":{"a":1,"pin":2},"no":3,"list":[{"id":4,"x":"y"}],"n":null}"#, &keep);
        let expected = r#"{"ok":{"a":1,"pin":M},"no":M,"list":[{"id":4,"x":M}],"n":M}"#;
        assert_eq!(out, expected.replace('M', MARKER));
        let typed = rule(&["$.a"], &["$.b"], None, true);
        let (out, _) =
            masked(r#"{"a":{"t":"x","n":5,"b":true,"z":null,"l":["y"]},"b":["s",9]}"#, &typed);
        let expected = r#"{"a":{"t":M,"n":0,"b":false,"z":null,"l":[M]},"b":["t:s",0]}"#;
        assert_eq!(out, expected.replace('M', MARKER));
    }

    #[test]
    fn p114_a_document_that_was_cut_never_shows_the_secret() {
        let text = r#"{"a":{"password":"S3CRET-1","x":[1,{"password":"S3CRET-2","b":"\u0053"}]},"c":true}"#;
        let rule = rule(&["**.password"], &[], None, false);
        for cut in 0..text.len() {
            let (out, result) = masked(&text[..cut], &rule);
            assert!(!out.contains("S3C"), "{out}");
            assert_eq!(result, Masked::Broken, "{cut}");
            assert!(out.ends_with("[\"x\"]"), "{out}");
        }
        for text in [
            "",
            "S3CRET",
            "12 S3CRET",
            "\"S3CRET",
            "{S3CRET",
            "[1] S3CRET",
            "{\"a\":S3CRET}",
            "[\"\\qS3CRET\"]",
            "[1,]S3CRET",
        ] {
            let (out, result) = masked(text, &rule);
            assert!(!out.contains("S3CRET") && result == Masked::Broken, "{text} {out}");
        }
        let (out, _) = masked(r#"{"a":1,"password":2,"b":nope}"#, &rule);
        assert_eq!(out, r#"{"a":1,"password":M,"b":["x"]"#.replace('M', MARKER));
    }

    #[test]
    fn p49_what_is_nested_too_deeply_is_the_marker() {
        let rule = rule(&["$.a"], &[], None, false);
        let (out, result) = masked(&("[".repeat(100_000) + "\"S3CRET\""), &rule);
        assert_eq!(result, Masked::TooDeep);
        assert!(!out.contains("S3CRET"));
        let deep = "[".repeat(512) + &"]".repeat(512);
        assert_eq!(masked(&deep, &rule), (deep.clone(), Masked::Unchanged));
    }

    #[test]
    fn p51_texts_are_searched_after_unescaping_and_documents_in_them_are_entered() {
        let rule = rule(&["**.password"], &[], None, false);
        for (text, expected) in [
            (r#"{"m":"to ada\u0040example.com!"}"#, r#"{"m":"to @@!"}"#),
            (r#"{"ada@example.com":1,"bob@example.com":2}"#, r#"{M:1,N:2}"#),
            (r#"{"card":4111111111111111}"#, r#"{"card":"@@"}"#),
            (
                r#"{"body":"{\"password\":\"p\",\"m\":\"a@b.de\"}"}"#,
                r#"{"body":"{\"password\":I,\"m\":\"@@\"}"}"#,
            ),
            (r#"{"body":"{\"password\":\"p"}"#, r#"{"body":"{\"password\":[\"x\"]"}"#),
            (r#"{"body":"[info] ada@example.com"}"#, r#"{"body":"[info] @@"}"#),
            (r#""ada@example.com""#, r#""@@""#),
        ] {
            let (out, _) = masked(text, &rule);
            let expected = expected
                .replace('M', MARKER)
                .replace('N', r#""[\"x\"]#2""#)
                .replace('I', r#"\"[\\\"x\\\"]\""#);
            assert_eq!(out, expected, "{text}");
        }
    }

    #[test]
    fn p52_hostile_texts_are_read_in_linear_time() {
        let rule = rule(&["**.password", "a.**.b", "*.*.*"], &["**.x"], Some(&["**.y"]), false);
        let keys: String = (0..200_000).map(|at| format!("\"k{at}\":1,")).collect();
        for text in [
            "\"".to_owned() + &"a".repeat(4 << 20),
            format!("{{{keys}\"z\":2}}"),
            "[".to_owned() + &"{\"a\":".repeat(400_000),
            "[\"\\ud800\",\"\u{2028}\",\"\u{0}\"]".to_owned(),
            "[".to_owned() + &"\"[\",".repeat(300_000) + "1]",
        ] {
            masked(&text, &rule);
        }
        let mut out = Vec::new();
        mask(
            b"[\"\xed\xa0\x80a@b.de\", \"\\ud800a@b.de\"]",
            &rule,
            &mut Plain::default(),
            &mut out,
        );
        assert!(!out.is_empty());
    }

    /// The same on a parsed value.
    fn reference(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Array(items) => items.iter_mut().for_each(reference),
            serde_json::Value::Object(members) => members.iter_mut().for_each(|(key, value)| {
                if key == "p" {
                    *value = "[\"x\"]".into();
                } else {
                    reference(value);
                }
            }),
            _ => {}
        }
    }

    fn random(state: &mut u64, depth: usize) -> serde_json::Value {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = (*state >> 33) as usize;
        match pick % if depth == 0 { 5 } else { 7 } {
            0 => serde_json::Value::Null,
            1 => pick.is_multiple_of(3).into(),
            2 => (pick as f64 / 8.0).into(),
            3 => format!("t\"{}\\\n\u{e9}\u{1f600}", pick % 10).into(),
            4 => (pick % 1000).into(),
            5 => (0..pick / 7 % 4).map(|_| random(state, depth - 1)).collect::<Vec<_>>().into(),
            _ => (0..pick / 7 % 4)
                .map(|at| {
                    (["p", "q", "r\n"][(pick / 31 + at) % 3].to_owned(), random(state, depth - 1))
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    #[test]
    fn p49_masking_a_text_is_masking_what_it_says() {
        let rule = rule(&["**.p"], &[], None, false);
        let mut state = 3;
        for _ in 0..20_000 {
            let mut value = random(&mut state, 4);
            let text = if state % 2 == 0 {
                serde_json::to_string(&value).unwrap()
            } else {
                serde_json::to_string_pretty(&value).unwrap()
            };
            let (out, result) = masked(&text, &rule);
            assert_ne!(result, Masked::Broken, "{text}");
            reference(&mut value);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), value, "{text}");
            assert_eq!(masked(&out, &rule).0, out, "again");
        }
    }
}
