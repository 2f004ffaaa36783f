//! The schemas that the document names, gathered from Rust types as they are answered and as they are taken.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Map;
use serde_json::Value;

/// Where a document keeps its schemas.
pub(super) const PLACE: &str = "/components/schemas";

/// All of them, by name.
#[derive(Debug)]
pub struct Schemas {
    answered: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|it| {
            it.definitions_path = PLACE.into();
            it.meta_schema = None;
        });
        let settings = settings.with_transform(RecursiveTransform(bounded));
        Self {
            answered: settings.clone().for_serialize().into_generator(),
            taken: settings.for_deserialize().into_generator(),
        }
    }
}

/// What is no `u64` is refused.
fn bounded(schema: &mut Schema) {
    if schema.get("format").is_some_and(|it| it == "uint64") {
        schema.insert("maximum".to_owned(), u64::MAX.into());
    }
}

impl Schemas {
    /// The schema of what is answered.
    pub fn answered<T: JsonSchema>(&mut self) -> Value {
        Schema::into(self.answered.subschema_for::<T>())
    }

    /// The schema of what is taken.
    pub fn taken<T: JsonSchema>(&mut self) -> Value {
        Schema::into(self.taken.subschema_for::<T>())
    }

    /// All that were named.
    ///
    /// # Panics
    /// When two types have the same name, and not the same schema.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        for (name, schema) in self.taken.take_definitions(true) {
            let other = all.insert(name.clone(), schema.clone());
            assert!(other.is_none_or(|it| it == schema), "two schemas are called `{name}`");
        }
        all
    }
}
