use belljar_sdk::hostile;
use serde_json::json;

use super::*;

/// What `samples/generate` made.
macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../samples/", $name, ".parquet")).as_slice()
    };
}

/// One table in every codec and encoding.
const ALIKE: [(&str, &[u8]); 10] = [
    ("uncompressed", sample!("none")),
    ("snappy", sample!("snappy")),
    ("gzip", sample!("gzip")),
    ("brotli", sample!("brotli")),
    ("zstd", sample!("zstd")),
    ("lz4_raw", sample!("lz4")),
    ("zstd", sample!("v2")),
    ("uncompressed", sample!("plain")),
    ("snappy", sample!("delta")),
    ("uncompressed", sample!("lengths")),
];

#[test]
fn every_codec_and_encoding_gives_the_same_profile() {
    let first = of(ALIKE[0].1);
    check(
        &first,
        &[
            ("/format", json!("parquet")),
            ("/rows", json!(60)),
            ("/parquet/row_groups", json!(3)),
            ("/columns/0/name", json!("id")),
            ("/columns/0/type", json!("integer")),
            ("/columns/0/stored", json!("INT64")),
            ("/columns/0/numbers/mean", json!(29.5)),
            ("/columns/0/distinct", json!({ "count": 60, "exact": true })),
            ("/columns/1/type", json!("text")),
            ("/columns/1/nulls", json!(9)),
            ("/columns/1/top/values/0", json!({ "value": "name 3", "count": 11 })),
            ("/columns/2/type", json!("float")),
            ("/columns/2/nulls", json!(1)),
            ("/columns/2/max", json!(14.75)),
            ("/columns/3/type", json!("boolean")),
            ("/columns/3/top/values/1", json!({ "value": "true", "count": 20 })),
            ("/columns/4/type", json!("date")),
            ("/columns/4/stored", json!("INT32 DATE")),
            ("/columns/4/max", json!("2024-02-29")),
            ("/warnings", json!([])),
        ],
    );
    for (codec, bytes) in ALIKE {
        let found = of(bytes);
        assert_eq!(found["parquet"]["codecs"], json!([codec]));
        assert_eq!(found["columns"], first["columns"], "{codec}");
    }
}

#[test]
fn types_read_as_what_they_mean() {
    let result = of(sample!("types"));
    for (name, stored, kind, least, greatest) in [
        ("int8", "INT32 INTEGER(signed)", "integer", json!(-1), json!(2)),
        ("uint32", "INT32 INTEGER(unsigned)", "integer", json!(0), json!(4_294_967_295_u64)),
        ("uint64", "INT64 INTEGER(unsigned)", "integer", json!(0), json!("18446744073709551615")),
        ("float", "FLOAT", "float", json!(0.1), json!(0.1)),
        ("half", "FIXED_LEN_BYTE_ARRAY(2) FLOAT16", "float", json!(-2.0), json!(1.5)),
        ("infinite", "DOUBLE", "float", json!(1e300), json!(1e300)),
        (
            "decimal",
            "FIXED_LEN_BYTE_ARRAY(13) DECIMAL(scale 2)",
            "float",
            json!(-0.05),
            json!(12_345_678_901_234_567_000.0),
        ),
        (
            "millis",
            "INT64 TIMESTAMP(MILLIS, UTC)",
            "datetime",
            json!("2024-02-29T12:30:15.25Z"),
            json!("2024-02-29T12:30:15.25Z"),
        ),
        (
            "micros",
            "INT64 TIMESTAMP(MICROS, local)",
            "datetime",
            json!("2024-02-29T12:30:15.25"),
            json!("2024-02-29T12:30:15.25"),
        ),
        (
            "nanos",
            "INT64 TIMESTAMP(NANOS, local)",
            "datetime",
            json!("2024-02-29T12:30:15.25"),
            json!("2024-02-29T12:30:15.25"),
        ),
        ("time", "INT32 TIME(MILLIS)", "text", json!("23:59:58"), json!("23:59:58")),
        ("binary", "BYTE_ARRAY", "text", json!("00ff"), json!("text")),
        ("fixed", "FIXED_LEN_BYTE_ARRAY(3)", "text", json!("010203"), json!("abc")),
        ("digits", "BYTE_ARRAY STRING", "text", json!("42"), json!("NA")),
        ("when", "BYTE_ARRAY STRING", "date", json!("2024-01-01"), json!("2024-01-02")),
    ] {
        let column = column(&result, name);
        let found = (&column["stored"], &column["type"], &column["min"], &column["max"]);
        assert_eq!(found, (&json!(stored), &json!(kind), &least, &greatest), "{name}");
    }
    assert_eq!(result["warnings"], json!(["2 floats are infinite or no number and count as nulls."]));
}

