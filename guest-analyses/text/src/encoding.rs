//! From bytes to text.

use std::borrow::Cow;

use belljar_sdk::Failure;
use chardetng::EncodingDetector;
use chardetng::Iso2022JpDetection;
use chardetng::Utf8Detection;
use schemars::JsonSchema;
use serde::Serialize;

/// What the bytes are.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Encoding {
    /// As the WHATWG names it: UTF-8, windows-1252, Shift_JIS, …
    pub name: &'static str,
    /// Whether a byte order mark says so; otherwise it is told by the bytes.
    pub has_mark: bool,
    /// Whether all of it is ASCII, which is the same in nearly every encoding.
    pub is_ascii: bool,
    /// Bytes that make no sense in it.
    pub has_errors: bool,
}

/// UTF-16 without a mark is told by this share of zero bytes at every other place.
const ZERO_SHARE: f64 = 0.4;
const LOOK_BYTES: usize = 4096;

pub fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), Failure> {
    let marked = encoding_rs::Encoding::for_bom(bytes).map(|it| it.0);
    let encoding = marked.or_else(|| utf16(bytes)).unwrap_or_else(|| guess(bytes));
    let is_wide = encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE;
    if !is_wide && bytes.contains(&0) {
        return Err(Failure::new("this is no text: there are zero bytes in it"));
    }
    let (text, encoding, has_errors) = encoding.decode(bytes);
    let is_ascii = bytes.is_ascii();
    Ok((text, Encoding { name: encoding.name(), has_mark: marked.is_some(), is_ascii, has_errors }))
}

fn guess(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

fn utf16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let look = &bytes[..bytes.len().min(LOOK_BYTES) & !1];
    let zeros = |from: usize| look.iter().skip(from).step_by(2).filter(|it| **it == 0).count() as f64;
    let pairs = (look.len() / 2) as f64;
    let (even, odd) = (zeros(0) / pairs, zeros(1) / pairs);
    if odd > ZERO_SHARE && even < ZERO_SHARE / 4.0 {
        Some(encoding_rs::UTF_16LE)
    } else if even > ZERO_SHARE && odd < ZERO_SHARE / 4.0 {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}
