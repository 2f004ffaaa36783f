//! What holders of tokens have used of what they may: requests of a minute, runs on their way, fuel of a day, bytes on
//! their way in.
//!
//! A run is charged all the fuel that it may take when it is accepted, and what it took when it has ended: many at once do
//! not get past a quota together. Where it is not known to the unit what a run took, it counts as having taken all. What is
//! spent of a day outlives the server; who keeps it reads [`Ledger::changed`] from time to time.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::InMemoryState;
use governor::state::NotKeyed;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::access::Quotas;
use crate::access::Token;
use crate::access::TokenId;
use crate::id::RunKey;
use crate::id::Tenant;
use crate::time::DAY_MS;
use crate::time::Timestamp;

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// What is spent of a day's fuel, as it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    pub fuel: u64,
}

/// Which quota it is, by its name in `RateLimit` fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    RequestsPerMinute,
    Runs,
    FuelPerDay,
    StoredBytes,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests-per-minute",
            Self::Runs => "runs",
            Self::FuelPerDay => "fuel-per-day",
            Self::StoredBytes => "stored-bytes",
        }
    }
}

/// A quota, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Left {
    pub quota: Kind,
    /// All of it.
    pub of: u64,
    pub left: u64,
    /// Seconds in which it is there again as a whole; none where that hangs on what its holder does.
    pub whole_in_s: Option<u64>,
    /// The time that it is for, seconds; none where it is for all time.
    pub window_s: Option<u64>,
}

/// Nothing is left of a quota, or too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    #[error("this token may ask {of} times a minute; try again in {retry_after_s} s")]
    Requests { of: u32, retry_after_s: u64 },
    #[error("this token has {of} runs on their way, as many as it may; wait until one has ended")]
    Runs { of: u32 },
    #[error(
        "of this token's fuel for today, {left} units are left, and this run may take {wanted}: ask for less by \
         `limits`, or again after 00:00 UTC"
    )]
    Fuel { left: u64, wanted: u64, retry_after_s: u64 },
}

/// Who is charged for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payer {
    pub token: TokenId,
    pub quotas: Quotas,
}

impl From<&Token> for Payer {
    fn from(token: &Token) -> Self {
        Self { token: token.id, quotas: token.quotas }
    }
}

/// What came of a run, as far as it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Exactly(u64),
    /// Nobody knows.
    AtMostAll,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    accounts: HashMap<TokenId, Account>,
    /// What runs on their way are charged.
    runs: HashMap<RunKey, (TokenId, u64)>,
    /// Bytes on their way in.
    coming: HashMap<Tenant, u64>,
    changed: bool,
}

#[derive(Debug, Default)]
struct Account {
    requests: Option<Requests>,
    runs: u32,
    /// By runs on their way.
    charged: u64,
    spent: Spent,
}

#[derive(Debug)]
struct Requests {
    of: NonZeroU32,
    limiter: Limiter,
    /// After the last one.
    left: u32,
}

/// Bytes that are on their way into a tenant's store, until this goes.
#[derive(Debug)]
pub struct Coming {
    ledger: Arc<Ledger>,
    tenant: Tenant,
    bytes: u64,
}

impl Ledger {
    /// Counts a request.
    ///
    /// # Errors
    /// [`Over::Requests`].
    pub fn request(&self, Payer { token, quotas }: Payer) -> Result<(), Over> {
        let Some(of) = quotas.requests_per_minute else { return Ok(()) };
        let mut books = self.books();
        let requests = books.account(token).requests(of);
        match requests.limiter.check() {
            Ok(state) => {
                requests.left = state.remaining_burst_capacity();
                Ok(())
            }
            Err(until) => {
                requests.left = 0;
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(Over::Requests { of: of.get(), retry_after_s: whole_seconds(wait) })
            }
        }
    }

    /// Charges a run all that it may take.
    ///
    /// # Errors
    /// [`Over`], and nothing is charged.
    pub fn begin(&self, run: RunKey, payer: Payer, (fuel, now): (u64, Timestamp)) -> Result<(), Over> {
        let Payer { token, quotas } = payer;
        let mut books = self.books();
        let account = books.account(token);
        if let Some(of) = quotas.runs.filter(|of| account.runs >= of.get()) {
            return Err(Over::Runs { of: of.get() });
        }
        if let Some(of) = quotas.fuel_per_day {
            let left = of.saturating_sub(account.used(now));
            if fuel > left {
                return Err(Over::Fuel { left, wanted: fuel, retry_after_s: until_midnight(now) });
            }
        }
        books.charge(run, token, fuel);
        Ok(())
    }

    /// Charges a run that a former server accepted.
    pub fn resume(&self, run: RunKey, token: TokenId, fuel: u64) {
        self.books().charge(run, token, fuel);
    }

