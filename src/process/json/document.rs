//! Reads a document from left to right and knows where in it it is; what becomes of its values is not decided here.

use super::{
    JsonRule, Leaves, Masked,
    path::{Named, Progress},
    text::{Scanned, number_len, put_quoted, scan_string},
};

/// Containers inside each other.
const MAX_DEPTH: usize = 512;

struct Level {
    is_object: bool,
    /// What the paths say of it, or of what it is in.
    named: Named,
    /// A member or an element has been read.
    has_any: bool,
    /// Keys that have become the marker.
    renamed: usize,
    /// It is replaced as a whole: nothing in it is written.
    is_mute: bool,
    /// The progress of the paths at it, as a part of the document's.
    first: usize,
    end: usize,
}

pub(super) enum Stop {
    WrongByte,
    EndOfText,
    TooDeep,
}

pub(super) struct Document<'t, 'r> {
    text: &'t [u8],
    at: usize,
    /// What has been read up to here is in the output.
    written: usize,
    pub(super) rule: &'r JsonRule,
    pub(super) leaves: &'r mut dyn Leaves,
    out: &'r mut Vec<u8>,
    levels: Vec<Level>,
    /// The progress of the paths at every level, and then at the value at hand.
    pub(super) progress: Vec<Progress>,
    scratch: Vec<u8>,
    /// Documents inside strings that may be entered.
    pub(super) inner: usize,
    /// A value or a key has been read.
    pub(super) has_read: bool,
    pub(super) changed: bool,
    pub(super) is_searching: bool,
    /// Where nothing but the marker follows: what an earlier pass has left of a text that was none to its end.
    marker_at: Option<usize>,
}

impl<'t, 'r> Document<'t, 'r> {
    /// `progress` is that of the paths at the document.
    pub(super) fn new(
        text: &'t [u8],
        rule: &'r JsonRule,
        leaves: &'r mut dyn Leaves,
        out: &'r mut Vec<u8>,
        inner: usize,
        progress: Vec<Progress>,
    ) -> Self {
        let is_searching = leaves.is_searching();
        Document {
            text,
            at: 0,
            written: 0,
            rule,
            leaves,
            out,
            levels: Vec::new(),
            progress,
            scratch: Vec::new(),
            inner,
            has_read: false,
            changed: false,
            is_searching,
            marker_at: None,
        }
    }

    pub(super) fn mask(mut self, named: Named) -> Masked {
        let start = self.out.len();
        let stop = match self.run(named) {
            Ok(()) if self.changed => {
                self.flush_read();
                return Masked::Changed;
            }
            Ok(()) => return Masked::Unchanged,
            Err(stop) => stop,
        };
        let is_container = matches!(self.text.trim_ascii_start().first(), Some(b'{' | b'['));
        if is_container {
            self.break_off();
        } else {
            self.out.truncate(start);
            self.out.extend_from_slice(self.leaves.marker());
        }
        match stop {
            Stop::TooDeep => Masked::TooDeep,
            Stop::WrongByte | Stop::EndOfText => Masked::Broken,
        }
    }

    pub(super) fn run(&mut self, named: Named) -> Result<(), Stop> {
        self.blanks();
        self.value(0, named)?;
        while let Some(level) = self.levels.last_mut() {
            let (is_object, outer, first, end) =
                (level.is_object, level.named, level.first, level.end);
            let has_any = std::mem::replace(&mut level.has_any, true);
            self.blanks();
            let byte = self.peek()?;
            if byte == if is_object { b'}' } else { b']' } {
                self.close();
                continue;
            }
            if has_any {
                if byte != b',' {
                    return Err(Stop::WrongByte);
                }
                self.at += 1;
                self.blanks();
            }
            let named = if is_object {
                self.key(first, end)?
            } else {
                self.rule.paths.step(&mut self.progress, first..end, None)
            };
            self.value(end, outer.with(named))?;
        }
        self.blanks();
        if self.at < self.text.len() { Err(Stop::WrongByte) } else { Ok(()) }
    }

