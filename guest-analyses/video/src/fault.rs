//! Why a file cannot be analysed, in words for the person who uploaded it.

use std::error::Error;
use std::fmt::Display;
use std::fmt::Formatter;
use std::io;

use crate::fields::FourCc;

/// What ends an analysis without a result.
#[derive(Debug)]
pub enum Fault {
    /// The sample could not be read, or the preview not written.
    Io(io::Error),
    /// There is no `moov` box: another format, a file cut off before it, or a segment without its initialization.
    NoMovie,
    /// A box says something that cannot be.
    Malformed { at: FourCc, what: &'static str },
    /// More of something than this analysis takes.
    TooMuch { what: &'static str, max: u64 },
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(formatter),
            Self::NoMovie => formatter.write_str(
                "there is no movie (`moov` box) in this file: it is not MP4 or MOV, it is cut off before the movie, \
                 or it is a segment that lacks its initialization segment",
            ),
            Self::Malformed { at, what } => write!(formatter, "malformed MP4: box `{at}` {what}"),
            Self::TooMuch { what, max } => write!(formatter, "too much for this analysis: more than {max} {what}"),
        }
    }
}

impl Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
