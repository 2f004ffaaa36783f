use serde_json::Value;

use super::*;

mod json;
mod parquet;

#[test]
fn the_examples_of_the_descriptor_hold() {
    belljar_sdk::golden::check(DESCRIPTOR, analyse);
}

fn args() -> Args {
    Args { format: FormatArg::Auto, delimiter: DelimiterArg::Auto, header: Header::Auto, top: 10 }
}

fn of(bytes: &[u8]) -> Value {
    let report = analyse(Sample::of_bytes(bytes), args()).unwrap_or_else(|failure| panic!("{}", failure.message()));
    serde_json::to_value(report).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    analyse(Sample::of_bytes(bytes), args()).unwrap_err().message().to_owned()
}

/// Checks that the result has these members, by their JSON pointers.
fn check(result: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        assert_eq!(result.pointer(pointer), Some(value), "{pointer} in {result:#}");
    }
}

/// The column of that name.
fn column<'a>(result: &'a Value, name: &str) -> &'a Value {
    let found = result["columns"].as_array().unwrap().iter().find(|column| column["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {result:#}"))
}

#[test]
fn delimited_text_is_what_csv_profile_says() {
    let tabs = of(b"a\tb\n1\tx\n2\ty\n");
    check(&tabs, &[("/format", "tsv".into()), ("/rows", 2.into()), ("/delimited/delimiter", "\t".into())]);
    let semicolons = of("größe;n\n1,5;1\n".as_bytes());
    check(
        &semicolons,
        &[("/format", "csv".into()), ("/columns/0/max", 1.5.into()), ("/columns/0/name", "größe".into())],
    );
    check(&of(b""), &[("/format", "csv".into()), ("/rows", 0.into()), ("/columns", Value::Array(vec![]))]);
}

#[test]
fn a_format_that_was_said_is_not_guessed() {
    let forced = |format| analyse(Sample::of_bytes(*b"{\"a\":1}"), Args { format, ..args() });
    assert_eq!(forced(FormatArg::Csv).unwrap().format, "csv");
    assert_eq!(forced(FormatArg::Json).unwrap().format, "json-lines");
    assert!(forced(FormatArg::Parquet).unwrap_err().message().starts_with("this Parquet file cannot be read"));
}
