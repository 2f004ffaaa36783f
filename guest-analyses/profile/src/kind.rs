//! What a single value is. The type of a column follows from the counts of its values' kinds.
//!
//! - null: [`NULLS`] and the empty value.
//! - integer: digits with a sign or without; beyond 128 bits it is text. `0` and `1` are integers, not booleans.
//! - float: a point or an exponent; a decimal comma too where fields end with a semicolon. Infinities are text.
//! - boolean: true, false, yes, no in any case. Dates and datetimes: see `time.rs`. Everything else is text.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::time::Instant;
use crate::time::Moment;
use crate::time::moment;

/// Values that stand for none: those of pandas' `read_csv`, and of PostgreSQL's and MySQL's exports.
pub const NULLS: [&str; 21] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null", "Null", "NaT", "\\N",
];
/// Longer values are text without another look.
const TYPED_BYTES_MAX: usize = 64;

/// Whether `1,5` is a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decimal {
    /// It is none.
    Point,
    /// It is one.
    PointOrComma,
}

/// A value as it was understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// Digits.
    Integer(i128),
    /// With a point or an exponent.
    Float(f64),
    /// A word for true or false.
    Boolean,
    /// A day; without an instant, it is not known which of two.
    Date(Option<Instant>),
    /// A day and a time of it.
    DateTime(Option<Instant>),
    /// All else.
    Text,
}

impl Value {
    /// The value of a number.
    pub fn number(self) -> Option<f64> {
        match self {
            // Most are small, and 128 bits are slow in a sandbox; here and below.
            Self::Integer(integer) => Some(i64::try_from(integer).map_or(integer as f64, |small| small as f64)),
            Self::Float(float) => Some(float),
            Self::Null | Self::Boolean | Self::Date(_) | Self::DateTime(_) | Self::Text => None,
        }
    }
}

/// What all values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Integers alone.
    Integer,
    /// Numbers, not all of them integers.
    Float,
    /// Words for true and false.
    Boolean,
    /// Days.
    Date,
    /// Days and times, or both.
    DateTime,
    /// Texts, or of several kinds.
    Text,
    /// Nulls alone.
    Empty,
}

/// How many values of each kind a column has.
#[derive(Debug, Default)]
pub struct Counts {
    nulls: u64,
    integers: u64,
    floats: u64,
    booleans: u64,
    dates: u64,
    datetimes: u64,
    texts: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, value: Value) {
        match value {
            Value::Null => self.nulls += 1,
            Value::Integer(_) => self.integers += 1,
            Value::Float(_) => self.floats += 1,
            Value::Boolean => self.booleans += 1,
            Value::Date(_) => self.dates += 1,
            Value::DateTime(_) => self.datetimes += 1,
            Value::Text => self.texts += 1,
        }
    }

    /// Counts nulls.
    pub fn add_nulls(&mut self, count: u64) {
        self.nulls = self.nulls.saturating_add(count);
    }

    /// How many were null.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Values that are not null.
    pub fn values(&self) -> u64 {
        self.integers + self.floats + self.booleans + self.dates + self.datetimes + self.texts
    }

    /// The one kind of all values; integers among floats are floats, dates among datetimes datetimes, the rest is text.
    pub fn kind(&self) -> Kind {
        let all = self.values();
        if all == 0 {
            Kind::Empty
        } else if all == self.integers {
            Kind::Integer
        } else if all == self.integers + self.floats {
            Kind::Float
        } else if all == self.booleans {
            Kind::Boolean
        } else if all == self.dates {
            Kind::Date
        } else if all == self.dates + self.datetimes {
            Kind::DateTime
        } else {
            Kind::Text
        }
    }

    /// The kinds that were seen.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        let all = [
            ("integer", self.integers),
            ("float", self.floats),
            ("boolean", self.booleans),
            ("date", self.dates),
            ("datetime", self.datetimes),
            ("text", self.texts),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// Understands a value that has no space around it.
