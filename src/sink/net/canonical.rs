//! How a certificate is written: owns saying whether there is one way to read it, so that OpenSSL reads the same.
//! It refuses to understand it (that is certificate.rs) and to tolerate: what is not on its list is for OpenSSL to judge.
//!
//! A parser that is more tolerant than OpenSSL would be more trusting, for OpenSSL refuses every certificate that it cannot
//! read to the end. So the bytes themselves have to be canonical DER, field by field, of the kinds that OpenSSL surely has.

use rustls::pki_types::{AlgorithmIdentifier, alg_id};

use super::{
    der::{BIT_STRING, Checked, INTEGER, Reader, SEQUENCE, bit_string, integer, list},
    extensions,
    x501::name,
};

/// Those of rustls, and SHA-1 with RSA, which many roots are signed with: nobody looks at the signature of a root, and for
/// any other certificate webpki does not have it.
const SIGNATURES: [AlgorithmIdentifier; 11] = [
    alg_id::RSA_PKCS1_SHA256,
    alg_id::RSA_PKCS1_SHA384,
    alg_id::RSA_PKCS1_SHA512,
    alg_id::RSA_PSS_SHA256,
    alg_id::RSA_PSS_SHA384,
    alg_id::RSA_PSS_SHA512,
    alg_id::ECDSA_SHA256,
    alg_id::ECDSA_SHA384,
    alg_id::ECDSA_SHA512,
    alg_id::ED25519,
    AlgorithmIdentifier::from_slice(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 5, 5, 0]),
];

/// Checks the whole certificate `der`.
pub(super) fn check(der: &[u8]) -> Checked {
    let mut whole = Reader::new(der);
    let mut certificate = whole.open(SEQUENCE)?;
    whole.end()?;
    let mut signed = certificate.open(SEQUENCE)?;
    let algorithm = certificate.take(SEQUENCE)?;
    bit_string(certificate.take(BIT_STRING)?)?;
    certificate.end()?;

    let mut version = signed.open(0xa0)?;
    let is_third = version.take(INTEGER)? == [2];
    version.end()?;
    integer(signed.take(INTEGER)?)?;
    let is_known = SIGNATURES.iter().any(|known| known.as_ref() == algorithm);
    if !is_third || signed.take(SEQUENCE)? != algorithm || !is_known {
        return Err("its version or the algorithm of its signature is unusual");
    }
    name(signed.open(SEQUENCE)?)?;
    let mut validity = signed.open(SEQUENCE)?;
    time(validity.next()?)?;
    time(validity.next()?)?;
    validity.end()?;
    name(signed.open(SEQUENCE)?)?;
    key(signed.open(SEQUENCE)?)?;
    if !signed.is_empty() {
        let mut tagged = signed.open(0xa3)?;
        list(tagged.open(SEQUENCE)?, extensions::check)?;
        tagged.end()?;
    }
    signed.end()
}

/// To the second, in UTC, and a time that the calendar has.
fn time((kind, text): (u8, &[u8])) -> Checked {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let number =
        |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, rest) = match (kind, digits) {
        (0x17, Some(digits)) if digits.len() == 12 => digits.split_at_checked(2),
        (0x18, Some(digits)) if digits.len() == 14 => digits.split_at_checked(4),
        _ => None,
    }
    .ok_or("it has a time in an unusual form")?;
    // The centuries that a short year may mean have no exceptions from every fourth year.
    let year = number(year);
    let is_leap = year % 4 == 0 && (kind == 0x17 || year % 100 != 0 || year % 400 == 0);
    let parts: Vec<u32> = rest.chunks(2).map(number).collect();
    let exists = matches!(parts.as_slice(), [month, day, hour, minute, second]
    if (1..=31).contains(day) && *hour < 24 && *minute < 60 && *second < 60
        && match month {
            2 => *day <= if is_leap { 29 } else { 28 },
            4 | 6 | 9 | 11 => *day <= 30,
            1..=12 => true,
            _ => false,
        });
    if exists { Ok(()) } else { Err("it has a time that does not exist") }
}

fn key(mut info: Reader<'_>) -> Checked {
    let algorithm = info.take(SEQUENCE)?;
    let key = bit_string(info.take(BIT_STRING)?)?;
    info.end()?;
    let is = |known: AlgorithmIdentifier| known.as_ref() == algorithm;
    if is(alg_id::RSA_ENCRYPTION) {
        let mut whole = Reader::new(key);
        let mut numbers = whole.open(SEQUENCE)?;
        whole.end()?;
        integer(numbers.take(INTEGER)?)?;
        integer(numbers.take(INTEGER)?)?;
        return numbers.end();
    }
    let is_point = |length| key.len() == length && key.first() == Some(&4);
    let is_known = is(alg_id::ECDSA_P256) && is_point(65)
        || is(alg_id::ECDSA_P384) && is_point(97)
        || is(alg_id::ED25519) && key.len() == 32;
    if is_known { Ok(()) } else { Err("it has a key of an unusual kind") }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension,
        ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    };

    use super::*;

    fn certificate(extra: Option<CustomExtension>) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["h.test".into(), "10.0.0.1".into()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://h.test/".into()] }];
        params.custom_extensions.extend(extra);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn what_an_ordinary_authority_writes_is_canonical() {
        assert_eq!(check(&certificate(None)), Ok(()));
        let unknown = CustomExtension::from_oid_content(&[1, 2, 3], vec![1]);
        assert_eq!(check(&certificate(Some(unknown))), Ok(()));
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn a_critical_extension_has_to_be_one_that_is_enforced() {
        let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3], vec![1]);
        unknown.set_criticality(true);
        assert!(check(&certificate(Some(unknown))).unwrap_err().contains("critical"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn a_tag_or_length_that_is_another_is_noticed() {
        let der = certificate(None);
        let end = der.len() - 75; // the signature is random bytes
        let mut at = 4;
        // Everything that holds other values is opened, up to the extensions' own values.
        while at < end {
            let (tag, length) = (der[at], usize::from(der[at + 1]));
            for (index, other) in [(at, tag ^ 0x20), (at + 1, der[at + 1].wrapping_add(1))] {
                let mut bent = der.clone();
                bent[index] = other;
                assert!(check(&bent).is_err(), "byte {index} of {der:02x?}");
            }
            let is_open = tag & 0x20 != 0;
            at += 2 + length.saturating_sub(0x80) + if is_open { 0 } else { length };
        }
        for end in 0..der.len() {
            assert!(check(&der[..end]).is_err());
        }
    }

    #[test]
    fn a_time_is_one_of_the_calendar_in_one_of_two_forms() {
        for text in ["200229000000Z", "991231235959Z", "500101000000Z"] {
            assert!(time((0x17, text.as_bytes())).is_ok(), "{text}");
        }
        for text in
            ["210229000000Z", "2001010000Z", "200101000000", "200101000060Z", "200101000000+0100"]
        {
            assert!(time((0x17, text.as_bytes())).is_err(), "{text}");
        }
        assert!(time((0x18, b"20000229000000Z")).is_ok());
        for text in ["21000229000000Z", "20400101000000.5Z", "204001010000Z", "20401301000000Z"] {
            assert!(time((0x18, text.as_bytes())).is_err(), "{text}");
        }
    }
}
