//! The file in which JavaScript leaves a batch for the counting programs.

use std::error::Error;

use offloop::handoff::{RawBatch, Segment};

/// Spans, then segments with their length in bytes before them, all little-endian u32.
pub fn read(mut bytes: &[u8]) -> Result<RawBatch, Box<dyn Error>> {
    let mut number = || -> Result<u32, Box<dyn Error>> {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or("file ends early")?;
        bytes = rest;
        Ok(u32::from_le_bytes(*head))
    };
    let spans = number()?;
    let lengths = (0..number()?).map(|_| number()).collect::<Result<Vec<_>, _>>()?;
    let mut segments = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (head, rest) = bytes.split_at_checked(length as usize).ok_or("file ends early")?;
        bytes = rest;
        segments.push(Segment::copied(head));
    }
    Ok(RawBatch::new(segments, spans))
}
