//! Two answers to the same question, told apart.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Compared;
use super::Verdict;
use crate::id::FileId;
use crate::id::Sha256;
use crate::run::Failure;
use crate::workbench::Ended;

const CHANGES_MAX: usize = 100;
/// A value is shown if it is no longer, as JSON.
const SHOWN_BYTES_MAX: usize = 256;
/// Longer results are told apart by their bytes alone.
const RESULT_BYTES_MAX: usize = 4 << 20;

/// One place where two results differ.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Where, RFC 6901; empty for the whole.
    pub pointer: String,
    pub kind: Kind,
    /// What was there, if it is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now, if it is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What became of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Added,
    Removed,
    Replaced,
}

pub(super) fn compare(file_id: FileId, args: Value, (before, after): (&Ended, &Ended)) -> Compared {
    let reason = |of: &Ended| of.outcome.as_ref().err().map(|failure| failure.reason);
    let mut compared = Compared {
        file_id,
        args,
        verdict: Verdict::Same,
        changes: Vec::new(),
        changes_count: 0,
        artifacts_changed: Vec::new(),
        reason_before: reason(before),
        reason_after: reason(after),
        fuel_ratio: ratio(after.record.usage.fuel, before.record.usage.fuel),
    };
    compared.verdict = match (&before.outcome, &after.outcome) {
        (Ok(_), Err(_)) => Verdict::NewlyFailing,
        (Err(_), Ok(_)) => Verdict::NewlySuccessful,
        (Err(Failure { reason: before, .. }), Err(Failure { reason: after, .. })) if before == after => Verdict::Same,
        (Err(_), Err(_)) => Verdict::Changed,
        (Ok(old), Ok(new)) => {
            let mut differences = Differences::default();
            differences.of_results((before, old), (after, new));
            compared.artifacts_changed = artifacts(before, after);
            compared.changes = differences.changes;
            compared.changes_count = differences.count;
            let same = compared.changes_count == 0 && compared.artifacts_changed.is_empty();
            if same { Verdict::Same } else { Verdict::Changed }
        }
    };
    compared
}

fn ratio(of: u64, to: u64) -> Option<f64> {
    let float = |it: u64| it.to_string().parse::<f64>().ok();
    let ratio = float(of)? / float(to)?;
    ratio.is_finite().then_some((ratio * 1000.0).round() / 1000.0)
}

fn artifacts(before: &Ended, after: &Ended) -> Vec<String> {
    let digests = |of: &Ended| -> BTreeMap<String, Sha256> {
        of.record.artifacts.iter().map(|it| (it.path.clone(), it.sha256)).collect()
    };
    let (before, after) = (digests(before), digests(after));
    let mut changed: Vec<_> =
        before.keys().chain(after.keys()).filter(|it| before.get(*it) != after.get(*it)).collect();
    changed.sort_unstable();
    changed.dedup();
    changed.into_iter().cloned().collect()
}

#[derive(Default)]
struct Differences {
    changes: Vec<Change>,
    count: usize,
}

impl Differences {
    fn of_results(&mut self, (before, old): (&Ended, &[u8]), (after, new): (&Ended, &[u8])) {
        let parse = |json: &[u8]| (json.len() <= RESULT_BYTES_MAX).then(|| serde_json::from_slice::<Value>(json).ok());
        let link = |of: &Ended| format!("/download/{}/{}/", of.key.file_id, of.key.analysis_id);
        match (parse(old).flatten(), parse(new).flatten()) {
            (Some(old), Some(mut new)) => {
                // Where an artifact is found is not what it is.
                relink(&mut new, &link(after), &link(before));
                self.of_values(&mut String::new(), &old, &new);
            }
            _ if old == new => (),
            _ => self.note("", Kind::Replaced, (None, None)),
        }
    }