pub fn value(text: &str, decimal: Decimal) -> Value {
    let Some(first) = text.bytes().next() else {
        return Value::Null;
    };
    if text.len() > TYPED_BYTES_MAX {
        return Value::Text;
    }
    if matches!(first, b'#' | b'-' | b'1' | b'<' | b'N' | b'n' | b'\\') && NULLS.contains(&text) {
        return Value::Null;
    }
    if matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b',') {
        return number(text, decimal).or_else(|| moment(text).map(Value::from)).unwrap_or(Value::Text);
    }
    let boolean = ["true", "false", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(text));
    if boolean { Value::Boolean } else { Value::Text }
}

/// Understands a text of a format that has numbers, booleans and null of its own, and no times.
pub fn text_value(text: &str) -> Value {
    let may_be_a_time = text.len() <= TYPED_BYTES_MAX && text.starts_with(|first: char| first.is_ascii_digit());
    may_be_a_time.then(|| moment(text)).flatten().map_or(Value::Text, Value::from)
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Date(instant) => Self::Date(instant),
            Moment::DateTime(instant) => Self::DateTime(instant),
        }
    }
}

fn number(text: &str, decimal: Decimal) -> Option<Value> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().map(i128::from).or_else(|_| text.parse()).ok().map(Value::Integer);
    }
    // What Rust reads beyond this, such as `inf`, is not a number here.
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b',' | b'e' | b'E' | b'+' | b'-');
    if !digits.bytes().all(plain) {
        return None;
    }
    let float: f64 = match (decimal, text.contains(',')) {
        (Decimal::PointOrComma, true) if !text.contains('.') => text.replace(',', ".").parse().ok()?,
        (Decimal::Point | Decimal::PointOrComma, _) => text.parse().ok()?,
    };
    float.is_finite().then_some(Value::Float(float))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, texts: &[&str]) {
        for text in texts {
            let mut counts = Counts::default();
            counts.add(value(text, Decimal::Point));
            let found = counts.seen().into_keys().next().unwrap_or("null");
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn every_kind_has_its_values() {
        check("null", &["", "NA", "NULL", "null", "NaN", "nan", "\\N", "#N/A", "None"]);
        check("integer", &["0", "1", "-7", "+42", "007", "170141183460469231731687303715884105727"]);
        check("float", &["1.5", "-.5", "5.", "1e9", "6.02E+23", "1e-400"]);
        check("boolean", &["true", "False", "YES", "no"]);
        check("date", &["2024-02-29", "31.12.1999", "01/02/2024"]);
        check("datetime", &["2024-02-29T12:00:00Z", "2024-02-29 12:00"]);
        check("text", &["a", "-", "+", ".", "1,5", "1e400", "inf", "1.2.3", "12:30", "e5", "é", "0x10", "noon", "1e"]);
        check("text", &["999999999999999999999999999999999999999999", &"1".repeat(65)]);
    }

    #[test]
    fn a_comma_is_a_point_where_asked() {
        assert_eq!(value("1,5", Decimal::PointOrComma), Value::Float(1.5));
        assert_eq!(value("1.5", Decimal::PointOrComma), Value::Float(1.5));
        assert_eq!(value("1,234.5", Decimal::PointOrComma), Value::Text);
        assert_eq!(value("1,2,3", Decimal::PointOrComma), Value::Text);
    }

    #[test]
    fn a_column_is_what_all_its_values_are() {
        let of = |texts: &[&str]| {
            let mut counts = Counts::default();
            texts.iter().for_each(|text| counts.add(value(text, Decimal::Point)));
            counts.kind()
        };
        assert_eq!(of(&["", "NA"]), Kind::Empty);
        assert_eq!(of(&["1", "", "2"]), Kind::Integer);
        assert_eq!(of(&["1", "2.5"]), Kind::Float);
        assert_eq!(of(&["yes", "no"]), Kind::Boolean);
        assert_eq!(of(&["2024-01-01"]), Kind::Date);
        assert_eq!(of(&["2024-01-01", "2024-01-01T10:00"]), Kind::DateTime);
        assert_eq!(of(&["1", "x"]), Kind::Text);
        assert_eq!(of(&["1", "true"]), Kind::Text);
    }
}
