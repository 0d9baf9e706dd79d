//! The way from a server's certificate to a root: owns finding it as OpenSSL does, where there is one way only.
//! It refuses to check what it finds, and to choose where OpenSSL chooses by rules of its own.

use rustls::pki_types::CertificateDer;

use super::{
    certificate::{Certificate, name_key},
    roots::Anchors,
};

/// OpenSSL's limit is 100; nobody sends that many.
const MAX_LENGTH: usize = 10;

/// A server's certificate, and above it whose key signed the one before.
pub(super) struct Path<'a> {
    /// The server's first.
    pub certificates: Vec<Certificate<'a>>,
    /// Where it ends.
    pub end: End,
}

/// Where a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At a trusted root, or at a self-signed server certificate that is trusted itself.
    Trusted,
    /// At a root that the server sent.
    SelfSigned,
    /// At a certificate whose issuer is nowhere.
    NoIssuer,
}

impl<'a> Path<'a> {
    /// Looks for each issuer among `anchors` first, then among those that the server `sent`. An error says why OpenSSL has to.
    pub fn find(
        server: Certificate<'a>,
        sent: &'a [impl AsRef<[u8]>],
        anchors: &'a Anchors,
    ) -> Result<Path<'a>, &'static str> {
        let mut is_trusted = server.is_self_issued() && anchors.contain(server.der);
        let mut certificates = vec![server];
        while let Some(last) = certificates.last()
            && certificates.len() <= MAX_LENGTH
        {
            if last.is_self_issued() {
                if !last.names_as_issuer(last) {
                    return Err("a certificate names itself and another key as its issuer");
                }
                let end = if is_trusted { End::Trusted } else { End::SelfSigned };
                return Ok(Path { certificates, end });
            }
            let key = name_key(last.issuer).ok_or("the name of an issuer cannot be compared")?;
            if let Some(issuer) = only(last, anchors.named(&key).map(AsRef::as_ref))? {
                is_trusted = true;
                certificates.push(issuer);
                continue;
            }
            if is_trusted {
                return Err("a trusted certificate comes without its root");
            }
            let of_that_name = sent.iter().map(AsRef::as_ref).filter(|der| {
                Certificate::read(der)
                    .is_none_or(|sent| name_key(sent.subject).is_none_or(|subject| subject == key))
            });
            match only(last, of_that_name)? {
                Some(issuer) => certificates.push(issuer),
                None if anchors.is_blurred => return Err("a trusted certificate cannot be read"),
                None => return Ok(Path { certificates, end: End::NoIssuer }),
            }
        }
        Err("the chain is too long")
    }
}

/// Trusted certificates that OpenSSL shows with a client certificate that comes without a chain.
pub(super) fn issuers_of<'a>(
    client: &'a CertificateDer<'_>,
    anchors: &'a Anchors,
) -> Vec<CertificateDer<'static>> {
    let no_others: [&[u8]; 0] = [];
    let path =
        Certificate::read(client).and_then(|client| Path::find(client, &no_others, anchors).ok());
    let issuers = path.iter().flat_map(|path| path.certificates.iter().skip(1));
    issuers.map(|issuer| CertificateDer::from(issuer.der.to_vec())).collect()
}

/// The one candidate, or none. OpenSSL has an order for several, and looks at more than names for one that does not fit.
fn only<'a>(
    below: &Certificate<'_>,
    candidates: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Certificate<'a>>, &'static str> {
    let mut found: Option<Certificate<'a>> = None;
    let mut is_misfit = false;
    for der in candidates {
        let candidate =
            Certificate::read(der).ok_or("a certificate of the chain cannot be read")?;
        if candidate.subject != below.issuer || !below.names_as_issuer(&candidate) {
            if candidate.oddity.is_some() {
                return Err("an issuer has a certificate that may be read in several ways");
            }
            is_misfit = true;
        } else if found.as_ref().is_none_or(|found| found.der == candidate.der) {
            found = Some(candidate);
        } else {
            return Err("an issuer has several certificates");
        }
    }
    match found {
        None if is_misfit => Err("the certificate of an issuer has another key or spelling"),
        found => Ok(found),
    }
}
