//! One X.509 certificate as a judge sees it: owns which of its fields and extensions matter and which are out of the ordinary.
//! It refuses to trust: it says what a certificate claims, path.rs and verify.rs decide what that is worth.

use x509_parser::{
    asn1_rs::{Any, Tag},
    certificate::X509Certificate,
    extensions::{AuthorityKeyIdentifier, GeneralName, ParsedExtension},
    prelude::FromDer,
    x509::{X509Name, X509Version},
};

use super::canonical;

/// Extensions that OpenSSL enforces though they need not be critical: blocks of addresses, autonomous systems (RFC 3779),
/// proxies (RFC 3820). All are id-pe, 1.3.6.1.5.5.7.1.
const OF_OPENSSL: [[u8; 8]; 3] =
    [[0x2b, 6, 1, 5, 5, 7, 1, 7], [0x2b, 6, 1, 5, 5, 7, 1, 8], [0x2b, 6, 1, 5, 5, 7, 1, 14]];

/// What a certificate says. Anything that OpenSSL might read otherwise is named in `oddity`.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// The whole, as encoded.
    pub der: &'a [u8],
    /// Distinguished name of who signed it, as encoded.
    pub issuer: &'a [u8],
    /// Distinguished name of whose it is, as encoded.
    pub subject: &'a [u8],
    /// First second of its life.
    pub not_before: i64,
    /// Last second of its life.
    pub not_after: i64,
    /// Names of hosts, in order; `None` without the extension.
    pub alternative_names: Option<Vec<AlternativeName<'a>>>,
    /// Why OpenSSL should judge this certificate.
    pub oddity: Option<&'static str>,
    serial: &'a [u8],
    is_authority: bool,
    path_length: Option<u32>,
    may_sign_certificates: bool,
    may_sign_handshakes: bool,
    is_for_servers: bool,
    key_id: Option<&'a [u8]>,
    issuer_key: Option<IssuerKey<'a>>,
}

/// What a server is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AlternativeName<'a> {
    /// A host name, perhaps with a wildcard.
    Dns(&'a str),
    /// An address in network byte order.
    Ip(&'a [u8]),
    /// Anything else.
    Other,
}

/// Which of an issuer's certificates is meant.
#[derive(Debug)]
struct IssuerKey<'a> {
    id: Option<&'a [u8]>,
    serial: Option<&'a [u8]>,
    /// The issuer's own issuer; an empty name for a form that is not known.
    issuer: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; `None` for anything that is none.
    pub fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut certificate = Certificate {
            der,
            issuer: parsed.tbs_certificate.issuer.as_raw(),
            subject: parsed.tbs_certificate.subject.as_raw(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            alternative_names: None,
            oddity: (parsed.version() != X509Version::V3).then_some("it is not of X.509 version 3"),
            serial: parsed.raw_serial(),
            is_authority: false,
            path_length: None,
            may_sign_certificates: true,
            may_sign_handshakes: true,
            is_for_servers: true,
            key_id: None,
            issuer_key: None,
        };
        if let Err(oddity) = canonical::check(der) {
            certificate.oddity.get_or_insert(oddity);
        }
        if parsed.extensions_map().is_err() {
            certificate.oddity = Some("it has an extension twice");
        }
        for extension in parsed.extensions() {
            certificate.note(extension.parsed_extension(), extension.critical);
        }
        Some(certificate)
    }

    fn note(&mut self, extension: &ParsedExtension<'a>, is_critical: bool) {
        match extension {
            ParsedExtension::BasicConstraints(constraints) => {
                self.is_authority = constraints.ca;
                self.path_length = constraints.path_len_constraint;
                if self.path_length.is_some() && !self.is_authority {
                    self.oddity = Some("it has a path length and is no authority");
                }
            }
            ParsedExtension::KeyUsage(usage) => {
                self.may_sign_certificates = usage.key_cert_sign();
                self.may_sign_handshakes = usage.digital_signature();
            }
            // OpenSSL does not take "any purpose" for this one.
            ParsedExtension::ExtendedKeyUsage(usage) => self.is_for_servers = usage.server_auth,
            ParsedExtension::SubjectAlternativeName(names) => {
                self.alternative_names = Some(names.general_names.iter().map(name).collect());
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(key) => self.issuer_key = Some(issuer_key(key)),
            ParsedExtension::NameConstraints(_) => self.oddity = Some("it constrains names"),
            ParsedExtension::NSCertType(_) => self.oddity = Some("it has a Netscape type"),
            ParsedExtension::UnsupportedExtension { oid }
                if OF_OPENSSL.iter().any(|known| oid.as_bytes() == known) =>
            {
                self.oddity = Some("it has an extension that OpenSSL enforces");
            }
            ParsedExtension::ParseError { .. } => {
                self.oddity = Some("it has an extension that cannot be read");
            }
            _ if is_critical => self.oddity = Some("it has a critical extension that is not known"),
            _ => {}
        }
    }

    /// Names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether `now` is in its time; else Node's word for it. OpenSSL looks at the end last, and Node tells what it hears last.
    pub fn time_failure(&self, now: i64) -> Option<(&'static str, &'static str)> {
        if now > self.not_after {
            return Some(("CERT_HAS_EXPIRED", "certificate has expired"));
        }
        (now < self.not_before).then_some(("CERT_NOT_YET_VALID", "certificate is not yet valid"))
    }

    /// Whether a server may show it, as far as it says itself.
    pub fn fits_a_server(&self) -> bool {
        self.is_for_servers && self.may_sign_handshakes
    }

    /// Whether it may sign a server's certificate with `between` other authorities in between.
    pub fn fits_an_authority(&self, between: usize) -> bool {
        self.is_authority
            && self.may_sign_certificates
            && self.is_for_servers
            && self.path_length.is_none_or(|most| between <= most as usize)
    }

    /// Whether `issuer` is the certificate that this one says signed it.
    pub fn names_as_issuer(&self, issuer: &Certificate<'_>) -> bool {
        let Some(wanted) = &self.issuer_key else { return true };
        let is = |wanted: Option<&[u8]>, found: Option<&[u8]>| match (wanted, found) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        is(wanted.id, issuer.key_id)
            && is(wanted.serial, Some(issuer.serial))
            && is(wanted.issuer, Some(issuer.issuer))
    }
}

fn name<'a>(name: &GeneralName<'a>) -> AlternativeName<'a> {
    match name {
        GeneralName::DNSName(name) => AlternativeName::Dns(name),
        GeneralName::IPAddress(address) => AlternativeName::Ip(address),
        _ => AlternativeName::Other,
    }
}

