//! What can happen between the threads, one thing at a time, and what an endpoint may answer.
//! It refuses to make it happen.

use super::super::{failed, status, throttled};
use crate::sink::{SendErrorKind, SendOutcome};

/// One thing that happens. A number picks among what there is, so that any sequence means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Op {
    /// A lane opens: what it is like.
    Open(u8),
    /// A lane admits so many spans; they go to the workers.
    Admit(u8, u8),
    /// A worker is done with a job.
    Work(u8),
    /// A worker panics over a job.
    WorkFails(u8),
    /// The I/O thread takes its next message.
    Receive,
    /// An attempt, also one that was told to end, has this result.
    Answer(u8, Answer),
    /// One that was told to end is gone.
    Aborted(u8),
    /// An attempt panics.
    Panic(u8),
    /// A lane has other credentials from now on.
    Renew(u8),
    /// A flush of a lane in attempt mode or not, with so many milliseconds.
    Flush(u8, bool, u16),
    /// A shutdown of a lane with so many milliseconds.
    Shutdown(u8, u16),
    /// Milliseconds pass, with a stop at every timer.
    Advance(u16),
    /// They pass at once.
    Jump(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Answer {
    Taken,
    Unavailable,
    Throttled,
    TooLarge,
    Unsupported,
    Bad,
    Unauthorised,
    Reset,
    Malformed,
    Refused,
    TimedOut,
    Tls,
    Local,
}

impl Answer {
    pub(in crate::pipeline) const ALL: [Answer; 13] = [
        Answer::Taken,
        Answer::Unavailable,
        Answer::Throttled,
        Answer::TooLarge,
        Answer::Unsupported,
        Answer::Bad,
        Answer::Unauthorised,
        Answer::Reset,
        Answer::Malformed,
        Answer::Refused,
        Answer::TimedOut,
        Answer::Tls,
        Answer::Local,
    ];

    pub(super) fn outcome(self) -> SendOutcome {
        match self {
            Answer::Taken => status(200),
            Answer::Unavailable => status(503),
            Answer::Throttled => throttled(429, "2"),
            Answer::TooLarge => status(413),
            Answer::Unsupported => status(415),
            Answer::Bad => status(400),
            Answer::Unauthorised => status(401),
            Answer::Reset => failed(SendErrorKind::Reset),
            Answer::Malformed => failed(SendErrorKind::Malformed),
            Answer::Refused => failed(SendErrorKind::Refused),
            Answer::TimedOut => failed(SendErrorKind::TimedOut),
            Answer::Tls => failed(SendErrorKind::Tls),
            Answer::Local => failed(SendErrorKind::File),
        }
    }
}
