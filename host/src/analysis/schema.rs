//! JSON Schema 2020-12 of args and results; args have its defaults filled in and take the one canonical form of RFC 8785.
//!
//! Schemas come from strangers, and so do documents, but checking is this server's own work, which nobody can end. So it
//! is known beforehand what it will cost (`price`): a schema that can cost too much for what it is, is refused, and so is
//! a document that would cost too much with its schema.

mod pattern;
mod price;

use jsonschema::Validator;
use serde_json::Value;

use self::pattern::CACHE_BYTES_MAX;
use self::pattern::PATTERN_BYTES_MAX;
use self::price::Price;
use super::args::Args;
use crate::limits::ARGS_BYTES_MAX;

/// A longer way to an error is cut.
const POINTER_CHARS_MAX: usize = 1000;
/// Most errors reported at once.
const ERRORS_MAX: usize = 20;
/// Most that a check may cost, see [`Price`]: seconds at the worst.
const WORK_MAX: usize = 100_000_000;
/// What telling what is wrong may take, bytes; where it may take more, it is not told: all that is would be written down
/// first.
const TOLD_BYTES_MAX: usize = 32 << 20;
/// What may be checked while others wait: milliseconds.
const WORK_AT_ONCE_MAX: usize = 500_000;

/// One thing wrong with a document, and where (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Invalid {
    /// Where (RFC 6901); empty for the whole.
    pub pointer: String,
    pub detail: String,
}

/// A JSON Schema, ready to check documents.
#[derive(Debug)]
pub struct Schema {
    source: Value,
    validator: Validator,
    price: Price,
}

impl Schema {
    /// Compiles a schema; it may not refer to anything outside itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: Value) -> Result<Self, String> {
        let price = Price::of_schema(&source)?;
        if price.of_defaults() > WORK_MAX {
            return Err("its own defaults cost too much to be held against it".to_owned());
        }
        let patterns = jsonschema::PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let patterns = patterns.dfa_size_limit(CACHE_BYTES_MAX);
        let options = jsonschema::draft202012::options().with_pattern_options(patterns);
        let validator = options.build(&source).map_err(|error| error.to_string())?;
        Ok(Self { source, validator, price })
    }

    /// Everything wrong with a document, or that something is in a large one; empty when nothing is.
    #[must_use]
    pub fn check(&self, document: &Value) -> Vec<Invalid> {
        let invalid = |error: jsonschema::ValidationError<'_>| Invalid {
            pointer: error.instance_path().to_string().chars().take(POINTER_CHARS_MAX).collect(),
            detail: error.to_string().chars().take(300).collect(),
        };
        let whole = |detail: &str| vec![Invalid { pointer: String::new(), detail: detail.to_owned() }];
        let work = self.price.of_checking(document);
        if work > WORK_MAX {
            return whole("has more parts than are checked against such a schema");
        }
        // The question that takes no memory comes first.
        if self.validator.is_valid(document) {
            return Vec::new();
        }
        if self.price.of_telling(document) > TOLD_BYTES_MAX {
            return whole("breaks its schema; it is too large to say where");
        }
        self.validator.iter_errors(document).take(ERRORS_MAX).map(invalid).collect()
    }

    /// Whether args of so many bytes, with the defaults filled in, are checked in no time.
    #[must_use]
    pub fn is_quick_for(&self, bytes: usize) -> bool {
        self.price.of_args_at_most(bytes) <= WORK_AT_ONCE_MAX
    }

    /// Fills defaults in, checks, and writes the canonical form.
    ///
    /// # Errors
    /// Everything wrong with the args.
    pub fn canonical(&self, mut args: Value) -> Result<Args, Vec<Invalid>> {
        fill_defaults(&self.source, &mut args);
        let invalid = self.check(&args);
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let whole = |detail: String| vec![Invalid { pointer: String::new(), detail }];
        let args = Args::new(&args).map_err(|error| whole(error.to_string()))?;
        let bytes = args.as_str().len();
        if bytes > ARGS_BYTES_MAX {
            return Err(whole(format!("args of {bytes} bytes; at most {ARGS_BYTES_MAX}")));
        }
        Ok(args)
    }
}

/// Adds what `properties.*.default` names and the document leaves out, into nested objects too.
fn fill_defaults(schema: &Value, document: &mut Value) {
    let (Some(properties), Some(members)) = (schema["properties"].as_object(), document.as_object_mut()) else {
        return;
    };
    for (name, property) in properties {
        if let (None, Some(default)) = (members.get(name), property.get("default")) {
            members.insert(name.clone(), default.clone());
        }
        if let Some(member) = members.get_mut(name) {
            fill_defaults(property, member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        Schema::new(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "n": { "type": "integer", "default": 3 }, "b": { "type": "string" } }
        }))
        .unwrap()
    }

    #[test]
    fn defaults_are_filled_in_and_the_form_is_canonical() {
        assert_eq!(schema().canonical(json!({"b": "x"})).unwrap().as_str(), r#"{"b":"x","n":3}"#);
        assert_eq!(schema().canonical(json!({"n": 3, "b": "x"})).unwrap().as_str(), r#"{"b":"x","n":3}"#);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let invalid = schema().canonical(json!({"n": "three"})).unwrap_err();
        assert_eq!(invalid[0].pointer, "/n");
        assert_eq!(schema().canonical(json!({"m": 1})).unwrap_err().len(), 1);
        assert!(schema().canonical(json!([])).is_err());
    }

    #[test]
    fn of_a_large_document_it_is_only_told_that_it_is_wrong() {
        let schema = Schema::new(json!({ "items": { "type": "string" } })).unwrap();
        assert_eq!(schema.check(&json!(vec![0; 10])).len(), 10);
        assert_eq!(schema.check(&json!(vec!["s"; 100_000])), []);
        assert!(schema.check(&json!(vec![0; 100_000]))[0].detail.contains("too large"));
        // Each error names the way to it.
        let below = Schema::new(json!({ "additionalProperties": { "items": { "type": "string" } } })).unwrap();
        assert_eq!(below.check(&json!({ "k": vec![0; 1000] })).len(), ERRORS_MAX);
        assert!(below.check(&json!({ "k".repeat(30_000): vec![0; 1000] }))[0].detail.contains("too large"));
        let name = "k".repeat(30_000);
        let named = Schema::new(json!({ "properties": { name.as_str(): { "items": { "type": "string" } } } })).unwrap();
        assert!(named.check(&json!({ name: vec![0; 1000] }))[0].detail.contains("too large"));
        let branches = vec![json!({ "type": "string" }); 1900];
        let wide = Schema::new(json!({ "anyOf": [{ "items": { "allOf": branches } }, { "type": "string" }] })).unwrap();
        assert_eq!(wide.check(&json!(vec![0; 8000])).len(), 1);
        assert!(wide.check(&json!(vec!["s"; WORK_MAX / 1900]))[0].detail.contains("more parts"));
        let key = "s".repeat(64 * WORK_MAX / 1900);
        assert!(wide.check(&json!([key]))[0].detail.contains("more parts"));
        assert!(wide.check(&json!({ key: 0 }))[0].detail.contains("more parts"));
    }

    #[test]
    fn args_have_a_size() {
        let of = |bytes| schema().canonical(json!({"b": "x".repeat(bytes)}));
        let frame = r#"{"b":"","n":3}"#.len();
        assert!(of(ARGS_BYTES_MAX - frame).is_ok());
        assert!(of(ARGS_BYTES_MAX - frame + 1).is_err());
    }
}
