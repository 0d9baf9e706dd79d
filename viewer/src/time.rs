//! Points in time as people write them: ISO 8601 in UTC.

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// Nanoseconds since the epoch as `2026-11-29T16:00:00.123Z`.
pub(crate) fn time_text(nanos: u64) -> String {
    let (seconds, millis) = (nanos / NANOS, nanos % NANOS / 1_000_000);
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a number of days since the epoch.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day at the end; 719,468 days lie between the year 0 and the epoch.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Nanoseconds since the epoch of `2026-11-29`, `2026-11-29T16:00Z`, `2026-11-29T16:00:00.123456789Z` and the like, also
/// with an offset such as `+01:00`. Without `Z` or an offset it is UTC.
pub(crate) fn parse_time(text: &str) -> Option<u64> {
    let (day, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let days = days_of(day)?;
    let (time, offset) = offset_of(time)?;
    let nanos = if time.is_empty() { 0 } else { time_of_day(time)? };
    let since = i128::from(days) * i128::from(DAY * NANOS) + i128::from(nanos);
    u64::try_from(since - i128::from(offset) * 60 * i128::from(NANOS)).ok()
}

fn days_of(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let mut next = |digits| number(parts.next()?, digits);
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    if parts.next().is_some() || year < 1970 {
        return None;
    }
    // As in `date`, years begin in March.
    let (shifted_year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    (date(days) == (year, month, day)).then_some(days)
}

/// What is before `Z` or an offset, and the offset in minutes.
fn offset_of(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (time, offset) = time.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':').unwrap_or((offset.get(1..)?, "00"));
    let minutes = number(hours, 2)? * 60 + number(minutes, 2)?;
    Some((time, sign * minutes as i64))
}

fn time_of_day(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second =
        parts.next().map_or(Some(0), |second| number(second, 2).filter(|second| *second < 60))?;
    if parts.next().is_some() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = number(fraction, fraction.len())? * 10_u64.pow(9 - fraction.len() as u32);
    Some((hour * 3600 + minute * 60 + second) * NANOS + nanos)
}

/// So many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time_text(1_795_298_340_007_999_999), "2026-11-21T21:59:00.007Z");
        assert_eq!(time_text(951_782_400 * NANOS), "2000-02-29T00:00:00.000Z");
        assert_eq!(time_text(u64::MAX), "2554-07-21T23:34:33.709Z");
    }

    #[test]
    fn v38_a_time_is_iso_8601() {
        let expected = [
            ("1970-01-01", Some(0)),
            ("2026-11-21T21:59:00.007Z", Some(1_795_298_340_007_000_000)),
            ("2026-11-21T21:59", Some(1_795_298_340_000_000_000)),
            ("2026-11-21T22:59:00+01:00", Some(1_795_298_340_000_000_000)),
            ("2026-11-21T18:29:00-03:30", Some(1_795_298_340_000_000_000)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000_000_000)),
            ("2262-12-31T23:59:59.999999999Z", Some(9_246_182_399_999_999_999)),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-11-21T24:00Z", None),
            ("2026-11-21T21:59:00.Z", None),
            ("1969-12-31", None),
            ("yesterday", None),
        ];
        for (text, nanos) in expected {
            assert_eq!(parse_time(text), nanos, "{text}");
        }
        for day in (0..200_000).step_by(97) {
            let nanos = day * DAY * NANOS;
            assert_eq!(parse_time(&time_text(nanos)), Some(nanos));
        }
    }
}
