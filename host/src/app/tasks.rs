//! What a server does from time to time, whoever asks: each until the server ends.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use super::Retention;
use crate::assembly::Assembly;
use crate::dispatch::Dispatch;
use crate::dispatch::retention::Swept;
use crate::http::Api;
use crate::http::resumable;
use crate::http::tls::Renewed;
use crate::http::tls::Tls;
use crate::keys::Keys;
use crate::quota::Ledger;
use crate::registry::Registry;
use crate::registry::directory::Change;
use crate::registry::directory::Directory;
use crate::store::audit::AuditLog;
use crate::time::Clock;

/// How often it is looked whether room is low.
const ROOM_EVERY: Duration = Duration::from_secs(5);

/// Between two attempts to take up what a former server left.
const RECOVER_EVERY: Duration = Duration::from_secs(2);

/// How often the directory of analyses is looked at; what has changed counts at the second look.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// How often it is looked which modules are revoked.
const HEED_EVERY: Duration = Duration::from_secs(1);

/// How often what is noted in memory, or in the page cache, goes to disk.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked which days of the audit log are over.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// What could not be taken up at the start is tried again, until nothing is left.
pub(super) async fn recover_the_rest(dispatch: Arc<Dispatch>) {
    loop {
        tokio::time::sleep(RECOVER_EVERY).await;
        match dispatch.recover().await {
            Ok(recovered) if recovered.left == 0 => return,
            Ok(_) => (),
            Err(error) => tracing::error!(%error, "the queue cannot be read"),
        }
    }
}

/// Lets go of what the rules say: what has expired at its times, and for room as soon as it is low.
pub(super) async fn retain(parts: Assembly, Retention { rules, every, .. }: Retention) {
    let mut last: Option<Instant> = None;
    loop {
        let low = parts.dispatch.free().await.is_ok_and(|free| free.is_low(&rules));
        if low || last.is_none_or(|last| last.elapsed() >= every) {
            match parts.dispatch.sweep(rules).await {
                Ok(swept) if swept != Swept::default() => {
                    tracing::info!(expired = swept.expired, for_room = swept.for_room, "uploads went");
                }
                Ok(_) => (),
                Err(error) => tracing::error!(%error, "what is to go cannot be found or removed"),
            }
            last = Some(Instant::now());
        }
        tokio::time::sleep(ROOM_EVERY.min(every)).await;
    }
}

/// Gives up uploads that nobody goes on with, forgets what was deleted long ago and removes modules that nothing stands
/// for, whatever the rules say.
pub(super) async fn expire(api: Api, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match resumable::sweep(&api).await {
            Ok(0) => (),
            Ok(given_up) => tracing::info!(given_up, "uploads were abandoned"),
            Err(error) => tracing::error!(%error, "abandoned uploads cannot be found or removed"),
        }
        if let Err(error) = api.parts.dispatch.forget_gone().await {
            tracing::error!(%error, "what was deleted long ago cannot be found or forgotten");
        }
        match api.parts.registry.sweep().await {
            Ok(0) => (),
            Ok(modules) => tracing::info!(modules, "modules went that nothing stood for"),
            Err(error) => tracing::error!(%error, "modules that nothing stands for cannot be found or removed"),
        }
    }
}

/// The operator may revoke and approve modules beside this server.
pub(super) async fn heed_marks(registry: Arc<Registry>) {
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        if let Err(error) = registry.learn_marks().await {
            tracing::error!(%error, "it cannot be read which modules are revoked or approved");
        }
        match registry.release().await {
            Ok(released) => {
                for it in released {
                    tracing::info!(analysis = %it.descriptor.name, module = %it.module, "left quarantine");
                }
            }
            Err(error) => tracing::error!(%error, "an analysis cannot leave quarantine"),
        }
    }
}

/// The operator may make and revoke tokens beside this server.
pub(super) async fn heed_tokens(keys: Arc<Keys>, ledger: Arc<Ledger>) {
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        let learnt = Arc::clone(&keys);
        match on_a_thread(move || learnt.learn()).await {
            Ok(_) => ledger.keep(|token| keys.has(token)),
            Err(error) => tracing::error!(%error, "it cannot be read which tokens there are"),
        }
    }
}

/// Follows the operator's directory.
pub(super) async fn follow(mut directory: Directory, registry: Arc<Registry>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match directory.look(&registry).await {
            Ok(changes) => tell(&changes),
            Err(error) => tracing::error!(%error, "the directory of analyses cannot be read"),
        }
    }
}

pub(super) fn tell(changes: &[(PathBuf, Change)]) {
    for (path, change) in changes {
        let path = path.display();
        match change {
            Change::Installed(it) => {
                tracing::info!(%path, analysis = %it.descriptor.name, module = %it.module, "installed an analysis");
            }
            Change::Quarantined(it) => {
                tracing::warn!(%path, analysis = %it.descriptor.name, module = %it.module, "in quarantine until `belljar approve`");
            }
            Change::Refused(error) => tracing::error!(%path, %error, "an analysis is refused"),
            Change::Withdrawn(name) => tracing::info!(%path, analysis = %name, "an analysis is gone"),
        }
    }
}

/// Files of TLS may be renewed beside this server.
pub(super) async fn renew_tls(tls: Arc<Tls>) {
    let mut told = None;
    loop {
        tokio::time::sleep(HEED_EVERY).await;
        let looked = Arc::clone(&tls);
        let error = match on_a_thread(move || looked.renew().map_err(io::Error::other)).await {
            Ok(Renewed::Yes) => {
                tracing::info!("took up a new certificate");
                None
            }
            Ok(Renewed::NoChange) => None,
            Err(error) => Some(format!("{error}; the former certificate goes on")),
        };
        // Once each, not every second.
        if let Some(error) = error.as_ref().filter(|it| told.as_ref() != Some(*it)) {
            tracing::error!("{error}");
        }
        told = error;
    }
}

/// Sees to it that what holders of tokens have spent outlives this server.
pub(super) async fn keep_spent(parts: Assembly) {
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        write_spent(&parts).await;
    }
}

/// Once more, when a server ends.
pub(super) async fn write_spent(parts: &Assembly) {
    let Some(spent) = parts.ledger.changed() else { return };
    let store = Arc::clone(&parts.store);
    if let Err(error) = on_a_thread(move || store.keep_spent(&spent)).await {
        parts.ledger.keep_again();
        tracing::error!(%error, "what was spent of the day cannot be kept; trying again");
    }
}

/// Sees to it that the audit log is on disk, and that old days go.
pub(super) async fn keep_audit(audit: Arc<AuditLog>, clock: Arc<dyn Clock>, days: u32) {
    let mut last: Option<Instant> = None;
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        let (audit, now) = (Arc::clone(&audit), clock.now());
        let due = last.is_none_or(|it| it.elapsed() >= FORGET_EVERY);
        if due {
            last = Some(Instant::now());
        }
        let keep = move || {
            audit.sync()?;
            if due { audit.forget(now, days) } else { Ok(0) }
        };
        if let Err(error) = on_a_thread(keep).await {
            tracing::error!(%error, "the audit log cannot be kept");
        }
    }
}

/// What blocks.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
