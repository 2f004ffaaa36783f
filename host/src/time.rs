//! Wall-clock instants. Inner modules take a [`Timestamp`]; only the edges ask a [`Clock`].

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Serialize;

/// An instant in UTC, to the millisecond; RFC 3339 on the wire and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// A day, milliseconds; in UTC as it is counted here all are as long (POSIX).
pub const DAY_MS: u64 = 86_400_000;

impl Timestamp {
    /// That many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// That many milliseconds later; the end of time where there is no such instant.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    /// That many milliseconds before; the beginning of time where there is no such instant.
    #[must_use]
    pub fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    /// Days since 1970-01-01, and the milliseconds that are left of this one.
    #[must_use]
    pub fn day(self) -> (i64, u64) {
        let day_ms = i64::try_from(DAY_MS).unwrap_or(i64::MAX);
        let left = day_ms - self.0.rem_euclid(day_ms);
        (self.0.div_euclid(day_ms), u64::try_from(left).unwrap_or(0))
    }

    /// As HTTP writes it in header fields (RFC 9110), to the second; empty where it cannot.
    #[must_use]
    pub fn http_date(self) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).unwrap_or_default()
    }

    /// As HTTP writes it in header fields; none where it is no such date.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Self(instant.as_millisecond()))
    }

    /// Milliseconds from `earlier` to this instant; 0 when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{instant:.3}")
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl From<Timestamp> for std::time::SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let since = std::time::Duration::from_millis(timestamp.since(Timestamp(0)));
        Self::UNIX_EPOCH + since
    }
}

impl TryFrom<String> for Timestamp {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_millisecond()))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "an instant in UTC (RFC 3339)" })
    }
}

/// The port through which the edges learn the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_what_it_writes() {
        let instant = Timestamp::from_unix_ms(1_795_000_000_123);
        let text = String::from(instant);
        assert!(text.ends_with('Z') && text.contains(".123"), "{text}");
        assert_eq!(Timestamp::try_from(text).unwrap(), instant);
    }

    #[test]
    fn http_has_its_own_way_to_write_an_instant() {
        assert_eq!(Timestamp::from_unix_ms(784_111_777_999).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn http_dates_are_read_and_nothing_else_is() {
        let read = |text| Timestamp::from_http_date(text).map(Timestamp::unix_ms);
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!([read(""), read("5"), read("tomorrow"), read("1994-11-06T08:49:37Z")], [None; 4]);
    }

    #[test]
    fn a_clock_that_went_back_gives_no_time_at_all() {
        assert_eq!(Timestamp::from_unix_ms(5).since(Timestamp::from_unix_ms(9)), 0);
    }
}
