//! Args as everybody keeps them: one canonical text.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde::ser;
use serde_json::Value;
use serde_json::value::RawValue;

/// Args in the canonical form of RFC 8785. Kept as text: a parsed document can take a hundred times the room, and many
/// wait at once. Whatever is made of args is made of this text, so that the same question is the same in every detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args(String);

impl Args {
    /// Of a document.
    ///
    /// # Errors
    /// When it has no canonical form.
    pub fn new(document: &Value) -> Result<Self, serde_json::Error> {
        serde_json_canonicalizer::to_string(document).map(Self)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document that it stands for.
    #[must_use]
    pub fn document(&self) -> Value {
        // It was written by a serializer.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
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
    fn args_are_one_text_however_they_were_written() {
        let args: Args = serde_json::from_str(r#"{ "b": 1.0, "a": 1e2, "c": 9007199254740993 }"#).unwrap();
        assert_eq!(args.as_str(), r#"{"a":100,"b":1,"c":9007199254740992}"#);
        assert_eq!(args.document()["b"].to_string(), "1", "as it stands in the text, not as it was sent");
        assert_eq!(serde_json::to_string(&args).unwrap(), args.as_str());
        assert_eq!(serde_json::to_value(&args).unwrap(), args.document());
    }
}
