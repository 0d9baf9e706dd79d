//! How much memory the index may take.

use std::fs;

use super::arguments::UsageError;

const MOST: u64 = 2 << 30;
const UNITS: [(&str, u64); 7] = [
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// A number of bytes with a unit.
pub(super) fn parse(text: &str) -> Result<u64, UsageError> {
    let upper = text.trim().to_ascii_uppercase();
    let (digits, size) = UNITS
        .iter()
        .find_map(|(unit, size)| Some((upper.strip_suffix(unit)?, *size)))
        .unwrap_or((&upper, 1));
    let bytes = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(size));
    bytes.ok_or_else(|| {
        UsageError(format!("--max-memory is a size such as 512MB or 2GiB; it is '{text}'"))
    })
}

/// Half of the memory of the machine, or of the container, and not more than two gibibytes.
pub(super) fn default_limit() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok());
    let memory = machine.into_iter().chain(container).min();
    memory.map_or(MOST, |memory| (memory / 2).min(MOST))
}

fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v32_the_limit_is_a_size_with_a_unit() {
        for (text, bytes) in [
            ("512MB", 512_000_000),
            ("2GiB", 2 << 30),
            ("64 kib", 65_536),
            ("1000", 1000),
            ("7B", 7),
        ] {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "much", "-1MB", "2.5GB", "99999999999GB"] {
            assert!(parse(text).unwrap_err().0.contains("such as 512MB"), "{text}");
        }
        assert_eq!(
            meminfo("MemFree: 1 kB\nMemTotal:       16310932 kB\n"),
            Some(16_310_932 * 1024)
        );
        assert!((1..=MOST).contains(&default_limit()));
    }
}
