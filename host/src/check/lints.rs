//! What a descriptor could say better. Nothing here keeps an analysis from being shipped.

use serde_json::Value;

use crate::analysis::descriptor::Descriptor;
use crate::analysis::descriptor::Stdout;
use crate::limits::Limits;

/// Advice for its author, a sentence each.
pub(super) fn advice(descriptor: &Descriptor) -> Vec<String> {
    let mut advice = Vec::new();
    let mut unless = |fine: bool, sentence: &str| {
        if !fine {
            advice.push(sentence.to_owned());
        }
    };
    unless(!descriptor.description.is_empty(), "`description` is empty: people choose an analysis by it");
    unless(descriptor.version != "0.0.0", "`version` is left out: people tell versions apart by it");
    unless(!descriptor.license.is_empty(), "`license` is left out");
    unless(!descriptor.examples.is_empty(), "`examples` is empty: one shows what it does, and is a test here");
    unless(
        descriptor.accepts != ["*/*"],
        "`accepts` takes every file: name media types, unless it has something to say of all of them",
    );
    let printed = matches!(descriptor.stdout, Stdout::Json);
    unless(!printed || descriptor.result.is_some(), "`result` is left out: with a schema, people know what they get");
    unless(
        descriptor.args["additionalProperties"] == Value::Bool(false),
        "`args` lets through what it does not name: say `\"additionalProperties\": false`, and typing errors are told",
    );
    for (name, property) in descriptor.args["properties"].as_object().into_iter().flatten() {
        if property["description"].as_str().is_none_or(str::is_empty) {
            advice.push(format!("the arg `{name}` has no `description`"));
        }
        let required = descriptor.args["required"].as_array().is_some_and(|it| it.iter().any(|it| it == name));
        if property.get("default").is_none() && !required {
            advice.push(format!("the arg `{name}` has no `default`, and is not `required`"));
        }
    }
    if !Limits::CAP.covers(Limits::DEFAULT.with(&descriptor.limits)) {
        advice.push("`limits` asks for more than a server grants that was told nothing; it gets the cap".to_owned());
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_says_all_needs_no_advice_and_each_gap_is_told() {
        let full = serde_json::json!({
            "name": "a", "version": "1.0.0", "description": "Does.", "license": "MIT", "accepts": ["text/*"],
            "args": {
                "additionalProperties": false,
                "properties": { "n": { "type": "integer", "default": 1, "description": "How many." } }
            },
            "result": {}, "examples": [{}], "limits": { "wall_ms": 1000 },
        });
        let told = |value: &Value| advice(&serde_json::from_value(value.clone()).unwrap());
        assert_eq!(told(&full), [""; 0]);
        for gap in ["version", "description", "license", "accepts", "args", "result", "examples"] {
            let mut less = full.clone();
            less.as_object_mut().unwrap().remove(gap);
            assert!(told(&less).iter().any(|it| it.contains(gap)), "{gap}: {:?}", told(&less));
        }
        let mut more = full.clone();
        more["limits"]["wall_ms"] = Limits::CAP.wall_ms.saturating_add(1).into();
        more["args"]["properties"]["n"] = serde_json::json!({});
        assert_eq!(told(&more).len(), 3);
    }
}
