//! Args as everybody keeps them: one canonical text.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde_json::Value;

use super::plain;
use super::plain::Depth;

/// Args in the canonical form of RFC 8785. Kept as text: a parsed document can take a hundred times the room, and many
/// wait at once. Whatever is made of args is made of this text, so that the same question is the same in every detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args(String);

impl Args {
    /// Of a document.
    ///
    /// # Errors
    /// When it has no canonical form, or one that does not stand for a document.
    pub fn new(document: &Value) -> Result<Self, serde_json::Error> {
        let text = serde_json_canonicalizer::to_string(document)?;
        plain::check(text.as_bytes(), Depth::READABLE)?;
        Ok(Self(text))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document that it stands for.
    #[must_use]
    pub fn document(&self) -> Value {
        // It was looked through when it was written.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_again_is_not_taken() {
        let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| serde_json::json!([inner]));
        let args = Args::new(&nested(Depth::READABLE.max)).unwrap();
        assert_eq!(args.document(), nested(Depth::READABLE.max));
        assert!(Args::new(&nested(Depth::READABLE.max + 1)).is_err());
        assert!(Args::new(&serde_json::json!({ "$serde_json::private::RawValue": "5" })).is_err());
    }

    #[test]
    fn args_are_one_text_however_they_were_written() {
        let args: Args = serde_json::from_str(r#"{ "b": 1.0, "a": 1e2, "c": 9007199254740993 }"#).unwrap();
        assert_eq!(args.as_str(), r#"{"a":100,"b":1,"c":9007199254740992}"#);
        assert_eq!(args.document()["b"].to_string(), "1", "as it stands in the text, not as it was sent");
        assert_eq!(serde_json::to_string(&args).unwrap(), args.as_str());
        assert_eq!(serde_json::to_value(&args).unwrap(), args.document());
    }
}
