//! File names: owns `traces-<ISO start>-<pid>-<n>.jsonl`.
//! It refuses outside text: nothing of a span ever becomes part of a path (F76).

use std::time::{Duration, SystemTime};

use crate::sink::calendar::Utc;

/// Name of the `number`th file of process `pid`, begun at `start`. Sorts by start; allowed on every file system.
pub(super) fn file_name(start: SystemTime, pid: u32, number: u64) -> String {
    let since_epoch = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let Utc { year, month, day, hour, minute, second } = Utc::from_unix(since_epoch.as_secs());
    let milli = since_epoch.subsec_millis();
    format!(
        "traces-{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}-{milli:03}Z-{pid}-{number}.jsonl"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_the_time_without_forbidden_characters() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_298_340_007);
        assert_eq!(file_name(start, 42, 3), "traces-2026-11-21T21-59-00-007Z-42-3.jsonl");
    }
}
