//! Lines of a file that are read once more, because the index has not all of them. A file that is another one by now is not
//! read in the place of the one that was.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
};

use crate::{
    index::{FileState, Identity, Line},
    parse::without_blanks,
    source::{Chunk, Input, Opened, open_file},
};

/// A file whose lines are asked for in the order in which they stand in it.
pub(crate) struct Again {
    source: Source,
    text: Vec<u8>,
}

enum Source {
    /// The offset of a line is its place in the file.
    Plain(File),
    /// It has to be read from its beginning.
    Decoded { opened: Box<Opened>, chunk: Chunk, next: usize },
}

impl Again {
    /// Nothing if the file cannot be read, or is not what was read before.
    pub fn open(state: &FileState) -> Option<Again> {
        let Input::File(path) = &state.input else { return None };
        // A pipe would be waited for.
        fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let file = File::open(path).ok()?;
        let identity = Identity::of(&file.metadata().ok()?);
        if state.identity != Some(identity) {
            return None;
        }
        let source = if state.is_plain {
            Source::Plain(file)
        } else {
            let opened = Box::new(open_file(file).ok()?.ok()?);
            Source::Decoded { opened, chunk: Chunk::default(), next: 0 }
        };
        Some(Again { source, text: Vec::new() })
    }

    /// Whether any line can be read without those before it.
    pub fn is_plain(&self) -> bool {
        matches!(self.source, Source::Plain(_))
    }

    /// The bytes of a line, which is behind those asked for before.
    pub fn line(&mut self, line: &Line) -> Option<&[u8]> {
        self.text.clear();
        match &mut self.source {
            Source::Plain(file) => {
                file.seek(SeekFrom::Start(line.offset)).ok()?;
                file.take(u64::from(line.bytes)).read_to_end(&mut self.text).ok()?;
            }
            Source::Decoded { opened, chunk, next } => loop {
                let lines = chunk.lines().map(|(offset, text, _)| without_blanks(offset, text));
                let passed = lines.skip(*next).take_while(|(offset, _)| *offset < line.offset);
                *next += passed.count();
                let mut rest = chunk.lines().map(|(offset, text, _)| without_blanks(offset, text));
                match rest.nth(*next) {
                    Some((offset, text)) if offset == line.offset => {
                        self.text.extend_from_slice(text);
                        break;
                    }
                    Some(_) => return None,
                    None => drop(rest),
                }
                *chunk = opened.next()?;
                *next = 0;
            },
        }
        (self.text.len() == line.bytes as usize).then_some(&self.text)
    }
}
