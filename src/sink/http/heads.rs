//! The heads of the answers on one connection: owns where they end, and how many bytes may come before the final status.
//! It refuses to understand them: that is the parser's.

/// Bytes of heads before the final status, informational responses included: those may come without an end.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Where in the heads of an answer the bytes are.
#[derive(Debug, Default)]
pub(super) struct Heads {
    bytes: usize,
    at: At,
}

#[derive(Debug)]
enum At {
    /// In the first bytes of a head, so many of which are known.
    Start { line: [u8; 12], known: usize },
    /// In an informational head; `empty`: the line has had no byte so far.
    Informational { empty: bool },
    /// The final status has come, or something that is for the parser to refuse.
    Over,
}

impl Default for At {
    fn default() -> At {
        At::Start { line: [0; 12], known: 0 }
    }
}

impl Heads {
    /// Whether the final status has come, and nothing has been asked since.
    pub fn are_over(&self) -> bool {
        matches!(self.at, At::Over)
    }

    /// Whether there are more of them than any server needs.
    pub fn are_too_long(&self) -> bool {
        self.bytes > MAX_HEAD_BYTES
    }

    /// Something is written; true if that is a request of its own.
    pub fn next_request(&mut self) -> bool {
        let is_next = matches!(self.at, At::Over);
        if is_next {
            *self = Heads::default();
        }
        is_next
    }

    /// More of an answer has come.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.at = match &mut self.at {
                At::Over => return,
                // Line ends before a head are skipped, as the parser does.
                At::Start { known: 0, .. } if matches!(byte, b'\r' | b'\n') => At::default(),
                At::Start { line, known } => {
                    if let Some(place) = line.get_mut(*known) {
                        *place = byte;
                    }
                    *known += 1;
                    if *known < line.len() {
                        self.bytes += 1;
                        continue;
                    }
                    match line {
                        // 101 is the last one: what follows it is no HTTP any more.
                        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'1', tens, ones]
                            if (*tens, *ones) != (b'0', b'1') =>
                        {
                            At::Informational { empty: false }
                        }
                        _ => At::Over,
                    }
                }
                At::Informational { empty: true } if byte == b'\n' => At::default(),
                At::Informational { empty } => {
                    At::Informational { empty: byte == b'\n' || (*empty && byte == b'\r') }
                }
            };
            self.bytes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(text: &str, piece: usize) -> Heads {
        let mut heads = Heads::default();
        text.as_bytes().chunks(piece).for_each(|piece| heads.take(piece));
        heads
    }

    #[test]
    fn what_comes_before_the_final_status_counts_and_nothing_behind_it() {
        let info = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n";
        let early = "HTTP/1.1 103 Early Hints\nLink: x\n\n";
        let last = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        let cases = [
            (last.to_owned(), 12),
            (format!("{last}{}", "x".repeat(100_000)), 12),
            (format!("\r\n{last}"), 14),
            (format!("{info}{early}{last}"), info.len() + early.len() + 12),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 100 x".to_owned(), 12),
            ("SSH-2.0-x and so on".to_owned(), 12),
            (info.repeat(4_000), 4_000 * info.len()),
            (format!("HTTP/1.1 100 {}", "x".repeat(70_000)), 70_013),
            ("\r\n".repeat(40_000), 80_000),
        ];
        for (text, counted) in cases {
            for piece in [1, 7, 4_096, text.len()] {
                assert_eq!(heads(&text, piece).bytes, counted, "{:.40} by {piece}", text);
            }
        }
    }

    #[test]
    fn each_request_has_a_count_of_its_own() {
        let mut heads = heads("HTTP/1.1 100 Continue\r\n\r\n", 3);
        let counted = heads.bytes;
        heads.next_request();
        assert_eq!(heads.bytes, counted, "the answer is not over, the request is still written");
        heads.take(b"HTTP/1.1 200 OK\r\n\r\nbody");
        heads.next_request();
        assert_eq!(heads.bytes, 0);
    }
}