    /// A run is over: what it did not take is not charged.
    pub fn end(&self, run: RunKey, taken: Taken, now: Timestamp) {
        let mut books = self.books();
        let Some((token, charged)) = books.runs.remove(&run) else { return };
        let account = books.account(token);
        account.runs = account.runs.saturating_sub(1);
        account.charged = account.charged.saturating_sub(charged);
        let fuel = match taken {
            Taken::Exactly(fuel) => fuel.min(charged),
            Taken::AtMostAll => charged,
        };
        account.turn_page(now);
        account.spent.fuel = account.spent.fuel.saturating_add(fuel);
        books.changed |= fuel > 0;
    }

    /// Takes up what a former server had noted.
    pub fn restore(&self, spent: impl IntoIterator<Item = (TokenId, Spent)>) {
        let mut books = self.books();
        for (token, spent) in spent {
            books.account(token).spent = spent;
        }
    }

    /// What everybody has spent, if that is more than when this was asked last.
    pub fn changed(&self) -> Option<BTreeMap<TokenId, Spent>> {
        let mut books = self.books();
        let changed = std::mem::take(&mut books.changed);
        let spent = books.accounts.iter().filter(|(_, it)| it.spent.fuel > 0).map(|(token, it)| (*token, it.spent));
        changed.then(|| spent.collect())
    }

    /// What is left of each quota that hangs on time or runs.
    pub fn left(&self, Payer { token, quotas }: Payer, now: Timestamp) -> Vec<Left> {
        let mut books = self.books();
        let account = books.account(token);
        let requests = quotas.requests_per_minute.map(|of| account.requests(of).told());
        let runs = quotas.runs.map(|of| Left {
            quota: Kind::Runs,
            of: of.get().into(),
            left: of.get().saturating_sub(account.runs).into(),
            whole_in_s: None,
            window_s: None,
        });
        let fuel = quotas.fuel_per_day.map(|of| Left {
            quota: Kind::FuelPerDay,
            of,
            left: of.saturating_sub(account.used(now)),
            whole_in_s: Some(until_midnight(now)),
            window_s: Some(DAY_MS / 1000),
        });
        [requests, runs, fuel].into_iter().flatten().collect()
    }

    /// Bytes on their way into a tenant's store.
    pub fn coming(&self, tenant: Tenant) -> u64 {
        self.books().coming.get(&tenant).copied().unwrap_or(0)
    }

    /// So many more are.
    pub fn let_in(self: &Arc<Self>, tenant: Tenant, bytes: u64) -> Coming {
        let mut books = self.books();
        let coming = books.coming.entry(tenant).or_default();
        *coming = coming.saturating_add(bytes);
        Coming { ledger: Arc::clone(self), tenant, bytes }
    }

    /// What was spent could not be kept.
    pub fn keep_again(&self) {
        self.books().changed = true;
    }

    /// Forgets whoever has no token any more and no run on its way.
    pub fn keep(&self, known: impl Fn(TokenId) -> bool) {
        self.books().accounts.retain(|token, account| account.runs > 0 || known(*token));
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    /// How many may come.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Books {
    fn account(&mut self, token: TokenId) -> &mut Account {
        self.accounts.entry(token).or_default()
    }

    fn charge(&mut self, run: RunKey, token: TokenId, fuel: u64) {
        if self.runs.insert(run, (token, fuel)).is_none() {
            let account = self.account(token);
            account.runs += 1;
            account.charged = account.charged.saturating_add(fuel);
        }
    }
}

impl Account {
    /// Those of a minute, begun anew if the token has another quota by now.
    fn requests(&mut self, of: NonZeroU32) -> &mut Requests {
        if self.requests.as_ref().is_some_and(|it| it.of != of) {
            self.requests = None;
        }
        self.requests.get_or_insert_with(|| {
            let limiter = RateLimiter::direct(Quota::per_minute(of)).with_middleware();
            Requests { of, limiter, left: of.get() }
        })
    }

    /// Of today's fuel.
    fn used(&mut self, now: Timestamp) -> u64 {
        self.turn_page(now);
        self.spent.fuel.saturating_add(self.charged)
    }

