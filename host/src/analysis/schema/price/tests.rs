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
    assert_eq!(schema.check(&json!((0..9900).collect::<Vec<_>>())), []);
    assert!(schema.check(&json!((0..10_100).collect::<Vec<_>>()))[0].detail.contains("more parts"));
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

/// Whatever an engine makes of it: patterns that are simple forwards may not be so from their end.
#[test]
fn a_text_is_counted_by_the_states_of_all_patterns_that_may_see_it() {
    let slow = "x[ab]{16}a(?:[ab]*){300}zy";
    let schema = Schema::new(json!({ "properties": { "n": { "pattern": slow } } })).unwrap();
    assert!(!schema.is_quick_for(2048));
    let text = |bytes: usize| json!({ "n": "a".repeat(bytes) });
    assert!(schema.price.of_checking(&text(1000)) > 300 * 1000);
    assert!(schema.check(&text(1 << 20))[0].detail.contains("more parts"));
    let listed = format!("^({}b)$", "a|".repeat(400));
    let listed = Schema::new(json!({ "items": { "pattern": listed } })).unwrap();
    assert!(listed.price.of_checking(&json!(vec!["b"; 1000])) > 400 * 1000);
    let plain = Schema::new(json!({ "items": { "pattern": "^[0-9a-f]{64}$" } })).unwrap();
    assert_eq!(plain.check(&json!(vec!["0".repeat(64); 5000])), []);
}

#[test]
fn patterns_are_short_and_not_many() {
    let of = |patterns: Vec<String>| {
        Schema::new(json!({ "allOf": patterns.iter().map(|it| json!({ "pattern": it })).collect::<Vec<_>>() }))
            .map(drop)
    };
    assert!(of(vec![format!("[{}]", "\\cA".repeat(300))]).is_ok());
    assert!(of(vec![format!("[{}]", "\\cA".repeat(400))]).unwrap_err().contains("1024 bytes"));
    assert!(of(vec!["a".to_owned(); PATTERNS_MAX]).is_ok());
    assert!(of(vec!["a".to_owned(); PATTERNS_MAX + 1]).unwrap_err().contains("patterns"));
    let different = |count: usize| (0..count).map(|it| format!("{it:02}{}", "a".repeat(998))).collect();
    assert!(of(different(8)).is_ok() && of(different(9)).unwrap_err().contains("8192 bytes"));
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
    let filled = |bytes: usize| {
        let default = "a".repeat(bytes);
        let patterns = vec![json!({ "pattern": "b" }); 60];
        Schema::new(json!({ "properties": { "n": { "default": default, "allOf": patterns } } })).unwrap()
    };
    assert!(filled(40).is_quick_for(200) && !filled(40).is_quick_for(4096) && !filled(40_000).is_quick_for(200));
    assert!(!Schema::new(json!({ "uniqueItems": true })).unwrap().is_quick_for(2048));
}
