//! Cursors over the words and the joined text of one record.
//! It refuses to give anything a meaning: names and nesting are the decoder's.

use bumpalo::Bump;

use super::{
    error::HandoffError,
    layout::{ENCODING_BYTES, ENCODING_LATIN1, ENCODING_UTF16},
    text::{from_latin1, transcode},
};
use crate::span::Text;

/// Word `index` of `bytes`.
pub(super) fn word(bytes: &[u8], index: usize) -> Result<f64, HandoffError> {
    let start = index.checked_mul(8).ok_or(HandoffError("word index"))?;
    let word = bytes.get(start..).and_then(|rest| rest.first_chunk::<8>());
    Ok(f64::from_le_bytes(*word.ok_or(HandoffError("record ends early"))?))
}

/// A word that must be a small whole number.
pub(super) fn whole(value: f64) -> Result<u32, HandoffError> {
    let number = value as u32; // saturates; NaN becomes 0
    if f64::from(number) == value { Ok(number) } else { Err(HandoffError("not a whole number")) }
}

/// The words of one record, front to back.
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    pub fn new(bytes: &'a [u8], first: usize) -> Self {
        Self { bytes, at: first }
    }

    pub fn next(&mut self) -> Result<f64, HandoffError> {
        let value = word(self.bytes, self.at)?;
        self.at += 1;
        Ok(value)
    }

    pub fn next_whole(&mut self) -> Result<u32, HandoffError> {
        whole(self.next()?)
    }

    pub fn is_at_end(&self) -> bool {
        self.at * 8 == self.bytes.len()
    }
}

/// The joined short texts of one record, front to back.
pub(super) struct JoinedText<'a> {
    rest: &'a [u8],
    unit_bytes: usize,
    /// Asked once for all of them: most are, and short ones are not worth a question each.
    is_ascii: bool,
}

impl<'a> JoinedText<'a> {
    pub fn new(bytes: &'a [u8], units: u32, encoding: u32) -> Result<Self, HandoffError> {
        let unit_bytes = match encoding {
            ENCODING_LATIN1 => 1,
            ENCODING_UTF16 => 2,
            _ => return Err(HandoffError("text encoding")),
        };
        let rest =
            bytes.get(..units as usize * unit_bytes).ok_or(HandoffError("text ends early"))?;
        Ok(Self { rest, unit_bytes, is_ascii: unit_bytes == 1 && rest.is_ascii() })
    }

    /// A text that JavaScript could not write.
    pub fn lost() -> Self {
        Self { rest: &[], unit_bytes: 0, is_ascii: false }
    }

    pub fn is_lost(&self) -> bool {
        self.unit_bytes == 0
    }

    pub fn take(
        &mut self,
        units: u32,
        scratch: &mut Vec<u8>,
        arena: &'a Bump,
    ) -> Result<Text<'a>, HandoffError> {
        let bytes = units as usize * self.unit_bytes;
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or(HandoffError("text ends early"))?;
        self.rest = rest;
        Ok(if self.is_ascii {
            Text { bytes: taken, has_surrogates: false }
        } else if self.unit_bytes == 1 {
            from_latin1(taken, scratch, arena)
        } else {
            transcode(taken, scratch, arena)
        })
    }

    /// All that is not taken yet, if it will be taken as it is.
    pub fn rest_of_views(&self) -> &'a [u8] {
        if self.is_ascii { self.rest } else { &[] }
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Bulk records of a batch, found by number.
#[derive(Default)]
pub(super) struct BulkTable<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Clone, Copy)]
struct Piece<'a> {
    number: u32,
    encoding: u32,
    bytes: &'a [u8],
}

/// A bulk value.
pub(super) enum Bulk<'a> {
    Text(Text<'a>),
    Bytes(&'a [u8]),
}

impl<'a> BulkTable<'a> {
    pub fn add(
        &mut self,
        number: u32,
        encoding: u32,
        units: u32,
        data: &'a [u8],
    ) -> Result<(), HandoffError> {
        let length = if encoding == ENCODING_UTF16 { units as usize * 2 } else { units as usize };
        let bytes = data.get(..length).ok_or(HandoffError("bulk data ends early"))?;
        match encoding {
            ENCODING_LATIN1 | ENCODING_UTF16 | ENCODING_BYTES => {}
            _ => return Err(HandoffError("bulk encoding")),
        }
        self.pieces.push(Piece { number, encoding, bytes });
        Ok(())
    }

    /// Call once after the last `add`.
    pub fn sort(&mut self) {
        self.pieces.sort_by_key(|piece| piece.number); // stable: pieces of one number stay in order
    }

    /// The joined text of a record that was kept by reference. Lost: JavaScript could not write it.
    pub fn joined_text(&self, number: u32, units: u32) -> Result<JoinedText<'a>, HandoffError> {
        match self.pieces_of(number) {
            [] => Ok(JoinedText::lost()),
            [only] => JoinedText::new(only.bytes, units, only.encoding),
            _ => Err(HandoffError("joined text in pieces")),
        }
    }

    fn pieces_of(&self, number: u32) -> &[Piece<'a>] {
        let start = self.pieces.partition_point(|piece| piece.number < number);
        let tail = self.pieces.get(start..).unwrap_or_default();
        tail.split(|piece| piece.number != number).next().unwrap_or_default()
    }

    /// `None`: JavaScript could not write it.
    pub fn get(
        &self,
        number: u32,
        scratch: &mut Vec<u8>,
        arena: &'a Bump,
    ) -> Result<Option<Bulk<'a>>, HandoffError> {
        match self.pieces_of(number) {
            [] => Ok(None),
            [only] if only.encoding == ENCODING_BYTES => Ok(Some(Bulk::Bytes(only.bytes))),
            [only] => Ok(Some(Bulk::Text(only.text(scratch, arena)?))),
            several => {
                let mut whole = Vec::new();
                let mut has_surrogates = false;
                for piece in several {
                    let text = piece.text(scratch, arena)?;
                    has_surrogates |= text.has_surrogates;
                    whole.extend_from_slice(text.bytes);
                }
                let bytes = arena.alloc_slice_copy(&whole);
                Ok(Some(Bulk::Text(Text { bytes, has_surrogates })))
            }
        }
    }
}

impl<'a> Piece<'a> {
    fn text(&self, scratch: &mut Vec<u8>, arena: &'a Bump) -> Result<Text<'a>, HandoffError> {
        match self.encoding {
            ENCODING_LATIN1 => Ok(from_latin1(self.bytes, scratch, arena)),
            ENCODING_UTF16 => Ok(transcode(self.bytes, scratch, arena)),
            _ => Err(HandoffError("bytes inside a text")),
        }
    }
}
