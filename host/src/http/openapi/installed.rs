//! The analyses that are installed, within the document: a schema for the args and the result of each, by names that no
//! Rust type has, and which args go with which analysis.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::analyse::Asked;
use super::embedded::before_defaults;
use super::embedded::embedded;
use super::schemas::PLACE;
use super::schemas::Schemas;
use crate::registry::workshop::Analysis;

/// Of the schemas of all analyses together, bytes; those that no longer fit are not in the document.
const BYTES_MAX: usize = 4 << 20;
/// Names in one request.
const NAMES_MAX: usize = super::super::analyse::several::QUESTIONS_MAX;

const ANY_QUESTION: &str = "AnyQuestion";
const ANY_RESULT: &str = "AnyResult";
const QUESTION: &str = "Question";
const OF_A_VERSION: &str = "QuestionToAVersion";
const QUESTIONS: &str = "Questions";

/// The schema of a body of `POST /analyse`.
pub fn any_question(schemas: &mut Schemas) -> Value {
    // It is the part that all have.
    schemas.taken::<Asked>();
    to(ANY_QUESTION)
}

/// The schema of a result.
#[must_use]
pub fn any_result() -> Value {
    to(ANY_RESULT)
}

/// Puts the analyses in.
pub(super) fn splice(document: &mut Value, analyses: &[Arc<Analysis>]) {
    let Some(components) = document.pointer_mut(PLACE).and_then(Value::as_object_mut) else { return };
    let mut room = BYTES_MAX;
    let (mut questions, mut results, mut args_by_name) = (Vec::new(), Vec::new(), Map::new());
    for analysis in analyses {
        let name = analysis.descriptor.name.as_str();
        let mut args = analysis.descriptor.args.clone();
        before_defaults(&mut args);
        // No Rust type has a dot in its name.
        let args_name = format!("analysis.{name}.args");
        components.insert(args_name.clone(), one((&args, name), &args_name, &mut room));
        args_by_name.insert(name.to_owned(), to(&args_name));
        let question_name = format!("analysis.{name}.question");
        components.insert(question_name.clone(), question(analysis, &args_name));
        questions.push(to(&question_name));
        if let Some(result) = &analysis.descriptor.result {
            let result_name = format!("analysis.{name}.result");
            components.insert(result_name.clone(), one((result, name), &result_name, &mut room));
            results.push(to(&result_name));
        }
    }
    components.insert(OF_A_VERSION.to_owned(), of_a_version());
    questions.push(to(OF_A_VERSION));
    let several = several(components.get(QUESTION), args_by_name);
    components.insert(QUESTIONS.to_owned(), several);
    questions.push(to(QUESTIONS));
    components.insert(ANY_QUESTION.to_owned(), json!({ "anyOf": questions }));
    results.push(json!({ "description": "Of an analysis that says nothing of its result, or was replaced since." }));
    components.insert(ANY_RESULT.to_owned(), json!({ "anyOf": results }));
}

/// A stranger's schema under that name, or where it is to be had.
fn one((schema, analysis): (&Value, &str), name: &str, room: &mut usize) -> Value {
    let embedded = embedded(schema, &format!("{PLACE}/{name}")).and_then(|it| {
        *room = room.checked_sub(it.to_string().len())?;
        Some(it)
    });
    embedded.unwrap_or_else(|| json!({ "description": format!("`GET /analyses/{analysis}` has this schema.") }))
}

fn question(analysis: &Analysis, args: &str) -> Value {
    let name = analysis.descriptor.name.as_str();
    let called = match analysis.descriptor.numbered {
        true => json!({ "type": "string", "pattern": format!("^{name}(_[0-9]{{1,9}})?$") }),
        false => json!({ "const": name }),
    };
    let mut question = json!({ "allOf": [to(QUESTION)], "properties": { "analysis": called, "args": to(args) } });
    if analysis.args.canonical(json!({})).is_err() {
        question["required"] = json!(["args"]);
    }
    question
}

/// A question to a version, whose args may be others than the current one's.
fn of_a_version() -> Value {
    let called = json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}@.+$" });
    json!({ "allOf": [to(QUESTION)], "properties": { "analysis": called } })
}

/// Several questions at once: as one, but for the names and the args, which are by name.
fn several(one: Option<&Value>, args_by_name: Map<String, Value>) -> Value {
    let mut several = one.cloned().unwrap_or_else(|| json!({}));
    several["description"] = json!("Several analyses that are asked of a file, or all that take it.");
    let names = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": NAMES_MAX, "uniqueItems": true });
    several["properties"]["analysis"] = json!({ "anyOf": [{ "const": "*" }, names] });
    several["properties"]["args"] = json!({ "type": "object", "properties": args_by_name });
    several
}

fn to(name: &str) -> Value {
    json!({ "$ref": format!("#{PLACE}/{name}") })
}
