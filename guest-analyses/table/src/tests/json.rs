use belljar_sdk::hostile;
use serde_json::json;

use super::*;

#[test]
fn rows_may_follow_each_other_in_three_ways() {
    for (text, format) in [
        ("{\"a\":1}\n{\"a\":2}\n", "json-lines"),
        ("{\"a\":1}\r\n\r\n{\"a\":2}", "json-lines"),
        ("[{\"a\":1},{\"a\":2}]\n", "json-array"),
        ("[\n  {\n\"a\":1}, {\"a\":2}\n]", "json-array"),
        ("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "json"),
    ] {
        let result = of(text.as_bytes());
        check(&result, &[("/format", json!(format)), ("/rows", json!(2)), ("/columns/0/name", json!("a"))]);
        check(&result, &[("/columns/0/max", json!(2)), ("/warnings", json!([])), ("/json/encoding", json!("utf-8"))]);
    }
    check(
        &of(b"[1,2]\n[3,4]\n"),
        &[("/format", json!("json-lines")), ("/rows", json!(2)), ("/columns/0/count", json!(4))],
    );
    check(
        &of(b"[1,2.5,null]"),
        &[("/rows", json!(3)), ("/columns/0/type", json!("float")), ("/columns/0/nulls", json!(1))],
    );
    check(&of(b"[]"), &[("/format", json!("json-array")), ("/rows", json!(0)), ("/columns", json!([]))]);
}

#[test]
fn values_have_the_types_that_json_gives_them() {
    let result =
        of(br#"{"n":1,"f":1e300,"big":12345678901234567890,"b":true,"s":"42","null":"NA","day":"2024-01-02","mixed":1}
{"n":-2,"f":0.5,"b":false,"s":"","day":"2024-01-03","mixed":"1"}"#);
    for (name, kind) in [
        ("n", "integer"),
        ("f", "float"),
        ("big", "integer"),
        ("b", "boolean"),
        ("s", "text"),
        ("null", "text"),
        ("day", "date"),
        ("mixed", "text"),
    ] {
        assert_eq!(column(&result, name)["type"], kind, "{name}: {result:#}");
    }
    assert_eq!(column(&result, "s")["count"], 2);
    assert_eq!(column(&result, "f")["max"], 1e300);
    assert_eq!(column(&result, "f")["numbers"]["quantiles"]["p50"], 5e299);
    assert_eq!(column(&result, "big")["nulls"], 1);
}

#[test]
fn ways_to_values_are_the_names_of_columns() {
    let result = of(br#"{"a":{"b":{"c":1}},"x/y":2,"l":[{"m":1},{"m":2},null],"e":{},"n":[[1],[2,3]]}
{"a":{"b":5},"l":[]}"#);
    let names: Vec<_> = result["columns"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/b/c", "x~1y", "l/*/m", "l/*", "n/*/*", "a/b"]);
    let counts =
        |name| (column(&result, name)["count"].as_u64().unwrap(), column(&result, name)["nulls"].as_u64().unwrap());
    assert_eq!(
        [counts("a/b/c"), counts("l/*/m"), counts("l/*"), counts("n/*/*"), counts("a/b")],
        [(1, 1), (2, 0), (0, 1), (3, 0), (1, 1)]
    );
}

#[test]
fn lines_that_are_no_json_are_told_and_left_out() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20));
    let text = format!("{{\"a\":1}}\n{{\"a\":2\n{long}\n{{\"a\":3}} 4\n{{\"a\":5}}\n");
    check(
        &of(text.as_bytes()),
        &[
            ("/rows", json!(2)),
            ("/json/malformed_lines", json!({ "count": 2, "first": [2, 4] })),
            ("/json/oversized_lines", json!({ "count": 1, "first": [3] })),
            ("/columns/0/max", json!(5)),
        ],
    );
}

#[test]
fn an_array_that_breaks_off_says_where() {
    let result = of(b"[{\"a\":1},{\"a\":2},{\"a\":");
    check(&result, &[("/rows", json!(3)), ("/columns/0/count", json!(2))]);
    assert!(result["stopped"].as_str().unwrap().starts_with("EOF while parsing"), "{result:#}");
    let endless = format!("[{{\"a\":1}},\"{}", "x".repeat(20 << 20));
    assert_eq!(of(endless.as_bytes())["stopped"], "a row is longer than 16 MiB at line 1 column 16777224");
    assert!(of(b"[1x")["stopped"].is_string());
}

#[test]
fn what_has_no_bounds_is_bounded() {
    let deep = format!("{}1{}\n", "{\"a\":".repeat(100), "}".repeat(100));
    check(&of(deep.as_bytes()), &[("/columns", json!([])), ("/columns_truncated", json!(true))]);
    let deeper = format!("{}\n", "[".repeat(100_000));
    check(&of(deeper.as_bytes()), &[("/columns_truncated", json!(true)), ("/rows", json!(1))]);
    let wide: String = (0..3000).map(|it| format!("{{\"c{it}\":{it}}}\n")).collect();
    let result = of(wide.as_bytes());
    check(&result, &[("/column_count", json!(2000)), ("/columns_truncated", json!(true)), ("/rows", json!(3000))]);
    let named = format!("{{\"{}\":1,\"b\":2}}\n", "n".repeat(2000));
    check(&of(named.as_bytes()), &[("/column_count", json!(1)), ("/columns_truncated", json!(true))]);
    let twice = of(b"{\"a\":1,\"a\":2}\n");
    check(&twice, &[("/columns/0/count", json!(1)), ("/columns/0/max", json!(1))]);
    assert!(twice["warnings"][0].as_str().unwrap().contains("twice"));
}

#[test]
fn json_may_be_in_utf_16() {
    let wide: Vec<u8> = "\u{feff}{\"größe\":1}\n{\"größe\":2}\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    check(
        &of(&wide),
        &[("/json/encoding", json!("utf-16be")), ("/rows", json!(2)), ("/columns/0/name", json!("größe"))],
    );
}

#[test]
fn many_values_are_estimated_in_columns_known_and_late() {
    let mut text: String = (0..60_000).map(|it| format!("{{\"a\":{it}}}\n")).collect();
    text += &(0..60_000).map(|it| format!("{{\"b\":\"late {it}\"}}\n")).collect::<String>();
    let result = of(text.as_bytes());
    for name in ["a", "b"] {
        let column = column(&result, name);
        assert_eq!((&column["count"], &column["nulls"]), (&json!(60_000), &json!(60_000)));
        let distinct = column["distinct"]["count"].as_f64().unwrap();
        assert!(
            !column["distinct"]["exact"].as_bool().unwrap() && (distinct / 60_000.0 - 1.0).abs() < 0.07,
            "{distinct}"
        );
    }
}

#[test]
fn damaged_json_has_a_result_or_a_reason() {
    for text in [
        "{\"id\":1,\"a\":{\"b\":[1,2,{\"c\":null}]},\"t\":\"2024-01-01\"}\n{\"id\":-2.5e3,\"a\":true}\n",
        "[{\"id\":1,\"a\":{\"b\":[1,2,{\"c\":null}]}},\n{\"id\":2,\"s\":\"\\u00e9\\ud834\\udd1e\"}]",
        "{\n\"id\": 1\n}\n{\n\"id\": [[]]}",
        "a,b;c\n1,\"2\n\",3\n",
    ] {
        hostile::survives(text.as_bytes(), |sample| analyse(sample, args()));
    }
}
