//! Extensions of a certificate: owns saying whether those that OpenSSL reads are written so that it reads what we read.
//! It refuses to say what they mean, and critical ones that nobody here enforces.

use super::{
    der::{
        self, BIT_STRING, BOOLEAN, Checked, INTEGER, NOT_CANONICAL, OBJECT_ID, OCTET_STRING,
        Reader, SEQUENCE, canonical, integer, object_id,
    },
    x501::name,
};

/// Only what OpenSSL reads when it verifies has to be in a form that is known here.
pub(super) fn check(list: &mut Reader<'_>) -> Checked {
    let mut extension = list.open(SEQUENCE)?;
    let id = extension.take(OBJECT_ID)?;
    object_id(id)?;
    let is_critical = extension.is_next(BOOLEAN);
    if is_critical {
        canonical(extension.take(BOOLEAN)? == [0xff])?;
    }
    let mut value = Reader::new(extension.take(OCTET_STRING)?);
    extension.end()?;
    let (may_be_critical, checked) = match id {
        [0x55, 0x1d, 0x13] => (true, value.open(SEQUENCE).and_then(basic_constraints)),
        [0x55, 0x1d, 0x0f] => (true, value.take(BIT_STRING).and_then(key_usage)),
        [0x55, 0x1d, 0x25] => (true, value.open(SEQUENCE).and_then(purposes)),
        [0x55, 0x1d, 0x11] => (true, value.open(SEQUENCE).and_then(general_names)),
        [0x55, 0x1d, 0x0e] => (false, value.take(OCTET_STRING).map(|_| ())),
        [0x55, 0x1d, 0x23] => (false, value.open(SEQUENCE).and_then(authority_key)),
        [0x55, 0x1d, 0x1f] => {
            let points = value.open(SEQUENCE);
            (false, points.and_then(|points| der::list(points, distribution_point)))
        }
        _ => {
            value = Reader::new(&[]);
            (false, Ok(()))
        }
    };
    if is_critical && !may_be_critical {
        return Err("it has a critical extension that is not known");
    }
    checked.and_then(|()| value.end()).map_err(|_| "it has an extension in an unusual form")
}

fn basic_constraints(mut content: Reader<'_>) -> Checked {
    if content.is_next(BOOLEAN) {
        canonical(content.take(BOOLEAN)? == [0xff])?;
    }
    if content.is_next(INTEGER) {
        // More certificates than anybody sends.
        canonical(matches!(content.take(INTEGER)?, [0..0x80]))?;
    }
    content.end()
}

/// As short as it can be: the last bit is set, the unused ones are not.
fn key_usage(content: &[u8]) -> Checked {
    let [unused @ 0..8, .., last] = content else { return Err(NOT_CANONICAL) };
    canonical(content.len() <= 3 && *last != 0 && last.trailing_zeros() == u32::from(*unused))
}

fn purposes(content: Reader<'_>) -> Checked {
    der::list(content, |purposes| object_id(purposes.take(OBJECT_ID)?))
}

fn general_names(content: Reader<'_>) -> Checked {
    der::list(content, |names| {
        let (kind, value) = names.next()?;
        match kind {
            // Mail, host, URI.
            0x81 | 0x82 | 0x86 => canonical(value.is_ascii() && !value.contains(&0)),
            0x87 => canonical(matches!(value.len(), 4 | 16)),
            0xa4 => directory_name(Reader::new(value)),
            _ => Err(NOT_CANONICAL),
        }
    })
}

fn directory_name(mut content: Reader<'_>) -> Checked {
    name(content.open(SEQUENCE)?)?;
    content.end()
}

/// Issuer and serial number together, or neither.
fn authority_key(mut content: Reader<'_>) -> Checked {
    if content.is_next(0x80) {
        content.take(0x80)?;
    }
    if content.is_next(0xa1) {
        let mut names = content.open(0xa1)?;
        directory_name(names.open(0xa4)?)?;
        names.end()?;
        integer(content.take(0x82)?)?;
    }
    content.end()
}

/// Full names of places, nothing else.
fn distribution_point(points: &mut Reader<'_>) -> Checked {
    let mut point = points.open(SEQUENCE)?;
    let mut place = point.open(0xa0)?;
    general_names(place.open(0xa0)?)?;
    place.end()?;
    point.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_is_as_short_as_it_can_be() {
        for (content, is_so) in [
            (&[1, 6][..], true),
            (&[0, 6], false),
            (&[1, 7], false),
            (&[7, 0x80, 0x80], true),
            (&[0, 0], false),
        ] {
            assert_eq!(key_usage(content).is_ok(), is_so, "{content:?}");
        }
    }
}
