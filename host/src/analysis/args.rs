//! Args: checked against the analysis' schema, its defaults filled in, then in the one canonical form of RFC 8785.

use jsonschema::Validator;
use serde_json::Value;

use crate::limits::ARGS_BYTES_MAX;

/// Most errors reported at once.
const ERRORS_MAX: usize = 20;

/// One thing wrong with a document, and where (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Invalid {
    pub pointer: String,
    pub detail: String,
}

/// A JSON Schema, ready to check documents.
#[derive(Debug)]
pub struct Schema {
    source: Value,
    validator: Validator,
}

impl Schema {
    /// Compiles a schema; it may not refer to anything outside itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: Value) -> Result<Self, String> {
        let validator = jsonschema::draft202012::new(&source).map_err(|error| error.to_string())?;
        Ok(Self { source, validator })
    }

    /// Everything wrong with a document; empty when nothing is.
    #[must_use]
    pub fn check(&self, document: &Value) -> Vec<Invalid> {
        let invalid = |error: jsonschema::ValidationError<'_>| Invalid {
            pointer: error.instance_path().to_string(),
            detail: error.to_string().chars().take(300).collect(),
        };
        self.validator.iter_errors(document).take(ERRORS_MAX).map(invalid).collect()
    }

    /// Fills defaults in, checks, and writes the canonical form.
    ///
    /// # Errors
    /// Everything wrong with the args.
    pub fn canonical(&self, mut args: Value) -> Result<(Value, String), Vec<Invalid>> {
        fill_defaults(&self.source, &mut args);
        let invalid = self.check(&args);
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let whole = |detail: String| vec![Invalid { pointer: String::new(), detail }];
        let text = serde_json_canonicalizer::to_string(&args).map_err(|error| whole(error.to_string()))?;
        if text.len() > ARGS_BYTES_MAX {
            return Err(whole(format!("args of {} bytes; at most {ARGS_BYTES_MAX}", text.len())));
        }
        Ok((args, text))
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
        assert_eq!(schema().canonical(json!({"b": "x"})).unwrap().1, r#"{"b":"x","n":3}"#);
        assert_eq!(schema().canonical(json!({"n": 3, "b": "x"})).unwrap().1, r#"{"b":"x","n":3}"#);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let invalid = schema().canonical(json!({"n": "three"})).unwrap_err();
        assert_eq!(invalid[0].pointer, "/n");
        assert_eq!(schema().canonical(json!({"m": 1})).unwrap_err().len(), 1);
        assert!(schema().canonical(json!([])).is_err());
    }

    #[test]
    fn args_have_a_size() {
        let of = |bytes| schema().canonical(json!({"b": "x".repeat(bytes)}));
        let frame = r#"{"b":"","n":3}"#.len();
        assert!(of(ARGS_BYTES_MAX - frame).is_ok());
        assert!(of(ARGS_BYTES_MAX - frame + 1).is_err());
    }
}
