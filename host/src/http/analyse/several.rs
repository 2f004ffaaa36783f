//! `POST /analyse` with several questions of one file at once.
//!
//! `"analysis"` is a list of names, or `"*"` for all that accept the file's media type; `"args"` then holds the args of
//! each by its name, where it has any; `limits`, `rerun`, `priority` and `notify` are for all of them:
//!
//! ```json
//! {"file_id": "a9993e36…", "analysis": ["digest", "strings", "pictures"], "args": {"strings": {"min_length": 8}}}
//! ```
//!
//! The answer has an entry for each, in the order of the names: what a single question is answered, or the problem that a
//! single one would be refused with (and `retry_after_ms` in it, where that would have `Retry-After`):
//!
//! ```json
//! {"file_id": "a9993e36…", "analyses": [
//!   {"analysis": "digest", "file_id": "a9993e36…", "analysis_id": "…", "status": "accepted", "results": "/results/…"},
//!   {"analysis": "strings", "file_id": "a9993e36…", "analysis_id": "…", "status": "successful", "results": "/results/…"},
//!   {"analysis": "pictures", "problem": {"title": "Unsupported Media Type", "status": 415, "detail": "…"}}]}
//! ```
//!
//! It is `200` when one of them was taken. When none was, it is a problem with the same `analyses`, whose status is
//! theirs where they have the same, else `422`. What is wrong with the request as a whole (no such file, a member that
//! there is not, args for an analysis that is not asked) is a problem by itself, and nothing is begun.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::future::try_join_all;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;

use super::super::Api;
use super::super::error::Problem;
use super::super::upload;
use super::Asked;
use super::begin;
use super::hooks;
use super::no_args;
use super::parse;
use super::promised;
use super::question_of;
use super::taken;
use super::view::Entry;
use super::view::Named;
use super::view::Several;
use crate::dispatch::Question;
use crate::id::FileId;
use crate::run::notice::Hook;
use crate::store::uploads::UploadFacts;

/// Questions in one request.
pub(in super::super) const QUESTIONS_MAX: usize = 100;

/// Questions of one file, or why they are none, each with the name of its analysis.
#[derive(Debug)]
pub(super) struct Questions {
    file_id: FileId,
    each: Vec<(String, Result<Question, Problem>)>,
    hooks: Vec<Hook>,
}

/// Whether a body asks several questions.
pub(super) fn is_meant(body: &Value) -> bool {
    let analysis = &body["analysis"];
    analysis.is_array() || analysis == "*"
}

/// Takes a body apart.
pub(super) fn questions(api: &Api, mut body: Value) -> Result<Questions, Problem> {
    let (analysis, args) = match &mut body {
        Value::Object(members) => (members.insert("analysis".to_owned(), json!("")), members.remove("args")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => (None, None),
    };
    let mut common = parse(body)?;
    let hooks = hooks(api, &mut common)?;
    let upload = upload::find(api, &common.file_id)?;
    let names = names(api, &upload, analysis)?;
    let mut args = args_by_name(&names, args)?;
    let each = names.into_iter().map(|name| {
        let args = args.remove(&name).unwrap_or_else(no_args);
        let asked = Asked { file_id: String::new(), analysis: name.clone(), args, notify: Vec::new(), ..common };
        (name, question_of(api, (upload.clone(), asked)))
    });
    Ok(Questions { file_id: upload.sha1, each: each.collect(), hooks })
}

fn names(api: &Api, upload: &UploadFacts, analysis: Option<Value>) -> Result<Vec<String>, Problem> {
    let invalid = |detail: String| Problem::invalid(detail, Vec::new());
    let names: Vec<String> = match analysis {
        Some(Value::Array(names)) => serde_json::from_value(Value::Array(names))
            .map_err(|error| invalid(format!("`analysis` is not a list of names: {error}")))?,
        _ => {
            let fitting = api.parts.registry.accepting(&upload.media_type);
            fitting.iter().map(|it| it.descriptor.name.as_str().to_owned()).collect()
        }
    };
    if names.len() > QUESTIONS_MAX {
        let detail = format!("{} analyses at once; at most {QUESTIONS_MAX} can be asked", names.len());
        return Err(invalid(detail));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(invalid(format!("`{twice}` is named twice")));
    }
    if names.is_empty() {
        let detail = format!("no analysis is named, or none takes such a file, which is {}", upload.media_type);
        return Err(invalid(detail));
    }
    Ok(names)
}

fn args_by_name(names: &[String], args: Option<Value>) -> Result<Map<String, Value>, Problem> {
    let Value::Object(args) = args.unwrap_or_else(no_args) else {
        return Err(Problem::invalid("`args` holds the args of each analysis by its name", Vec::new()));
    };
    match args.keys().find(|name| !names.contains(name)) {
        Some(other) => {
            Err(Problem::invalid(format!("`args` holds those of `{other}`, which is not asked"), Vec::new()))
        }
        None => Ok(args),
    }
}

/// Takes what can be taken.
pub(super) async fn submit(api: &Api, questions: Questions, waited: Option<Duration>) -> Result<Several, Problem> {
    let dispatch = &api.parts.dispatch;
    let until = waited.map(|time| Instant::now() + time);
    // In their order, but none waits for another: one may have to wait for a run that has less.
    let submitting = questions.each.into_iter().map(async |(name, question)| {
        let submitted = match question {
            Ok(question) => begin(api, (question, waited), &questions.hooks).await,
            Err(problem) => Err(problem),
        };
        (name, submitted)
    });
    let asked = join_all(submitting).await;
    let keys: Vec<_> = asked.iter().filter_map(|(_, it)| it.as_ref().ok()).copied().collect();
    if let Some(until) = until {
        // Time over is no error: the client asks again.
        drop(tokio::time::timeout_at(until, join_all(keys.iter().map(|key| dispatch.ended(*key)))).await);
    }
    // Together: they share a sync.
    try_join_all(keys.iter().map(|key| promised(api, *key, &questions.hooks))).await?;
    if keys.is_empty() {
        let refusals = asked.into_iter().filter_map(|(name, it)| Some((name, it.err()?)));
        return Err(Problem::none_taken(refusals.collect()));
    }
    let entries = asked.into_iter().map(|(name, submitted)| match submitted.and_then(|key| taken(api, key)) {
        Ok(taken) => Entry::Taken(Named { analysis: name, taken }),
        Err(problem) => Entry::Refused(problem.of_one(name)),
    });
    Ok(Several { file_id: questions.file_id, analyses: entries.collect() })
}
