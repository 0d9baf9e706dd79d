//! What the decoder says about a batch that does not follow the layout.

use std::fmt;

/// A batch that does not follow the layout: a defect of ours, never of the user's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandoffError(pub(super) &'static str);

impl fmt::Display for HandoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hand-off: {}", self.0)
    }
}

impl std::error::Error for HandoffError {}
