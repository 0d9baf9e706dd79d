//! The certificates that are trusted: owns reading them once for all exporters of a process that trust the same.
//! It refuses to choose them: `js/config/tls.js` says what Node trusts.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, OnceLock, Weak},
};

use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::certificate::{Certificate, name_key};
use crate::lock::lock;

/// A PEM text of trusted certificates. Reading it waits for the first client.
pub struct Roots {
    pem: Vec<u8>,
    anchors: OnceLock<Anchors>,
}

/// Trusted certificates, ready to be found.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    all: Vec<Anchor>,
    /// One was no certificate, or its name cannot be compared: what is not found may be there all the same.
    pub is_blurred: bool,
}

#[derive(Debug)]
struct Anchor {
    der: CertificateDer<'static>,
    subject: Vec<u8>,
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("bytes", &self.pem.len()).finish_non_exhaustive()
    }
}

impl Hash for Roots {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pem.hash(state);
    }
}

impl Roots {
    /// The certificates in `pem`. Nearly all exporters of a process trust the same: those share one copy.
    pub fn of_pem(pem: Vec<u8>) -> Arc<Roots> {
        static LAST: Mutex<Weak<Roots>> = Mutex::new(Weak::new());
        let mut last = lock(&LAST);
        if let Some(roots) = last.upgrade().filter(|roots| roots.pem == pem) {
            return roots;
        }
        let roots = Arc::new(Roots { pem, anchors: OnceLock::new() });
        *last = Arc::downgrade(&roots);
        roots
    }

    pub(super) fn anchors(&self) -> &Anchors {
        self.anchors.get_or_init(|| Anchors::read(&self.pem))
    }
}

impl Anchors {
    fn read(pem: &[u8]) -> Anchors {
        let mut anchors = Anchors::default();
        for der in CertificateDer::pem_slice_iter(pem) {
            let subject =
                der.as_ref().ok().and_then(|der| name_key(Certificate::read(der)?.subject));
            match (der, subject) {
                (Ok(der), Some(subject)) => {
                    // The same certificate twice is one.
                    if !anchors.all.iter().any(|anchor| anchor.der == der) {
                        anchors.all.push(Anchor { der, subject });
                    }
                }
                _ => anchors.is_blurred = true,
            }
        }
        anchors
    }

    /// Whether this very certificate is trusted.
    pub fn contain(&self, der: &[u8]) -> bool {
        self.all.iter().any(|anchor| anchor.der.as_ref() == der)
    }

    /// Every trusted certificate of that name.
    pub fn named(&self, key: &[u8]) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.all.iter().filter(move |anchor| anchor.subject == key).map(|anchor| &anchor.der)
    }
}
