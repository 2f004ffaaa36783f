//! Telling others how a run ended: webhooks, signed as Standard Webhooks has it, with a CloudEvent in them.
//!
//! A notice (`store/notices.rs`) is on disk before its client has an answer, and goes when everybody has been told; what
//! happened is found out from the run itself, so a server that is killed at any time takes up what was left. Who is told
//! may be told twice, with the same id, but never not at all, unless it is out of reach for three days.
//!
//! Clients choose whom this server calls. So it calls no address that only it can reach (`address`), follows nobody
//! elsewhere, reads no more of an answer than its head, and gives a client and a receiver a few calls at a time.

mod address;
mod courier;
mod message;
mod pending;
mod turns;
mod wish;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use self::address::Reach;
use self::courier::Courier;
pub use self::courier::origin;
pub use self::message::CloudEvent;
pub use self::message::MEDIA_TYPE;
use self::message::Message;
pub use self::pending::HOOKS_OF_RUN_MAX;
use self::pending::Pending;
use self::turns::Turns;
pub use self::wish::AskedHook;
pub use self::wish::HOOKS_MAX;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::places::Places;
use crate::run::notice::Called;
use crate::run::notice::Hook;
use crate::run::notice::NoticeId;
use crate::run::notice::Retries;
use crate::run::notice::Secret;
use crate::store::tenants::Stores;
use crate::telemetry::Metrics;
use crate::time::Clock;

/// Calls at the same time: in all, for one client (first calls, and as many that are made again), to one receiver.
const CALLS_MAX: usize = 64;
const CALLS_OF_CLIENT_MAX: usize = 8;
const CALLS_TO_RECEIVER_MAX: usize = 4;
/// And for one client to one receiver: whoever is out of reach takes so many of the client's, and no other client's all.
const CALLS_OF_CLIENT_TO_RECEIVER_MAX: usize = 2;
/// The clock may be set while somebody waits: it is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Options {
    /// Calls are signed with, where the client gives no secret.
    pub secret: Option<Secret>,
    pub reach: Reach,
    pub retries: Retries,
    /// Receivers that are still to be told, in all.
    pub pending_max: usize,
}

impl Options {
    /// For whoever never calls anybody.
    #[must_use]
    pub fn none() -> Self {
        Self { secret: None, reach: Reach::default(), retries: Retries::standard(), pending_max: 0 }
    }
}

/// Why a wish is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    #[error("as many receivers as may be are waiting to be told, or this client's share of them")]
    Full,
    #[error("as many receivers as a run may have are waiting for this one already")]
    Crowded,
    #[error("the run is no more")]
    Gone,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether somebody was called before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    First,
    Again,
}

/// Takes wishes and sees to them.
#[derive(Debug)]
pub struct Notifier {
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    options: Options,
    places: Places,
    pending: Pending,
    courier: Courier,
    by_both: Turns<(ClientId, String)>,
    by_receiver: Turns<String>,
    /// Many that fail keep no first call waiting.
    by_client: Turns<(ClientId, Call)>,
    calls: Semaphore,
}

impl Notifier {
    /// With what a former server left; nobody is called before [`Self::resume`].
    ///
    /// # Errors
    /// Of the disk.
    pub fn open(
        options: Options,
        stores: Arc<Stores>,
        (clock, metrics): (Arc<dyn Clock>, Arc<Metrics>),
    ) -> io::Result<Self> {
        let places = Places::new(options.pending_max);
        let mut notices = Vec::new();
        for store in stores.all() {
            notices.extend(store.notices()?);
        }
        Ok(Self {
            pending: Pending::of(notices, &places),
            places,
            courier: Courier::new(options.reach.clone()),
            by_both: Turns::new(CALLS_OF_CLIENT_TO_RECEIVER_MAX),
            by_receiver: Turns::new(CALLS_TO_RECEIVER_MAX),
            by_client: Turns::new(CALLS_OF_CLIENT_MAX),
            calls: Semaphore::new(CALLS_MAX),
            stores,
            clock,
            metrics,
            options,
        })
    }

