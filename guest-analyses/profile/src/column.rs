//! One column: everything that is kept of its values, and what it comes to.

use serde::Serialize;

use crate::budget::Budget;
use crate::extremes::Bound;
use crate::extremes::Extremes;
use crate::kind::Counts;
use crate::kind::Decimal;
use crate::kind::Kind;
use crate::kind::Value;
use crate::kind::text_value;
use crate::kind::value;
use crate::moments::Moments;
use crate::quantiles;
use crate::quantiles::RANKS;
use crate::sketch::Sketches;
use crate::values::Frequent;
use crate::values::Full;
use crate::values::Key;
use crate::values::Values;

/// A column while its values come in.
#[derive(Debug)]
pub struct Column {
    name: String,
    decimal: Decimal,
    counts: Counts,
    values: Values,
    /// From the moment on when not all values fit.
    sketches: Option<Sketches>,
    moments: Moments,
    extremes: Extremes,
    lengths: Lengths,
}

#[derive(Debug, Default)]
struct Lengths {
    range: Option<(u64, u64)>,
    sum: u64,
}

/// What a column comes to.
#[derive(Debug, Serialize)]
pub struct ColumnReport {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    types: std::collections::BTreeMap<&'static str, u64>,
    /// Values that are not null.
    count: u64,
    nulls: u64,
    distinct: Distinct,
    min: Option<Bound>,
    max: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<LengthReport>,
    top: Top,
}

#[derive(Debug, Serialize)]
struct Distinct {
    count: u64,
    exact: bool,
}

#[derive(Debug, Serialize)]
struct Numbers {
    mean: Option<f64>,
    stddev: Option<f64>,
    quantiles: Quantiles,
}

#[derive(Debug, Serialize)]
struct Quantiles {
    exact: bool,
    p05: f64,
    p25: f64,
    p50: f64,
    p75: f64,
    p95: f64,
}

/// In characters.
#[derive(Debug, Serialize)]
struct LengthReport {
    min: u64,
    max: u64,
    mean: f64,
}

#[derive(Debug, Serialize)]
struct Top {
    exact: bool,
    values: Vec<Frequent>,
}

impl Column {
    /// One without a value.
    pub fn new(name: String, decimal: Decimal, budget: &Budget) -> Self {
        Self {
            name,
            decimal,
            counts: Counts::default(),
            values: Values::new(budget),
            sketches: None,
            moments: Moments::default(),
            extremes: Extremes::default(),
            lengths: Lengths::default(),
        }
    }

    /// Takes a value that has no space around it.
    pub fn add(&mut self, text: &str, budget: &mut Budget) {
        match value(text, self.decimal) {
            Value::Null => self.add_nulls(1),
            value => self.add_value(text, value, budget),
        }
    }

    /// Takes what a format that has types calls a text: one of digits is no number, and none is null.
    pub fn add_text(&mut self, text: &str, budget: &mut Budget) {
        self.add_value(text, text_value(text), budget);
    }

    /// Takes nulls.
    pub fn add_nulls(&mut self, count: u64) {
        self.counts.add_nulls(count);
    }

    fn add_value(&mut self, text: &str, value: Value, budget: &mut Budget) {
        self.counts.add(value);
        let key = Key::new(text);
        if let Err(Full) = self.values.add(key, budget) {
            if self.sketches.is_none() {
                self.sketches = Some(self.sketched(budget));
            }
            self.values.forget(budget);
            self.values.add(key, budget).expect("an emptied table has room for one value");
        }
        let number = value.number();
        if let Some(number) = number {
            self.moments.add(number);
        }
        if let Some(sketches) = &mut self.sketches {
            sketches.add_value(key.hash());
            if let Some(number) = number {
                sketches.add_number(number);
            }
        }
        self.extremes.add(text, value);
        self.lengths.add(text);
    }

    /// What it comes to, with at most that many frequent values.
    pub fn into_report(mut self, top: usize) -> ColumnReport {
        let kind = self.counts.kind();
        let numbers = matches!(kind, Kind::Integer | Kind::Float).then(|| self.numbers()).flatten();
        let exact = self.values.is_exact();
        let known = u64::try_from(self.values.len()).unwrap_or(u64::MAX);
        let count = self.sketches.as_ref().map_or(known, |sketches| sketches.distinct().min(self.counts.values()));
        let (min, max) = self.extremes.of(kind);
        ColumnReport {
            name: self.name,
            kind,
            types: self.counts.seen(),
            count: self.counts.values(),
            nulls: self.counts.nulls(),
            distinct: Distinct { count, exact },
            min,
            max,
            numbers,
            length: (kind == Kind::Text).then(|| self.lengths.report(self.counts.values())).flatten(),
            top: Top { exact, values: self.values.into_frequent(top) },
        }
    }

    /// Sketches of all values so far, of which none is forgotten yet.
    fn sketched(&self, budget: &Budget) -> Sketches {
        let mut sketches = Sketches::new(budget.grain());
        for (hash, text, count) in self.values.entries() {
            sketches.add_value(hash);
            // One for each row that brought it, so over a whole file this costs as much as adding them at once.
            if let Some(number) = value(text, self.decimal).number() {
                (0..count).for_each(|_| sketches.add_number(number));
            }
        }
        sketches
    }

    fn numbers(&mut self) -> Option<Numbers> {
        let exact = self.sketches.is_none();
        let quantiles = match &mut self.sketches {
            Some(sketches) => sketches.quantiles(),
            None => {
                let number = |text| value(text, self.decimal).number();
                let numbers = self.values.entries().filter_map(|(_, text, count)| Some((number(text)?, count)));
                quantiles::exact(numbers.collect())
            }
        };
        let [p05, p25, p50, p75, p95]: [f64; RANKS.len()] = quantiles?;
        let quantiles = Quantiles { exact, p05, p25, p50, p75, p95 };
        Some(Numbers { mean: self.moments.mean(), stddev: self.moments.deviation(), quantiles })
    }
}

impl Lengths {
    fn add(&mut self, text: &str) {
        let length = text.chars().count() as u64;
        let (low, high) = self.range.get_or_insert((length, length));
        (*low, *high) = ((*low).min(length), (*high).max(length));
        self.sum = self.sum.saturating_add(length);
    }

    fn report(&self, values: u64) -> Option<LengthReport> {
        self.range.map(|(min, max)| LengthReport { min, max, mean: self.sum as f64 / values as f64 })
    }
}