    fn of_values(&mut self, pointer: &mut String, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(before), Value::Object(after)) => {
                let added = after.keys().filter(|it| !before.contains_key(*it));
                for name in before.keys().chain(added) {
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    self.at(pointer, &escaped, (before.get(name), after.get(name)));
                }
            }
            (Value::Array(before), Value::Array(after)) => {
                for number in 0..before.len().max(after.len()) {
                    self.at(pointer, &number.to_string(), (before.get(number), after.get(number)));
                }
            }
            _ if old == new => (),
            _ => self.note(pointer, Kind::Replaced, (Some(old), Some(new))),
        }
    }

    fn at(&mut self, pointer: &mut String, token: &str, values: (Option<&Value>, Option<&Value>)) {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(token);
        match values {
            (Some(old), Some(new)) => self.of_values(pointer, old, new),
            (Some(_), None) => self.note(pointer, Kind::Removed, values),
            (None, _) => self.note(pointer, Kind::Added, values),
        }
        pointer.truncate(length);
    }

    fn note(&mut self, pointer: &str, kind: Kind, (before, after): (Option<&Value>, Option<&Value>)) {
        self.count += 1;
        if self.changes.len() < CHANGES_MAX {
            let shown = |it: Option<&Value>| it.filter(|it| it.to_string().len() <= SHOWN_BYTES_MAX).cloned();
            let (before, after) = (shown(before), shown(after));
            self.changes.push(Change { pointer: pointer.to_owned(), kind, before, after });
        }
    }
}

fn relink(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(from) {
                *text = format!("{to}{rest}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|it| relink(it, from, to)),
        Value::Object(members) => members.values_mut().for_each(|it| relink(it, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(old: &Value, new: &Value) -> Vec<(String, Kind)> {
        let mut differences = Differences::default();
        differences.of_values(&mut String::new(), old, new);
        assert_eq!(differences.count, differences.changes.len());
        differences.changes.into_iter().map(|it| (it.pointer, it.kind)).collect()
    }

    #[test]
    fn each_place_is_told_by_its_pointer() {
        let old = json!({ "a": 1, "b/c": [1, 2, { "x": null }], "gone": true, "same": "s" });
        let new = json!({ "a": "1", "b/c": [1, 3, { "x": null, "y~": 0 }, 4], "same": "s" });
        let expected = [
            ("/a", Kind::Replaced),
            ("/b~1c/1", Kind::Replaced),
            ("/b~1c/2/y~0", Kind::Added),
            ("/b~1c/3", Kind::Added),
            ("/gone", Kind::Removed),
        ];
        assert_eq!(changes(&old, &new), expected.map(|(pointer, kind)| (pointer.to_owned(), kind)));
        assert_eq!(changes(&old, &old), []);
        assert_eq!(changes(&json!(1), &json!([])), [(String::new(), Kind::Replaced)]);
    }

    #[test]
    fn long_values_are_not_shown_and_many_places_are_counted() {
        let mut differences = Differences::default();
        let long = "x".repeat(SHOWN_BYTES_MAX);
        let (old, new) = (json!(vec![0; 150]), json!(vec![&long; 150]));
        differences.of_values(&mut String::new(), &old, &new);
        assert_eq!((differences.count, differences.changes.len()), (150, CHANGES_MAX));
        assert_eq!((&differences.changes[0].before, &differences.changes[0].after), (&Some(json!(0)), &None));
    }

    #[test]
    fn a_link_to_an_artifact_is_no_difference() {
        let mut value =
            json!({ "plot": "/download/f/b/x.svg", "text": "see /download/f/b/", "all": ["/download/f/b/y"] });
        relink(&mut value, "/download/f/b/", "/download/f/a/");
        let expected =
            json!({ "plot": "/download/f/a/x.svg", "text": "see /download/f/b/", "all": ["/download/f/a/y"] });
        assert_eq!(value, expected);
    }

    #[test]
    fn a_ratio_has_three_places_and_is_none_of_nothing() {
        assert_eq!((ratio(1, 3), ratio(0, 0), ratio(1, 0)), (Some(0.333), None, None));
    }
}
