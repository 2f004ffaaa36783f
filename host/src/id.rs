//! Identifiers, parsed once at the edge and typed ever after. No two of them are interchangeable.
//!
//! Names of files and artifacts that come from clients and guests are metadata; what reaches the disk is
//! a [`SafeName`], over a closed alphabet.

mod tenant;
mod trace;

use std::borrow::Cow;
use std::fmt;

use std::str::FromStr;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;

pub use self::tenant::ClientId;
pub use self::tenant::Tenant;
pub use self::trace::TraceContext;

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// With what it should be.
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

/// Makes a type that is parsed and displayed one that serde reads and writes as that text.
macro_rules! through_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.to_string()
            }
        }
    };
}

pub(crate) use through_text;

/// Defines a newtype over a digest, written and parsed as lower-case hex.
macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $message:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps the raw digest.
            #[must_use]
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw digest.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                from_hex(text).map(Self).ok_or(InvalidId($message))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 2 * $bytes];
                f.write_str(to_hex(&self.0, &mut digits))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        described!($name, format!("^[0-9a-f]{{{}}}$", 2 * $bytes), $message);
    };
}

/// Tells the JSON Schema of what is text of one pattern.
macro_rules! described {
    ($name:ident, $pattern:expr, $says:literal) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $says })
            }
        }
    };
}

digest_id!(
    /// An upload: the SHA-1 of its bytes.
    FileId, 20, "a file id is 40 lower-case hex digits"
);
digest_id!(
    /// A run's question: SHA-1 over file, analysis name, module and args (see `analysis::key`).
    AnalysisId, 20, "an analysis id is 40 lower-case hex digits"
);
digest_id!(
    /// A SHA-256: of an upload's bytes, a module, a program or an artifact.
    Sha256, 32, "a SHA-256 is 64 lower-case hex digits"
);

digest_id!(
    /// An upload that comes in pieces: drawn by lot, and known to whoever began it alone.
    PartialId, 16, "the id of a resumable upload is 32 lower-case hex digits"
);
digest_id!(
    /// A trace: what one request somewhere set off, here and elsewhere.
    TraceId, 16, "the id of a trace is 32 lower-case hex digits"
);
digest_id!(
    /// One part of a trace.
    SpanId, 8, "the id of a span is 16 lower-case hex digits"
);
digest_id!(
    /// An upload's place in the list of them, which are ordered as their places are: by when they came, then by id.
    UploadPlace, 28, "a place in the list of uploads is 56 lower-case hex digits"
);

impl UploadPlace {
    /// Of the upload that came then, in milliseconds since 1970; what came before that counts as then.
    #[must_use]
    pub fn at(unix_ms: i64, file_id: FileId) -> Self {
        let mut bytes = [0; 28];
        let (time, id) = bytes.split_at_mut(8);
        time.copy_from_slice(&u64::try_from(unix_ms).unwrap_or(0).to_be_bytes());
        id.copy_from_slice(file_id.bytes());
        Self(bytes)
    }

    /// Whose place it is.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        let mut id = [0; 20];
        id.copy_from_slice(&self.0[8..]);
        FileId(id)
    }
}

/// The SHA-256 of a module's bytes is the module's version.
pub type ModuleDigest = Sha256;

/// What addresses one upload: whose it is, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    pub tenant: Tenant,
    pub file_id: FileId,
}

/// What addresses one run: the upload and the question asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunKey {
    pub tenant: Tenant,
    pub file_id: FileId,
    pub analysis_id: AnalysisId,
}

impl RunKey {
    /// What it is asked of.
    #[must_use]
    pub const fn file(self) -> FileKey {
        FileKey { tenant: self.tenant, file_id: self.file_id }
    }

    /// The same of another's upload.
    #[must_use]
    pub const fn of(self, tenant: Tenant) -> Self {
        Self { tenant, ..self }
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file_id, self.analysis_id)
    }
}

impl FromStr for RunKey {
    type Err = InvalidId;

    /// As it stands on disk, which does not say whose it is: that is whose data directory it stands in.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (file_id, analysis_id) = text.split_once('-').ok_or(InvalidId("a run key is two ids joined by `-`"))?;
        Ok(Self { tenant: Tenant::MAIN, file_id: file_id.parse()?, analysis_id: analysis_id.parse()? })
    }
}

/// The name of an analysis: `[a-z][a-z0-9_-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnalysisName(String);

described!(AnalysisName, "^[a-z][a-z0-9_-]{0,63}$", "the name of an analysis");

impl AnalysisName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `dummy` for `dummy_5`: the name before a final `_<digits>`, if this one has that form.
    #[must_use]
    pub fn without_number(&self) -> Option<AnalysisName> {
        let (stem, number) = self.0.rsplit_once('_')?;
        let numbered = (1..=9).contains(&number.len()) && number.bytes().all(|it| it.is_ascii_digit());
        (numbered && !stem.is_empty()).then(|| Self(stem.to_owned()))
    }
}

impl FromStr for AnalysisName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes = text.as_bytes();
        let tail = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'_' | b'-');
        let valid = bytes.len() <= 64 && bytes.first().is_some_and(u8::is_ascii_lowercase) && bytes.iter().all(tail);
        valid.then(|| Self(text.to_owned())).ok_or(InvalidId(
            "the name of an analysis is a lower-case letter, then at most 63 of a-z, 0-9, `_` and `-`",
        ))
    }
}

through_text!(AnalysisName);

