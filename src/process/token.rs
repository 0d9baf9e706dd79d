//! Tokens in place of values: equal values of one key give equal tokens, and without the key nobody can try values out.

use ring::hmac;

/// The user's key.
pub(super) struct TokenKey {
    key: hmac::Key,
    /// Names the key in its tokens, so that a rotation shows.
    id: [u8; 4],
}

/// Letters of a token: `h`, the key's id, a colon, 32 hexadecimal digits.
const TOKEN_BYTES: usize = 1 + 4 + 1 + 32;

impl TokenKey {
    pub(super) fn new(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let mut id = [0; 4];
        put_hex(&mut id, hmac::sign(&key, b"offloop key id").as_ref());
        TokenKey { key, id }
    }

    /// The token of the bytes of a value.
    pub(super) fn token(&self, value: &[u8]) -> [u8; TOKEN_BYTES] {
        let mut token = [b'h'; TOKEN_BYTES];
        if let Some((head, digits)) = token.split_at_mut_checked(6) {
            if let Some(id) = head.get_mut(1..5) {
                id.copy_from_slice(&self.id);
            }
            if let Some(colon) = head.last_mut() {
                *colon = b':';
            }
            put_hex(digits, hmac::sign(&self.key, value).as_ref());
        }
        token
    }
}

/// Never its bytes.
impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

fn put_hex(out: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(half as usize & 15).copied().unwrap_or_default();
    let (pairs, _) = out.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(*byte)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p41_a_token_is_the_first_half_of_an_hmac_with_the_id_of_its_key() {
        // The first test case of RFC 4231.
        let key = TokenKey::new(&[0x0b; 20]);
        let token = String::from_utf8(key.token(b"Hi There").to_vec()).unwrap();
        assert_eq!(&token[6..], "b0344c61d8db38535ca8afceaf0bf12b");
        assert!(token.starts_with('h') && token.as_bytes()[5] == b':');
        assert_eq!(key.token(b"Hi There"), TokenKey::new(&[0x0b; 20]).token(b"Hi There"));
        assert_ne!(key.token(b"Hi There")[1..5], TokenKey::new(&[0x0c; 20]).token(b"")[1..5]);
        assert_eq!(format!("{key:?}"), "TokenKey");
    }
}
