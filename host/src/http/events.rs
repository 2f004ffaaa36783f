//! `GET /results/<f>/<a>/events`: a run as it goes, as server-sent events (WHATWG HTML, section 9.2).
//!
//! The id of an event says all that its client has seen by then: of which generation of the question, which attempt, how
//! much of its log, how many artifacts, whether the end. So nothing is kept for those who may come back: whoever sends
//! `Last-Event-ID` is told what came since, from memory while the run goes, from disk afterwards.

pub mod view;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use axum::response::sse::Sse;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;

use self::view::Accepted;
use self::view::Completed;
use self::view::Data;
use self::view::Ended;
use self::view::Events;
use self::view::Gone;
use self::view::Log;
use self::view::Started;
use super::Api;
use super::error::Problem;
use super::log::Tail;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::answer::Told;
use super::path::Path;
use super::results;
use super::results::view::Artifact;
use super::results::view::Progress as Shown;
use crate::dispatch::board::Phase;
use crate::dispatch::board::Progress;
use crate::id::RunKey;
use crate::run::Status;
use crate::store::runs::RunConfig;
use crate::store::runs::RunState;

/// Between two events that tell of progress or log.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// Of the log in one event, bytes; as JSON it may take six times as many.
const LOG_BYTES_MAX: usize = 16 << 10;
/// Artifacts that are told of at once.
const ARTIFACTS_AT_ONCE: usize = 16;

/// Of `stream`.
pub const STREAM: About =
    About::new("watchRun", "A run as it goes, as server-sent events, from its acceptance to its end.")
        .reading(&[Field::new("Last-Event-ID", Form::Text, "Goes on after that event.").sometimes()])
        .refusing(&[results::NO_RUN, super::upload::FILE_GONE]);

/// Streams the events of a run until it has ended; `204` for who has seen the end, so that browsers do not come back.
pub async fn stream(
    api: Api,
    Path((file_id, analysis_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Told<Events>, Problem> {
    let key = results::key(&api, &file_id, &analysis_id)?;
    let config = api.store.config(key)?.ok_or_else(results::unknown)?;
    let (phase, log) = (api.parts.dispatch.watch(key), api.parts.dispatch.log(key));
    if phase.is_none() && matches!(results::state(&api, key)?, RunState::Unknown) {
        return Err(results::unknown());
    }
    let seen = headers.get("last-event-id").and_then(|it| it.to_str().ok()?.parse::<Seen>().ok());
    let seen = seen.filter(|seen| seen.generation == config.generation).unwrap_or(Seen::nothing(config.generation));
    if seen.stage == Stage::End {
        return Ok(Told::new(StatusCode::NO_CONTENT));
    }
    let size_bytes = super::upload::find(&api, &file_id)?.size_bytes;
    let watcher = Watcher {
        api,
        key,
        seen,
        scale: Scale { size_bytes, fuel: config.limits.fuel(size_bytes) },
        phase,
        tail: Tail::new(key, config.generation, log),
        told: None,
        due: Instant::now(),
        events: VecDeque::new(),
    };
    let events = stream::try_unfold(watcher, |mut watcher| async {
        let event = watcher.next().await.unwrap_or_else(|error| {
            tracing::error!(run.id = %watcher.key, %error, "the events of a run cannot be told");
            None
        });
        Ok::<_, Infallible>(event.map(|event| (event, watcher)))
    });
    Ok(Told::new(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT_EVERY))))
}

/// What a run's progress is measured against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) size_bytes: u64,
    pub(super) fuel: u64,
}

impl Scale {
    /// As clients see it.
    pub(super) fn show(self, progress: &Progress) -> Shown {
        let permille = progress.share(self.size_bytes, self.fuel);
        Shown {
            bytes_read: progress.so_far.bytes_read,
            size_bytes: self.size_bytes,
            fuel: progress.so_far.fuel,
            fuel_max: self.fuel,
            fraction: f64::from(permille) / 1000.0,
        }
    }
}

/// How much of a run somebody has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    generation: u64,
    stage: Stage,
    attempt: u32,
    log_bytes: usize,
    artifacts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    Accepted,
    End,
}

impl Seen {
    fn nothing(generation: u64) -> Self {
        Self { generation, stage: Stage::Nothing, attempt: 0, log_bytes: 0, artifacts: 0 }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.stage == Stage::End { ".end" } else { "" };
        write!(f, "{}.{}.{}.{}{end}", self.generation, self.attempt, self.log_bytes, self.artifacts)
    }
}

