//! Who wants to be told how a run ends, and how far telling them has come. Pure: no IO, no clock.
//!
//! ```text
//! waiting ──the run ends──▶ due ──called──▶ delivered
//!    │                      ▲  │
//!    └──▶ not_wanted        └──┴──────────▶ given_up
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::Failure;
use super::Fault;
use super::Status;
use crate::id::ClientId;
use crate::id::InvalidId;
use crate::id::RunKey;
use crate::time::Timestamp;

/// A receiver that says when it wants to be called again is believed up to here.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Delays are drawn out by up to such a part of themselves, so that what failed together is not tried again together.
const SPREAD_PART: u32 = 5;
const SECRET_PREFIX: &str = "whsec_";
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// One run of a question, and what is told of it: the same question may be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NoticeId {
    pub key: RunKey,
    /// When the run was accepted.
    pub accepted: Timestamp,
}

/// How a run ended, in the words of OGC API – Processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Successful,
    Failed,
    Dismissed,
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Successful => Self::Successful,
            Outcome::Failed => Self::Failed,
            Outcome::Dismissed => Self::Dismissed,
        }
    }
}

/// What can be told of a run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why there is no result, when there is none.
    pub failure: Option<Failure>,
    pub finished: Timestamp,
}

/// What calls are signed with: 24 to 64 bytes, written as Standard Webhooks has it: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(Vec<u8>);

/// Why a text is no [`Secret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `whsec_` followed by 24 to 64 bytes in base64")]
pub struct InvalidSecret;

/// One who wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub url: String,
    /// For whom it is called.
    #[serde(default)]
    pub client: ClientId,
    /// Of which endings.
    pub events: Vec<Outcome>,
    /// The server's own, if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    pub state: State,
    pub attempts: Vec<Attempt>,
}

/// How far it is with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The run has not ended.
    Waiting,
    /// To be called at that time.
    Due(Timestamp),
    Delivered,
    /// It does not want to hear of it any more, or did not take it however often it was called.
    GivenUp,
    /// The run ended otherwise than in the ways that were asked for.
    NotWanted,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "NotificationAttempt")]
pub struct Attempt {
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// What it answered, if it did.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    pub attempt: Attempt,
    /// When the receiver wants to be called again.
    pub retry_after: Option<Duration>,
}

/// How long to wait after each call that failed; after the last of them it is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries(Vec<Duration>);

impl Outcome {
    /// Every one there is.
    pub const ALL: [Self; 3] = [Self::Successful, Self::Failed, Self::Dismissed];

    /// Of a run that failed so, if it did.
    #[must_use]
    pub fn of(failure: Option<&Failure>) -> Self {
        match failure.map(|it| it.reason.fault()) {
            None => Self::Successful,
            Some(Fault::Client) => Self::Dismissed,
            Some(Fault::Module | Fault::Day | Fault::Host) => Self::Failed,
        }
    }

    /// As it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Failed => "failed",
            Self::Dismissed => "dismissed",
        }
    }
}

impl Ended {
    /// In which way.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.failure.as_ref())
    }
}

impl Hook {
    /// One that has to wait for the run's end.
    #[must_use]
    pub fn new(url: String, events: Vec<Outcome>, secret: Option<Secret>) -> Self {
        Self { url, client: ClientId::default(), events, secret, state: State::Waiting, attempts: Vec::new() }
    }

    /// Whether it is the same client's wish for the same receiver, and has not come to its end.
    #[must_use]
    pub fn is_same_wish(&self, other: &Self) -> bool {
        self.url == other.url && self.client == other.client && !self.state.is_over()
    }

    /// The same client wishes anew: that counts, and how far it is stays.
    pub fn wish_anew(&mut self, wish: Self) {
        self.events = wish.events;
        self.secret = wish.secret;
    }

    /// The run has ended.
    pub fn ended(&mut self, outcome: Outcome, now: Timestamp) {
        if self.state == State::Waiting {
            self.state = if self.events.contains(&outcome) { State::Due(now) } else { State::NotWanted };
        }
    }

    /// It was called. An answer of 2xx is what was hoped for; 410 says never again (Standard Webhooks); whatever else it
    /// is, redirections included, it is tried again. `spread`: any number, another one for another call.
    pub fn called(&mut self, called: Called, retries: &Retries, spread: u64) {
        let over = called.attempt.at.plus_ms(called.attempt.duration_ms);
        let status = called.attempt.status;
        self.attempts.push(called.attempt);
        self.state = match (status, retries.after(self.attempts.len(), spread)) {
            (Some(200..300), _) => State::Delivered,
            (Some(410), _) | (_, None) => State::GivenUp,
            (_, Some(delay)) => {
                let delay = delay.max(called.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
                State::Due(over.plus_ms(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)))
            }
        };
    }
}

impl State {
    /// Whether nothing more happens.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Waiting | Self::Due(_) => false,
            Self::Delivered | Self::GivenUp | Self::NotWanted => true,
        }
    }
}

impl Retries {
    /// At once, and nine times more within three days, as Standard Webhooks proposes.
    #[must_use]
    pub fn standard() -> Self {
        let minutes = [5, 30, 120, 300, 600, 840, 1200, 1440].map(|it| Duration::from_secs(it * 60));
        Self([Duration::from_secs(5)].into_iter().chain(minutes).collect())
    }

