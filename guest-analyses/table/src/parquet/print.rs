//! Values as they read.

use std::fmt::Write;

use crate::parquet::meaning::Meaning;
use crate::parquet::meaning::Unit;
use crate::parquet::meaning::Zone;

/// A value as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Raw<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

/// What has been printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Printed {
    /// A number, a boolean, a time.
    Scalar,
    Text,
    /// Nothing: a float that is infinite or no number.
    NotFinite,
}

const DAY_SECONDS: i64 = 86_400;
/// The day 1970-01-01 as counted in INT96.
const JULIAN_EPOCH: i64 = 2_440_588;

/// Appends a value.
pub fn print(meaning: Meaning, raw: Raw<'_>, text: &mut String) -> Printed {
    let written = match (raw, meaning) {
        (Raw::Boolean(value), _) => write!(text, "{value}"),
        (Raw::Float(value), _) if !value.is_finite() => return Printed::NotFinite,
        (Raw::Double(value), _) if !value.is_finite() => return Printed::NotFinite,
        // `Debug` is short where `Display` writes out three hundred zeros.
        (Raw::Float(value), _) => write!(text, "{value:?}"),
        (Raw::Double(value), _) => write!(text, "{value:?}"),
        (Raw::Integer(value), Meaning::Unsigned32) => write!(text, "{}", value & 0xffff_ffff),
        (Raw::Integer(value), Meaning::Unsigned64) => write!(text, "{}", value.cast_unsigned()),
        (Raw::Integer(value), Meaning::Date) => day(value, text),
        (Raw::Integer(value), Meaning::Time(unit)) => time(value, unit, text),
        (Raw::Integer(value), Meaning::Timestamp(unit, zone)) => instant(value, (unit, zone), text),
        (Raw::Integer(value), Meaning::Decimal(scale)) => decimal(value.into(), scale, text),
        (Raw::Integer(value), _) => write!(text, "{value}"),
        (Raw::Bytes(bytes), meaning) => return print_bytes(meaning, bytes, text),
    };
    written.expect("a text takes all that is written");
    Printed::Scalar
}

fn print_bytes(meaning: Meaning, bytes: &[u8], text: &mut String) -> Printed {
    let written = match (meaning, bytes) {
        (Meaning::Text, _) => {
            text.push_str(&String::from_utf8_lossy(bytes));
            return Printed::Text;
        }
        (Meaning::Decimal(scale), [first, ..]) if bytes.len() <= 16 => {
            let sign = if first & 0x80 == 0 { 0 } else { -1 };
            decimal(bytes.iter().fold(sign, |sum, byte| sum << 8 | i128::from(*byte)), scale, text)
        }
        (Meaning::Float16, [low, high]) => {
            let Some(value) = half(u16::from_le_bytes([*low, *high])) else { return Printed::NotFinite };
            write!(text, "{value:?}")
        }
        (Meaning::Julian, _) => julian(bytes, text),
        (Meaning::Uuid, _) => {
            hex(&bytes[..4.min(bytes.len())], text);
            bytes[4.min(bytes.len())..].chunks(2).enumerate().for_each(|(at, pair)| {
                text.push_str(if at < 4 { "-" } else { "" });
                hex(pair, text);
            });
            return Printed::Text;
        }
        _ => {
            match str::from_utf8(bytes) {
                Ok(plain) if !plain.contains(char::is_control) => text.push_str(plain),
                _ => hex(bytes, text),
            }
            return Printed::Text;
        }
    };
    written.expect("a text takes all that is written");
    Printed::Scalar
}

fn hex(bytes: &[u8], text: &mut String) {
    bytes.iter().for_each(|byte| write!(text, "{byte:02x}").expect("a text takes all that is written"));
}

fn decimal(value: i128, scale: u32, text: &mut String) -> std::fmt::Result {
    let Some(unit) = 10_u128.checked_pow(scale).filter(|unit| *unit > 1) else {
        return write!(text, "{value}");
    };
    let (sign, digits) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let width = usize::try_from(scale).unwrap_or(0);
    write!(text, "{sign}{}.{:0width$}", digits / unit, digits % unit)
}

/// A day since 1970, after Howard Hinnant's `civil_from_days`.
fn day(days: i64, text: &mut String) -> std::fmt::Result {
    // No further than fits; nothing that is stored is.
    let days = days.clamp(-1 << 50, 1 << 50) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(text, "{year:04}-{month:02}-{:02}", of_year - (153 * shifted + 2) / 5 + 1)
}

fn time(value: i64, unit: Unit, text: &mut String) -> std::fmt::Result {
    let (seconds, rest) = (value.div_euclid(unit.per_second()), value.rem_euclid(unit.per_second()));
    write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    if rest == 0 {
        return Ok(());
    }
    let width = usize::try_from(unit.digits()).unwrap_or(0);
    write!(text, ".{rest:0width$}")?;
    text.truncate(text.trim_end_matches('0').len());
    Ok(())
}