impl FromStr for Seen {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (text, stage) = text.strip_suffix(".end").map_or((text, Stage::Accepted), |it| (it, Stage::End));
        let numbers: Vec<u64> = text.split('.').map(|it| it.parse().map_err(|_| ())).collect::<Result<_, ()>>()?;
        let [generation, attempt, log_bytes, artifacts] = numbers[..] else { return Err(()) };
        Ok(Self {
            generation,
            stage,
            attempt: u32::try_from(attempt).map_err(|_| ())?,
            log_bytes: usize::try_from(log_bytes).map_err(|_| ())?,
            artifacts: usize::try_from(artifacts).map_err(|_| ())?,
        })
    }
}

struct Watcher {
    api: Api,
    key: RunKey,
    seen: Seen,
    scale: Scale,
    /// While it is in flight.
    phase: Option<watch::Receiver<Phase>>,
    tail: Tail,
    told: Option<Progress>,
    /// When progress may be told again.
    due: Instant,
    /// Not yet sent: few, however much there is to tell.
    events: VecDeque<Event>,
}

impl Watcher {
    /// Waits for the next event; None after the last.
    async fn next(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.seen.stage {
                Stage::Nothing => {
                    self.accepted()?;
                    continue;
                }
                Stage::Accepted => (),
                Stage::End => return Ok(None),
            }
            let Some(phase) = &mut self.phase else {
                self.end()?;
                continue;
            };
            let now = *phase.borrow_and_update();
            match now {
                Phase::Accepting | Phase::Accepted => {
                    if phase.changed().await.is_err() {
                        self.phase = None;
                    }
                }
                Phase::Running(progress) if self.told == Some(progress) => {
                    if phase.changed().await.is_err() {
                        self.phase = None;
                    }
                }
                Phase::Running(progress) => {
                    self.started(progress.attempt)?;
                    if self.events.is_empty() {
                        tokio::time::sleep_until(self.due).await;
                        self.running()?;
                    }
                }
                Phase::Ended | Phase::Answered | Phase::Withdrawn => self.phase = None,
            }
        }
    }

    fn push(&mut self, data: &Data) -> io::Result<()> {
        let text = serde_json::to_string(data)?;
        self.events.push_back(Event::default().event(data.name()).id(self.seen.to_string()).data(text));
        Ok(())
    }

    fn accepted(&mut self) -> io::Result<()> {
        self.seen.stage = Stage::Accepted;
        let Some(config) = self.config()? else { return Ok(()) };
        let (analysis, accepted) = (config.analysis, config.accepted);
        self.push(&Data::Accepted(Accepted { status: Status::Accepted, analysis, accepted }))
    }

    fn started(&mut self, attempt: u32) -> io::Result<()> {
        if self.seen.attempt < attempt {
            self.seen = Seen { attempt, log_bytes: 0, ..self.seen };
            self.push(&Data::Started(Started { status: Status::Running, attempt }))?;
        }
        Ok(())
    }

    /// Tells how far it is by now.
    fn running(&mut self) -> io::Result<()> {
        let Some(Phase::Running(progress)) = self.phase.as_mut().map(|it| *it.borrow_and_update()) else {
            return Ok(());
        };
        if progress.attempt > self.seen.attempt {
            return self.started(progress.attempt);
        }
        let piece = self.tail.live(progress.attempt, self.seen.log_bytes, LOG_BYTES_MAX).unwrap_or_default();
        self.log(&piece, More::MayCome)?;
        if piece.len() == LOG_BYTES_MAX {
            // There may be more of it, for which nobody need wait.
            return Ok(());
        }
        self.due = Instant::now() + PROGRESS_EVERY;
        let before = self.told.replace(progress);
        let moved = before.is_none_or(|it| (it.so_far, it.permille) != (progress.so_far, progress.permille));
        if moved {
            let data = self.scale.show(&progress);
            self.push(&Data::Progress(data))?;
        }
        Ok(())
    }

    fn log(&mut self, piece: &[u8], more: More) -> io::Result<()> {
        let (text, bytes) = text(piece, more);
        if bytes > 0 {
            self.seen.log_bytes += bytes;
            self.push(&Data::Log(Log { text }))?;
        }
        Ok(())
    }

    /// More of what is left, from disk.
    fn end(&mut self) -> io::Result<()> {
        let stored = self.tail.stored(self.seen.log_bytes, LOG_BYTES_MAX)?;
        if let Some(piece) = stored.as_ref().filter(|it| !it.is_empty()) {
            return self.log(piece, More::Never);
        }
        let api = self.api.clone();
        let record = api.store.record(self.key)?.filter(|it| it.generation == self.seen.generation);
        let (Some(_), Some(record)) = (self.config()?, record) else {
            self.seen.stage = Stage::End;
            let asked_again = api.store.config(self.key)?.is_some_and(|it| it.generation > self.seen.generation);
            let status = if asked_again { Status::Accepted } else { Status::Dismissed };
            return self.push(&Data::Completed(Completed::Gone(Gone { status })));
        };
        if stored.is_none() {
            self.started(record.attempts)?;
            return self.tail.open(&api.store, self.seen.attempt);
        }
        let untold = record.artifacts.iter().skip(self.seen.artifacts);
        for artifact in untold.take(ARTIFACTS_AT_ONCE) {
            self.seen.artifacts += 1;
            self.push(&Data::Artifact(Artifact::new(self.key, artifact)))?;
        }
        if self.events.is_empty() { self.completed() } else { Ok(()) }
    }

    fn completed(&mut self) -> io::Result<()> {
        let api = &self.api;
        let (status, failure) = match api.store.state(self.key)? {
            RunState::Failed(failure) => (results::failed(&failure), Some(failure)),
            RunState::Successful | RunState::Pending | RunState::Unknown => (Status::Successful, None),
        };
        self.seen.stage = Stage::End;
        let (reason, detail) = failure.map(|it| (it.reason, it.detail)).unzip();
        self.push(&Data::Completed(Completed::Ended(Ended {
            status,
            reason,
            detail,
            results: results::view::path(self.key),
        })))
    }

    fn config(&self) -> io::Result<Option<RunConfig>> {
        let config = self.api.store.config(self.key)?;
        Ok(config.filter(|it| it.generation == self.seen.generation))
    }
}

