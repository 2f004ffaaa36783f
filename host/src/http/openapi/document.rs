//! The document as far as it is the same at every server: paths, and the schemas that Rust types have.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::error::Problem;
use super::super::keys::Need;
use super::about::Field;
use super::about::Form;
use super::about::Presence;
use super::about::Refusal;
use super::answer::Answer;
use super::endpoint::Taken;
use super::fields;
use super::installed;
use super::routes::Operation;
use super::routes::Routes;
use super::schemas::Schemas;
use crate::notify;

const ABOUT: &str = "Runs analyses from strangers over files from strangers. A file is uploaded, an analysis is asked of it, \
its result is JSON, and links to the files that it wrote. `HEAD` is answered wherever `GET` is. Whatever is not 2xx is \
`application/problem+json` (RFC 9457); only a head that is no HTTP, or too long, is answered by a bare `400` or `431`. \
Ids are lower-case hex, times RFC 3339 in UTC. A token with quotas is told what is left of them by `RateLimit` and \
`RateLimit-Policy` in every answer. `X-Request-Id` names the request: the trace of a `traceparent` that was sent along (W3C Trace \
Context), or an `X-Request-Id` of 32 hex digits.";

/// What every route refuses.
const EVERYWHERE: [Refusal; 6] = [
    (401, "A token is wanted here, and there is none, or none that counts."),
    (403, "The token is not for this."),
    (429, "The token has a quota, and nothing is left of it: `detail` says of which."),
    (400, "Not understood: the path, a query parameter that there is not, a header field, or a body that is broken."),
    (421, "This server is not known by the name in `Host`."),
    (500, "This server failed; its log tells why."),
];
/// What every route refuses that changes something.
const CHANGING: Refusal = (
    403,
    "A page of another site may not change anything here; nor may clients what its operator keeps, or whom no token allows it.",
);

/// Parameters of paths: what the path starts with, the name, the form, and what it is.
const PARAMETERS: [(&str, &str, &str, &str); 9] = [
    ("", "file_id", "^[0-9a-f]{40}$", "An upload: the SHA-1 of its bytes."),
    ("", "analysis_id", "^[0-9a-f]{40}$", "A question that was asked of it."),
    ("/resumable", "id", "^[0-9a-f]{32}$", "An upload that comes in pieces."),
    ("/modules", "module", "^[0-9a-f]{64}$", "A module: the SHA-256 of its bytes."),
    ("/analyses", "name", "^[a-z][a-z0-9_-]{0,63}$", "The name of an analysis."),
    (
        "/download",
        "filename",
        "^[A-Za-z0-9_.-]{1,128}$",
        "The name of the upload as its `download` has it, or `the_file`.",
    ),
    ("/download", "name", "^[A-Za-z0-9_.-]{1,128}$", "The name of the artifact as its `download` has it."),
    ("/framed", "name", "^[A-Za-z0-9_.-]{1,128}$", "The name of the artifact as its `download` has it."),
    ("/web", "file", "^[a-z]{1,32}\\.(js|css|svg)$", "A file that the page loads."),
];

impl Routes {
    /// The document of these routes, without any analysis.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut schemas = Schemas::default();
        let problem = schemas.answered::<Problem>();
        let mut paths = Map::new();
        for operation in &self.operations {
            let described = operation.document(&mut schemas, &problem);
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = described;
        }
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Belljar", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "paths": paths,
            "webhooks": { "runEnded": { "post": told(&mut schemas) } },
            "components": {
                "schemas": schemas.finish(),
                "securitySchemes": { "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "Where the operator wants tokens: `belljar token create`. The scopes say what it is for.",
                } },
            },
        });
        installed::splice(&mut document, &[]);
        document
    }
}

impl Operation {
    fn document(&self, schemas: &mut Schemas, problem: &Value) -> Value {
        let mut taken = Taken::default();
        let answers = (self.describe)(&mut taken, schemas);
        let security = match self.about.need {
            Need::Nothing => json!([{}]),
            Need::Token => json!([{}, { "token": [] }]),
            Need::Scope(scope) => json!([{}, { "token": [scope] }]),
        };
        let mut operation = json!({
            "operationId": self.about.id,
            "security": security,
            "summary": self.about.summary,
            "tags": [self.path.split('/').nth(1).unwrap_or_default()],
            "parameters": self.parameters(&taken),
            "responses": self.responses(&answers, problem),
        });
        if let Some(body) = self.about.body {
            let content = body.content.iter().map(|(media_type, schema)| {
                let schema = schema(schemas);
                ((*media_type).to_owned(), json!({ "schema": schema }))
            });
            let content: Map<_, _> = content.collect();
            operation["requestBody"] = json!({ "required": body.presence == Presence::Always, "content": content });
        }
        operation
    }

