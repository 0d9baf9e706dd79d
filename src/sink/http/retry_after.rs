//! `Retry-After` in every form that RFC 9110 §10.2.3 allows, and what else servers send.
//! It refuses to trust: nothing it returns is zero, and the caller clamps the rest.

use std::time::Duration;

use crate::sink::Reply;

/// Returns the pause that a response asks for. `None` means ordinary backoff: there is no header, or one that makes no
/// sense because it is zero, negative, past or garbage (F29).
pub(crate) fn retry_after(reply: &Reply, wall: Duration) -> Option<Duration> {
    let value = reply.retry_after.as_deref()?;
    let asked = match seconds(value) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let until = http_date(value)?;
            // A date is compared with the response's own clock, because ours may be hours off (F28).
            let now = reply.date.as_deref().and_then(http_date).unwrap_or(wall);
            until.checked_sub(now)?
        }
    };
    (!asked.is_zero()).then_some(asked)
}

/// What JavaScript's `parseInt` makes of it, with which the stock exporter reads it: the number at the beginning, whatever
/// follows. A negative one is none. `None`: there is no number.
fn seconds(value: &str) -> Option<u64> {
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let (is_negative, value) = match value.strip_prefix(['+', '-']) {
        Some(rest) => (value.starts_with('-'), rest),
        None => (false, value),
    };
    let digits = value.split(|c: char| !c.is_ascii_digit()).next().filter(|it| !it.is_empty())?;
    // More digits than a u64 has room for is still "very long".
    Some(if is_negative { 0 } else { digits.parse().unwrap_or(u64::MAX) })
}

/// Time since the Unix epoch of an HTTP date: IMF-fixdate, RFC 850 or asctime.
pub(crate) fn http_date(text: &str) -> Option<Duration> {
    let text = text.trim();
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [_, day, month, year, time, "GMT" | "UTC"] => (*day, *month, year.parse().ok()?, *time),
        // Sunday, 06-Nov-94 08:49:37 GMT
        [_, date, time, "GMT" | "UTC"] => {
            let mut parts = date.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            let short: i64 = year.parse().ok()?;
            // Two digits: the century that makes it a plausible present.
            let year = if year.len() > 2 {
                short
            } else if short < 70 {
                2000 + short
            } else {
                1900 + short
            };
            (day, month, year, *time)
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => (*day, *month, year.parse().ok()?, *time),
        _ => return None,
    };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
    let day: i64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let mut clock = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some()
        || hour > 23
        || minute > 59
        || second > 60
        || !(1970..=9999).contains(&year)
    {
        return None;
    }
    let days = u64::try_from(days_from_epoch(year, month, day)).ok()?;
    Some(Duration::from_secs(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
