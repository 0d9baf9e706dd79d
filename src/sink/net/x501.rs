//! Names inside a certificate: owns saying whether OpenSSL surely reads them.
//! It refuses to compare them.

use super::der::{Checked, OBJECT_ID, Reader, SEQUENCE, SET, object_id};

/// One attribute in each part; OpenSSL orders several by rules of its own.
pub(super) fn name(mut name: Reader<'_>) -> Checked {
    while !name.is_empty() {
        let mut part = name.open(SET)?;
        let mut attribute = part.open(SEQUENCE)?;
        part.end()?;
        object_id(attribute.take(OBJECT_ID)?)?;
        let (kind, text) = attribute.next()?;
        attribute.end()?;
        let is_read = match kind {
            // UTF8String; then numeric, printable, IA5 and visible strings.
            0x0c => str::from_utf8(text).is_ok(),
            0x12 | 0x13 | 0x16 | 0x1a => text.is_ascii(),
            // TeletexString, which OpenSSL reads as Latin-1.
            0x14 => true,
            // BMPString: two bytes each.
            0x1e => {
                let units = text.chunks_exact(2);
                let is_whole = units.remainder().is_empty();
                let units = units.filter_map(|unit| unit.try_into().ok().map(u16::from_be_bytes));
                is_whole
                    && char::decode_utf16(units).all(|unit| unit.is_ok_and(|unit| unit != '\0'))
            }
            _ => false,
        };
        if !is_read || text.is_empty() || (kind != 0x1e && text.contains(&0)) {
            return Err("it has a name in an unusual kind of text");
        }
    }
    Ok(())
}
