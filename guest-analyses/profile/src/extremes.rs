//! The least and the greatest of a column's values, in the order of each kind.

use std::cmp::Ordering;

use serde::Serialize;

use crate::kind::Kind;
use crate::kind::Value;
use crate::text::Shown;
use crate::time::Instant;

/// All orders are kept up, as the kind of the column is known at its end only.
#[derive(Debug, Default)]
pub struct Extremes {
    integers: Option<(i128, i128)>,
    floats: Option<(f64, f64)>,
    times: Option<(At, At)>,
    /// Whether there was a date that has no order.
    unordered_time: bool,
    texts: Option<(Box<str>, Box<str>)>,
}

/// When, and how the file writes it.
#[derive(Debug)]
struct At {
    instant: Instant,
    text: Box<str>,
}

/// A least or greatest value as it is reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Bound {
    Integer(i64),
    Float(f64),
    /// A text, a time, or an integer beyond 64 bits.
    Text(String),
}

impl Extremes {
    pub fn add(&mut self, text: &str, value: Value) {
        match value {
            Value::Null => return,
            Value::Integer(integer) => {
                let (low, high) = self.integers.get_or_insert((integer, integer));
                (*low, *high) = ((*low).min(integer), (*high).max(integer));
            }
            Value::Float(_) | Value::Boolean | Value::Text => {}
            Value::Date(instant) | Value::DateTime(instant) => self.add_time(text, instant),
        }
        if let Some(number) = value.number() {
            let (low, high) = self.floats.get_or_insert((number, number));
            (*low, *high) = (low.min(number), high.max(number));
        }
        self.add_text(Shown::new(text).as_str());
    }

    /// Least and greatest by the order of that kind.
    pub fn of(self, kind: Kind) -> (Option<Bound>, Option<Bound>) {
        let both = match kind {
            Kind::Integer => self.integers.map(|(low, high)| (Bound::from(low), Bound::from(high))),
            Kind::Float => self.floats.map(|(low, high)| (Bound::Float(low), Bound::Float(high))),
            Kind::Date | Kind::DateTime if self.unordered_time => None,
            Kind::Date | Kind::DateTime => {
                self.times.map(|(low, high)| (Bound::Text(low.text.into()), Bound::Text(high.text.into())))
            }
            Kind::Text => self.texts.map(|(low, high)| (Bound::Text(low.into()), Bound::Text(high.into()))),
            Kind::Boolean | Kind::Empty => None,
        };
        both.unzip()
    }

    fn add_time(&mut self, text: &str, instant: Option<Instant>) {
        let Some(instant) = instant else {
            self.unordered_time = true;
            return;
        };
        let at = || At { instant, text: text.into() };
        let Some((low, high)) = &mut self.times else {
            self.times = Some((at(), at()));
            return;
        };
        if instant < low.instant {
            *low = at();
        }
        if instant > high.instant {
            *high = at();
        }
    }

    fn add_text(&mut self, text: &str) {
        let Some((low, high)) = &mut self.texts else {
            self.texts = Some((text.into(), text.into()));
            return;
        };
        if text.cmp(low) == Ordering::Less {
            *low = text.into();
        } else if text.cmp(high) == Ordering::Greater {
            *high = text.into();
        }
    }
}

impl From<i128> for Bound {
    fn from(integer: i128) -> Self {
        i64::try_from(integer).map_or_else(|_| Self::Text(integer.to_string()), Self::Integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Decimal;
    use crate::kind::value;

    fn check(kind: Kind, texts: &[&str], expected: &str) {
        let mut extremes = Extremes::default();
        texts.iter().for_each(|text| extremes.add(text, value(text, Decimal::Point)));
        assert_eq!(serde_json::to_string(&extremes.of(kind)).unwrap(), expected);
    }

    #[test]
    fn each_kind_has_its_order() {
        check(Kind::Integer, &["9", "10", "", "-3"], "[-3,10]");
        check(Kind::Integer, &["9", "9223372036854775808"], r#"[9,"9223372036854775808"]"#);
        check(Kind::Float, &["9", "10.5", "1e1"], "[9.0,10.5]");
        check(Kind::Text, &["b", "9", "10", ""], r#"["10","b"]"#);
        check(Kind::Date, &["31.01.2024", "01.02.2024", "2023-12-31"], r#"["2023-12-31","01.02.2024"]"#);
        check(Kind::Date, &["31.01.2024", "01/02/2024"], "[null,null]");
        check(
            Kind::DateTime,
            &["2024-01-01T10:00+02:00", "2024-01-01T09:00Z", "2024-01-01"],
            r#"["2024-01-01","2024-01-01T09:00Z"]"#,
        );
        check(Kind::Empty, &[""], "[null,null]");
    }
}
