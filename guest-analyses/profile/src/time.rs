//! Dates and datetimes as people write them.
//!
//! `2024-02-29`, `2024/02/29`, `29.02.2024` have one meaning and an order. `02/03/2024` is a date too, but which one
//! depends on where it was written, so it has none. A time of day follows after `T` or a space, with a zone or without.

const DAY_MICROS: i64 = 86_400_000_000;

/// A point in time that orders values; `None` for a date of which day and month may be swapped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    Date(Option<Instant>),
    DateTime(Option<Instant>),
}

/// Microseconds since 1970, UTC if the value has a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64);

/// Reads a date or datetime.
pub fn moment(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let date = bytes.get(..10)?;
    let days = date_days(date)?;
    if bytes.len() == 10 {
        return Some(Moment::Date(days.map(|days| Instant(days * DAY_MICROS))));
    }
    let (b'T' | b't' | b' ', time) = (bytes[10], bytes.get(11..)?) else {
        return None;
    };
    let micros = time_micros(time)?;
    Some(Moment::DateTime(days.map(|days| Instant(days * DAY_MICROS + micros))))
}

fn date_days(date: &[u8]) -> Option<Option<i64>> {
    let separators = (date[4], date[7]);
    if matches!(separators, (b'-', b'-') | (b'/', b'/')) {
        return days(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?).map(Some);
    }
    let (first, second, year) = (number(&date[..2])?, number(&date[3..5])?, number(&date[6..])?);
    match (date[2], date[5]) {
        (b'.', b'.') => days(year, second, first).map(Some),
        (b'/', b'/') => days(year, first, second).or(days(year, second, first)).map(|_| None),
        _ => None,
    }
}

/// Days since 1970 in the Gregorian calendar, after Howard Hinnant's `days_from_civil`; `None` if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// `HH:MM[:SS[.fraction]]` and then nothing, `Z` or an offset.
fn time_micros(time: &[u8]) -> Option<i64> {
    let (hours, minutes) = (number(time.get(..2)?)?, number(time.get(3..5)?)?);
    let mut rest = &time[5..];
    let (mut seconds, mut micros) = (0, 0);
    if let [b':', digits @ ..] = rest {
        seconds = number(digits.get(..2)?)?;
        rest = &digits[2..];
        if let [b'.' | b',', fraction @ ..] = rest {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let kept = length.min(6);
            micros = number(&fraction[..kept]).filter(|_| length <= 9)?;
            micros *= [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1][kept];
            rest = &fraction[length..];
        }
    }
    // A second 60 is a leap second.
    if time[2] != b':' || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let offset_minutes = zone_minutes(rest)?;
    Some(((hours * 60 + minutes - offset_minutes) * 60 + seconds) * 1_000_000 + micros)
}

fn zone_minutes(zone: &[u8]) -> Option<i64> {
    let zone = zone.strip_prefix(b" ").unwrap_or(zone);
    let (sign, hours, minutes) = match zone {
        [] | [b'Z' | b'z'] | b"UTC" => return Some(0),
        [sign, hours @ ..] if hours.len() == 2 => (sign, hours, &b"00"[..]),
        [sign, offset @ ..] if offset.len() == 4 => (sign, &offset[..2], &offset[2..]),
        [sign, offset @ ..] if offset.len() == 5 && offset[2] == b':' => (sign, &offset[..2], &offset[3..]),
        _ => return None,
    };
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 15 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// A few digits and nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let add = |sum: i64, byte| digit(byte).map(|digit| sum * 10 + digit);
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        let of = |text| moment(text);
        assert_eq!(of("1970-01-02"), Some(Moment::Date(Some(Instant(DAY_MICROS)))));
        assert_eq!(of("1969/12/31"), Some(Moment::Date(Some(Instant(-DAY_MICROS)))));
        assert_eq!(of("29.02.2024"), of("2024-02-29"));
        assert_eq!(of("2024-02-29"), Some(Moment::Date(Some(Instant(19_782 * DAY_MICROS)))));
        for none in ["2023-02-29", "2024-13-01", "2024-00-01", "2024-01/01", "2024-1-1", "20240101", "31.04.2024"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn slashes_do_not_say_which_is_the_month() {
        assert_eq!(moment("02/03/2024"), Some(Moment::Date(None)));
        assert_eq!(moment("31/12/2024"), Some(Moment::Date(None)));
        assert_eq!(moment("12/31/2024 10:00"), Some(Moment::DateTime(None)));
        assert_eq!(moment("32/12/2024"), None);
    }

    #[test]
    fn datetimes_have_fractions_and_zones() {
        let of = |text: &str| match moment(text) {
            Some(Moment::DateTime(Some(Instant(micros)))) => Some(micros),
            _ => None,
        };
        assert_eq!(of("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(of("1970-01-01 00:01"), Some(60_000_000));
        assert_eq!(of("1970-01-01T01:00:00.25+01:00"), Some(250_000));
        assert_eq!(of("1970-01-01T01:00:00.123456789+0100"), Some(123_456));
        assert_eq!(of("1969-12-31 19:00:00 -05"), Some(0));
        for none in ["1970-01-01T", "1970-01-01T24:00", "1970-01-01T10", "1970-01-01T10:60", "1970-01-01T10:00 PM"] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(of("1970-01-01T10-00"), None);
        assert_eq!(of("1970-01-01T10:00:00.Z"), None);
        assert_eq!(of("1970-01-01T10:00+é"), None);
    }
}
