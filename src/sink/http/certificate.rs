//! X.509, the little of it that an error text needs: owns the outline of a certificate's DER.
//! It refuses to trust: whether a certificate is good is decided by webpki alone.

use crate::sink::calendar::Utc;

/// Tags of ASN.1 that an outline meets.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The fields of a certificate that name it and bound it in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline<'a> {
    /// Distinguished name of who signed it, as encoded.
    pub issuer: &'a [u8],
    /// Distinguished name of whose it is, as encoded.
    pub subject: &'a [u8],
    /// First moment of its life.
    pub not_before: Utc,
    /// Last moment of its life.
    pub not_after: Utc,
}

impl<'a> Outline<'a> {
    /// Reads the outline; `None` for anything that is not a certificate.
    pub fn of(der: &'a [u8]) -> Option<Outline<'a>> {
        let (certificate, _) = expect(der, SEQUENCE)?;
        let (mut fields, _) = expect(certificate, SEQUENCE)?;
        if fields.first() == Some(&VERSION) {
            (_, fields) = expect(fields, VERSION)?;
        }
        let (_serial, fields) = expect(fields, INTEGER)?;
        let (_algorithm, fields) = expect(fields, SEQUENCE)?;
        let (issuer, fields) = expect(fields, SEQUENCE)?;
        let (validity, fields) = expect(fields, SEQUENCE)?;
        let (subject, _) = expect(fields, SEQUENCE)?;
        let (not_before, rest) = time(validity)?;
        let (not_after, _) = time(rest)?;
        Some(Outline { issuer, subject, not_before, not_after })
    }

    /// Names itself as its issuer.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject
    }
}

/// Content of the element of `tag` that `input` starts with, and what follows it.
fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = after;
        if bytes.is_empty() || bytes.len() > 4 {
            return None;
        }
        bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte))
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn time(input: &[u8]) -> Option<(Utc, &[u8])> {
    let (tag, content, rest) = element(input)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    let two = |at: usize| text.get(at..at + 2)?.parse::<u64>().ok();
    let utc =
        Utc { year, month: two(0)?, day: two(2)?, hour: two(4)?, minute: two(6)?, second: two(8)? };
    Some((utc, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["h.test".into()]).unwrap();
        params.not_before = date_time_ymd(2020, 2, 29);
        params.not_after = date_time_ymd(2061, 7, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn the_outline_holds_names_and_both_forms_of_time() {
        let der = certificate();
        let outline = Outline::of(&der).unwrap();
        assert!(outline.is_self_signed());
        let day = |t: Utc| (t.year, t.month, t.day, t.hour);
        assert_eq!(
            (day(outline.not_before), day(outline.not_after)),
            ((2020, 2, 29, 0), (2061, 7, 1, 0))
        );
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn broken_input_is_no_certificate_and_no_panic() {
        let der = certificate();
        for end in 0..120 {
            assert_eq!(Outline::of(&der[..end]), None);
        }
        for at in 0..120 {
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut bent = der.clone();
                bent[at] = value;
                let _ = Outline::of(&bent);
            }
        }
    }
}
