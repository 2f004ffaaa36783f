//! One line of the table: figures with units, a target, and whether it is met.

use std::fmt;

const KIB: f64 = 1024.0;
pub(crate) const MIB: f64 = 1024.0 * KIB;
const GIB: f64 = 1024.0 * MIB;

/// What a figure counts; it is written with the prefix that suits its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    BytesPerSecond,
    PerSecond(&'static str),
    Ratio,
}

#[derive(Debug, Clone, Copy)]
struct Figure(f64, Unit);

/// When a line's target is met.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    None,
    AtMost(f64),
    AtLeast(f64),
    /// Belljar's figure over the peer's.
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Skipped(String),
    Measured { belljar: f64, peer: Option<(String, f64)>, unit: Unit, target: Target },
}

impl Line {
    /// Belljar beside a peer or a limit.
    pub(crate) fn beside(what: impl Into<String>, unit: Unit, figures: (f64, (&str, f64)), target: Target) -> Self {
        let (belljar, (name, peer)) = figures;
        let peer = Some((name.to_owned(), peer));
        Self { what: what.into(), outcome: Outcome::Measured { belljar, peer, unit, target } }
    }

    /// Belljar by itself.
    pub(crate) fn alone(what: impl Into<String>, unit: Unit, belljar: f64, target: Target) -> Self {
        Self { what: what.into(), outcome: Outcome::Measured { belljar, peer: None, unit, target } }
    }

    /// What could not be measured, and why.
    pub(crate) fn skipped(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Skipped(reason.into()) }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Skipped(reason) => write!(f, "| {} | skipped: {reason} | | | | |", self.what),
            Outcome::Measured { belljar, peer, unit, target } => {
                let ratio = peer.as_ref().map(|(_, peer)| belljar / peer);
                let beside =
                    peer.as_ref().map_or_else(String::new, |(name, it)| format!("{name}: {}", Figure(*it, *unit)));
                let shown = ratio.map_or_else(String::new, digits);
                let (wish, met) = target.judge(*belljar, ratio, *unit);
                write!(f, "| {} | {} | {beside} | {shown} | {wish} | {met} |", self.what, Figure(*belljar, *unit))
            }
        }
    }
}

impl Target {
    fn judge(self, belljar: f64, ratio: Option<f64>, unit: Unit) -> (String, &'static str) {
        let said = |met| if met { "yes" } else { "**no**" };
        match self {
            Self::None => (String::new(), ""),
            Self::AtMost(most) => (format!("≤ {}", Figure(most, unit)), said(belljar <= most)),
            Self::AtLeast(least) => (format!("≥ {}", Figure(least, unit)), said(belljar >= least)),
            Self::RatioAtMost(most) => (format!("ratio ≤ {}", digits(most)), said(ratio.is_some_and(|it| it <= most))),
            Self::RatioAtLeast(least) => {
                (format!("ratio ≥ {}", digits(least)), said(ratio.is_some_and(|it| it >= least)))
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |steps: &[(f64, &str)]| {
            let (size, name) =
                steps.iter().find(|(size, _)| self.0.abs() >= *size).or(steps.last()).unwrap_or(&(1.0, ""));
            format!("{} {name}", digits(self.0 / size))
        };
        f.write_str(&match self.1 {
            Unit::Seconds => scaled(&[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]),
            Unit::Bytes => scaled(&[(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")]),
            Unit::BytesPerSecond => scaled(&[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")]),
            Unit::PerSecond(what) => format!("{} {what}/s", digits(self.0)),
            Unit::Ratio => digits(self.0),
        })
    }
}

/// Three digits that count, and no exponent.
fn digits(number: f64) -> String {
    let size = number.abs();
    match size {
        _ if size >= 100.0 => format!("{number:.0}"),
        _ if size >= 10.0 => format!("{number:.1}"),
        _ if size >= 1.0 => format!("{number:.2}"),
        _ if size >= 0.1 => format!("{number:.3}"),
        _ => format!("{number:.4}"),
    }
}

/// All lines, as Markdown.
pub(crate) fn table(lines: &[Line]) -> String {
    let head = "| what | belljar | peer or limit | ratio | target | met |\n|---|---|---|---|---|---|\n";
    lines.iter().fold(head.to_owned(), |table, line| format!("{table}{line}\n"))
}