    /// Takes up what a former server left, once its runs are taken up.
    pub fn resume(self: &Arc<Self>) {
        for key in self.pending.keys() {
            if self.stores.of(key.tenant).is_ok_and(|store| !store.is_queued(key)) {
                self.ended(key);
            }
        }
        let due = self.pending.begin_due();
        self.tell_all(due);
    }

    /// These want to know how the run ends, or ended. Durable once the disk settles.
    ///
    /// # Errors
    /// [`Denied`]; then none of them is told.
    pub fn add(self: &Arc<Self>, key: RunKey, client: ClientId, hooks: &[Hook]) -> Result<(), Denied> {
        let places = hooks.iter().map(|_| self.places.take(client)).collect::<Option<Vec<_>>>().ok_or(Denied::Full)?;
        let store = self.stores.of(key.tenant)?;
        let config = store.config(key)?.ok_or(Denied::Gone)?;
        let id = NoticeId { key, accepted: config.accepted };
        let hooks = hooks.iter().map(|hook| Hook { client, ..hook.clone() });
        self.pending.add(&store, (id, config.analysis), hooks.zip(places.into_iter().map(Some)).collect())?;
        // It may have ended before anybody wanted to know.
        self.ended(key);
        Ok(())
    }

    /// A run has ended, durably, or is no more: whoever wants to know is told.
    pub fn ended(self: &Arc<Self>, key: RunKey) {
        match self.stores.of(key.tenant) {
            Ok(store) => self.tell_all(self.pending.ended(&store, key, self.clock.now())),
            Err(error) => {
                tracing::error!(run.id = %key, %error, "nobody is told of a run: what it is of cannot be opened")
            }
        }
    }

    /// Who wants to know, wanted to, and how far it is with each.
    ///
    /// # Errors
    /// Of the disk.
    pub fn deliveries(&self, id: NoticeId) -> io::Result<Vec<Hook>> {
        // In this order: who has been told in between stands in both rather than in none.
        let pending = self.pending.hooks(id);
        let mut hooks = self.stores.of(id.key.tenant)?.delivered(id)?;
        hooks.extend(pending);
        Ok(hooks)
    }

    /// Receivers that are still to be told.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pending.count()
    }

    /// How many there may be.
    #[must_use]
    pub fn pending_max(&self) -> usize {
        self.options.pending_max
    }

    fn tell_all(self: &Arc<Self>, due: Vec<(NoticeId, usize)>) {
        for (id, number) in due {
            tokio::spawn(Arc::clone(self).tell(id, number));
        }
    }

    /// Tells one, however often it has to be called.
    async fn tell(self: Arc<Self>, id: NoticeId, number: usize) {
        while let Some((when, client)) = self.pending.due(id, number) {
            let now = self.clock.now();
            if when > now {
                tokio::time::sleep(Duration::from_millis(when.since(now)).min(LOOK_EVERY)).await;
                continue;
            }
            // What is told has happened, whatever happens to this machine.
            if let Err(error) = self.stores.main().disk().settled().await {
                tracing::error!(notice = %id, %error, "nobody is told: the disk takes nothing");
                return;
            }
            let Some((hook, notice)) = self.pending.look(id, number) else { return };
            let Ok(store) = self.stores.of(id.key.tenant) else { return };
            let called = self.call(client, &hook, &Message::new(id, &notice)).await;
            self.metrics.called(called.attempt.status);
            self.pending.called(&store, (id, number), |hook| {
                hook.called(called, &self.options.retries, courier::spread(id, hook));
            });
        }
    }

    async fn call(&self, client: ClientId, hook: &Hook, message: &Option<Message>) -> Called {
        // Who waits for a receiver holds nothing that calls to others need.
        let receiver = origin(&hook.url);
        let _of_both = self.by_both.turn((client, receiver.clone())).await;
        let _to_receiver = self.by_receiver.turn(receiver).await;
        let _of_client =
            self.by_client.turn((client, if hook.attempts.is_empty() { Call::First } else { Call::Again })).await;
        let _call = self.calls.acquire().await;
        let secret = hook.secret.as_ref().or(self.options.secret.as_ref());
        self.courier.call(&hook.url, secret.zip(message.as_ref()), &*self.clock).await
    }
}
