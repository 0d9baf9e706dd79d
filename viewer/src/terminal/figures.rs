//! Figures for people: three significant digits and a unit.

const TIMES: [(f64, &str, f64); 6] = [
    (1.0, "ns", 999.5),
    (1e3, "µs", 999.5),
    (1e6, "ms", 999.5),
    (1e9, "s", 119.5),
    (60e9, "m", 119.5),
    (3600e9, "h", f64::INFINITY),
];
const SIZES: [(f64, &str, f64); 4] =
    [(1.0, "B", 999.5), (1e3, "kB", 999.5), (1e6, "MB", 999.5), (1e9, "GB", f64::INFINITY)];

/// A number of nanoseconds, as `12.3 ms`.
pub(crate) fn duration_text(nanos: u64) -> String {
    with_unit(nanos as f64, &TIMES)
}

/// A number of bytes, as `12.3 MB`.
pub(crate) fn bytes_text(bytes: u64) -> String {
    with_unit(bytes as f64, &SIZES)
}

fn with_unit(number: f64, units: &[(f64, &str, f64)]) -> String {
    let fitting = units.iter().find(|(size, _, most)| number / size < *most);
    let Some((size, name, _)) = fitting else { return number.to_string() };
    let value = number / size;
    let decimals = match value {
        _ if *size == 1.0 => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {name}")
}

/// A number with a comma between thousands.
pub(crate) fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v87_durations_have_three_digits_and_a_unit() {
        let expected = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_996, "10.0 µs"),
            (99_960, "100 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (12_345_678, "12.3 ms"),
            (1_234_567_890, "1.23 s"),
            (119_400_000_000, "119 s"),
            (120_000_000_000, "2.00 m"),
            (7_200_000_000_000, "2.00 h"),
            (u64::MAX, "5124096 h"),
        ];
        for (nanos, text) in expected {
            assert_eq!(duration_text(nanos), text, "{nanos}");
        }
        assert_eq!(bytes_text(879), "879 B");
        assert_eq!(bytes_text(176_400_000), "176 MB");
        assert_eq!(count_text(0), "0");
        assert_eq!(count_text(1_140_000), "1,140,000");
    }
}