impl fmt::Display for AnalysisName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file name that may stand on disk and in a link: 1 to 128 of `A-Z a-z 0-9 . _ -`, first no `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SafeName(String);

described!(SafeName, "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", "a file name out of a closed alphabet");

impl SafeName {
    /// Longest name, in bytes.
    pub const BYTES_MAX: usize = 128;
    const EXTENSION_BYTES_MAX: usize = 16;
    /// What the store itself puts beside an upload.
    const RESERVED: [&str; 3] = ["the_file", "upload.json", "analysis"];

    /// The nearest safe name to whatever a client or a guest called a file; never fails.
    #[must_use]
    pub fn from_untrusted(name: &str) -> Self {
        let mapped: String = name
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-') { it } else { '_' })
            .collect();
        let trimmed = mapped.trim_start_matches(['.', '-']).trim_end_matches('.');
        if trimmed.is_empty() || Self::RESERVED.contains(&trimmed) {
            return Self(format!("file_{trimmed}").trim_end_matches('_').to_owned());
        }
        Self(shorten(trimmed, Self::BYTES_MAX))
    }

    /// `name-2.ext`, `name-3.ext` … for the second and later file of one name.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let (stem, extension) = split_extension(&self.0);
        let tail = format!("-{number}{extension}");
        let room = Self::BYTES_MAX.saturating_sub(tail.len());
        Self(format!("{}{tail}", &stem[..stem.len().min(room)]))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SafeName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let same = Self::from_untrusted(text);
        if same.0 == text { Ok(same) } else { Err(InvalidId("not a file name that this server gives out")) }
    }
}

through_text!(SafeName);

impl fmt::Display for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cuts the stem and keeps a short extension; `name` is ASCII.
fn shorten(name: &str, bytes_max: usize) -> String {
    if name.len() <= bytes_max {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let cut = format!("{}{extension}", &stem[..stem.len().min(bytes_max - extension.len())]);
    cut.trim_end_matches('.').to_owned()
}

fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= SafeName::EXTENSION_BYTES_MAX => name.split_at(at),
        _ => (name, ""),
    }
}

/// One write for all digits: ids are written several times in every request.
fn to_hex<'a>(bytes: &[u8], digits: &'a mut [u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(digits).expect("hex digits are ASCII")
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_id_is_exactly_forty_lower_case_hex_digits() {
        let text = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        assert_eq!(text.parse::<FileId>().unwrap().to_string(), text);
        for bad in ["", "da39", &text.to_uppercase(), &format!("{text}0"), &text.replace('d', "g")] {
            assert!(bad.parse::<FileId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn places_order_by_time_then_by_id() {
        let (low, high) = (FileId::new([1; 20]), FileId::new([2; 20]));
        let ordered = [(-5, low), (0, high), (1, low), (1, high), (256, low), (i64::MAX, low)];
        let places = ordered.map(|(unix_ms, file_id)| UploadPlace::at(unix_ms, file_id));
        assert!(places.is_sorted(), "{places:?}");
        for (place, (_, file_id)) in places.iter().zip(ordered) {
            assert_eq!(place.file_id(), file_id);
            assert_eq!(place.to_string().parse(), Ok(*place));
        }
    }

    #[test]
    fn analysis_names_keep_to_their_alphabet() {
        for good in ["a", "dummy", "csv-profile", "dummy_5", &"x".repeat(64)] {
            assert!(good.parse::<AnalysisName>().is_ok(), "{good}");
        }
        for bad in ["", "A", "5a", "a b", "a/b", "a.b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<AnalysisName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_final_number_is_taken_off_a_name() {
        let stem = |it: &str| it.parse::<AnalysisName>().unwrap().without_number().map(String::from);
        assert_eq!(stem("dummy_5").as_deref(), Some("dummy"));
        for whole in ["dummy", "dummy_", "dummy_x", "dummy_5x", "dummy_1234567890"] {
            assert_eq!(stem(whole), None, "{whole}");
        }
    }

    #[test]
    fn hostile_file_names_become_safe_ones() {
        for (given, safe) in [
            ("foo bar.mp4", "foo_bar.mp4"),
            ("../../etc/passwd", "_.._etc_passwd"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("", "file"),
            ("...", "file"),
            ("the_file", "file_the_file"),
            ("upload.json", "file_upload.json"),
            ("a\nb\0c\u{1b}[31m", "a_b_c__31m"),
            ("данные.csv", "______.csv"),
        ] {
            let name = SafeName::from_untrusted(given);
            assert_eq!(name.as_str(), safe);
            assert_eq!(safe.parse::<SafeName>().unwrap(), name, "stable");
        }
        for bytes in 1..300 {
            for tail in [".", ".gz", "..", &".y".repeat(9), &format!(".{}", "y".repeat(20))] {
                let name = SafeName::from_untrusted(&format!("{}{tail}", "x".repeat(bytes)));
                assert_eq!(name.as_str().parse::<SafeName>().unwrap(), name, "{bytes} {tail}");
                let numbered = name.numbered(12);
                assert_eq!(numbered.as_str().parse::<SafeName>().unwrap(), numbered, "{bytes} {tail}");
            }
        }
        let long = SafeName::from_untrusted(&format!("{}.tar.gz", "x".repeat(4096)));
        assert_eq!(long.as_str().len(), SafeName::BYTES_MAX);
        assert!(long.as_str().ends_with(".gz"));
        assert_eq!(long.numbered(2).as_str().len(), SafeName::BYTES_MAX);
    }
}
