use serde_json::Value;
use serde_json::json;

use super::*;

fn of(bytes: &[u8]) -> Value {
    with(bytes, Header::Auto, None)
}

fn with(bytes: &[u8], header: Header, delimiter: Option<Delimiter>) -> Value {
    let options = Options { delimiter, header, top: 10 };
    serde_json::to_value(profile(bytes, &options, |_| {}).unwrap()).unwrap()
}

/// Checks that the result has these members, by their JSON pointers.
fn check(result: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        assert_eq!(result.pointer(pointer), Some(value), "{pointer} in {result:#}");
    }
}

#[test]
fn an_empty_file_has_no_rows_and_no_columns() {
    for bytes in [&b""[..], b"\n\r\n", b"\xEF\xBB\xBF"] {
        let result = of(bytes);
        check(&result, &[("/rows", json!(0)), ("/columns", json!([])), ("/warnings", json!([]))]);
    }
}

#[test]
fn columns_have_types_and_statistics() {
    let result = of(b"id,name,score,ok,day\n1,Zoe,1.5,yes,2024-01-02\n2,Tom,NA,no,2024-01-01\n3,Zoe,2.5,no,\n");
    check(
        &result,
        &[
            ("/rows", json!(3)),
            ("/columns/0/type", json!("integer")),
            ("/columns/0/min", json!(1)),
            ("/columns/0/numbers/mean", json!(2.0)),
            ("/columns/0/numbers/stddev", json!(1.0)),
            ("/columns/0/numbers/quantiles/exact", json!(true)),
            ("/columns/0/numbers/quantiles/p95", json!(2.9)),
            ("/columns/1/type", json!("text")),
            ("/columns/1/distinct", json!({ "count": 2, "exact": true })),
            ("/columns/1/length", json!({ "min": 3, "max": 3, "mean": 3.0 })),
            ("/columns/1/top/values/0", json!({ "value": "Zoe", "count": 2 })),
            ("/columns/2/type", json!("float")),
            ("/columns/2/nulls", json!(1)),
            ("/columns/2/count", json!(2)),
            ("/columns/3/type", json!("boolean")),
            ("/columns/4/type", json!("date")),
            ("/columns/4/min", json!("2024-01-01")),
            ("/columns/4/max", json!("2024-01-02")),
        ],
    );
}

#[test]
fn a_mixed_column_is_text_and_says_what_it_saw() {
    let result = of(b"a,b\n1,x\n2.5,x\nthree,x\n");
    let types = json!({ "integer": 1, "float": 1, "text": 1 });
    check(&result, &[("/columns/0/type", json!("text")), ("/columns/0/types", types), ("/columns/0/min", json!("1"))]);
}

#[test]
fn ragged_rows_are_counted_and_their_gaps_are_null() {
    let result = of(b"a,b\n1,2\n3\n\"x\ny\",5\n6,7,8\n9,10\n");
    check(
        &result,
        &[
            ("/rows", json!(5)),
            ("/ragged_rows", json!({ "count": 2, "first_lines": [3, 6] })),
            ("/columns/1/nulls", json!(1)),
            ("/columns/1/max", json!(10)),
        ],
    );
}

#[test]
fn encodings_line_ends_and_decimal_commas() {
    let utf16: Vec<u8> = "\u{FEFF}größe;n\r\n1,5;1\r\n2,5;2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(
        &of(&utf16),
        &[
            ("/encoding", json!("utf-16le")),
            ("/bom", json!(true)),
            ("/line_ending", json!("crlf")),
            ("/columns/0/name", json!("größe")),
            ("/columns/0/numbers/mean", json!(2.0)),
        ],
    );
    check(
        &of(b"caf\xE9,n\nol\xE9,1\n"),
        &[("/encoding", json!("windows-1252")), ("/columns/0/name", json!("café")), ("/rows", json!(1))],
    );
}

