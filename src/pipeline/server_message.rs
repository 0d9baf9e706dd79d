//! The receiver's own words about a failure: the `message` of the `Status` that OTLP puts into error bodies (F22).
//! It refuses to guess: a body that is not such a status (an HTML page, an echo of the request) has no words for us.

use bumpalo::Bump;

use crate::{
    drift::Document,
    otlp::Protocol,
    shown::shown,
    span::{Entry, Node, Text},
};

/// The message in an error body, as much of it as is shown.
pub(crate) fn server_message(protocol: Protocol, body: &[u8]) -> Option<String> {
    let arena = Bump::new();
    let message = shown(match protocol {
        Protocol::HttpJson => json_message(body, &arena)?,
        Protocol::HttpProtobuf => protobuf_message(body)?,
        // The details of a status are the message of its error.
        Protocol::Grpc => return None,
    });
    (!message.is_empty()).then(|| message.to_owned())
}

/// A member at the top. The one parser of whole JSON that there is, that of recordings, reads it.
fn json_message<'a>(body: &'a [u8], arena: &'a Bump) -> Option<&'a str> {
    let text = Text::utf8(std::str::from_utf8(body).ok()?);
    let Document { tape, .. } = Document::read("", text, None, arena)?;
    let (root, mut rest) = tape.split_first()?;
    let Node::Map(members) = root.node else { return None };
    for _ in 0..members {
        let (Entry { key, node }, behind) = rest.split_first()?;
        match node {
            Node::Text(text) if key.bytes == b"message" => {
                return std::str::from_utf8(text.bytes).ok();
            }
            _ if key.bytes == b"message" => return None,
            _ => rest = behind,
        }
        let mut nested = inside(node);
        while nested > 0 {
            let (entry, behind) = rest.split_first()?;
            nested = nested - 1 + inside(&entry.node);
            rest = behind;
        }
    }
    None
}

/// How many values stand in one.
fn inside(node: &Node<'_>) -> u64 {
    match node {
        Node::Array(count) | Node::Map(count) => u64::from(*count),
        _ => 0,
    }
}

/// Field 2 of `google.rpc.Status { int32 code = 1; string message = 2; repeated Any details = 3; }`; every other field
/// must be one of the known ones.
fn protobuf_message(mut body: &[u8]) -> Option<&str> {
    let mut message = None;
    while !body.is_empty() {
        match varint(&mut body)? {
            0x08 => drop(varint(&mut body)?),
            tag @ (0x12 | 0x1a) => {
                let length = usize::try_from(varint(&mut body)?).ok()?;
                let (field, rest) = body.split_at_checked(length)?;
                body = rest;
                if tag == 0x12 {
                    message = Some(std::str::from_utf8(field).ok()?);
                }
            }
            _ => return None,
        }
    }
    message
}

fn varint(body: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = body.split_first()?;
        *body = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f22_the_message_of_a_status_and_nothing_else() {
        let mut status = vec![0x08, 3, 0x12, 5];
        status.extend(b"wrong");
        let long = format!("{{\"message\":\"{}\"}}", "ä".repeat(2_000));
        let cases: [(Protocol, &[u8], Option<&str>); 14] = [
            (Protocol::HttpProtobuf, &status, Some("wrong")),
            (Protocol::HttpProtobuf, &status[..6], None),
            (Protocol::HttpProtobuf, b"", None),
            (Protocol::HttpProtobuf, b"<html>no</html>", None),
            (Protocol::HttpProtobuf, &[0x12, 2, 0xff, 0xfe], None),
            (Protocol::HttpJson, b"{\"code\":3,\"message\":\"wrong\"}", Some("wrong")),
            (Protocol::HttpJson, b"{\"message\":7}", None),
            (
                Protocol::HttpJson,
                b"{\"details\":[{\"message\":\"no\"},[]],\"a\":{},\"message\":\"\\u00e4\"}",
                Some("ä"),
            ),
            (Protocol::HttpJson, b"{\"message\":\"\\ud800\"}", None),
            (Protocol::HttpJson, b"{\"message\":\"\xff\"}", None),
            (Protocol::HttpJson, b"[\"message\"]", None),
            (Protocol::HttpJson, b"", None),
            (Protocol::HttpJson, b"<html>no</html>", None),
            (Protocol::HttpJson, long.as_bytes(), Some(&long[12..12 + 1024])),
        ];
        for (protocol, body, message) in cases {
            assert_eq!(server_message(protocol, body).as_deref(), message, "{body:?}");
        }
    }
}
