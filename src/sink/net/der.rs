//! DER, read strictly: owns the one way in which values, lengths and numbers are written down.
//! It refuses every other way, and to know what the values mean.

/// An error says what is unusual.
pub(super) type Checked<T = ()> = Result<T, &'static str>;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// What is wrong with everything that is refused here.
pub(super) const NOT_CANONICAL: &str = "it is not canonical DER";

/// What is left of one value's contents.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// All of `content`.
    pub fn new(content: &'a [u8]) -> Reader<'a> {
        Reader(content)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next tag and its contents. Only lengths in their shortest form.
    pub fn next(&mut self) -> Checked<(u8, &'a [u8])> {
        let (length, rest) = match self.0 {
            [_, length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
            [_, 0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
            [_, 0x82, high @ 1..=0xff, low, rest @ ..] => {
                (usize::from(*high) << 8 | usize::from(*low), rest)
            }
            _ => return Err(NOT_CANONICAL),
        };
        let (tag, (content, rest)) =
            self.0.first().copied().zip(rest.split_at_checked(length)).ok_or(NOT_CANONICAL)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The contents of the next value, which has this tag.
    pub fn take(&mut self, tag: u8) -> Checked<&'a [u8]> {
        let (found, content) = self.next()?;
        if found == tag { Ok(content) } else { Err(NOT_CANONICAL) }
    }

    /// The same, to be read on.
    pub fn open(&mut self, tag: u8) -> Checked<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// Whether the next value has this tag.
    pub fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Nothing may be left.
    pub fn end(self) -> Checked {
        canonical(self.0.is_empty())
    }
}

/// Fails if it is not.
pub(super) fn canonical(is_so: bool) -> Checked {
    if is_so { Ok(()) } else { Err(NOT_CANONICAL) }
}

/// At least one.
pub(super) fn list(mut items: Reader<'_>, check: impl Fn(&mut Reader<'_>) -> Checked) -> Checked {
    check(&mut items)?;
    while !items.0.is_empty() {
        check(&mut items)?;
    }
    Ok(())
}

/// Not negative, in its shortest form.
pub(super) fn integer(content: &[u8]) -> Checked {
    canonical(matches!(content, [0] | [1..=0x7f, ..] | [0, 0x80..=0xff, ..]))
}

/// Of whole bytes.
pub(super) fn bit_string(content: &[u8]) -> Checked<&[u8]> {
    content.strip_prefix(&[0]).ok_or(NOT_CANONICAL)
}

/// Each number of it in its shortest form.
pub(super) fn object_id(content: &[u8]) -> Checked {
    let ends = content.last().is_some_and(|last| *last < 0x80);
    let starts = |at: usize| at == 0 || content.get(at - 1).is_some_and(|before| *before < 0x80);
    let has_padding = content.iter().enumerate().any(|(at, byte)| *byte == 0x80 && starts(at));
    canonical(ends && !has_padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_as_short_as_it_can_be() {
        let read = |bytes: &[u8]| Reader::new(bytes).take(4).map(<[u8]>::len);
        assert_eq!(read(&[4, 1, 0]), Ok(1));
        assert_eq!(read(&[&[4, 0x81, 0x80][..], &[0; 0x80]].concat()), Ok(0x80));
        assert_eq!(read(&[&[4, 0x82, 1, 0][..], &[0; 0x100]].concat()), Ok(0x100));
        for bytes in
            [&[4, 0x81, 1, 0][..], &[4, 0x82, 0, 0x80], &[4, 0x80, 0, 0], &[4, 2, 0], &[4], &[]]
        {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn numbers_and_names_are_as_short_as_they_can_be() {
        for (content, is_so) in [
            (&[0][..], true),
            (&[0, 0x80], true),
            (&[0, 0x7f], false),
            (&[0x80], false),
            (&[], false),
        ] {
            assert_eq!(integer(content).is_ok(), is_so, "{content:?}");
        }
        for (content, is_so) in [
            (&[0x2a, 0x81, 0][..], true),
            (&[0x2a, 0x80, 1], false),
            (&[0x2a, 0x81], false),
            (&[], false),
        ] {
            assert_eq!(object_id(content).is_ok(), is_so, "{content:?}");
        }
    }
}
