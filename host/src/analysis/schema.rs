//! JSON Schema 2020-12 of args and results; args have its defaults filled in and take the one canonical form of RFC 8785.
//!
//! Schemas come from strangers, so checking must be cheap whatever they say: patterns are matched in linear time; a
//! schema is refused whose references, followed, make more of it than a bounded number of parts, and so are keywords
//! that are looked up in more than one way or look through a document again and again; and there is an end to how much
//! document is held against how much schema.

use jsonschema::Validator;
use serde_json::Value;

use super::args::Args;
use crate::limits::ARGS_BYTES_MAX;

/// Most errors reported at once.
const ERRORS_MAX: usize = 20;
/// Most parts of a schema, references followed.
const SCHEMA_PARTS_MAX: usize = 4000;
/// Most patterns in a schema, references followed: each is matched against every string of a document.
const PATTERNS_MAX: usize = 64;
/// What a pattern may take once it is compiled, bytes.
const PATTERN_BYTES_MAX: usize = 64 << 10;
/// Most parts of a document times parts of its schema that are looked at.
const WORK_MAX: usize = 50_000_000;
/// Where it is more than this, it is not told what is wrong: all that is would be written down first.
const WORK_TOLD_MAX: usize = 100_000;
/// A string counts as a part for so many bytes of it.
const PART_BYTES: usize = 64;
/// What names a part of a schema in a second way, or makes checking take exponentially long.
const REFUSED: [&str; 6] = ["$anchor", "$dynamicAnchor", "$id", "$schema", "unevaluatedItems", "unevaluatedProperties"];
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

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
    /// With its references followed.
    parts: usize,
}

