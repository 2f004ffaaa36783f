//! A stranger's schema within the document.
//!
//! Its references are pointers within itself, as the registry sees to (`analysis::schema`): here they lead to where the
//! schema stands. What else could reach out of it is left out: what names it or a draft, and the members that OpenAPI,
//! but not JSON Schema, gives a meaning.

use serde_json::Map;
use serde_json::Value;

/// What is left out.
const DROPPED: [&str; 9] = [
    "$anchor",
    "$dynamicAnchor",
    "$id",
    "$recursiveAnchor",
    "$schema",
    "$vocabulary",
    "discriminator",
    "externalDocs",
    "xml",
];
/// What holds schemas by names that anybody may choose.
const BY_NAME: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
/// What holds data.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "examples"];

/// The schema as it stands at `place`, a pointer from the root of the document. None when it cannot stand there: its data
/// looks like a reference, or a reference leads to something that is no schema.
pub(super) fn embedded(schema: &Value, place: &str) -> Option<Value> {
    let mut pointers = Vec::new();
    let embedded = part(schema, (place, &mut pointers))?;
    pointers.into_iter().all(|it| embedded.pointer(it).is_some()).then_some(embedded)
}

fn part<'a>(schema: &'a Value, (place, pointers): (&str, &mut Vec<&'a str>)) -> Option<Value> {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !DROPPED.contains(&name.as_str()));
            let kept = kept.map(|(name, member)| {
                let member = match (name.as_str(), member) {
                    ("$ref", Value::String(target)) => {
                        let pointer = target.strip_prefix('#')?;
                        pointers.push(pointer);
                        Value::String(format!("#{place}{pointer}"))
                    }
                    (name, member) if DATA.contains(&name) => data(member)?,
                    (name, Value::Object(by_name)) if BY_NAME.contains(&name) => {
                        let parts = by_name.iter().map(|(name, it)| Some((name.clone(), part(it, (place, pointers))?)));
                        Value::Object(parts.collect::<Option<_>>()?)
                    }
                    (_, member) => part(member, (place, pointers))?,
                };
                Some((name.clone(), member))
            });
            kept.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        Value::Array(items) => {
            items.iter().map(|it| part(it, (place, pointers))).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(schema.clone()),
    }
}

/// Data as it is, unless a reader that does not know it for data would follow it.
fn data(value: &Value) -> Option<Value> {
    fn is_plain(value: &Value) -> bool {
        match value {
            Value::Object(members) => !members.contains_key("$ref") && members.values().all(is_plain),
            Value::Array(items) => items.iter().all(is_plain),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
    is_plain(value).then(|| value.clone())
}

/// The schema of what a client has to send, where the server fills in what has a default: as `analysis::schema` does.
pub(super) fn before_defaults(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    let Some(Value::Object(properties)) = members.get_mut("properties") else { return };
    properties.values_mut().for_each(before_defaults);
    let filled: Vec<_> =
        properties.iter().filter(|(_, it)| it.get("default").is_some()).map(|(name, _)| name.clone()).collect();
    if let Some(Value::Array(required)) = members.get_mut("required") {
        required.retain(|name| !filled.iter().any(|it| name == it));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PLACE: &str = "/components/schemas/a";

    #[test]
    fn references_lead_to_where_the_schema_stands() {
        let schema = json!({
            "$id": "https://example.com/", "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": { "b-c": { "type": "string" }, "$ref": { "$ref": "#/$defs/b-c" } },
            "properties": { "const": { "$ref": "#/$defs/b-c" }, "xml": { "type": "number" } },
            "anyOf": [{ "$ref": "#/properties/const" }, { "const": { "a": 1 } }],
            "xml": {}, "discriminator": { "propertyName": "x" },
        });
        let expected = json!({
            "$defs": { "b-c": { "type": "string" }, "$ref": { "$ref": "#/components/schemas/a/$defs/b-c" } },
            "properties": { "const": { "$ref": "#/components/schemas/a/$defs/b-c" }, "xml": { "type": "number" } },
            "anyOf": [{ "$ref": "#/components/schemas/a/properties/const" }, { "const": { "a": 1 } }],
        });
        assert_eq!(embedded(&schema, PLACE), Some(expected));
        assert_eq!(embedded(&json!(true), PLACE), Some(json!(true)));
    }

    #[test]
    fn what_would_lead_elsewhere_does_not_stand_here() {
        for elsewhere in [
            json!({ "const": { "$ref": "#/components/schemas/Problem" } }),
            json!({ "default": [{ "x": { "$ref": "#" } }] }),
            json!({ "$ref": "#/xml/a", "xml": { "a": {} } }),
            json!({ "$ref": "https://example.com/" }),
        ] {
            assert_eq!(embedded(&elsewhere, PLACE), None, "{elsewhere}");
        }
    }

    #[test]
    fn what_has_a_default_need_not_be_sent() {
        let mut schema = json!({
            "required": ["a", "b"],
            "properties": {
                "a": { "default": 1 },
                "b": { "required": ["c", "d"], "properties": { "c": { "default": null }, "d": {} } },
            },
        });
        before_defaults(&mut schema);
        assert_eq!(schema["required"], json!(["b"]));
        assert_eq!(schema["properties"]["b"]["required"], json!(["d"]));
    }
}
