//! The receiver's own words about a failure: the `message` of the `Status` that OTLP puts into error bodies (F22).
//! It refuses to guess: a body that is not such a status (an HTML page, an echo of the request) has no words for us.

use crate::{otlp::Protocol, shown::shown};

/// The message in an error body, as much of it as is shown.
pub(crate) fn server_message(protocol: Protocol, body: &[u8]) -> Option<String> {
    let status: serde_json::Value;
    let message = shown(match protocol {
        Protocol::HttpJson => {
            status = serde_json::from_slice(body).ok()?;
            status.get("message")?.as_str()?
        }
        Protocol::HttpProtobuf => protobuf_message(body)?,
        // The details of a status are the message of its error.
        Protocol::Grpc => return None,
    });
    (!message.is_empty()).then(|| message.to_owned())
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
        let cases: [(Protocol, &[u8], Option<&str>); 9] = [
            (Protocol::HttpProtobuf, &status, Some("wrong")),
            (Protocol::HttpProtobuf, &status[..6], None),
            (Protocol::HttpProtobuf, b"", None),
            (Protocol::HttpProtobuf, b"<html>no</html>", None),
            (Protocol::HttpProtobuf, &[0x12, 2, 0xff, 0xfe], None),
            (Protocol::HttpJson, b"{\"code\":3,\"message\":\"wrong\"}", Some("wrong")),
            (Protocol::HttpJson, b"{\"message\":7}", None),
            (Protocol::HttpJson, b"<html>no</html>", None),
            (Protocol::HttpJson, long.as_bytes(), Some(&long[12..12 + 1024])),
        ];
        for (protocol, body, message) in cases {
            assert_eq!(server_message(protocol, body).as_deref(), message, "{body:?}");
        }
    }
}
