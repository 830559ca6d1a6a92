//! Instants as text: RFC 3339 in UTC with milliseconds, the one form on the wire and in `<time>`.

/// A day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// Writes an instant, given in milliseconds since 1970 UTC.
pub fn rfc3339(at: u64) -> String {
    let (seconds, milliseconds) = (at / 1_000, at % 1_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// Writes the day of an instant in UTC, such as `2026-11-02`.
pub fn date(at: u64) -> String {
    let (year, month, day) = civil(at / 86_400_000);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Writes an instant as screens print it, such as `2 Nov 2026, 09:02 UTC`.
pub fn screen(at: u64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at / 1_000;
    let (year, month, day) = civil(seconds / 86_400);
    let second = seconds % 86_400;
    let month = MONTHS[usize::try_from(month - 1).expect("a month is 1 to 12")];
    format!("{day} {month} {year}, {:02}:{:02} UTC", second / 3_600, second / 60 % 60)
}

/// Writes a duration as screens print it: the two largest units, such as `2 h 10 m`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} m"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} m"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Reads a time as [`duration`] writes it, such as `30 m`, `4 h` or `2 d 6 h`, in milliseconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let spaced: String = text
        .chars()
        .flat_map(|letter| if letter.is_ascii_alphabetic() { vec![' ', letter, ' '] } else { vec![letter] })
        .collect();
    let mut words = spaced.split_whitespace();
    let mut sum = 0u64;
    let mut any = false;
    while let Some(number) = words.next() {
        let unit = match words.next()? {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        any = true;
    }
    any.then_some(sum)
}

/// Reads a day such as `2026-11-02` as the instant it begins in UTC.
pub fn day(text: &str) -> Option<u64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let number = |digits: &str, length: usize| {
        let fits = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // The inverse of `civil`, in years that begin on 1 March.
    let (shifted, year) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
    let day_of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
    let at = days.checked_sub(719_468)? * 86_400_000;
    // 31 April would be 1 May.
    (rfc3339(at)[..10] == *text).then_some(at)
}

/// Year, month 1 to 12 and day 1 to 31 of a day counted from 1970-01-01, by the Gregorian rules.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March 0000, so that the leap day ends the year: 400 years are 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);

    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_793_610_150_001), "2026-11-02T09:02:30.001Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        assert_eq!(screen(1_793_610_150_001), "2 Nov 2026, 09:02 UTC");
    }

    #[test]
    fn a_day_is_read_back_and_no_other_text_is_a_day() {
        for at in (0..4_200_000_000_000).step_by(86_400_000 * 13) {
            assert_eq!(day(&rfc3339(at)[..10]), Some(at));
            assert_eq!(date(at + 86_399_999), rfc3339(at)[..10]);
        }
        for text in
            ["", "2026-11-31", "2026-02-29", "2026-1-02", "2026-13-01", "1969-12-31", "2026-11-02T", "+026-11-02"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn durations_name_two_units() {
        for (text, read) in [
            ("30 m", Some(1_800_000)),
            ("2 h 10 m", Some(7_800_000)),
            ("4h", Some(14_400_000)),
            ("1 d 1 h", Some(90_000_000)),
            ("", None),
            ("4", None),
            ("h", None),
            ("4 weeks", None),
            ("99999999999999999999 d", None),
        ] {
            assert_eq!(parse_duration(text), read, "{text}");
        }
        assert_eq!(duration(9_999), "9 s");
        assert_eq!(duration(7_800_000), "2 h 10 m");
        assert_eq!(duration(90_000_000), "1 d 1 h");
    }
}
