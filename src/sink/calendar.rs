//! Dates without a time zone: owns the way from Unix seconds to a calendar.
//! It refuses to read clocks.

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Utc {
    /// Gregorian year.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

impl Utc {
    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    pub fn from_unix(seconds: u64) -> Utc {
        let (year, month, day) = date(seconds / 86_400);
        Utc {
            year,
            month,
            day,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

/// Year, month and day of a count of days since 1970-01-01: whole 400-year cycles first, then years that start in
/// March, so that a leap day is the last day of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let from_march_0000 = days + 719_468;
    let (cycle, day_of_cycle) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let leap_days = day_of_cycle / 1_460 + day_of_cycle / 146_096 - day_of_cycle / 36_524;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    (cycle * 400 + year_of_cycle + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_500_years_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for count in 0..182_621 {
            assert_eq!(date(count), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                [month as usize - 1];
            (day, month) = if day == last { (1, month + 1) } else { (day + 1, month) };
            if month == 13 {
                (year, month) = (year + 1, 1);
            }
        }
        assert!(year >= 2469);
    }
}
