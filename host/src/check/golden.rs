//! The examples of a descriptor: `input_text` or `input_base64`, `args`, and of the `result` as much as is to be compared.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::workbench::Ended;

/// One of them.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) input: Vec<u8>,
    pub(super) args: Value,
    /// Of any object only the members that are named count.
    pub(super) result: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    input_text: Option<String>,
    input_base64: Option<String>,
    #[serde(default)]
    args: Map<String, Value>,
    result: Value,
}

impl Example {
    /// As a descriptor has it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(written: &Value) -> Result<Self, String> {
        let written = Written::deserialize(written).map_err(|error| error.to_string())?;
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let input = match (written.input_text, written.input_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => GeneralPurpose::new(&alphabet::STANDARD, lenient)
                .decode(text)
                .map_err(|error| format!("`input_base64`: {error}"))?,
            (Some(_), Some(_)) | (None, None) => return Err("it has `input_text` or `input_base64`".to_owned()),
        };
        Ok(Self { input, args: Value::Object(written.args), result: written.result })
    }
}

/// A result as its guest printed it: links to artifacts are the paths that they were again.
pub(super) fn result(ended: &Ended) -> Option<Value> {
    let mut result = super::parsed(ended.outcome.as_ref().ok()?)?;
    for artifact in &ended.record.artifacts {
        let link = format!("/download/{}/{}/{}", ended.key.file_id, ended.key.analysis_id, artifact.name);
        let path = format!("/out/{}", artifact.path.trim_start_matches("/out/"));
        put_back(&mut result, &link, &path);
    }
    Some(result)
}

fn put_back(value: &mut Value, link: &str, path: &str) {
    match value {
        Value::String(text) if text == link => path.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|it| put_back(it, link, path)),
        Value::Object(members) => members.values_mut().for_each(|it| put_back(it, link, path)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Where and how `found` is not what was expected.
pub(super) fn difference(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, expected)| {
            let inside = match found.get(name) {
                Some(found) => difference(expected, found)?,
                None => ": it is not there".to_owned(),
            };
            Some(inserted(name, &inside))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(at, (expected, found))| Some(inserted(&at.to_string(), &difference(expected, found)?)))
        }
        _ if expected == found => None,
        _ => Some(format!(": {} instead of {}", brief(found), brief(expected))),
    }
}

/// Puts a step before a place (RFC 6901).
fn inserted(step: &str, inside: &str) -> String {
    format!("/{}{inside}", step.replace('~', "~0").replace('/', "~1"))
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(60).chain("…".chars()).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_is_compared_and_the_place_is_told() {
        assert_eq!(difference(&json!({ "a": { "b": 1 } }), &json!({ "a": { "b": 1, "c": 2 }, "d": 3 })), None);
        let place = |expected, found| difference(&expected, &found).unwrap();
        assert_eq!(place(json!({ "a": [{ "x/y": 1 }] }), json!({ "a": [{ "x/y": 2 }] })), "/a/0/x~1y: 2 instead of 1");
        assert_eq!(place(json!({ "a": 1 }), json!({})), "/a: it is not there");
        assert_eq!(place(json!([1]), json!([1, 2])), ": [1,2] instead of [1]");
    }

    #[test]
    fn an_example_has_one_input() {
        let read = |value| Example::read(&value).map(|it| it.input);
        assert_eq!(read(json!({ "input_text": "a", "result": 1 })).unwrap(), b"a");
        assert_eq!(read(json!({ "input_base64": "AAEC/w", "result": 1 })).unwrap(), [0, 1, 2, 255]);
        assert!(read(json!({ "result": 1 })).is_err());
        assert!(read(json!({ "input_text": "a", "input_base64": "", "result": 1 })).is_err());
        assert!(read(json!({ "input_text": "a", "reslut": 1 })).is_err());
        assert!(read(json!({ "input_base64": "*", "result": 1 })).is_err());
    }

    #[test]
    fn links_are_paths_again() {
        let mut result = json!({ "a": ["/download/f/a/x", { "b": "/download/f/a/x y" }] });
        put_back(&mut result, "/download/f/a/x", "/out/x");
        assert_eq!(result, json!({ "a": ["/out/x", { "b": "/download/f/a/x y" }] }));
    }
}