    fn parameters(&self, taken: &Taken) -> Vec<Value> {
        let mut all: Vec<_> = names(self.path).map(|name| path_parameter(self.path, name)).collect();
        if let Some(cursor) = &taken.cursor {
            all.push(json!({
                "name": "limit", "in": "query", "description": "Entries on a page.",
                "schema": { "type": "integer", "minimum": 1, "maximum": super::super::page::LIMIT_MAX,
                            "default": super::super::page::LIMIT },
            }));
            let says = "Where the page begins, as `next` has it.";
            all.push(json!({ "name": "cursor", "in": "query", "description": says, "schema": cursor }));
        }
        all.extend(self.about.query.iter().map(|it| parameter("query", it)));
        all.extend(self.about.fields.iter().map(|it| parameter("header", it)));
        all
    }

    fn responses(&self, answers: &[Answer], problem: &Value) -> Map<String, Value> {
        let mut all: Map<_, _> = answers.iter().map(|it| (it.status.to_string(), it.document())).collect();
        let changing = (!["get", "head", "options"].contains(&self.method)).then_some(CHANGING);
        let common = changing.into_iter().chain(EVERYWHERE);
        // What is said beside the handler goes before what is said of all.
        for (status, says) in self.about.refusals.iter().copied().chain(common) {
            let fields: &[Field] = match status {
                401 => &[Field::new("WWW-Authenticate", Form::Pattern("^Bearer"), "What is wanted (RFC 6750).")],
                429 | 503 => &[fields::RETRY_AFTER],
                416 => &[Field::new("Content-Range", Form::Text, "How many bytes there are.")],
                405 => &[Field::new("Allow", Form::Text, "The methods that are taken.")],
                _ => &[],
            };
            let mut refused = Answer::new(status, says).with(fields);
            // An answer to HEAD has no body.
            if self.method != "head" {
                refused = refused.holding("application/problem+json", problem.clone());
            }
            all.entry(status.to_string()).or_insert_with(|| refused.document());
        }
        all
    }
}

/// What is sent to whoever wants to know how a run ended.
fn told(schemas: &mut Schemas) -> Value {
    let event = schemas.answered::<notify::CloudEvent<'_>>();
    let fields = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let fields =
        fields.map(|it| parameter("header", &Field::new(it, Form::Text, "As Standard Webhooks has it.").sometimes()));
    json!({
        "operationId": "runEnded",
        "summary": "Tells a receiver of `notify` how a run ended.",
        "parameters": fields,
        "requestBody": { "required": true, "content": { (notify::MEDIA_TYPE): { "schema": event } } },
        "responses": { "2XX": { "description": "It is told." }, "410": { "description": "It wants to hear no more." } },
    })
}

fn parameter(place: &str, field: &Field) -> Value {
    let required = field.presence == Presence::Always;
    json!({ "name": field.name, "in": place, "description": field.says, "required": required, "schema": field.schema() })
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(path: &str, name: &str) -> Value {
    let known = PARAMETERS.iter().find(|it| path.starts_with(it.0) && it.1 == name);
    let (_, _, pattern, says) = known.expect("every parameter of the route table is listed here");
    json!({
        "name": name, "in": "path", "required": true, "description": says,
        "schema": { "type": "string", "pattern": pattern },
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::routes;
    use super::super::endpoint::Raw;
    use super::*;

    #[test]
    fn what_handlers_take_is_described_and_nothing_else() {
        let mut schemas = Schemas::default();
        for operation in routes().operations {
            let mut taken = Taken::default();
            (operation.describe)(&mut taken, &mut schemas);
            let about = &operation.about;
            assert_eq!(taken.body == Raw::Taken, about.body.is_some(), "{operation:?}: the body");
            assert_eq!(taken.query == Raw::Taken, !about.query.is_empty(), "{operation:?}: the query");
            assert_eq!(taken.path == Raw::Taken, operation.path.contains('{'), "{operation:?}: the path");
        }
    }
}
