//! `belljar gc`, and the rules of retention on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::say;
use crate::store::Store;
use crate::store::retention::Free;
use crate::store::retention::Held;
use crate::store::retention::Plan;
use crate::store::retention::Rules;
use crate::store::retention::Watermarks;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// When uploads go by themselves; what is left out makes none go.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Retention")]
pub(super) struct RulesArguments {
    /// An upload goes so long after it was stored, seconds.
    #[arg(long)]
    expire_after_s: Option<u64>,
    /// An upload goes when nobody has used it for so long, seconds; up to a minute later, as uses are noted once a minute.
    #[arg(long)]
    expire_idle_s: Option<u64>,
    /// Below so many free bytes, uploads go that were used longest ago.
    #[arg(long, default_value_t = 0)]
    free_bytes_low: u64,
    /// Until so many bytes are free.
    #[arg(long, default_value_t = 0)]
    free_bytes_high: u64,
    /// Below so many free files (inodes), uploads go that were used longest ago.
    #[arg(long, default_value_t = 0)]
    free_files_low: u64,
    /// Until so many files are free.
    #[arg(long, default_value_t = 0)]
    free_files_high: u64,
    /// A resumable upload goes when no further piece has come for so long, seconds.
    #[arg(long, default_value = "86400")]
    partial_expire_s: std::num::NonZeroU32,
}

impl RulesArguments {
    pub(super) fn partial_expires(self) -> Duration {
        Duration::from_secs(u32::from(self.partial_expire_s).into())
    }

    pub(super) fn rules(self) -> Rules {
        let ms = |seconds: Option<u64>| seconds.map(|it| it.saturating_mul(1000));
        Rules {
            age_ms: ms(self.expire_after_s),
            idle_ms: ms(self.expire_idle_s),
            bytes: Watermarks { low: self.free_bytes_low, high: self.free_bytes_high },
            files: Watermarks { low: self.free_files_low, high: self.free_files_high },
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
    /// Only tells what would go; a server may work there meanwhile.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    rules: RulesArguments,
}

/// Lets go of what the rules say; a file with a run that has not ended stays.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let open = if arguments.dry_run { Store::view } else { Store::hold };
    let store = open(&arguments.data).with_context(|| format!("cannot open {}", arguments.data.display()))?;
    let (rules, now) = (arguments.rules.rules(), SystemClock.now());
    anyhow::ensure!(!rules.say_nothing(), "no rule is given, so nothing goes; see `belljar gc --help`");
    let mut free = store.free()?;
    let tenants = store.tenants()?;
    let mut stores: Vec<_> = tenants.into_iter().map(|tenant| store.view_of_tenant(tenant)).collect();
    stores.push(store);
    if !arguments.dry_run {
        let swept = stores.iter().try_for_each(Store::sweep_staging);
        swept.context("cannot sweep what a server left half done")?;
    }
    let plan = Plan::make(&stores, &rules, (now, free))?;
    let mut gone = 0;
    let going = plan.expired.iter().map(|held| (held, Why::Expired));
    for (held, why) in going.chain(plan.for_room.iter().map(|held| (held, Why::Room))) {
        if why == Why::Room && free.is_high(&rules) {
            break;
        }
        let Some(store) = stores.iter().find(|it| it.tenant() == held.tenant) else { continue };
        let taken = store.taken_by(held.file_id)?;
        if !arguments.dry_run && !store.delete_unused(held, now)? {
            continue;
        }
        gone += 1;
        say(&told(held, (why, taken)));
        free = Free { bytes: free.bytes.saturating_add(taken.bytes), files: free.files.saturating_add(taken.files) };
    }
    for store in &stores {
        give_up_partials(store, arguments, now)?;
        if !arguments.dry_run {
            store.forget_gone(now)?;
        }
    }
    let uploads = if gone == 1 { "upload" } else { "uploads" };
    say(&format!("{gone} {uploads} {}", if arguments.dry_run { "would go" } else { "went" }));
    Ok(())
}

fn give_up_partials(store: &Store, arguments: &Arguments, now: Timestamp) -> anyhow::Result<()> {
    let expires = arguments.rules.partial_expires();
    for id in store.partial_ids()? {
        // What cannot be read is for `belljar fsck`.
        let Ok(Some(partial)) = store.partial(id) else { continue };
        if partial.expires(expires) > now {
            continue;
        }
        if partial.state.is_open() {
            say(&format!("{id}: abandoned, used {}, {} bytes", partial.used, partial.offset_bytes));
        }
        if !arguments.dry_run {
            store.expire_partial(id, partial, now)?;
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Expired,
    Room,
}

fn told(held: &Held, (why, taken): (Why, Free)) -> String {
    let why = match why {
        Why::Expired => "expired",
        Why::Room => "for room",
    };
    format!("{}: {why}, used {}, {} bytes in {} files", held.file_id, held.used, taken.bytes, taken.files)
}