/// Whether what is cut off may still be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    MayCome,
    Never,
}

/// As much as can be told, and how many bytes that is: a character is not torn apart.
fn text(bytes: &[u8], more: More) -> (String, usize) {
    let len = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && (more == More::MayCome || error.valid_up_to() > 0) => {
            error.valid_up_to()
        }
        Ok(_) | Err(_) => bytes.len(),
    };
    (String::from_utf8_lossy(&bytes[..len]).into_owned(), len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_was_seen() {
        let seen = Seen { generation: 2, stage: Stage::Accepted, attempt: 1, log_bytes: 70, artifacts: 3 };
        assert_eq!(seen.to_string(), "2.1.70.3");
        for seen in [seen, Seen { stage: Stage::End, ..seen }] {
            assert_eq!(seen.to_string().parse(), Ok(seen));
        }
        for odd in ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.-4", "a.b.c.d", "1.99999999999.3.4"] {
            assert!(odd.parse::<Seen>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_character_is_not_torn_apart() {
        assert_eq!(text("aä".as_bytes(), More::MayCome), ("aä".to_owned(), 3));
        assert_eq!(text(&"aä".as_bytes()[..2], More::MayCome), ("a".to_owned(), 1));
        assert_eq!(text(&"ä".as_bytes()[..1], More::MayCome), (String::new(), 0));
        assert_eq!(text(&"ä".as_bytes()[..1], More::Never), ("\u{fffd}".to_owned(), 1));
        assert_eq!(text(b"a\xffb", More::MayCome), ("a\u{fffd}b".to_owned(), 3));
    }

    #[test]
    fn progress_is_what_the_guest_says_or_what_is_counted() {
        let scale = Scale { size_bytes: 1000, fuel: 100 };
        let mut progress = Progress::default();
        assert_eq!(scale.show(&progress).fraction, 0.0);
        progress.so_far.fuel = 20;
        progress.so_far.bytes_read = 100;
        assert_eq!(scale.show(&progress).fraction, 0.2);
        progress.so_far.bytes_read = u64::MAX;
        assert_eq!(scale.show(&progress).fraction, 1.0);
        progress.permille = Some(30);
        assert_eq!(scale.show(&progress).fraction, 0.03);
        assert_eq!(Scale { size_bytes: 0, fuel: 0 }.show(&Progress::default()).fraction, 0.0);
    }
}
