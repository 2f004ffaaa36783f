//! Who wants to know how a run ends, in its record.

use schemars::JsonSchema;
use serde::Serialize;

use crate::notify;
use crate::run::notice::Attempt;
use crate::run::notice::Hook;
use crate::run::notice::Outcome;
use crate::run::notice::State;
use crate::time::Timestamp;

/// One receiver.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Notification {
    /// Whose its URL is: the rest of it is often a secret of who gave it.
    receiver: String,
    /// The endings that it is told.
    events: Vec<Outcome>,
    state: Progress,
    /// When it is called next.
    next: Option<Timestamp>,
    /// Every call so far.
    attempts: Vec<Attempt>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NotificationState")]
enum Progress {
    /// The run has not ended.
    Waiting,
    /// It has, and is to be told.
    Due,
    Delivered,
    /// The receiver has had enough, or did not take it.
    GivenUp,
    /// The run ended otherwise.
    NotWanted,
}

impl Notification {
    pub(super) fn of(hook: Hook) -> Self {
        let (state, next) = match hook.state {
            State::Waiting => (Progress::Waiting, None),
            State::Due(next) => (Progress::Due, Some(next)),
            State::Delivered => (Progress::Delivered, None),
            State::GivenUp => (Progress::GivenUp, None),
            State::NotWanted => (Progress::NotWanted, None),
        };
        Self { receiver: notify::origin(&hook.url), events: hook.events, state, next, attempts: hook.attempts }
    }
}
