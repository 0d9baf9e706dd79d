//! The numbers of the hand-off layout, the same as in `js/handoff/layout.js`. It refuses to hold behaviour.
//!
//! A segment is a run of records; every record starts on an 8-byte word and all fields are little-endian `f64` words.
//!
//! ```text
//! record      0 kind  1 words of the whole record  2 words before the text  3 units of the text  4 its encoding  …
//!             then, behind the last word, the joined short texts of the record in the order of their slots; an encoding
//!             from 3 on means that they are bulk text number `encoding - 3`, in one record, and nothing is here
//! span        5 resource  6 scope  7 trace id  8 span id  9 trace state  10 parent span id  11 name  12 kind
//!             13–14 start  15–16 end  17 status code  18 status message  19 flags  20–22 dropped attributes, events,
//!             links  23 attributes  24 events  25 links, then that many of each
//! event       0–1 time  2 name  3 dropped attributes  4 attributes, then those
//! link        0 trace id  1 span id  2 trace state  3 flags  4 dropped attributes  5 attributes, then those
//! resource    5 schema url  6 attributes, then those
//! scope       5 name  6 version  7 schema url  8 dropped attributes  9 has attributes  10 attributes, then those
//! bulk        2 number in the batch  3 encoding  4 units, then the data; several records of one number follow another
//! text slot   ≥ 0: units taken from the joined text; -1: absent; ≤ -2: bulk number -2 - slot
//! attribute   key and tag in one word: id << 4 | tag, or -1 - (units << 4 | tag) where the key is defined; then payload
//! ```
//! Resources, scopes and keys are numbered per batch in the order they appear.

pub const KIND_SPAN: u32 = 1;
pub const KIND_RESOURCE: u32 = 2;
pub const KIND_SCOPE: u32 = 3;
pub const KIND_BULK: u32 = 4;

pub const TAG_EMPTY: u32 = 0;
pub const TAG_TRUE: u32 = 1;
pub const TAG_FALSE: u32 = 2;
pub const TAG_NUMBER: u32 = 3;
pub const TAG_TEXT: u32 = 4;
pub const TAG_BULK: u32 = 5;
pub const TAG_ARRAY: u32 = 6;
pub const TAG_MAP: u32 = 7;
pub const TAG_NESTED: u32 = 8;
pub const TAG_BULK_KEY: u32 = 9;

/// A byte per unit.
pub const ENCODING_LATIN1: u32 = 0;
pub const ENCODING_UTF16: u32 = 1;
pub const ENCODING_BYTES: u32 = 2;
pub const ENCODING_KEPT: u32 = 3;

pub const RECORD_HEADER_WORDS: usize = 5;
pub const BULK_HEADER_WORDS: usize = 5;
pub const MAX_KEYS: usize = 4096;
/// One more than `js/` writes.
pub const MAX_DEPTH: usize = 513;