fn instant(value: i64, (unit, zone): (Unit, Zone), text: &mut String) -> std::fmt::Result {
    let per_day = DAY_SECONDS * unit.per_second();
    day(value.div_euclid(per_day), text)?;
    text.push('T');
    time(value.rem_euclid(per_day), unit, text)?;
    text.push_str(if zone == Zone::Utc { "Z" } else { "" });
    Ok(())
}

/// Nanoseconds of the day, and the day.
fn julian(bytes: &[u8], text: &mut String) -> std::fmt::Result {
    let Some(([nanos @ .., _, _, _, _], [.., a, b, c, d])) = bytes.first_chunk::<12>().map(|it| (it, it)) else {
        return Ok(());
    };
    let nanos = nanos.iter().rev().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    let per_day = DAY_SECONDS * Unit::Nanos.per_second();
    day(i64::from(u32::from_le_bytes([*a, *b, *c, *d])) - JULIAN_EPOCH + nanos.div_euclid(per_day), text)?;
    text.push('T');
    time(nanos.rem_euclid(per_day), Unit::Nanos, text)
}

/// A float of sixteen bits; `None` if it is infinite or no number.
fn half(bits: u16) -> Option<f32> {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let value = match exponent {
        0x1f => return None,
        0 => fraction * 2_f32.powi(-24),
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    };
    Some(if bits >> 15 == 1 { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(meaning: Meaning, raw: Raw<'_>, expected: &str) {
        let mut text = String::new();
        print(meaning, raw, &mut text);
        assert_eq!(text, expected, "{meaning:?} {raw:?}");
    }

    #[test]
    fn times_read_as_iso_8601() {
        let micros = Meaning::Timestamp(Unit::Micros, Zone::Utc);
        check(Meaning::Date, Raw::Integer(19_782), "2024-02-29");
        check(Meaning::Date, Raw::Integer(-1), "1969-12-31");
        check(Meaning::Date, Raw::Integer(-719_528), "0000-01-01");
        check(micros, Raw::Integer(1_500_000), "1970-01-01T00:00:01.5Z");
        check(micros, Raw::Integer(-1), "1969-12-31T23:59:59.999999Z");
        check(micros, Raw::Integer(i64::MIN), "-290308-12-21T19:59:05.224192Z");
        check(Meaning::Timestamp(Unit::Nanos, Zone::Local), Raw::Integer(10), "1970-01-01T00:00:00.00000001");
        check(Meaning::Time(Unit::Millis), Raw::Integer(86_399_000), "23:59:59");
        let int96 = [1_000_000_000_u64.to_le_bytes().as_slice(), &2_440_589_u32.to_le_bytes()].concat();
        check(Meaning::Julian, Raw::Bytes(&int96), "1970-01-02T00:00:01");
        check(Meaning::Julian, Raw::Bytes(&[0xff; 12]), "11754508-12-12T23:59:59.999999999");
    }

    #[test]
    fn numbers_read_as_numbers() {
        check(Meaning::Decimal(2), Raw::Integer(-5), "-0.05");
        check(Meaning::Decimal(0), Raw::Integer(7), "7");
        check(Meaning::Decimal(99), Raw::Integer(7), "7");
        check(Meaning::Decimal(3), Raw::Bytes(&[0xff, 0x00]), "-0.256");
        check(Meaning::Decimal(38), Raw::Bytes(&[0x7f; 16]), "1.69473963133173273960190490760135540607");
        check(Meaning::Unsigned32, Raw::Integer(-1), "4294967295");
        check(Meaning::Unsigned64, Raw::Integer(-1), "18446744073709551615");
        check(Meaning::Number, Raw::Float(0.1), "0.1");
        check(Meaning::Number, Raw::Double(1e300), "1e300");
        check(Meaning::Float16, Raw::Bytes(&[0x00, 0x3c]), "1.0");
        check(Meaning::Float16, Raw::Bytes(&[0x00, 0xc1]), "-2.5");
        assert_eq!(print(Meaning::Float16, Raw::Bytes(&[0, 0x7c]), &mut String::new()), Printed::NotFinite);
        assert_eq!(print(Meaning::Number, Raw::Double(f64::NAN), &mut String::new()), Printed::NotFinite);
    }

    #[test]
    fn bytes_read_as_text_or_hexadecimal() {
        check(Meaning::Bytes, Raw::Bytes("é".as_bytes()), "é");
        check(Meaning::Bytes, Raw::Bytes(&[0, 255]), "00ff");
        check(Meaning::Text, Raw::Bytes(&[b'a', 255]), "a\u{fffd}");
        let uuid: Vec<u8> = (0..16).collect();
        check(Meaning::Uuid, Raw::Bytes(&uuid), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        check(Meaning::Decimal(2), Raw::Bytes(&[]), "");
    }
}
