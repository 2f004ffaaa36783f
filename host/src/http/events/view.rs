//! What the events of a run hold.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::super::openapi::about::Field;
use super::super::openapi::about::Form;
use super::super::openapi::answer::Answer;
use super::super::openapi::answer::Answers;
use super::super::openapi::schemas::Schemas;
use super::super::results::view::Artifact;
use super::super::results::view::Progress;
use crate::id::AnalysisName;
use crate::run::Reason;
use crate::run::Status;
use crate::time::Timestamp;

/// The data of one event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Data {
    Accepted(Accepted),
    Started(Started),
    Progress(Progress),
    Log(Log),
    Artifact(Artifact),
    Completed(Completed),
}

/// Of `accepted`: the question was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AcceptedEvent")]
pub(super) struct Accepted {
    pub(super) status: Status,
    pub(super) analysis: AnalysisName,
    /// When it was asked.
    pub(super) accepted: Timestamp,
}

/// Of `started`: it runs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StartedEvent")]
pub(super) struct Started {
    pub(super) status: Status,
    /// The first is 1.
    pub(super) attempt: u32,
}

/// Of `log`: what the analysis wrote to stderr.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LogEvent")]
pub(super) struct Log {
    pub(super) text: String,
}

/// Of `completed`: the last of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "CompletedEvent")]
pub(super) enum Completed {
    Ended(Ended),
    Gone(Gone),
}

/// It has ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CompletedRun")]
pub(super) struct Ended {
    pub(super) status: Status,
    /// Why there is no result.
    pub(super) reason: Option<Reason>,
    /// The reason in a sentence.
    pub(super) detail: Option<String>,
    /// The path to its result.
    pub(super) results: String,
}

/// It has no ending any more: it was `dismissed` or deleted with its file, or asked again and is `accepted` anew, which who
/// connects again can watch.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GoneRun")]
pub(super) struct Gone {
    pub(super) status: Status,
}

impl Data {
    /// What the event is called.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Started(_) => "started",
            Self::Progress(_) => "progress",
            Self::Log(_) => "log",
            Self::Artifact(_) => "artifact",
            Self::Completed(_) => "completed",
        }
    }
}

/// The events of a run.
#[derive(Debug)]
pub enum Events {}

impl Answers for Events {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let by_name: Value = json!({
            "accepted": schemas.answered::<Accepted>(),
            "started": schemas.answered::<Started>(),
            "progress": schemas.answered::<Progress>(),
            "log": schemas.answered::<Log>(),
            "artifact": schemas.answered::<Artifact>(),
            "completed": schemas.answered::<Completed>(),
        });
        let says = "Each of the server-sent events. `x-event-data` has the schema of the JSON in `data` by the name of the \
                    event; the `id` of the last one seen is `Last-Event-ID` of the next request.";
        let stream = json!({
            "type": "object", "required": ["event", "id", "data"], "description": says,
            "properties": {
                "event": { "enum": ["accepted", "started", "progress", "log", "artifact", "completed"] },
                "id": { "type": "string" },
                "data": { "type": "string", "contentMediaType": "application/json" },
            },
            "x-event-data": by_name,
        });
        let caching = Field::new("Cache-Control", Form::Text, "Events are not kept.");
        vec![
            Answer::new(200, "The run as it goes.").holding("text/event-stream", stream).with(&[caching]),
            Answer::new(204, "By its `Last-Event-ID` the client has seen the end."),
        ]
    }
}
