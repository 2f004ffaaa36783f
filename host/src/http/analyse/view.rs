//! What is said of questions that were taken.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::error::Refused;
use super::super::openapi::answer::Answer;
use super::super::openapi::answer::Answers;
use super::super::openapi::fields;
use super::super::openapi::schemas::Schemas;
use super::super::results;
use super::super::visit::Subject;
use crate::id::AnalysisId;
use crate::id::FileId;
use crate::run::Status;

/// A question that was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TakenQuestion")]
pub struct Taken {
    pub(super) file_id: FileId,
    /// Names the question: file, analysis, module and args.
    pub(super) analysis_id: AnalysisId,
    pub(super) status: Status,
    /// The path to its result.
    pub(super) results: String,
}

/// Questions of one file, in the order in which they were asked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TakenQuestions")]
pub struct Several {
    pub(super) file_id: FileId,
    pub(super) analyses: Vec<Entry>,
}

/// One of several questions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "OneOfSeveral")]
pub enum Entry {
    Taken(Named),
    Refused(Refused),
}

/// One that was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NamedQuestion")]
pub struct Named {
    /// The name that was asked for.
    pub(super) analysis: String,
    #[serde(flatten)]
    pub(super) taken: Taken,
}

/// What is answered to one question, or to several.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "TakenOneOrSeveral")]
pub enum Asked {
    One(Taken),
    Several(Several),
}

/// The same, and whether it was waited for.
#[derive(Debug)]
pub struct Waited {
    pub(super) asked: Asked,
    pub(super) waited: Option<Duration>,
}

impl IntoResponse for Waited {
    fn into_response(self) -> Response {
        let subject = match &self.asked {
            Asked::One(taken) => taken.results.clone(),
            Asked::Several(several) => format!("/results/{}", several.file_id),
        };
        let mut response = Json(self.asked).into_response();
        response.extensions_mut().insert(Subject(subject));
        results::applied(&mut response, self.waited);
        response
    }
}

impl Answers for Waited {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let taken = Answer::new(200, "It was taken, joined the run in flight, or found its answer there.");
        let taken = taken.holding("application/json", schemas.answered::<Asked>()).with(&[fields::APPLIED]);
        let key = [("file_id", "$response.body#/file_id"), ("analysis_id", "$response.body#/analysis_id")];
        let then = ["showResult", "showRun", "showLog", "watchRun", "dismissRun"];
        vec![then.into_iter().fold(taken, |it, id| it.leading_to(id, &key))]
    }
}
