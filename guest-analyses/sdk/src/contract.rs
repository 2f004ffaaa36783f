//! What an analysis promises, drawn up from its code: `descriptor.json`, which the module carries and people review.

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::golden;
use crate::sample::Sample;

/// Says that what has changed is meant.
const ACCEPT: &str = "BELLJAR_ACCEPT";

/// What `Cargo.toml` and the doc comment say; see [`package!`](crate::package).
#[derive(Debug)]
pub struct Package {
    pub folder: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
    pub license: &'static str,
    /// With `:` between them.
    pub authors: &'static str,
    pub homepage: &'static str,
}

/// The [`contract::Package`](crate::contract::Package) of the crate it stands in, with that description.
#[macro_export]
macro_rules! package {
    ($description:expr) => {
        $crate::contract::Package {
            folder: env!("CARGO_MANIFEST_DIR"),
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            description: $description,
            license: env!("CARGO_PKG_LICENSE"),
            authors: env!("CARGO_PKG_AUTHORS"),
            homepage: env!("CARGO_PKG_HOMEPAGE"),
        }
    };
}

/// Writes `descriptor.json` if there is none, else sees that it is current; then runs its examples.
///
/// # Panics
/// When the contract has changed and nobody said that this is meant, or an example does not hold.
pub fn hold<A, R>(package: &Package, members: Value, analysis: impl Fn(Sample, A) -> Result<R, Failure>)
where
    A: DeserializeOwned + JsonSchema,
    R: Serialize + JsonSchema,
{
    let descriptor = describe::<A, R>(package, members);
    let path = Path::new(package.folder).join("descriptor.json");
    let before = fs::read(&path).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    match before {
        Some(before) if before == descriptor => {}
        Some(before) if std::env::var_os(ACCEPT).is_none() => {
            let place = golden::difference(&descriptor, &before).or(golden::difference(&before, &descriptor));
            panic!(
                "the contract has changed at `{}`; if that is meant: {ACCEPT}=1 cargo test",
                place.unwrap_or_default()
            );
        }
        Some(_) | None => {
            let text = serde_json::to_string_pretty(&descriptor).expect("a descriptor is JSON");
            fs::write(&path, text + "\n").expect("descriptor.json can be written");
        }
    }
    if descriptor["examples"].is_array() {
        golden::check(descriptor.to_string().as_bytes(), analysis);
    }
}

/// Formats that are no formats of JSON Schema.
const RUSTS_OWN: [&str; 14] = [
    "uint8", "uint16", "uint32", "uint64", "uint128", "uint", "int8", "int16", "int32", "int64", "int128", "int",
    "float", "double",
];

fn describe<A: JsonSchema, R: JsonSchema>(package: &Package, members: Value) -> Value {
    let authors: Vec<_> = package.authors.split(':').filter(|it| !it.is_empty()).collect();
    let mut descriptor = Map::new();
    for (name, value) in [
        ("name", json!(package.name)),
        ("version", json!(package.version)),
        ("description", json!(package.description)),
        ("license", json!(package.license)),
        ("authors", json!(authors)),
        ("homepage", json!(package.homepage)),
    ] {
        if value != "" && value != json!([]) {
            descriptor.insert(name.to_owned(), value);
        }
    }
    // No references: the host fills defaults in wherever they stand. No formats of Rust's own.
    let settings = || {
        let settings = SchemaSettings::draft2020_12().with(|it| {
            it.meta_schema = None;
            it.inline_subschemas = true;
        });
        settings.with_transform(RecursiveTransform(|schema: &mut schemars::Schema| {
            if schema.get("format").and_then(Value::as_str).is_some_and(|it| RUSTS_OWN.contains(&it)) {
                schema.remove("format");
            }
        }))
    };
    let plain = |schema: schemars::Schema| {
        let mut schema = schema.to_value();
        if let Some(members) = schema.as_object_mut() {
            // The name of a type of Rust is nobody's business.
            members.remove("title");
        }
        schema
    };
    descriptor
        .insert("args".to_owned(), plain(settings().for_deserialize().into_generator().into_root_schema_for::<A>()));
    descriptor
        .insert("result".to_owned(), plain(settings().for_serialize().into_generator().into_root_schema_for::<R>()));
    if let Value::Object(members) = members {
        descriptor.extend(members);
    }
    Value::Object(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it takes.
    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Args {
        /// How many.
        #[serde(default = "three")]
        #[schemars(range(min = 1, max = 9))]
        top: u8,
        kind: Kind,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Short,
        Long,
    }

    #[derive(Debug, Serialize, JsonSchema)]
    struct Counted {
        words: u64,
    }

    fn three() -> u8 {
        3
    }

    fn package(folder: &'static str) -> Package {
        Package { folder, authors: "A:B", homepage: "", ..crate::package!("Counts.") }
    }

    #[test]
    fn types_and_package_make_a_descriptor() {
        let members = json!({ "accepts": ["text/*"], "description": "Counts more." });
        let found = describe::<Args, Counted>(&package(""), members);
        assert_eq!(found["name"], "belljar-sdk");
        assert_eq!(found["authors"], json!(["A", "B"]));
        assert_eq!((found.get("homepage"), &found["description"]), (None, &json!("Counts more.")));
        let top = &found["args"]["properties"]["top"];
        assert_eq!(
            (&top["default"], &top["maximum"], &top["description"]),
            (&json!(3), &json!(9), &json!("How many."))
        );
        assert_eq!(found["args"]["properties"]["kind"]["enum"], json!(["short", "long"]));
        assert_eq!(found["args"]["additionalProperties"], false);
        assert_eq!(found["args"]["required"], json!(["kind"]));
        assert_eq!(found["result"]["properties"]["words"], json!({ "type": "integer", "minimum": 0 }));
        assert!(!found.to_string().contains("$ref") && !found.to_string().contains("$schema"));
    }

    #[test]
    fn a_contract_that_changed_is_told_and_its_examples_are_run() {
        let folder = std::env::temp_dir().join(format!("belljar-sdk-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let folder: &'static str = folder.to_str().unwrap().to_owned().leak();
        let hold = |accepts: &str, words: u64| {
            let examples = json!([{ "input_text": "a b", "args": { "kind": "short" }, "result": { "words": 2 } }]);
            let members = json!({ "accepts": [accepts], "examples": examples });
            let counted = |_, _: Args| Ok(Counted { words });
            std::panic::catch_unwind(|| super::hold(&package(folder), members, counted)).is_ok()
        };
        assert!(hold("text/*", 2), "it is written");
        assert!(hold("text/*", 2) && !hold("text/plain", 2) && !hold("text/*", 3));
        fs::remove_dir_all(folder).unwrap();
    }
}
