//! The heads of answers as they come in: owns what their first bytes say, before the parser sees them.
//! It refuses to parse headers; it counts, and puts the version right where Node's parser takes more than ours.

/// Bytes of heads before the final status, informational responses included: those may come without an end.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Where in the heads of an answer the bytes are.
#[derive(Debug, Default)]
pub(super) struct Heads {
    bytes: usize,
    at: At,
    /// The last answer was in another version than HTTP/1.1.
    is_old: bool,
    other: Option<Other>,
}

/// What the first bytes were in place of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// Frames of HTTP/2.
    Http2,
    /// An alert of TLS.
    Tls,
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

    /// Something is written; true if that is a request of its own: what follows an answer that is over is another one.
    pub fn next_request(&mut self) -> bool {
        let is_next = self.are_over();
        if is_next {
            *self = Heads::default();
        }
        is_next
    }

    /// Whether there are more of them than any server needs.
    pub fn are_too_long(&self) -> bool {
        self.bytes > MAX_HEAD_BYTES
    }

    /// Whether the last answer was in a version that ends connections unless it says otherwise.
    pub fn is_old(&self) -> bool {
        self.is_old
    }

    /// Whether these were no heads at all.
    pub fn other(&self) -> Option<Other> {
        self.other
    }

    /// Reads what has come and puts the version right.
    pub fn take(&mut self, bytes: &mut [u8]) {
        for place in bytes {
            let byte = *place;
            self.at = match &mut self.at {
                At::Over => return,
                // Line ends before a head are skipped, as the parser does.
                At::Start { known: 0, .. } if matches!(byte, b'\r' | b'\n') => At::default(),
                At::Start { line, known } => {
                    if let Some(known) = line.get_mut(*known) {
                        *known = byte;
                    }
                    *known += 1;
                    match line {
                        [b'H', b'T', b'T', b'P', b'/', version @ .., _, _, _, _] => {
                            let changed = as_parsed(*version, *known);
                            self.is_old = changed.is_some() || self.is_old && *known > 6;
                            *place = changed.unwrap_or(byte);
                        }
                        [0, _, _, SETTINGS | GOAWAY, _, 0, 0, 0, 0, ..] if *known == 9 => {
                            self.other = Some(Other::Http2);
                        }
                        [ALERT, 3, 0..=4, 0, 2, 1 | 2, _, ..] if *known == 7 => {
                            self.other = Some(Other::Tls);
                        }
                        _ => {}
                    }
                    if *known < line.len() {
                        self.bytes += 1;
                        continue;
                    }
                    match line {
                        // 101 is the last one: what follows it is no HTTP any more.
                        [b'H', b'T', b'T', b'P', b'/', _, b'.', _, b' ', b'1', tens, ones]
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

/// Types of the frames that a peer of HTTP/2 begins with, whatever it was sent.
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// The kind of record with which a peer of TLS refuses what is none.
const ALERT: u8 = 21;

/// What the parser is to see in place of the version's last byte, if `known` bytes of the line are there. Node takes
/// HTTP/0.9 and HTTP/2.0 in the clothes of HTTP/1, and chunks in HTTP/1.0; our parser does so in HTTP/1.1 alone.
fn as_parsed(version: [u8; 3], known: usize) -> Option<u8> {
    match (known, version) {
        (6, [b'0' | b'2', ..]) => Some(b'1'),
        (8, [b'0', b'.', b'9'] | [b'1' | b'2', b'.', b'0']) => Some(b'1'),
        // The first byte was changed, and this is no version that anybody takes.
        (8, [b'0' | b'2', b'.', _]) => Some(b'?'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(text: &str, piece: usize) -> Heads {
        let mut heads = Heads::default();
        text.as_bytes().to_vec().chunks_mut(piece).for_each(|piece| heads.take(piece));
        heads
    }

    #[test]
    fn versions_that_node_takes_are_those_that_the_parser_takes() {
        let cases = [
            ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK", false),
            ("HTTP/1.0 200 OK", "HTTP/1.1 200 OK", true),
            ("HTTP/2.0 200 OK", "HTTP/1.1 200 OK", true),
            ("HTTP/0.9 200 OK", "HTTP/1.1 200 OK", true),
            ("HTTP/2.1 200 OK", "HTTP/1.? 200 OK", true),
            ("HTTP/0.1 200 OK", "HTTP/1.? 200 OK", true),
            ("HTTP/1.2 200 OK", "HTTP/1.2 200 OK", false),
            ("HTTP/3.0 200 OK", "HTTP/3.0 200 OK", false),
            ("HTTP/2.0 100 \r\n\r\nHTTP/1.1 200 ", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 ", false),
            ("HTTP/1.1 200 \r\n\r\nHTTP/2.0 200 ", "HTTP/1.1 200 \r\n\r\nHTTP/2.0 200 ", false),
            ("SSH-2.0-x", "SSH-2.0-x", false),
        ];
        for (text, seen, is_old) in cases {
            for piece in [1, 5, 7, text.len()] {
                let mut bytes = text.as_bytes().to_vec();
                let mut heads = Heads::default();
                bytes.chunks_mut(piece).for_each(|piece| heads.take(piece));
                assert_eq!(String::from_utf8_lossy(&bytes), seen, "{text} by {piece}");
                assert_eq!(heads.is_old(), is_old, "{text} by {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_http1_is_known_for_what_it_is() {
        let settings = "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64";
        let goaway = "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01";
        for piece in [1, 4, 100] {
            assert_eq!(heads(settings, piece).other(), Some(Other::Http2));
            assert_eq!(heads(goaway, piece).other(), Some(Other::Http2));
            assert_eq!(heads("\x15\x03\x01\0\x02\x02\x46", piece).other(), Some(Other::Tls));
            assert_eq!(heads("HTTP/1.1 200 OK\r\n\r\n", piece).other(), None);
            assert_eq!(heads("\x16\x03\x01\0\x02\x02\x46", piece).other(), None);
            assert_eq!(heads("\0\0\x12\x05\0\0\0\0\0\0\x03\0\0\0\x64", piece).other(), None);
        }
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
        heads.take(&mut b"HTTP/1.1 200 OK\r\n\r\nbody".to_owned());
        heads.next_request();
        assert_eq!(heads.bytes, 0);
    }
}