    pub(super) fn is_mute(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_mute)
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop::EndOfText)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Copies what has been read and stays.
    fn flush(&mut self, to: usize) {
        if !self.is_mute() {
            self.out.extend_from_slice(self.text.get(self.written..to).unwrap_or_default());
        }
        self.written = to;
    }

    pub(super) fn flush_read(&mut self) {
        self.flush(self.at);
    }

    fn note_marker(&mut self) {
        if self.marker_at.is_none() && self.text.get(self.at..) == Some(self.leaves.marker()) {
            self.marker_at = Some(self.at);
        }
    }

    /// It is no document to its end: what has been read, and then the marker. One that is there already may begin like a
    /// container, and is not read as the beginning of one.
    pub(super) fn break_off(&mut self) {
        if let Some(at) = self.marker_at.filter(|at| self.written <= *at) {
            self.at = at;
        }
        self.flush_read();
        self.out.extend_from_slice(self.leaves.marker());
    }

    /// The value from `start` to here is replaced by `by`.
    pub(super) fn replace(&mut self, start: usize, by: &[u8]) {
        self.changed = true;
        if !self.is_mute() {
            self.flush(start);
            self.out.extend_from_slice(by);
        }
        self.written = self.at;
    }

    /// The value from `start` to here is replaced by a text.
    pub(super) fn replace_quoted(&mut self, start: usize, by: &[u8]) {
        self.replace(start, b"");
        put_quoted(self.out, by);
    }

    pub(super) fn replace_by_marker(&mut self, start: usize) {
        self.replace(start, b"");
        put_quoted(self.out, self.leaves.marker());
    }

    /// Reads a key and what follows it up to the value.
    fn key(&mut self, first: usize, end: usize) -> Result<Named, Stop> {
        let start = self.at;
        self.note_marker();
        let mut decoded = std::mem::take(&mut self.scratch);
        let scanned = self.string(&mut decoded)?;
        let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let key = if scanned.is_escaped { decoded.as_slice() } else { raw };
        let named = self.rule.paths.step(&mut self.progress, first..end, Some(key));
        if self.is_searching && !self.is_mute() && self.leaves.patterns(key, &mut Vec::new()) {
            let renamed = self.levels.last_mut().map_or(1, |level| {
                level.renamed += 1;
                level.renamed
            });
            let mut name = self.leaves.marker().to_vec();
            if renamed > 1 {
                name.push(b'#');
                name.extend_from_slice(renamed.to_string().as_bytes());
            }
            self.replace_quoted(start, &name);
        }
        self.scratch = decoded;
        self.has_read = true;
        self.blanks();
        if self.peek()? != b':' {
            return Err(Stop::WrongByte);
        }
        self.at += 1;
        self.blanks();
        Ok(named)
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

    /// Reads a value, or the beginning of a container. The progress of the paths at it begins at `first`.
    fn value(&mut self, first: usize, named: Named) -> Result<(), Stop> {
        let start = self.at;
        self.note_marker();
        match self.peek()? {
            byte @ (b'{' | b'[') => return self.open(byte == b'{', first, named),
            b'"' => {
                let mut decoded = std::mem::take(&mut self.scratch);
                let scanned = self.string(&mut decoded)?;
                let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
                let text = if scanned.is_escaped { decoded.as_slice() } else { raw };
                self.scalar(start, text, None, first, named);
                self.scratch = decoded;
            }
            byte => {
                let typed = self.plain(byte)?;
                let source = self.text.get(start..self.at).unwrap_or_default();
                self.scalar(start, source, Some(typed), first, named);
            }
        }
        self.progress.truncate(first);
        self.has_read = true;
        Ok(())
    }

    /// Moves behind a number or a word. Returns what of its type says nothing.
    fn plain(&mut self, first: u8) -> Result<&'static [u8], Stop> {
        const WORDS: [(&[u8], &[u8]); 3] =
            [(b"true", b"false"), (b"false", b"false"), (b"null", b"null")];
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_number = first == b'-' || first.is_ascii_digit();
        let read = if is_number {
            number_len(rest).map(|length| (length, b"0".as_slice()))
        } else {
            let word = WORDS.iter().find(|(word, _)| rest.starts_with(word));
            word.map(|(word, typed)| (word.len(), *typed))
        };
        let Some((length, typed)) = read else {
            let is_cut = is_number || WORDS.iter().any(|(word, _)| word.starts_with(rest));
            return Err(if is_cut { Stop::EndOfText } else { Stop::WrongByte });
        };
        self.at += length;
        Ok(typed)
    }

    fn open(&mut self, is_object: bool, first: usize, named: Named) -> Result<(), Stop> {
        if self.levels.len() >= MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        let is_replaced = named.takes_containers() && !self.rule.keep_type;
        let was_mute = self.is_mute();
        if is_replaced && !was_mute {
            self.leaves.hit();
            self.replace_by_marker(self.at);
        }
        self.at += 1;
        self.levels.push(Level {
            is_object,
            named,
            has_any: false,
            renamed: 0,
            is_mute: was_mute || is_replaced,
            first,
            end: self.progress.len(),
        });
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        let Some(level) = self.levels.pop() else { return };
        self.progress.truncate(level.first);
        if level.is_mute {
            self.written = self.at;
        }
    }
}
