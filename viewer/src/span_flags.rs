//! What is known of a span in a few bits: kind, status, and marks for what is odd about it.

/// Kinds by number, as OTLP has them.
pub(crate) const KINDS: [&str; 6] =
    ["unspecified", "internal", "server", "client", "producer", "consumer"];
/// Status codes by number, as OTLP has them.
pub(crate) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

const KIND_BITS: u32 = 0b111;
const STATUS_SHIFT: u32 = 3;
/// Its place in `STATUSES`.
const ERROR: u32 = 2;
const STATUS_BITS: u32 = 0b11;

#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Flags(u32);

impl Flags {
    /// It ends before it starts.
    pub const ENDS_EARLY: Flags = Flags(1 << 5);
    /// It has no time of start.
    pub const NO_START: Flags = Flags(1 << 6);
    /// Another span has the same ids and another content.
    pub const ID_TWICE: Flags = Flags(1 << 7);

    pub const HAS_LINKS: Flags = Flags(1 << 8);
    pub const HAS_EVENTS: Flags = Flags(1 << 9);

    pub fn new(kind: u8, status: u8) -> Flags {
        let status = (u32::from(status) & STATUS_BITS) << STATUS_SHIFT;
        Flags((u32::from(kind) & KIND_BITS) | status)
    }

    #[must_use]
    pub fn with(self, other: Flags, is_set: bool) -> Flags {
        if is_set { Flags(self.0 | other.0) } else { self }
    }

    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn kind_number(self) -> u32 {
        self.0 & KIND_BITS
    }

    pub fn kind(self) -> &'static str {
        KINDS.get(self.kind_number() as usize).copied().unwrap_or("unspecified")
    }

    pub fn status(self) -> &'static str {
        STATUSES.get((self.0 >> STATUS_SHIFT & STATUS_BITS) as usize).copied().unwrap_or("unset")
    }

    /// The same without what is odd about the span.
    pub fn kind_and_status(self) -> Flags {
        Flags(self.0 & (KIND_BITS | STATUS_BITS << STATUS_SHIFT))
    }

    pub fn is_error(self) -> bool {
        self.0 >> STATUS_SHIFT & STATUS_BITS == ERROR
    }
}
