//! Protobuf primitives: varints, tags, lengths.
//! It refuses to know OTLP messages.

/// Bytes of a varint.
pub(super) fn varint_len(value: u64) -> usize {
    ((63 - (value | 1).leading_zeros()) / 7 + 1) as usize
}

/// Bytes of a length-delimited field with a one-byte tag and `length` bytes of content.
pub(super) fn delimited_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

/// A varint, minimal.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A tag byte and the length of what follows it.
pub(super) fn put_head(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    put_varint(out, length as u64);
}

/// A length-delimited field.
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_head(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

/// A JavaScript number as the stock writer puts it into a varint: truncated, negative in two's complement, 0 for what
/// is not a finite number.
pub(super) fn number_as_varint(value: f64) -> u64 {
    if !value.is_finite() {
        0
    } else if value < 0.0 {
        (value as i64) as u64
    } else {
        value as u64
    }
}

/// A number that is sent as `int_value`: whole and within int64, decided by value (−0 is 0).
pub(super) fn as_int(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.trunc() == number && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_minimal_and_measured_right() {
        for shift in 0..64 {
            for value in [(1u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value), "{value}");
            }
        }
        let mut out = Vec::new();
        put_varint(&mut out, u64::MAX);
        assert_eq!(out.len(), 10);
    }

    #[test]
    fn numbers_become_what_javascript_writes() {
        assert_eq!(number_as_varint(-1.0), u64::MAX);
        assert_eq!(number_as_varint(-(2f64.powi(63))), 1 << 63);
        assert_eq!(number_as_varint(3.9), 3);
        assert_eq!(number_as_varint(f64::NAN), 0);
        assert_eq!(number_as_varint(f64::INFINITY), 0);
    }
}
