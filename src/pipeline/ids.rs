//! The numbers by which the parts of the pipeline name things to each other.

/// Number of a lane, unique in the process.
pub(crate) type LaneId = u64;

/// Number of a batch; grows in admission order, so the smallest is the oldest.
pub(crate) type BatchId = u64;

/// Number of a flush epoch: a flush ends the epoch that is under way when it begins.
pub(crate) type Epoch = u64;

/// Number of a flush on the I/O thread.
pub(crate) type FlushId = u64;

/// Number that JavaScript has given to the export call that a request is made of.
pub(crate) type CallId = u32;