impl Schema {
    /// Compiles a schema; it may not refer to anything outside itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: Value) -> Result<Self, String> {
        let mut expansion = Expansion { root: &source, parts: 0, patterns: 0, followed: Vec::new() };
        expansion.measure(&source)?;
        let parts = expansion.parts;
        let patterns = jsonschema::PatternOptions::regex();
        let patterns = patterns.size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::draft202012::options().with_pattern_options(patterns);
        let validator = options.build(&source).map_err(|error| error.to_string())?;
        Ok(Self { source, validator, parts })
    }

    /// Everything wrong with a document, or that something is in a large one; empty when nothing is.
    #[must_use]
    pub fn check(&self, document: &Value) -> Vec<Invalid> {
        let invalid = |error: jsonschema::ValidationError<'_>| Invalid {
            pointer: error.instance_path().to_string(),
            detail: error.to_string().chars().take(300).collect(),
        };
        let whole = |detail: &str| vec![Invalid { pointer: String::new(), detail: detail.to_owned() }];
        if !self.can_check(document, WORK_MAX) {
            return whole("has more parts than are checked against such a schema");
        }
        // The question that takes no memory comes first.
        if self.validator.is_valid(document) {
            return Vec::new();
        }
        if !self.can_check(document, WORK_TOLD_MAX) {
            return whole("breaks its schema; it is too large to say where");
        }
        self.validator.iter_errors(document).take(ERRORS_MAX).map(invalid).collect()
    }

    fn can_check(&self, document: &Value, work_max: usize) -> bool {
        has_at_most(document, &mut (work_max / self.parts.max(1)))
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

/// Whether a document has no more parts than there is room for.
fn has_at_most(document: &Value, room: &mut usize) -> bool {
    let parts = 1 + document.as_str().map_or(0, str::len) / PART_BYTES;
    let Some(left) = room.checked_sub(parts) else { return false };
    *room = left;
    match document {
        Value::Object(members) => members.values().all(|it| has_at_most(it, room)),
        Value::Array(items) => items.iter().all(|it| has_at_most(it, room)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A schema with its references followed, as the validator follows them.
struct Expansion<'a> {
    root: &'a Value,
    parts: usize,
    patterns: usize,
    /// From the root to here.
    followed: Vec<&'a str>,
}

impl<'a> Expansion<'a> {
    fn measure(&mut self, part: &'a Value) -> Result<(), String> {
        self.parts += 1;
        if self.parts > SCHEMA_PARTS_MAX {
            return Err(format!("with its references followed it has more than {SCHEMA_PARTS_MAX} parts"));
        }
        match part {
            Value::Object(members) => members.iter().try_for_each(|(name, member)| match (name.as_str(), member) {
                // The root may say which draft it is of, and what it is called.
                ("$id", Value::String(_)) if self.parts == 1 => Ok(()),
                ("$schema", Value::String(draft)) if self.parts == 1 && draft.trim_end_matches('#') == DRAFT => Ok(()),
                (name, Value::String(_) | Value::Bool(_)) if REFUSED.contains(&name) => {
                    Err(format!("`{name}` is not taken here"))
                }
                ("unevaluatedItems" | "unevaluatedProperties", _) => Err(format!("`{name}` is not taken here")),
                ("$ref", Value::String(target)) => self.follow(target),
                ("$dynamicRef" | "$recursiveRef", Value::String(_)) => Err(format!("`{name}` is not taken here")),
                ("pattern", Value::String(_)) => self.patterned(1),
                ("patternProperties", Value::Object(by_pattern)) => {
                    self.patterned(by_pattern.len()).and_then(|()| self.measure(member))
                }
                (_, member) => self.measure(member),
            }),
            Value::Array(items) => items.iter().try_for_each(|item| self.measure(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn patterned(&mut self, more: usize) -> Result<(), String> {
        self.patterns += more;
        if self.patterns > PATTERNS_MAX {
            return Err(format!("with its references followed it has more than {PATTERNS_MAX} patterns"));
        }
        Ok(())
    }

    fn follow(&mut self, target: &'a str) -> Result<(), String> {
        if self.followed.contains(&target) {
            return Err(format!("`{target}` refers to itself; such schemas are not taken here"));
        }
        // Encoded, it would lead elsewhere than it seems to.
        let pointer = target.strip_prefix('#').filter(|it| it.is_empty() || it.starts_with('/'));
        let pointer = pointer.filter(|it| !it.contains('%'));
        let found = pointer.and_then(|it| self.root.pointer(it));
        let found = found.ok_or_else(|| format!("`$ref` takes a JSON pointer within the schema, not `{target}`"))?;
        if target == "#" {
            return Err("`#` refers to itself; such schemas are not taken here".to_owned());
        }
        self.followed.push(target);
        self.measure(found)?;
        self.followed.pop();
        Ok(())
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
    fn a_schema_that_grows_when_followed_is_refused() {
        let doubling = |steps: usize| {
            let step = |it: usize| {
                let next = json!({ "$ref": format!("#/$defs/d{}", it + 1) });
                (format!("d{it}"), json!({ "allOf": [next, next] }))
            };
            let mut defs: serde_json::Map<_, _> = (0..steps).map(step).collect();
            defs.insert(format!("d{steps}"), json!({ "type": "object" }));
            Schema::new(json!({ "$defs": defs, "$ref": "#/$defs/d0" })).map(drop)
        };
        assert!(doubling(4).is_ok());
        assert!(doubling(32).unwrap_err().contains("parts"));
        for looping in [
            json!({ "properties": { "a": { "$ref": "#" } } }),
            json!({ "$defs": { "a": { "items": { "$ref": "#/$defs/a" } } }, "$ref": "#/$defs/a" }),
            json!({ "$dynamicRef": "#a" }),
            json!({ "$ref": "https://example.com/schema" }),
            json!({ "$ref": "#anchor" }),
        ] {
            assert!(Schema::new(looping.clone()).is_err(), "{looping}");
        }
    }

    #[test]
    fn a_pattern_cannot_backtrack() {
        let schema = Schema::new(json!({ "type": "string", "pattern": "^(a+)+$" })).unwrap();
        assert_eq!(schema.check(&json!(format!("{}b", "a".repeat(50_000)))).len(), 1);
        assert!(Schema::new(json!({ "pattern": "(a)\\1" })).is_err(), "what needs it is refused");
    }

    #[test]
    fn patterns_have_a_size_and_a_number() {
        let large = "(?:[^a]|b){5000}";
        assert!(Schema::new(json!({ "pattern": large })).is_err());
        let with = |count: usize| {
            let one = |it| (format!("p{it}"), json!({ "pattern": format!("a{it}") }));
            Schema::new(json!({ "properties": (0..count).map(one).collect::<serde_json::Map<_, _>>() }))
        };
        assert!(with(PATTERNS_MAX).is_ok());
        assert!(with(PATTERNS_MAX + 1).unwrap_err().contains("patterns"));
        let by_pattern: serde_json::Map<_, _> = (0..=PATTERNS_MAX).map(|it| (format!("a{it}"), json!({}))).collect();
        assert!(Schema::new(json!({ "patternProperties": by_pattern })).is_err());
    }

    #[test]
    fn of_a_large_document_it_is_only_told_that_it_is_wrong() {
        let schema = Schema::new(json!({ "items": { "type": "string" } })).unwrap();
        assert_eq!(schema.check(&json!(vec![0; 10])).len(), 10);
        assert_eq!(schema.check(&json!(vec!["s"; WORK_TOLD_MAX])), []);
        assert!(schema.check(&json!(vec![0; WORK_TOLD_MAX]))[0].detail.contains("too large"));
        let branches = vec![json!({ "type": "string" }); 1900];
        let wide = Schema::new(json!({ "anyOf": [{ "items": { "allOf": branches } }, { "type": "string" }] })).unwrap();
        assert_eq!(wide.check(&json!(vec![0; 8000])).len(), 1);
        assert!(wide.check(&json!(vec!["s"; WORK_MAX / 1900]))[0].detail.contains("more parts"));
        assert!(wide.check(&json!(["s".repeat(PART_BYTES * WORK_MAX / 1900)]))[0].detail.contains("more parts"));
    }

    #[test]
    fn keywords_that_check_for_ever_or_hide_what_they_lead_to_are_refused() {
        let unevaluated = (0..40)
            .fold(json!({ "type": "object" }), |inner, _| json!({ "allOf": [inner], "unevaluatedProperties": false }));
        let encoded = json!({
            "%24defs": { "a": true }, "$defs": { "a": { "items": { "$ref": "#/%24defs/a" } } }, "$ref": "#/%24defs/a"
        });
        let inner = json!({ "$defs": { "a": { "$id": "urn:a", "items": { "$ref": "#/b" } } }, "b": true });
        let older = json!({ "$defs": { "a": { "$schema": "http://json-schema.org/draft-04/schema#" } } });
        let items = json!({ "unevaluatedItems": { "type": "string" } });
        for hidden in [unevaluated, encoded, inner, older, items, json!({ "$anchor": "a" })] {
            assert!(Schema::new(hidden.clone()).is_err(), "{hidden}");
        }
        assert!(Schema::new(json!({ "$schema": DRAFT, "$id": "https://example.com/args", "type": "object" })).is_ok());
    }

    #[test]
    fn args_have_a_size() {
        let of = |bytes| schema().canonical(json!({"b": "x".repeat(bytes)}));
        let frame = r#"{"b":"","n":3}"#.len();
        assert!(of(ARGS_BYTES_MAX - frame).is_ok());
        assert!(of(ARGS_BYTES_MAX - frame + 1).is_err());
    }
}
