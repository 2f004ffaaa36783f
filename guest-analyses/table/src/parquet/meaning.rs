//! What values are: how they are stored, what they mean, and how that reads.

use std::fmt;

use belljar_sdk::Failure;

use crate::parquet::thrift::Field;
use crate::parquet::thrift::Thrift;

/// How values are stored; of those of a fixed width, in how many bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    ByteArray,
    Fixed(usize),
}

/// What the file says that they mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Logical {
    #[default]
    None,
    Text,
    Map,
    List,
    Decimal(u32),
    Date,
    Time(Unit),
    Timestamp(Unit, Zone),
    Signed,
    Unsigned,
    Uuid,
    Float16,
    Other,
}

/// How they are printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Meaning {
    Number,
    Unsigned32,
    Unsigned64,
    Text,
    Bytes,
    Date,
    Time(Unit),
    Timestamp(Unit, Zone),
    Julian,
    Decimal(u32),
    Uuid,
    Float16,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// Whether an instant is known, or what a clock on a wall shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Zone {
    Utc,
    Local,
}

impl Physical {
    /// `None` where there is no such type, or no such width.
    pub fn new(number: i64, width: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Boolean,
            1 => Self::Int32,
            2 => Self::Int64,
            3 => Self::Int96,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::ByteArray,
            7 => Self::Fixed(usize::try_from(width).ok().filter(|width| (1..=1 << 20).contains(width))?),
            _ => return None,
        })
    }
}

impl Logical {
    pub fn parse(thrift: &mut Thrift<'_>, field: Field) -> Result<Self, Failure> {
        let mut logical = Self::Other;
        thrift.structure_of(field, |thrift, field| {
            logical = match field.id {
                1 | 4 | 12 => Self::Text,
                2 => Self::Map,
                3 => Self::List,
                6 => Self::Date,
                14 => Self::Uuid,
                15 => Self::Float16,
                5 => return Self::decimal(thrift, field).map(|it| logical = it),
                7 | 8 => return Self::time(thrift, field).map(|it| logical = it),
                10 => return Self::integer(thrift, field).map(|it| logical = it),
                _ => Self::Other,
            };
            thrift.skip(field)
        })?;
        Ok(logical)
    }

    /// From the older way to say it.
    pub fn of_converted(converted: i64, scale: i64) -> Self {
        match converted {
            0 | 4 | 19 => Self::Text,
            1 | 2 => Self::Map,
            3 => Self::List,
            5 => u32::try_from(scale).map_or(Self::Other, Self::Decimal),
            6 => Self::Date,
            7 => Self::Time(Unit::Millis),
            8 => Self::Time(Unit::Micros),
            9 => Self::Timestamp(Unit::Millis, Zone::Utc),
            10 => Self::Timestamp(Unit::Micros, Zone::Utc),
            11..=14 => Self::Unsigned,
            15..=18 => Self::Signed,
            _ => Self::Other,
        }
    }

    fn decimal(thrift: &mut Thrift<'_>, field: Field) -> Result<Self, Failure> {
        let mut scale = 0;
        thrift.structure_of(field, |thrift, field| match field.id {
            1 => thrift.integer(field).map(|it| scale = it),
            _ => thrift.skip(field),
        })?;
        Ok(u32::try_from(scale).map_or(Self::Other, Self::Decimal))
    }

    fn integer(thrift: &mut Thrift<'_>, field: Field) -> Result<Self, Failure> {
        let mut logical = Self::Signed;
        thrift.structure_of(field, |thrift, field| match field.id {
            2 => thrift.boolean(field).map(|signed| logical = if signed { Self::Signed } else { Self::Unsigned }),
            _ => thrift.skip(field),
        })?;
        Ok(logical)
    }

    fn time(thrift: &mut Thrift<'_>, field: Field) -> Result<Self, Failure> {
        let (mut zone, mut unit, id) = (Zone::Local, Unit::Millis, field.id);
        thrift.structure_of(field, |thrift, field| match field.id {
            1 => thrift.boolean(field).map(|utc| zone = if utc { Zone::Utc } else { Zone::Local }),
            2 => thrift.structure_of(field, |thrift, field| {
                unit = match field.id {
                    1 => Unit::Millis,
                    2 => Unit::Micros,
                    _ => Unit::Nanos,
                };
                thrift.skip(field)
            }),
            _ => thrift.skip(field),
        })?;
        Ok(if id == 7 { Self::Time(unit) } else { Self::Timestamp(unit, zone) })
    }
}

impl Meaning {
    /// What does not fit how it is stored means nothing.
    pub fn new(physical: Physical, logical: Logical) -> Self {
        use Physical::ByteArray;
        use Physical::Fixed;
        use Physical::Int32;
        use Physical::Int64;
        match (logical, physical) {
            (_, Physical::Int96) => Self::Julian,
            (Logical::Text, ByteArray | Fixed(_)) => Self::Text,
            (Logical::Decimal(scale), Int32 | Int64 | ByteArray | Fixed(_)) => Self::Decimal(scale),
            (Logical::Date, Int32) => Self::Date,
            (Logical::Time(unit), Int32 | Int64) => Self::Time(unit),
            (Logical::Timestamp(unit, zone), Int64) => Self::Timestamp(unit, zone),
            (Logical::Unsigned, Int32) => Self::Unsigned32,
            (Logical::Unsigned, Int64) => Self::Unsigned64,
            (Logical::Uuid, Fixed(16)) => Self::Uuid,
            (Logical::Float16, Fixed(2)) => Self::Float16,
            (_, ByteArray | Fixed(_)) => Self::Bytes,
            _ => Self::Number,
        }
    }
}

impl Unit {
    pub fn per_second(self) -> i64 {
        10_i64.pow(self.digits())
    }

    pub fn digits(self) -> u32 {
        match self {
            Self::Millis => 3,
            Self::Micros => 6,
            Self::Nanos => 9,
        }
    }
}

impl fmt::Display for Physical {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => formatter.write_str("BOOLEAN"),
            Self::Int32 => formatter.write_str("INT32"),
            Self::Int64 => formatter.write_str("INT64"),
            Self::Int96 => formatter.write_str("INT96"),
            Self::Float => formatter.write_str("FLOAT"),
            Self::Double => formatter.write_str("DOUBLE"),
            Self::ByteArray => formatter.write_str("BYTE_ARRAY"),
            Self::Fixed(width) => write!(formatter, "FIXED_LEN_BYTE_ARRAY({width})"),
        }
    }
}

impl fmt::Display for Logical {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = |unit: &Unit| match unit {
            Unit::Millis => "MILLIS",
            Unit::Micros => "MICROS",
            Unit::Nanos => "NANOS",
        };
        match self {
            Self::None | Self::Other | Self::Map | Self::List => Ok(()),
            Self::Text => formatter.write_str(" STRING"),
            Self::Decimal(scale) => write!(formatter, " DECIMAL(scale {scale})"),
            Self::Date => formatter.write_str(" DATE"),
            Self::Time(it) => write!(formatter, " TIME({})", unit(it)),
            Self::Timestamp(it, Zone::Utc) => write!(formatter, " TIMESTAMP({}, UTC)", unit(it)),
            Self::Timestamp(it, Zone::Local) => write!(formatter, " TIMESTAMP({}, local)", unit(it)),
            Self::Signed => formatter.write_str(" INTEGER(signed)"),
            Self::Unsigned => formatter.write_str(" INTEGER(unsigned)"),
            Self::Uuid => formatter.write_str(" UUID"),
            Self::Float16 => formatter.write_str(" FLOAT16"),
        }
    }
}
