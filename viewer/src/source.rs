//! From paths to whole lines: owns finding the files, telling their format by their content, and cutting it into lines.
//! It refuses to know what is in a line.

mod discover;
mod format;
mod frames;
mod lines;
mod open;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    discover::{Found, Input, discover},
    frames::FrameReader,
    lines::{Chunk, LONGEST_LINE, Lines, read_up_to},
    open::{HEAD, Opened, Shape, open, open_file, shape},
};
