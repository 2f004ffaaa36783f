//! The examples of a descriptor as tests: `golden::check(DESCRIPTOR, analysis)` in a unit test of the analysis.
//!
//! An example is `input_text` or `input_base64`, `args`, and the `result`, or as much of it as should be compared: of any
//! object only the members that are named.

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;

use crate::failure::Failure;
use crate::sample::Sample;

#[derive(Deserialize)]
struct Descriptor {
    #[serde(default)]
    args: Value,
    #[serde(default)]
    examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    input_text: Option<String>,
    input_base64: Option<String>,
    #[serde(default)]
    args: Map<String, Value>,
    result: Value,
}

/// Runs every example of that descriptor and compares.
///
/// # Panics
/// When there is none, when one cannot be read, and when one has another result.
pub fn check<A: DeserializeOwned, R: Serialize>(
    descriptor: &[u8],
    mut analysis: impl FnMut(Sample, A) -> Result<R, Failure>,
) {
    let descriptor: Descriptor = serde_json::from_slice(descriptor).expect("the descriptor is JSON");
    assert!(!descriptor.examples.is_empty(), "a descriptor should have an example");
    for (number, example) in descriptor.examples.iter().enumerate() {
        let args = Value::Object(with_defaults(example.args.clone(), &descriptor.args));
        let args = serde_json::from_value(args).unwrap_or_else(|error| panic!("args of example {number}: {error}"));
        let result = analysis(Sample::of_bytes(input(example)), args);
        let result = result.unwrap_or_else(|failure| panic!("example {number} fails: {}", failure.message()));
        let result = serde_json::to_value(result).expect("a result is JSON");
        if let Some(pointer) = difference(&example.result, &result) {
            panic!("example {number} differs at `{pointer}`: {result:#}");
        }
    }
}

fn input(example: &Example) -> Vec<u8> {
    match (&example.input_text, &example.input_base64) {
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(text)) => base64(text).expect("`input_base64` is base64"),
        _ => panic!("an example has `input_text` or `input_base64`"),
    }
}

/// Args with the defaults of their schema where they say nothing, as the host fills them in.
fn with_defaults(mut args: Map<String, Value>, schema: &Value) -> Map<String, Value> {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = property.get("default") {
            args.entry(name).or_insert_with(|| default.clone());
        }
    }
    args
}

/// Where `found` is not what was expected, as a JSON pointer.
pub(crate) fn difference(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, expected)| {
            let inside = found.get(name).map_or(Some(String::new()), |found| difference(expected, found));
            inside.map(|pointer| format!("/{name}{pointer}"))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(at, (expected, found))| Some(format!("/{at}{}", difference(expected, found)?)))
        }
        _ => (expected != found).then(String::new),
    }
}

/// Decodes RFC 4648, padding or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four.iter().try_fold(0, |bits, byte| Some(bits << 6 | u32::from(digit(*byte)?)))?;
        let [_, three @ ..] = (bits << (6 * (4 - four.len()))).to_be_bytes();
        bytes.extend(&three[..four.len() - 1]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DESCRIPTOR: &str = r#"{
        "args": { "properties": { "factor": { "default": 2 } } },
        "examples": [
            { "input_text": "abc", "result": { "size": 6 } },
            { "input_base64": "AAEC/w==", "args": { "factor": 3 }, "result": { "size": 12, "more": { "a": [1] } } }
        ]
    }"#;

    #[derive(Deserialize)]
    struct Args {
        factor: u64,
    }

    fn analysis(sample: Sample, args: Args) -> Result<Value, Failure> {
        Ok(json!({ "size": sample.size_bytes() * args.factor, "more": { "a": [1], "b": 2 } }))
    }

    #[test]
    fn examples_are_run_with_defaults_filled_in() {
        check(DESCRIPTOR.as_bytes(), analysis);
    }

    #[test]
    #[should_panic(expected = "example 1 differs at `/more/a`")]
    fn another_result_is_told() {
        check(DESCRIPTOR.replace("[1]", "[1, 2]").as_bytes(), analysis);
    }

    #[test]
    fn only_members_that_are_named_are_compared() {
        assert_eq!(difference(&json!({ "a": { "b": 1 } }), &json!({ "a": { "b": 1, "c": 2 }, "d": 3 })), None);
        assert_eq!(difference(&json!({ "a": { "b": 1 } }), &json!({ "a": { "b": 2 } })).as_deref(), Some("/a/b"));
        assert_eq!(difference(&json!([{ "a": 1 }]), &json!([{ "a": 1, "b": 2 }])), None);
        assert_eq!(difference(&json!([0, { "a": 1 }]), &json!([0, {}])).as_deref(), Some("/1/a"));
        assert_eq!(difference(&json!([1]), &json!([1, 2])).as_deref(), Some(""));
        assert_eq!(difference(&json!(1), &json!({})).as_deref(), Some(""));
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(base64("").unwrap(), b"");
        assert_eq!(base64("Zm9vYmFy").unwrap(), b"foobar");
        assert_eq!(base64("Zm9vYg==").unwrap(), b"foob");
        assert_eq!(base64("+/8").unwrap(), [0xFB, 0xFF]);
        assert_eq!(base64("a*bc"), None);
    }
}
