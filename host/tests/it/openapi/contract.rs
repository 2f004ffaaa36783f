//! Holds every answer that a test gets by the client of `server` against what the document says of it: its status, its
//! header fields, its media type and its body, which has no member that the document does not name.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;

use jsonschema::Validator;
use serde_json::Value;
use serde_json::json;

use crate::server::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| strict(host::http::routes().document()));
/// By the schema that they are of.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Checks an answer.
///
/// # Panics
/// When the document does not say so.
pub(crate) fn check((method, path): (&str, &str), answer: &Answer) {
    let path = path.split('?').next().unwrap();
    // Another path, another method, and a head that is too long are refused before there is a route.
    let Some(operation) = operation(method, path).filter(|_| answer.status != 431) else { return };
    let what = format!("{method} {path} answers {}", answer.status);
    let described = &operation["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{what}, which the document does not say");
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let value = answer.header(name);
        assert!(!value.is_empty() || header["required"] == false, "{what} without `{name}`");
        let value = match header["schema"]["type"] == "integer" {
            true => json!(value.parse::<u64>().ok()),
            false => json!(value),
        };
        assert!(answer.header(name).is_empty() || is_valid(&header["schema"], &value), "{what}: `{name}`: {value}");
    }
    if method == "HEAD" {
        return assert!(answer.body.is_empty(), "{what} with a body");
    }
    let Some(content) = described["content"].as_object() else {
        return assert!(answer.body.is_empty(), "{what} with a body that the document does not say");
    };
    let essence = |it: &str| it.split(';').next().unwrap().trim().to_owned();
    let media_type = essence(answer.header("content-type"));
    let listed = content.iter().find(|(listed, _)| *listed == "*/*" || essence(listed) == media_type);
    let (_, listed) = listed.unwrap_or_else(|| panic!("{what} as {media_type}, which the document does not say"));
    if media_type.ends_with("json") && listed["schema"]["format"] != "binary" {
        assert!(
            is_valid(&listed["schema"], &answer.json()),
            "{what}, which is not as described: {:.2000}",
            answer.text()
        );
    }
}

/// What the document says of a method at a path; `HEAD` is answered as `GET` is.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let mut pairs = template.split('/').zip(&parts);
        let same = pairs.all(|(expected, part)| expected == *part || (expected.starts_with('{') && !part.is_empty()));
        same && template.split('/').count() == parts.len()
    };
    let fitting = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| fits(template));
    let (_, methods) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    let method = method.to_lowercase();
    methods.get(&method).or_else(|| methods.get("get").filter(|_| method == "head"))
}

fn is_valid(schema: &Value, value: &Value) -> bool {
    let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "components": DOCUMENT["components"], "allOf": [schema] });
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    });
    let validator = Arc::clone(validator);
    drop(validators);
    validator.is_valid(value)
}

/// The same, where what is not named is not there.
fn strict(mut document: Value) -> Value {
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        if schema["properties"].is_object() {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
}