    fn turn_page(&mut self, now: Timestamp) {
        let (day, _) = now.day();
        if self.spent.day != day {
            self.spent = Spent { day, fuel: 0 };
        }
    }
}

impl Requests {
    fn told(&self) -> Left {
        let (of, left) = (u64::from(self.of.get()), u64::from(self.left));
        let whole_in_s = Some(((of - left) * 60).div_ceil(of));
        Left { quota: Kind::RequestsPerMinute, of, left, whole_in_s, window_s: Some(60) }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        if let Some(coming) = books.coming.get_mut(&self.tenant) {
            *coming = coming.saturating_sub(self.bytes);
            if *coming == 0 {
                books.coming.remove(&self.tenant);
            }
        }
    }
}

fn until_midnight(now: Timestamp) -> u64 {
    now.day().1.div_ceil(1000)
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Presented;

    const DAY: i64 = 86_400_000;
    const NOON: i64 = 20_000 * DAY + DAY / 2;

    fn payer(quotas: Quotas) -> Payer {
        Payer { token: Presented::new([1; 8], [0; 32]).id, quotas }
    }

    fn run(number: u8) -> RunKey {
        format!("{}-{}", "a".repeat(40), format!("{number:02x}").repeat(20)).parse().unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn a_minute_has_so_many_requests_and_all_may_come_at_once() {
        let ledger = Ledger::default();
        let payer = payer(Quotas { requests_per_minute: NonZeroU32::new(3), ..Quotas::default() });
        assert!((0..3).all(|_| ledger.request(payer).is_ok()));
        let over = ledger.request(payer).unwrap_err();
        assert_eq!(over, Over::Requests { of: 3, retry_after_s: 20 });
        let left = ledger.left(payer, at(0))[0];
        assert_eq!((left.of, left.left, left.whole_in_s), (3, 0, Some(60)));
        // Another quota counts from when it is there.
        let more = Payer { quotas: Quotas { requests_per_minute: NonZeroU32::new(4), ..payer.quotas }, ..payer };
        assert!(ledger.request(more).is_ok());
        assert_eq!(ledger.left(more, at(0))[0].left, 3);
    }

    #[test]
    fn a_run_is_charged_all_it_may_take_until_it_is_known_what_it_took() {
        let ledger = Ledger::default();
        let payer = payer(Quotas { fuel_per_day: Some(100), ..Quotas::default() });
        let left = |now| ledger.left(payer, at(now))[0].left;
        ledger.begin(run(1), payer, (60, at(NOON))).unwrap();
        let over = Over::Fuel { left: 40, wanted: 60, retry_after_s: 43_200 };
        assert_eq!(ledger.begin(run(2), payer, (60, at(NOON))), Err(over));
        ledger.end(run(1), Taken::Exactly(10), at(NOON));
        assert_eq!(left(NOON), 90);
        ledger.begin(run(2), payer, (60, at(NOON))).unwrap();
        ledger.end(run(2), Taken::AtMostAll, at(NOON));
        assert_eq!(left(NOON), 30);
        ledger.end(run(2), Taken::AtMostAll, at(NOON));
        assert_eq!(left(NOON), 30, "a run ends once");
        assert_eq!(left(NOON + DAY), 100);
    }

    #[test]
    fn what_is_spent_of_a_day_outlives_a_server() {
        let payer = payer(Quotas { fuel_per_day: Some(100), ..Quotas::default() });
        let (former, ledger) = (Ledger::default(), Ledger::default());
        former.begin(run(1), payer, (60, at(NOON))).unwrap();
        former.begin(run(2), payer, (30, at(NOON))).unwrap();
        former.end(run(1), Taken::Exactly(50), at(NOON));
        ledger.restore(former.changed().unwrap());
        assert_eq!(former.changed(), None, "it was told");
        ledger.resume(run(2), payer.token, 30);
        assert_eq!(ledger.left(payer, at(NOON))[0].left, 20);
    }

    #[test]
    fn so_many_runs_are_on_their_way() {
        let ledger = Ledger::default();
        let payer = payer(Quotas { runs: NonZeroU32::new(2), ..Quotas::default() });
        assert!((1..=2).all(|it| ledger.begin(run(it), payer, (1, at(0))).is_ok()));
        assert_eq!(ledger.begin(run(3), payer, (1, at(0))), Err(Over::Runs { of: 2 }));
        ledger.end(run(1), Taken::Exactly(1), at(0));
        assert!(ledger.begin(run(3), payer, (1, at(0))).is_ok());
    }

    #[test]
    fn bytes_are_on_their_way_until_they_have_come() {
        let ledger = Arc::new(Ledger::default());
        let (first, second) = (ledger.let_in(Tenant::MAIN, 30), ledger.let_in(Tenant::MAIN, 5));
        assert_eq!(ledger.coming(Tenant::MAIN), 35);
        drop(first);
        assert_eq!((ledger.coming(Tenant::MAIN), second.bytes()), (5, 5));
        drop(second);
        assert!(ledger.books().coming.is_empty());
    }

    #[test]
    fn who_has_no_token_any_more_is_forgotten_once_its_runs_have_ended() {
        let ledger = Ledger::default();
        let payer = payer(Quotas { fuel_per_day: Some(100), ..Quotas::default() });
        ledger.begin(run(1), payer, (60, at(NOON))).unwrap();
        ledger.keep(|_| false);
        assert_eq!(ledger.left(payer, at(NOON))[0].left, 40);
        ledger.end(run(1), Taken::AtMostAll, at(NOON));
        ledger.keep(|_| false);
        assert!(ledger.books().accounts.is_empty());
    }
}