#[test]
fn a_huge_field_is_cut_and_a_quote_that_never_closes_is_told() {
    let huge = format!("a,b\n1,\"{}\"\n2,x\n", "é".repeat(1_500_000));
    check(
        &of(huge.as_bytes()),
        &[("/oversized_fields", json!(1)), ("/rows", json!(2)), ("/columns/1/count", json!(2))],
    );
    let unclosed = format!("a,b\n1,\"{}", "x,y\n".repeat(1_000_000));
    let result = of(unclosed.as_bytes());
    check(
        &result,
        &[("/oversized_fields", json!(1)), ("/rows", json!(1)), ("/columns/1/length/max", json!(1_048_575))],
    );
    assert!(result["warnings"][0].as_str().unwrap().contains("line 2 never closes"), "{result}");
}

#[test]
fn columns_beyond_the_limit_are_told() {
    let row = "1,".repeat(2_999);
    let result = of(format!("{row}1\n{row}2\n").as_bytes());
    check(&result, &[("/column_count", json!(3_000)), ("/columns_truncated", json!(true)), ("/rows", json!(2))]);
    assert_eq!(result["columns"].as_array().unwrap().len(), 2_000);
}

#[test]
fn a_million_rows_are_estimated_within_the_stated_error() {
    let mut state = 7;
    let mut text = String::from("id,group,uniform\n");
    for number in 0..1_000_000 {
        let group = if number % 4 == 0 { 99 } else { number % 50 };
        text += &format!("id-{number},{group},{}\n", xorshift(&mut state) % 1_000_000);
    }
    let result = of(text.as_bytes());
    check(
        &result,
        &[
            ("/rows", json!(1_000_000)),
            ("/columns/0/top", json!({ "exact": false, "values": [] })),
            ("/columns/1/distinct", json!({ "count": 51, "exact": true })),
            ("/columns/1/top/values/0", json!({ "value": "99", "count": 250_000 })),
            ("/columns/2/distinct/exact", json!(false)),
            ("/columns/2/numbers/quantiles/exact", json!(false)),
        ],
    );
    let near = |pointer: &str, expected: f64, share: f64| {
        let found = result.pointer(pointer).unwrap().as_f64().unwrap();
        assert!((found / expected - 1.0).abs() < share, "{pointer}: {found}, not about {expected}");
    };
    near("/columns/0/distinct/count", 1_000_000.0, 0.048);
    near("/columns/2/distinct/count", 632_120.0, 0.048);
    near("/columns/2/numbers/mean", 500_000.0, 0.005);
    near("/columns/2/numbers/stddev", 288_675.0, 0.005);
    near("/columns/2/numbers/quantiles/p05", 50_000.0, 0.03);
    near("/columns/2/numbers/quantiles/p50", 500_000.0, 0.01);
    near("/columns/2/numbers/quantiles/p95", 950_000.0, 0.01);
}

#[test]
fn random_bytes_are_profiled_without_panic() {
    let mut state = 0x5EED;
    for round in 0..3_000 {
        let length = xorshift(&mut state) % 600;
        let alphabet: &[u8] = match round % 3 {
            0 => b"a1,;\t|\"'\r\n -.:/eE+",
            1 => b",\n\"",
            _ => b"",
        };
        let byte = |random: u64| match alphabet {
            [] => random.to_le_bytes()[2],
            _ => alphabet[usize::try_from(random).unwrap() % alphabet.len()],
        };
        let bytes: Vec<u8> = (0..length).map(|_| byte(xorshift(&mut state) >> 8)).collect();
        for header in [Header::Auto, Header::Yes, Header::No] {
            let result = with(&bytes, header, None);
            let rows = result["rows"].as_u64().unwrap();
            for column in result["columns"].as_array().unwrap() {
                assert_eq!(column["count"].as_u64().unwrap() + column["nulls"].as_u64().unwrap(), rows, "{bytes:?}");
            }
        }
    }
}

#[test]
fn progress_is_the_bytes_read() {
    let text = "a,b\n".repeat(200_000);
    let options = Options { delimiter: None, header: Header::Auto, top: 0 };
    let mut told = Vec::new();
    profile(text.as_bytes(), &options, |read_bytes| told.push(read_bytes)).unwrap();
    assert_eq!(told, [512 * 1024, 768 * 1024, text.len() as u64]);
}

#[test]
fn a_nul_is_told_wherever_it_is() {
    let late = [&b"a,b\n".repeat(200_000)[..], b"\0,b\n"].concat();
    check(&of(&late), &[("/warnings/0", json!("The file has NUL bytes; it may be no text."))]);
}

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