#[test]
fn tables_within_tables_have_ways_for_names() {
    let result = of(sample!("nested"));
    let found: Vec<_> = result["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["count"].as_u64().unwrap(), it["nulls"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("address/city", 1, 2),
            ("address/zip", 2, 1),
            ("tags/*", 2, 1),
            ("deep/*/*", 4, 0),
            ("people/*/name", 2, 1),
            ("people/*/age", 2, 1),
            ("map/*/key", 2, 0),
            ("map/*/value", 1, 1),
        ]
    );
}

#[test]
fn other_writers_are_read_too() {
    check(
        &of(sample!("fastparquet")),
        &[("/rows", json!(60)), ("/columns/1/distinct/count", json!(5)), ("/columns/0/max", json!(59))],
    );
    check(
        &of(sample!("empty")),
        &[("/rows", json!(0)), ("/columns/0/type", json!("empty")), ("/column_count", json!(5))],
    );
}

#[test]
fn a_file_without_its_end_is_told_as_such() {
    let bytes = sample!("snappy");
    for length in [4, 11, bytes.len() - 1, bytes.len() - 9] {
        assert!(refused(&bytes[..length]).contains("its end is not there"), "{length}");
    }
    let mut lying = bytes.to_vec();
    let length_at = lying.len() - 8;
    lying[length_at..length_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused(&lying).contains("its metadata are longer than the file"));
    assert!(refused(b"PARExxxx\0\0\0\0PARE").contains("encrypted"));
}

#[test]
fn metadata_of_many_small_things_are_refused() {
    // A list of two million structs of a byte each: of the schema, then of groups of rows.
    for (field, reason) in [(0x29, "its schema is too large"), (0x49, "it has too many groups of rows")] {
        let list = [[field, 0xfc].as_slice(), &[0x80, 0x89, 0x7a], &vec![0; 2_000_000], &[0]].concat();
        let length = u32::try_from(list.len()).unwrap().to_le_bytes();
        let bytes = [b"PAR1".as_slice(), &list, &length, b"PAR1"].concat();
        assert_eq!(refused(&bytes), format!("this Parquet file cannot be read: {reason}"));
    }
}

#[test]
fn a_column_that_cannot_be_read_leaves_the_others() {
    let mut bytes = sample!("snappy").to_vec();
    // The header of the first page of the first column.
    bytes[4..24].fill(0xff);
    let result = of(&bytes);
    assert!(result["columns"][0]["stopped"].as_str().unwrap().contains("page"), "{result:#}");
    assert!(result["columns"][1]["stopped"].is_null() && result["columns"][1]["count"] == 51);
    let columns = result["columns"].as_array().unwrap().len();
    assert_eq!(result["warnings"][0], format!("1 of {columns} columns could not be read to their end."));
}

#[test]
fn damaged_parquet_has_a_result_or_a_reason() {
    for (_, bytes) in ALIKE {
        hostile::survives(bytes, |sample| analyse(sample, args()));
    }
    for bytes in [sample!("types"), sample!("nested"), sample!("int96"), sample!("fastparquet")] {
        hostile::survives(bytes, |sample| analyse(sample, args()));
    }
}
