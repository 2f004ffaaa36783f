//! The time of a line, in the ways that programs write it.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;

use crate::counter::Counted;

/// A time starts at one of the first places where a word does, and not further away.
const PLACES: usize = 8;
const WITHIN: usize = 160;

/// A way to write it: its name, how it begins, and what `strptime` is to read.
struct Format {
    name: &'static str,
    begins: fn(&[u8]) -> bool,
    patterns: &'static [&'static str],
}

const FORMATS: [Format; 4] = [
    Format {
        name: "iso",
        begins: |it| is_like(it, b"0000-00-00"),
        patterns: &[
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "%Y-%m-%dT%H:%M:%S%.fZ",
            "%Y-%m-%dT%H:%M:%S%.f%z",
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f %z",
            "%Y-%m-%d %H:%M:%S%.f",
        ],
    },
    Format { name: "slashed", begins: |it| is_like(it, b"0000/00/00"), patterns: &["%Y/%m/%d %H:%M:%S%.f"] },
    Format { name: "clf", begins: |it| is_like(it, b"00/aaa/0000:"), patterns: &["%d/%b/%Y:%H:%M:%S %z"] },
    Format {
        name: "syslog",
        begins: |it| is_like(it, b"aaa 00 ") || is_like(it, b"aaa  0 "),
        patterns: &["%b %e %H:%M:%S"],
    },
];

/// Whether it begins as the model: `0` is a digit, `a` a letter, all else itself.
fn is_like(bytes: &[u8], model: &[u8]) -> bool {
    bytes.len() >= model.len()
        && bytes.iter().zip(model).all(|(byte, model)| match model {
            b'0' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            _ => byte == model,
        })
}

/// Finds times, and keeps what came.
pub struct Times {
    year: i16,
    counts: [u64; FORMATS.len() + 1],
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Times {
    pub fn new(year: i16) -> Self {
        Self { year, counts: [0; FORMATS.len() + 1], first: None, last: None }
    }

    /// Seconds since 1970, and what stands behind; none if the line has no time.
    pub fn of<'a>(&mut self, line: &'a str) -> Option<(i64, &'a str)> {
        let bytes = line.as_bytes();
        let starts = (0..bytes.len().min(WITHIN))
            .filter(|at| *at == 0 || matches!(bytes[at - 1], b' ' | b'[' | b'"' | b'(' | b'=' | b'\t' | b'\''));
        for start in starts.take(PLACES).filter(|at| line.is_char_boundary(*at)) {
            let found = FORMATS.iter().enumerate().filter(|it| (it.1.begins)(&bytes[start..]));
            let found = found.filter_map(|(number, format)| Some((number, self.read(format, &bytes[start..])?)));
            if let Some((number, (time, length))) = found.chain(epoch(&bytes[start..]).filter(|_| start == 0)).next() {
                self.counts[number] += 1;
                self.first = Some(self.first.map_or(time, |it| it.min(time)));
                self.last = Some(self.last.map_or(time, |it| it.max(time)));
                return Some((time.as_second(), line.get(start + length..).unwrap_or_default()));
            }
        }
        None
    }

    fn read(&self, format: &Format, bytes: &[u8]) -> Option<(Timestamp, usize)> {
        let bytes = &bytes[..bytes.len().min(WITHIN)];
        // Programs write fractions of a second behind a comma, too.
        let decimal: Vec<u8> = bytes.iter().map(|it| if *it == b',' { b'.' } else { *it }).collect();
        format.patterns.iter().find_map(|pattern| {
            let (mut time, length) = BrokenDownTime::parse_prefix(pattern, &decimal).ok()?;
            if time.year().is_none() {
                time.set_year(Some(self.year)).ok()?;
            }
            let time = match time.offset() {
                Some(_) => time.to_timestamp().ok()?,
                None => Offset::UTC.to_timestamp(time.to_datetime().ok()?).ok()?,
            };
            Some((time, length))
        })
    }

    pub fn found(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn formats(&self) -> Vec<Counted> {
        let names = FORMATS.iter().map(|it| it.name).chain(["epoch"]);
        names
            .zip(self.counts)
            .filter(|it| it.1 > 0)
            .map(|(name, count)| Counted { name: name.to_owned(), count })
            .collect()
    }

    pub fn first(&self) -> Option<String> {
        self.first.map(text)
    }

    pub fn last(&self) -> Option<String> {
        self.last.map(text)
    }
}

/// 2001 and 2100, as seconds since 1970: what lies without is some other number.
const SINCE: i64 = 1_000_000_000;
const UNTIL: i64 = 4_102_444_800;

/// Seconds or milliseconds since 1970.
fn epoch(bytes: &[u8]) -> Option<(usize, (Timestamp, usize))> {
    let length = bytes.iter().take_while(|it| it.is_ascii_digit()).count();
    if bytes.get(length).is_some_and(|it| !matches!(it, b'.' | b' ' | b'\t' | b',')) {
        return None;
    }
    let number: i64 = std::str::from_utf8(&bytes[..length]).ok()?.parse().ok()?;
    let seconds = match length {
        10 => number,
        13 => number / 1000,
        _ => return None,
    };
    let time = Timestamp::from_second(seconds).ok().filter(|_| (SINCE..UNTIL).contains(&seconds))?;
    Some((FORMATS.len(), (time, length)))
}

/// To the second.
pub fn text(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_in_every_way_of_writing_them() {
        for (line, expected, rest) in [
            ("2026-01-02T03:04:05Z x", "2026-01-02T03:04:05Z", " x"),
            ("2026-01-02T03:04:05.678+02:00 x", "2026-01-02T01:04:05Z", " x"),
            ("2026-01-02 03:04:05,678 [x]", "2026-01-02T03:04:05Z", " [x]"),
            (r#"{"t":"2026-01-02T03:04:05Z"}"#, "2026-01-02T03:04:05Z", r#""}"#),
            ("2026/01/02 03:04:05 [error]", "2026-01-02T03:04:05Z", " [error]"),
            (r#"::1 - - [02/Jan/2026:03:04:05 +0100] "GET""#, "2026-01-02T02:04:05Z", r#"] "GET""#),
            ("Jan  2 03:04:05 host x", "2020-01-02T03:04:05Z", " host x"),
            ("Feb 29 03:04:05 host", "2020-02-29T03:04:05Z", " host"),
            ("1767323045.5 x", "2026-01-02T03:04:05Z", ".5 x"),
            ("1767323045123 x", "2026-01-02T03:04:05Z", " x"),
        ] {
            let mut times = Times::new(2020);
            let found = times.of(line).map(|it| it.1);
            assert_eq!((times.first().as_deref(), found), (Some(expected), Some(rest)), "{line}");
        }
        for none in [
            "",
            "2026-13-02T03:04:05Z",
            "no time",
            "12345",
            "99999999999999999999 x",
            "2026-01-02",
            "ä".repeat(200).as_str(),
        ] {
            assert_eq!(Times::new(2020).of(none), None, "{none}");
        }
    }
}
