//! File names: owns `traces-<ISO start>-<pid>-<n>.jsonl`.
//! It refuses outside text: nothing of a span ever becomes part of a path (F76).

use std::time::{Duration, SystemTime};

/// Name of the `number`th file of process `pid`, begun at `start`. Sorts by start; allowed on every file system.
pub(super) fn file_name(start: SystemTime, pid: u32, number: u64) -> String {
    let since_epoch = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let milli = since_epoch.subsec_millis();
    format!(
        "traces-{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}-{milli:03}Z-{pid}-{number}.jsonl"
    )
}

/// Gregorian year, month and day of a count of days since 1970-01-01: whole 400-year cycles first, then the year that
/// starts in March, so that the leap day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    let from_march_0000 = days + 719_468;
    let (cycle, day_of_cycle) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (cycle * 400 + year_of_cycle + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_the_time_without_forbidden_characters() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_298_340_007);
        assert_eq!(file_name(start, 42, 3), "traces-2026-11-21T21-59-00-007Z-42-3.jsonl");
    }

    #[test]
    fn leap_days_are_counted() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(19_783), (2024, 3, 1));
        assert_eq!(date(47_540), (2100, 2, 28));
        assert_eq!(date(47_541), (2100, 3, 1));
    }
}
