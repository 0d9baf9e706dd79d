//! File names: owns `traces-<ISO start>-<pid>-<n>.jsonl`, with `.gz` or `.zst` behind it if the lines are compressed.
//! It refuses outside text: nothing of a span ever becomes part of a path (F76).

use std::time::{Duration, SystemTime};

use crate::sink::{ContentEncoding, calendar::Utc};

/// Name of the `number`th file of process `pid`, begun at `start`. Sorts by start; allowed on every file system.
pub(super) fn file_name(
    start: SystemTime,
    pid: u32,
    number: u64,
    encoding: ContentEncoding,
) -> String {
    let since_epoch = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let Utc { year, month, day, hour, minute, second } = Utc::from_unix(since_epoch.as_secs());
    let milli = since_epoch.subsec_millis();
    let ending = ending(encoding);
    format!(
        "traces-{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}-{milli:03}Z-{pid}-{number}{ending}"
    )
}

fn ending(encoding: ContentEncoding) -> &'static str {
    match encoding {
        ContentEncoding::Identity => ".jsonl",
        ContentEncoding::Gzip => ".jsonl.gz",
        ContentEncoding::Zstd => ".jsonl.zst",
    }
}

/// Whether [`file_name`] can have made `name`, in whatever process.
pub(super) fn is_file_name(name: &str) -> bool {
    const START: &str = "0000-00-00T00-00-00-000Z";
    let is_like = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, of_pattern)| match of_pattern {
                b'0' => byte.is_ascii_digit(),
                _ => byte == of_pattern,
            })
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let endings = [ContentEncoding::Identity, ContentEncoding::Gzip, ContentEncoding::Zstd];
    let Some(stem) = endings.into_iter().find_map(|it| name.strip_suffix(ending(it))) else {
        return false;
    };
    let Some((start, rest)) =
        stem.strip_prefix("traces-").and_then(|rest| rest.split_at_checked(START.len()))
    else {
        return false;
    };
    let numbers = rest.strip_prefix('-').and_then(|rest| rest.split_once('-'));
    is_like(start, START) && numbers.is_some_and(|(pid, n)| is_number(pid) && is_number(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_the_time_without_forbidden_characters() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_298_340_007);
        let name = |encoding| file_name(start, 42, 3, encoding);
        let plain = "traces-2026-11-21T21-59-00-007Z-42-3.jsonl";
        assert_eq!(name(ContentEncoding::Identity), plain);
        assert_eq!(name(ContentEncoding::Gzip), format!("{plain}.gz"));
        assert_eq!(name(ContentEncoding::Zstd), format!("{plain}.zst"));
    }

    #[test]
    fn only_names_of_ours_are_known() {
        let ours = "traces-2026-11-21T21-59-00-007Z-42-3.jsonl";
        for ending in ["", ".gz", ".zst"] {
            assert!(is_file_name(&format!("{ours}{ending}")), "{ending}");
        }
        for other in [
            "",
            "traces-.jsonl",
            "traces.jsonl",
            "traces-2026-11-21T21-59-00-007Z-42-3.json",
            "traces-2026-11-21T21-59-00-007Z-42-3.jsonl.bz2",
            "traces-2026-11-21T21-59-00-007Z-42-3.jsonl.gz.zst",
            "traces-2026-11-21T21-59-00-007Z-42.jsonl",
            "traces-2026-11-21T21-59-00-007Z-42-.jsonl",
            "traces-2026-11-21T21-59-00-007Z-42-3-4.jsonl",
            "traces-2026-11-21T21-59-00-007Z--3.jsonl",
            "traces-2026-11-21T21:59:00-007Z-42-3.jsonl",
            "traces-2026-11-21-007Z-42-3.jsonl",
            "my-traces-2026-11-21T21-59-00-007Z-42-3.jsonl",
            "traces-2026-11-21T21-59-00-00é-42-3.jsonl",
        ] {
            assert!(!is_file_name(other), "{other}");
        }
    }
}
