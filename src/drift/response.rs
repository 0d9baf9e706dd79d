//! The answer of the remote API, `ExportSpansResponse` (T9, T10).
//! It refuses to judge: a message that says `success: false` is a message.

use crate::shown::shown;

/// `ExportSpansResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportResponse {
    /// The spans were taken.
    pub success: bool,
    /// Why not.
    pub message: String,
}

/// Reads the body of a response; an empty one says `success: false`. `None` if it is no such message.
pub fn parse_response(body: &[u8]) -> Option<ExportResponse> {
    let mut response = ExportResponse::default();
    let mut rest = body;
    while !rest.is_empty() {
        // Tags are 32-bit; of a longer varint the reader keeps the low bits.
        let tag = u64::from(varint(&mut rest)? as u32);
        match (tag >> 3, tag & 7) {
            (0, _) => return None,
            // The recorder's reader looks at the number of a known field only.
            (1, kind) if kind <= 5 => response.success = varint(&mut rest)? != 0,
            (2, kind) if kind <= 5 => {
                response.message =
                    shown(std::str::from_utf8(delimited(&mut rest)?).ok()?).to_owned();
            }
            (_, kind) => skip(kind, &mut rest, 0)?,
        }
    }
    Some(response)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for index in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(index * 7).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn delimited<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

const MAX_GROUPS: u32 = 64;
const END_GROUP: u64 = 4;

fn skip(kind: u64, rest: &mut &[u8], depth: u32) -> Option<()> {
    match kind {
        0 => varint(rest).map(drop),
        1 => rest.split_at_checked(8).map(|(_, after)| *rest = after),
        2 => delimited(rest).map(drop),
        3 if depth < MAX_GROUPS => loop {
            match varint(rest)? & 7 {
                END_GROUP => return Some(()),
                inner => skip(inner, rest, depth + 1)?,
            }
        },
        5 => rest.split_at_checked(4).map(|(_, after)| *rest = after),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_as_they_come() {
        let response =
            |success, message: &str| Some(ExportResponse { success, message: message.to_owned() });
        assert_eq!(parse_response(b""), response(false, ""));
        assert_eq!(parse_response(b"\x08\x01"), response(true, ""));
        assert_eq!(parse_response(b"\x08\x00\x12\x03no!"), response(false, "no!"));
        assert_eq!(parse_response(b"\x1a\x02hi\x08\x01"), response(true, ""), "unknown field");
        assert_eq!(parse_response(b"\x1b\x08\x05\x1c\x08\x01"), response(true, ""), "group");
        assert_eq!(parse_response(b"\x08\x01\x08\x00"), response(false, ""), "last wins");
        for broken in [&b"\x08"[..], b"\x12\x05ab", b"<html>", b"\x12\x01\xff", b"\xff\xff\xff"] {
            assert_eq!(parse_response(broken), None, "{broken:?}");
        }
    }
}
