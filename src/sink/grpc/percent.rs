//! `grpc-message`: percent-encoded UTF-8, decoded as grpc-js does it, by JavaScript's `decodeURI`.

/// ASCII that `decodeURI` leaves encoded.
const RESERVED: &[u8] = b";/?:@&=+$,#";

/// The text; as it came if it is not encoded rightly. Bytes above ASCII are Latin-1, as Node decodes headers.
pub(super) fn decode(message: &[u8]) -> String {
    decode_uri(message).unwrap_or_else(|| message.iter().copied().map(char::from).collect())
}

fn decode_uri(message: &[u8]) -> Option<String> {
    let mut decoded = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            decoded.push(char::from(byte));
            rest = tail;
            continue;
        }
        let (first, tail) = escaped(rest)?;
        if first.is_ascii() {
            if RESERVED.contains(&first) {
                decoded.extend(rest.get(..3)?.iter().copied().map(char::from));
            } else {
                decoded.push(char::from(first));
            }
            rest = tail;
            continue;
        }
        // The bytes of one character are escaped one by one.
        let mut bytes = vec![first];
        rest = tail;
        while bytes.len() < 4 && std::str::from_utf8(&bytes).is_err() {
            let (next, tail) = escaped(rest)?;
            bytes.push(next);
            rest = tail;
        }
        decoded.push_str(std::str::from_utf8(&bytes).ok()?);
    }
    Some(decoded)
}

fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (escape, tail) = text.split_at_checked(3)?;
    let [b'%', high, low] = escape else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok().map(|byte| (byte, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_decoded_as_javascript_does_it() {
        for (message, text) in [
            (&b"plain words"[..], "plain words"),
            (b"a%20b%0Ac", "a b\nc"),
            (b"%E2%82%AC%F0%9F%98%80%C3%A4", "\u{20ac}\u{1f600}\u{e4}"),
            (b"50%25 of%2Fx%3f", "50% of%2Fx%3f"),
            (b"100%", "100%"),
            (b"%zz %20", "%zz %20"),
            (b"%E2%82", "%E2%82"),
            (b"%E2 %82%AC", "%E2 %82%AC"),
            (b"%ff%20", "%ff%20"),
            (b"%C0%80", "%C0%80"),
            (b"caf\xe9%20x", "caf\u{e9} x"),
            (b"", ""),
        ] {
            assert_eq!(decode(message), text);
        }
    }
}
