//! What belongs together, here and at whoever asked: a request, and the runs that it began, are parts of one trace.

use std::fmt;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::Serialize;

use super::InvalidId;
use super::SpanId;
use super::TraceId;
use super::through_text;

/// One part of a trace. Written as a `traceparent` (W3C Trace Context, section 3.2): whoever sends that names itself as the
/// part that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    pub trace: TraceId,
    pub span: SpanId,
    /// Whether somebody may keep what is told of it.
    pub sampled: bool,
}

impl TraceContext {
    /// The first part of a trace that nobody knows of yet. Not secret: whoever has some may guess others.
    #[must_use]
    pub fn begin() -> Self {
        Self::within(TraceId::new([draw(), draw()].concat().try_into().unwrap_or_default()))
    }

    /// The first part here of that trace.
    #[must_use]
    pub fn within(trace: TraceId) -> Self {
        Self { trace, span: SpanId::new(draw()), sampled: true }
    }

    /// A new part of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span: SpanId::new(draw()), ..self }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl FromStr for TraceContext {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse(text).ok_or(InvalidId("a traceparent is 00-<32 hex digits>-<16 hex digits>-<2 hex digits>"))
    }
}

through_text!(TraceContext);

fn parse(text: &str) -> Option<TraceContext> {
    let mut fields = text.splitn(5, '-');
    let [version, trace, span, flags] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    // Later versions may add fields, at the end.
    let more_is_known = version != "00" || fields.next().is_none();
    if !more_is_known || byte(version)? == 0xff {
        return None;
    }
    let trace = TraceId::from_str(trace).ok().filter(|it| it.bytes() != &[0; 16])?;
    let span = SpanId::from_str(span).ok().filter(|it| it.bytes() != &[0; 8])?;
    Some(TraceContext { trace, span, sampled: byte(flags)? & 1 == 1 })
}

fn byte(digits: &str) -> Option<u8> {
    let are_digits = digits.len() == 2 && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    are_digits.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// What nobody drew before, and most likely no other server.
fn draw() -> [u8; 8] {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    KEY.hash_one(DRAWN.fetch_add(1, Ordering::Relaxed)).max(1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let context: TraceContext = EXAMPLE.parse().unwrap();
        assert_eq!(context.to_string(), EXAMPLE);
        assert!(context.sampled);
        assert!(!EXAMPLE.replace("-01", "-00").parse::<TraceContext>().unwrap().sampled);
        let child = context.child();
        assert_eq!((child.trace, child.sampled), (context.trace, true));
        assert_ne!(child.span, context.span);
        assert_ne!(TraceContext::begin().trace, TraceContext::begin().trace);
    }

    #[test]
    fn a_later_version_may_say_more_and_this_one_may_not() {
        let later = EXAMPLE.replacen("00", "cc", 1);
        for text in [later.clone(), format!("{later}-what-the-future-will-be-like")] {
            assert_eq!(text.parse::<TraceContext>().unwrap(), EXAMPLE.parse().unwrap());
        }
        for other in [
            format!("{EXAMPLE}-more"),
            EXAMPLE.replacen("00", "ff", 1),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replace("00f067aa0ba902b7", "0000000000000000"),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            EXAMPLE.replace("4bf9", "bf9"),
            EXAMPLE.replace("-01", "-1"),
            EXAMPLE.replace("-01", ""),
            String::new(),
        ] {
            assert!(other.parse::<TraceContext>().is_err(), "{other}");
        }
    }
}