    /// After the call of that number, from 1.
    fn after(&self, number: usize, spread: u64) -> Option<Duration> {
        let delay = *self.0.get(number.checked_sub(1)?)?;
        let thousandths = u32::try_from(spread % 1000).unwrap_or(0);
        Some(delay + (delay / SPREAD_PART).mul_f64(f64::from(thousandths) / 1000.0))
    }
}

impl FromStr for Retries {
    type Err = std::num::ParseIntError;

    /// Seconds, with commas between them; nothing at all means that a call is not made again.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.split(',').filter(|it| !it.is_empty());
        Ok(Self(
            seconds
                .map(|it| it.trim().parse::<u32>().map(|it| Duration::from_secs(it.into())))
                .collect::<Result<_, _>>()?,
        ))
    }
}

impl Secret {
    /// The key of the signature.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let base64 = text.trim().strip_prefix(SECRET_PREFIX).ok_or(InvalidSecret)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| InvalidSecret)?;
        if SECRET_BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(InvalidSecret) }
    }
}

impl TryFrom<String> for Secret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        text.parse()
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(secret.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.key, self.accepted.unix_ms())
    }
}

impl FromStr for NoticeId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("a notice is named by a run and the millisecond of its acceptance");
        let (key, accepted) = text.rsplit_once('-').ok_or(invalid.clone())?;
        let accepted = Timestamp::from_unix_ms(accepted.parse().map_err(|_| invalid)?);
        Ok(Self { key: key.parse()?, accepted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Reason;

    fn called(status: Option<u16>, retry_after: Option<u64>) -> Called {
        let attempt = Attempt { at: Timestamp::from_unix_ms(0), duration_ms: 7, status, error: None };
        Called { attempt, retry_after: retry_after.map(Duration::from_secs) }
    }

    fn due() -> Hook {
        let mut hook = Hook::new("https://example.org".to_owned(), Outcome::ALL.to_vec(), None);
        hook.ended(Outcome::Failed, Timestamp::from_unix_ms(3));
        assert_eq!(hook.state, State::Due(Timestamp::from_unix_ms(3)));
        hook
    }

    #[test]
    fn what_is_not_taken_is_told_again_until_it_is_given_up() {
        let retries: Retries = "5,60".parse().unwrap();
        for status in [None, Some(199), Some(302), Some(404), Some(500)] {
            let mut hook = due();
            hook.called(called(status, None), &retries, 0);
            assert_eq!(hook.state, State::Due(Timestamp::from_unix_ms(5_007)));
            hook.called(called(status, None), &retries, 999);
            let State::Due(next) = hook.state else { panic!("{hook:?}") };
            assert!((70_007..72_007).contains(&next.unix_ms()), "{next}");
            hook.called(called(status, None), &retries, 0);
            assert_eq!((hook.state, hook.attempts.len()), (State::GivenUp, 3));
        }
    }

    #[test]
    fn an_answer_may_end_it_or_put_it_off() {
        let mut hook = due();
        hook.called(called(Some(204), None), &Retries::standard(), 0);
        assert_eq!(hook.state, State::Delivered);
        let mut hook = due();
        hook.called(called(Some(410), Some(9)), &Retries::standard(), 0);
        assert_eq!(hook.state, State::GivenUp);
        for (asked, waits) in [(1, 5), (90, 90), (u64::MAX, 24 * 3600)] {
            let mut hook = due();
            hook.called(called(Some(429), Some(asked)), &Retries::standard(), 0);
            assert_eq!(hook.state, State::Due(Timestamp::from_unix_ms(7 + waits * 1000)));
        }
    }

    #[test]
    fn an_ending_that_was_not_asked_for_is_not_told() {
        let mut hook = Hook::new(String::new(), vec![Outcome::Failed], None);
        hook.ended(Outcome::Successful, Timestamp::from_unix_ms(0));
        assert_eq!(hook.state, State::NotWanted);
        // An ending is one.
        hook.ended(Outcome::Failed, Timestamp::from_unix_ms(0));
        assert!(hook.state == State::NotWanted && hook.state.is_over());
    }

    #[test]
    fn what_a_client_wished_for_is_no_failure() {
        let of = |reason| Outcome::of(Some(&Failure::new(reason, "")));
        assert_eq!(Outcome::of(None), Outcome::Successful);
        assert_eq!([of(Reason::Dismissed), of(Reason::FileDeleted)], [Outcome::Dismissed; 2]);
        assert_eq!([of(Reason::Trap), of(Reason::Deadline), of(Reason::EngineError)], [Outcome::Failed; 3]);
    }

    #[test]
    fn a_secret_has_a_length_and_is_not_shown() {
        let text = format!("whsec_{}", BASE64_STANDARD.encode([7; 24]));
        let secret: Secret = text.parse().unwrap();
        assert_eq!((secret.bytes(), String::from(secret.clone())), (&[7_u8; 24][..], text.clone()));
        assert!(!format!("{secret:?}").contains("Bwc"));
        let long = format!("whsec_{}", BASE64_STANDARD.encode([7; 65]));
        for wrong in ["", "whsec_", "whsec_BwcH", "whsec_!", text.strip_prefix("whsec_").unwrap(), &long] {
            assert_eq!(wrong.parse::<Secret>(), Err(InvalidSecret), "{wrong}");
        }
    }

    #[test]
    fn a_notice_reads_back_its_name() {
        let name = format!("{}-{}-1795000000123", "a".repeat(40), "b".repeat(40));
        assert_eq!(name.parse::<NoticeId>().unwrap().to_string(), name);
        assert!(name.strip_suffix("-1795000000123").unwrap().parse::<NoticeId>().is_err());
    }
}
