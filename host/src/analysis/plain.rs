//! JSON from strangers, looked through before anything is made of it.

use std::collections::HashSet;
use std::fmt;
use std::hash::BuildHasher;
use std::hash::RandomState;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

/// An object with this key is not what it seems to be to `serde_json`: it takes the text in it for the document.
const TAKEN_FOR_TEXT: &str = "$serde_json::private::RawValue";
/// How many arrays and objects may lie within each other, and who says so.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    pub max: usize,
    pub by: &'static str,
}

impl Depth {
    /// As deep as `serde_json` reads.
    pub const READABLE: Self = Self { max: 127, by: "this server" };
}

/// What a value in a document takes at least, once it is parsed, in bytes of text that take as much.
const VALUE_BYTES: usize = 64;
/// What an object takes besides: room for more members than it may have.
const OBJECT_BYTES: usize = 640;

/// Whether a text is one JSON document that means what it says, and no deeper than it may be.
///
/// # Errors
/// What it is not, and where.
pub fn check(json: &[u8], depth: Depth) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Checked { left: depth }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// What a document is, of a text that is one; see [`check`].
///
/// # Errors
/// The same, and that it is no `T`.
pub fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    check(json, Depth::READABLE)?;
    serde_json::from_slice(json)
}

/// What a text may take once it is parsed, in bytes that many times as large: its own, and some for each value that it
/// may hold. Told at a glance, and rather too much than too little.
#[must_use]
pub fn weight(json: &[u8]) -> usize {
    let (mut weight, mut inside, mut escaped) = (json.len(), false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' if !inside => weight = weight.saturating_add(OBJECT_BYTES),
            b'[' | b',' | b':' if !inside => weight = weight.saturating_add(VALUE_BYTES),
            _ => (),
        }
    }
    weight
}

/// The same of a text that becomes a document with a value for each of its lines.
#[must_use]
pub fn weight_of_lines(text: &[u8]) -> usize {
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    text.len().saturating_add(lines.saturating_mul(VALUE_BYTES))
}

/// Visits a whole document and keeps nothing, so that a big one costs no memory.
#[derive(Clone, Copy)]
struct Checked {
    /// Arrays and objects that may still open.
    left: Depth,
}

impl Checked {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let Depth { max, by } = self.left;
        let max = max.checked_sub(1).ok_or_else(|| E::custom(format_args!("nested deeper than {by} allows")))?;
        Ok(Self { left: Depth { max, by } })
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        while items.next_element_seed(within)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        let (names, mut seen) = (RandomState::new(), HashSet::new());
        while let Some(name) = members.next_key_seed(Key(&names))? {
            // Who reads it may take the first, or the last.
            if !seen.insert(name) {
                return Err(A::Error::custom("a member twice"));
            }
            members.next_value_seed(within)?;
        }
        Ok(())
    }
}

/// Of a member: its hash, by which it is known again. Nobody can find two names of one hash who does not know the key.
struct Key<'a>(&'a RandomState);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<u64, E> {
        if key == TAKEN_FOR_TEXT {
            Err(E::custom("a key that has another meaning here"))
        } else {
            Ok(self.0.hash_one(key))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_document_in_disguise_is_refused_however_it_is_written() {
        for disguised in
            [r#"{"$serde_json::private::RawValue":"5"}"#, r#"[{"a":{"\u0024serde_json::private::RawValue":"[]"}}]"#]
        {
            assert!(parse::<Value>(disguised.as_bytes()).is_err(), "{disguised}");
            assert!(serde_json::from_str::<Value>(disguised).unwrap().to_string().len() < disguised.len(), "it is one");
        }
        assert!(parse::<Value>(br#"{"$serde_json":["$serde_json::private::RawValue"]}"#).is_ok());
    }

    #[test]
    fn a_member_twice_is_refused_wherever_it_lies() {
        for twice in [r#"{"a":1,"b":2,"a":1}"#, r#"[{"a":{"x":[],"\u0078":0}}]"#] {
            assert!(parse::<Value>(twice.as_bytes()).unwrap_err().to_string().contains("twice"), "{twice}");
        }
        assert!(parse::<Value>(br#"{"a":{"a":{}},"b":[{"a":1},{"a":1}]}"#).is_ok());
    }

    #[test]
    fn what_is_as_deep_as_it_may_be_can_be_parsed() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse::<Value>(nested(Depth::READABLE.max).as_bytes()).is_ok());
        assert!(parse::<Value>(nested(Depth::READABLE.max + 1).as_bytes()).is_err());
        let three = Depth { max: 3, by: "a test" };
        assert!(check(nested(3).as_bytes(), three).is_ok());
        assert!(check(nested(4).as_bytes(), three).unwrap_err().to_string().contains("a test"));
    }

    #[test]
    fn a_document_of_many_small_values_weighs_more_than_one_of_few_large_ones() {
        assert_eq!(weight(br#"{"a":"bcd"}"#), 11 + OBJECT_BYTES + VALUE_BYTES);
        assert!(weight("{},".repeat(100).as_bytes()) > 10 * weight("x".repeat(300).as_bytes()));
        assert_eq!(weight(br#"["{{,\"{","a"]"#), 14 + 2 * VALUE_BYTES, "what lies in a text is no value");
        assert_eq!(weight_of_lines(b"a\nb\n"), 4 + 2 * VALUE_BYTES);
    }
}
