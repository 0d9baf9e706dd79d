//! What becomes of one scalar of a document.

use super::{
    document::{Document, Stop},
    path::Named,
};

impl Document<'_, '_> {
    /// `text` has been read from `start` to here. `typed` is what says nothing of a number's or a word's type; a text has none.
    pub(super) fn scalar(
        &mut self,
        start: usize,
        text: &[u8],
        typed: Option<&[u8]>,
        first: usize,
        named: Named,
    ) {
        if self.is_mute() {
            return; // gone with its container
        }
        let is_masked = named.is_masked() || (self.rule.masks_others && !named.is_spared());
        if is_masked || named.is_hashed() {
            self.leaves.hit();
            match typed {
                Some(typed) if self.rule.keep_type => {
                    if text != typed {
                        self.replace(start, typed);
                    }
                }
                _ if is_masked => self.replace_by_marker(start),
                _ => {
                    let mut token = Vec::new();
                    self.leaves.token(text, &mut token);
                    self.replace_quoted(start, &token);
                }
            }
            return;
        }
        let mut new = Vec::new();
        let is_new = match typed {
            None => self.entered(text, first, named, &mut new),
            // A word is nothing to search, and the digits of a fraction are no card.
            Some(typed) if typed == b"0" && !text.contains(&b'.') => None,
            Some(_) => Some(false),
        };
        let is_new = is_new.unwrap_or_else(|| {
            new.clear();
            self.is_searching && self.leaves.patterns(text, &mut new)
        });
        if is_new {
            self.replace_quoted(start, &new);
        }
    }

    /// A document inside a string. `None`: the text is none.
    fn entered(
        &mut self,
        text: &[u8],
        first: usize,
        named: Named,
        new: &mut Vec<u8>,
    ) -> Option<bool> {
        let is_container = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
        if self.inner == 0 || !is_container {
            return None;
        }
        let progress = self.progress.get(first..).unwrap_or_default().to_vec();
        let mut inside = Document::new(text, self.rule, self.leaves, new, self.inner - 1, progress);
        match inside.run(named) {
            Err(Stop::WrongByte) if !inside.has_read => None,
            Err(_) => {
                inside.break_off();
                Some(new.as_slice() != text)
            }
            Ok(()) => {
                inside.flush_read();
                Some(inside.changed)
            }
        }
    }
}
