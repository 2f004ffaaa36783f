//! What handlers answer, as types: a plain `Response` says nothing of itself, and no route takes a handler that gives one.

use std::fmt;
use std::marker::PhantomData;

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::error::Problem;
use super::about::Field;
use super::about::Presence;
use super::schemas::Schemas;

/// One status with what comes with it.
#[derive(Debug)]
pub struct Answer {
    pub(super) status: u16,
    says: &'static str,
    fields: Vec<Field>,
    content: Map<String, Value>,
    links: Map<String, Value>,
}

impl Answer {
    /// Of a status and a sentence.
    #[must_use]
    pub fn new(status: u16, says: &'static str) -> Self {
        Self { status, says, fields: Vec::new(), content: Map::new(), links: Map::new() }
    }

    /// With a body of that media type.
    #[must_use]
    pub fn holding(mut self, media_type: &str, schema: Value) -> Self {
        self.content.insert(media_type.to_owned(), json!({ "schema": schema }));
        self
    }

    /// With header fields.
    #[must_use]
    pub fn with(mut self, fields: &[Field]) -> Self {
        self.fields.extend(fields);
        self
    }

    /// With an operation that may follow, and where each of its parameters is found.
    #[must_use]
    pub fn leading_to(mut self, id: &str, parameters: &[(&str, &str)]) -> Self {
        let parameters: Map<_, _> = parameters.iter().map(|(name, at)| ((*name).to_owned(), json!(at))).collect();
        self.links.insert(id.to_owned(), json!({ "operationId": id, "parameters": parameters }));
        self
    }

    pub(super) fn document(&self) -> Value {
        let header = |it: &Field| {
            let required = it.presence == Presence::Always;
            let header = json!({ "description": it.says, "required": required, "schema": it.schema() });
            (it.name.to_owned(), header)
        };
        let mut response = json!({ "description": self.says });
        let members = [
            ("headers", self.fields.iter().map(header).collect()),
            ("content", self.content.clone()),
            ("links", self.links.clone()),
        ];
        for (name, member) in members.into_iter().filter(|(_, it): &(_, Map<_, _>)| !it.is_empty()) {
            response[name] = member.into();
        }
        response
    }
}

/// What can be answered, and says so.
pub trait Answers {
    /// Every status that is not a refusal.
    fn answers(schemas: &mut Schemas) -> Vec<Answer>;
}

impl<T: JsonSchema> Answers for Json<T> {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(200, "What was asked for.").holding("application/json", schemas.answered::<T>())]
    }
}

impl Answers for &'static str {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(200, "A word.").holding("text/plain", json!({ "type": "string" }))]
    }
}

/// What is refused is said beside the handler: one type stands for all of it.
impl<A: Answers> Answers for Result<A, Problem> {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        A::answers(schemas)
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answers for NoContent {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(204, "It is done.")]
    }
}

/// A response put together by hand, which is one of those that `D` tells of.
pub struct Told<D>(Response, PhantomData<fn() -> D>);

impl<D> Told<D> {
    /// Takes it for that.
    pub fn new(response: impl IntoResponse) -> Self {
        Self(response.into_response(), PhantomData)
    }
}

impl<D> fmt::Debug for Told<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Told").field(&self.0).finish()
    }
}

impl<D> IntoResponse for Told<D> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<D: Answers> Answers for Told<D> {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        D::answers(schemas)
    }
}
