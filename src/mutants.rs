//! Committed defects: each is a wrong decision, mostly one that somebody else's exporter has made, and the tests of the
//! requirement that it is named after must notice it (`scripts/mutants.mjs`).
//! It refuses to exist in ordinary builds: without `--cfg mutants` every question is `false` at compile time.

/// Whether the named defect is switched on.
#[cfg(not(mutants))]
macro_rules! mutant {
    ($name:literal) => {
        false
    };
}

/// Whether the named defect is switched on.
#[cfg(mutants)]
macro_rules! mutant {
    ($name:literal) => {
        $crate::mutants::chosen() == $name
    };
}

/// The defect of this run.
#[cfg(mutants)]
pub(crate) fn chosen() -> &'static str {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<String> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("OFFLOOP_MUTANT").unwrap_or_default())
}
