use serde_json::json;

use super::super::Schema;
use super::super::WORK_MAX;
use super::*;

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
    assert!(
        Schema::new(json!({ "$schema": DRAFT, "$id": "urn:a", "$defs": { "a": {} }, "$ref": "#/$defs/a" })).is_ok()
    );
}

#[test]
fn a_schema_is_only_so_deep_also_by_reference() {
    // 2 MiB: what a task of the server has.
    let deep = |keyword: &str, segments: usize, each: usize| {
        let chain = |inner: Value| (0..each).fold(inner, |inner, _| json!({ keyword: inner }));
        let segment = |it: usize| {
            let next = if it + 1 < segments { json!({ "$ref": format!("#/$defs/d{}", it + 1) }) } else { json!(true) };
            (format!("d{it}"), chain(next))
        };
        let defs: serde_json::Map<_, _> = (0..segments).map(segment).collect();
        let source = json!({ "$defs": defs, "$ref": "#/$defs/d0" });
        let stack = std::thread::Builder::new().stack_size(2 << 20);
        stack.spawn(move || Schema::new(source).map(drop)).unwrap().join().unwrap()
    };
    for keyword in ["contains", "additionalProperties", "not", "items", "propertyNames", "if"] {
        assert!(deep(keyword, 4, 20).is_ok(), "{keyword}");
        assert!(deep(keyword, 8, 100).unwrap_err().contains("deep"), "{keyword}");
    }
}

#[test]
fn items_that_are_compared_with_each_other_are_counted_so() {
    let schema = Schema::new(json!({ "uniqueItems": true })).unwrap();
    assert_eq!(schema.check(&json!((0..7000).collect::<Vec<_>>())), []);
    assert!(schema.check(&json!((0..7200).collect::<Vec<_>>()))[0].detail.contains("more parts"));
    // These are alike to a hash of their leaves.
    let alike: Vec<_> = (0..6000).map(|it| json!(vec![json!([]); it % 20])).collect();
    assert!(schema.check(&json!(alike))[0].detail.contains("more parts"));
}

#[test]
fn exact_division_is_counted_as_what_it_is() {
    let schema = Schema::new(json!({ "items": { "multipleOf": 1e-200 } })).unwrap();
    assert_eq!(schema.check(&json!(vec![1e300; 100])).len(), 0);
    assert!(schema.check(&json!(vec![1e300; WORK_MAX / DIVISION]))[0].detail.contains("more parts"));
}

#[test]
fn keys_are_texts_too() {
    let schema =
        Schema::new(json!({ "patternProperties": { "^a": true }, "propertyNames": { "pattern": "b" } })).unwrap();
    let short = schema.price.of_checking(&json!({ "a": 1 }));
    assert!(schema.price.of_checking(&json!({ "a".repeat(6400): 1 })) > 30 * short);
}

#[test]
fn what_is_quick_is_so_with_its_defaults() {
    let small = json!({ "properties": { "n": { "type": "integer", "default": 3 }, "m": { "pattern": "^a*$" } } });
    assert!(Schema::new(small).unwrap().is_quick_for(2048));
    let filled = json!({ "properties": { "n": { "default": "a".repeat(40_000), "allOf": vec![json!({ "pattern": "b" }); 60] } } });
    let filled = Schema::new(filled).unwrap();
    assert!(filled.is_quick_for(200) && !filled.is_quick_for(4096));
    assert!(!Schema::new(json!({ "uniqueItems": true })).unwrap().is_quick_for(2048));
}
