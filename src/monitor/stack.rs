//! Stacks of the blocked JavaScript: which frame of a stack is the culprit, and how a stack is told from another.
//! It refuses to take stacks and to resolve source maps.

use std::{
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::clock::Moment;

/// Frames that make two stacks the same block.
const FINGERPRINT_FRAMES: usize = 5;

/// One frame, innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Function name, empty for an anonymous one.
    pub function: String,
    /// Script name as the engine has it: a path, a `file:` URL, `node:internal/…`.
    pub script: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// What became of one request for a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StackSample {
    /// The turn it was requested in.
    pub turn: u64,
    /// When it was requested.
    pub requested_at: Moment,
    /// When it was taken.
    pub captured_at: Moment,
    /// Empty where no JavaScript was on the stack, or where its turn was over.
    pub frames: Vec<Frame>,
}

impl Frame {
    /// Whether it is code of the application (or of a package), not of the runtime.
    pub fn is_application(&self) -> bool {
        !self.script.is_empty() && !self.script.starts_with("node:")
    }

    /// The script's path on disk, or its name where it has none.
    pub fn path(&self) -> String {
        match self.script.strip_prefix("file://") {
            Some(path) => decode_percent(path),
            None => self.script.clone(),
        }
    }
}

/// The frame to blame: the innermost that is the application's, else the innermost.
pub fn culprit(frames: &[Frame]) -> Option<&Frame> {
    frames.iter().find(|frame| frame.is_application()).or_else(|| frames.first())
}

/// As Node prints stacks, without the first line.
pub fn text(frames: &[Frame]) -> String {
    let mut text = String::new();
    for Frame { function, script, line, column } in frames {
        let function = if function.is_empty() { "<anonymous>" } else { function };
        let script = if script.is_empty() { "<unknown>" } else { script };
        let _ = writeln!(text, "    at {function} ({script}:{line}:{column})");
    }
    text
}

/// Equal for blocks in the same place; 0 without a stack.
pub fn fingerprint(frames: &[Frame]) -> u64 {
    if frames.is_empty() {
        return 0;
    }
    // What the culprit was calling at the moment, and on which of its lines, differs from sample to sample.
    let culprit = frames.iter().position(Frame::is_application).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    for (nth, frame) in frames.iter().skip(culprit).take(FINGERPRINT_FRAMES).enumerate() {
        (&frame.function, &frame.script).hash(&mut hasher);
        if nth > 0 {
            frame.line.hash(&mut hasher);
        }
    }
    hasher.finish().max(1)
}

fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, script: &str, line: u32) -> Frame {
        Frame { function: function.to_owned(), script: script.to_owned(), line, column: 3 }
    }

    #[test]
    fn the_culprit_is_the_innermost_frame_of_the_application() {
        let frames = [
            frame("pbkdf2Sync", "node:internal/crypto/pbkdf2", 62),
            frame("hash", "file:///app/caf%C3%A9%20a.mjs", 7),
            frame("", "/app/main.js", 1),
        ];
        assert_eq!(culprit(&frames).unwrap().function, "hash");
        assert_eq!(culprit(&frames).unwrap().path(), "/app/café a.mjs");
        assert_eq!(culprit(&frames[..1]).unwrap().function, "pbkdf2Sync");
        assert_eq!(culprit(&[]), None);
        assert!(text(&frames).ends_with("    at <anonymous> (/app/main.js:1:3)\n"));
    }

    #[test]
    fn a_fingerprint_is_that_of_the_place_not_of_the_line_inside_it() {
        let (caller, elsewhere) = (frame("handler", "/a.js", 9), frame("handler", "/a.js", 10));
        let of =
            |line, caller: &Frame| fingerprint(&[frame("busy", "/a.js", line), caller.clone()]);
        assert_eq!(of(3, &caller), of(4, &caller));
        let within =
            [frame("now", "node:perf_hooks", 1), frame("busy", "/a.js", 3), caller.clone()];
        assert_eq!(of(3, &caller), fingerprint(&within));
        assert_ne!(of(3, &caller), of(3, &elsewhere));
        assert_eq!(fingerprint(&[]), 0);
    }
}
