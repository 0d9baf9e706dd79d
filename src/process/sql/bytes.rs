//! What single bytes are in any statement, and how to get past many of them.

/// Letters and digits of names; every character beyond ASCII may be in one.
pub(super) const WORD: u8 = 1;
/// What numbers are made of, but for the signs of exponents; a name or a number begins with any of them.
pub(super) const NUMBER: u8 = 2;
/// Neither the beginning of a token that matters nor a part of one.
pub(super) const PLAIN: u8 = 4;

static CLASSES: [u8; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it: what is outside does not compile"
)]
const fn classes() -> [u8; 256] {
    let mut table = [PLAIN; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 0x80 || (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_' {
            table[byte] = WORD | NUMBER;
        }
        byte += 1;
    }
    table[b'$' as usize] = WORD;
    table[b'.' as usize] = NUMBER;
    let others = b"'\"`[-/#:@";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = 0;
        at += 1;
    }
    table
}

#[inline]
pub(super) fn is_in(byte: u8, class: u8) -> bool {
    CLASSES.get(byte as usize).is_some_and(|classes| classes & class != 0)
}

/// Where the bytes of a class end that go on from `from`.
#[inline]
pub(super) fn run(text: &[u8], from: usize, class: u8) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is_in(*byte, class)).unwrap_or(rest.len())
}

/// Where a byte is.
#[inline]
pub(super) fn position(text: &[u8], wanted: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let others = u64::from_le_bytes(*word) ^ (ONES * u64::from(wanted));
        let hits = others.wrapping_sub(ONES) & !others & (ONES * 0x80);
        if hits != 0 {
            return Some(index * 8 + (hits.trailing_zeros() / 8) as usize);
        }
    }
    rest.iter().position(|byte| *byte == wanted).map(|at| words.len() * 8 + at)
}

/// Where a delimiter in dollars is. In linear time: there is a dollar at its ends alone.
pub(super) fn delimiter(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + position(rest, b'$')?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}