fn issuer_key<'a>(key: &AuthorityKeyIdentifier<'a>) -> IssuerKey<'a> {
    let issuer = key.authority_cert_issuer.as_ref().map(|names| match names.as_slice() {
        [GeneralName::DirectoryName(name)] => name.as_raw(),
        _ => b"",
    });
    IssuerKey {
        id: key.key_identifier.as_ref().map(|id| id.0),
        serial: key.authority_cert_serial,
        issuer,
    }
}

/// `name` without what OpenSSL overlooks when it compares names (case, blanks, kind of text), and more: two names that
/// OpenSSL takes for one have the same key. `None` for a name in an encoding that could hide that.
pub(super) fn name_key(name: &[u8]) -> Option<Vec<u8>> {
    let (_, name) = X509Name::from_der(name).ok()?;
    let mut key = Vec::new();
    for attribute in name.iter_attributes() {
        key.extend(attribute.attr_type().as_bytes());
        let text = text_of(attribute.attr_value())?;
        key.extend(text.bytes().filter(|byte| *byte > b' ').map(|byte| byte.to_ascii_lowercase()));
    }
    Some(key)
}

fn text_of(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => str::from_utf8(value.data).ok().map(str::to_owned),
        // OpenSSL reads it as Latin-1.
        Tag::TeletexString => Some(value.data.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let units = value
                .data
                .chunks(2)
                .map(|unit| unit.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)));
            String::from_utf16(&units.collect::<Vec<_>>()).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, KeyPair, date_time_ymd,
    };

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["h.test".into()]).unwrap();
        params.not_before = date_time_ymd(2020, 2, 29);
        params.not_after = date_time_ymd(2061, 7, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn it_holds_names_limits_and_both_forms_of_time() {
        let der = certificate();
        let certificate = Certificate::read(&der).unwrap();
        assert!(certificate.is_self_issued() && certificate.oddity.is_none());
        assert_eq!(certificate.alternative_names, Some(vec![AlternativeName::Dns("h.test")]));
        assert!(certificate.fits_an_authority(1) && !certificate.fits_an_authority(2));
        let (start, end) = (1_582_934_400, 2_887_401_600);
        let code = |now| certificate.time_failure(now).map(|(code, _)| code);
        assert_eq!(code(start - 1), Some("CERT_NOT_YET_VALID"));
        assert_eq!((code(start), code(end)), (None, None));
        assert_eq!(code(end + 1), Some("CERT_HAS_EXPIRED"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn what_openssl_might_read_otherwise_is_an_oddity() {
        let mut params = CertificateParams::new(vec!["h.test".into()]).unwrap();
        let mut key_id = CustomExtension::from_oid_content(&[2, 5, 29, 14], vec![4, 1, 7]);
        key_id.set_criticality(true);
        params.custom_extensions.push(key_id);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        assert!(Certificate::read(&der).unwrap().oddity.unwrap().contains("critical"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn a_time_that_begins_after_its_end_is_over() {
        let mut params = CertificateParams::new(vec!["h.test".into()]).unwrap();
        params.not_before = date_time_ymd(2061, 7, 1);
        params.not_after = date_time_ymd(2020, 2, 29);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let failure = Certificate::read(&der).unwrap().time_failure(2_000_000_000);
        assert_eq!(failure.map(|(code, _)| code), Some("CERT_HAS_EXPIRED"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn broken_input_is_no_certificate_and_no_panic() {
        let der = certificate();
        for end in 0..der.len() {
            assert!(Certificate::read(&der[..end]).is_none());
        }
        for at in 0..der.len() {
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut bent = der.clone();
                bent[at] = value;
                let _ = Certificate::read(&bent);
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "makes a certificate with ring")]
    fn names_that_differ_in_case_and_blanks_have_one_key() {
        let key_of = |name: &str| {
            let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
            name_key(Certificate::read(&der).unwrap().subject)
        };
        assert_eq!(key_of("Some CA"), key_of(" some  ca "));
        assert_ne!(key_of("Some CA"), key_of("Some CB"));
        assert_eq!(key_of("Autorité"), key_of("autorité"));
    }
}
