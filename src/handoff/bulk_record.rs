//! The head of a bulk record that native code writes in JavaScript's stead.
//! It refuses to write text: that is the binding's, which alone can read JavaScript's strings.

use super::layout::{BULK_HEADER_WORDS, ENCODING_LATIN1, KIND_BULK};

/// Bytes in front of the text of a bulk record.
pub const BULK_HEADER_BYTES: usize = BULK_HEADER_WORDS * 8;

/// The head of bulk record `number` of a batch, of a text of `units` bytes in Latin-1.
pub fn latin1_record_head(number: u32, units: u32) -> [u8; BULK_HEADER_BYTES] {
    let words = BULK_HEADER_WORDS as u32 + units.div_ceil(8);
    let mut head = [0; BULK_HEADER_BYTES];
    for (place, word) in head.as_chunks_mut::<8>().0.iter_mut().zip([
        KIND_BULK,
        words,
        number,
        ENCODING_LATIN1,
        units,
    ]) {
        *place = f64::from(word).to_le_bytes();
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_rounded_up() {
        let words = |units| {
            let head = latin1_record_head(7, units);
            head.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect::<Vec<_>>()
        };
        assert_eq!(words(0), [4.0, 5.0, 7.0, 0.0, 0.0]);
        assert_eq!(words(8), [4.0, 6.0, 7.0, 0.0, 8.0]);
        assert_eq!(words(9), [4.0, 7.0, 7.0, 0.0, 9.0]);
    }
}
