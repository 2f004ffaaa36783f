//! `belljar token`: who may use a server that asks for tokens, with it running or without.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::access::Presented;
use crate::access::Quotas;
use crate::access::Scope;
use crate::access::Token;
use crate::access::TokenId;
use crate::id::Tenant;
use crate::store::tokens;
use crate::time::Clock;
use crate::time::DAY_MS;
use crate::time::SystemClock;

#[derive(Debug, clap::Args)]
pub(super) struct TokenArguments {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Make one, and print it: it is shown this once, and only its digest is kept.
    Create(CreateArguments),
    /// List those there are: id, name, tenant, scopes, when they expire, quotas.
    List {
        /// Where everything is stored.
        #[arg(long, default_value = "./belljar-data")]
        data: PathBuf,
    },
    /// Take one away; a server that runs heeds it within a second.
    Revoke {
        /// Its id, as the list has it: the part between the two `_`.
        id: TokenId,
        /// Where everything is stored.
        #[arg(long, default_value = "./belljar-data")]
        data: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct CreateArguments {
    /// Who it is for, for people.
    name: String,
    /// Whose files it is for: tokens of one tenant share them, those of another see nothing of them. `main` has what was
    /// stored without tokens.
    #[arg(long)]
    tenant: Tenant,
    /// What it may do: some of upload, run, read, delete, install, admin.
    #[arg(long, value_delimiter = ',', default_values_t = Scope::OWN)]
    scope: Vec<Scope>,
    /// When it ends, days from now; never if left out.
    #[arg(long)]
    expire_days: Option<u32>,
    #[command(flatten)]
    quotas: QuotasArguments,
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
}

/// How much its holder may use; what is left out is not bounded.
#[derive(Debug, clap::Args)]
struct QuotasArguments {
    /// Requests a minute; so many may come at once.
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<NonZeroU32>,
    /// Runs accepted and not ended.
    #[arg(long, value_name = "NUMBER")]
    runs: Option<NonZeroU32>,
    /// Fuel of all runs of a day, UTC: about a unit for each wasm instruction. A run counts with all that it may take until
    /// it has ended.
    #[arg(long, value_name = "FUEL")]
    fuel_per_day: Option<u64>,
    /// What its tenant may have stored, bytes.
    #[arg(long, value_name = "BYTES")]
    stored_bytes: Option<u64>,
}

impl From<QuotasArguments> for Quotas {
    fn from(arguments: QuotasArguments) -> Self {
        let QuotasArguments { requests_per_minute, runs, fuel_per_day, stored_bytes } = arguments;
        Self { requests_per_minute, runs, fuel_per_day, stored_bytes }
    }
}

/// Does it.
pub(super) fn main(arguments: TokenArguments) -> anyhow::Result<()> {
    match arguments.command {
        TokenCommand::Create(arguments) => create(arguments),
        TokenCommand::List { data } => {
            anyhow::ensure!(data.join("FORMAT").exists(), "{} is no data directory", data.display());
            let tokens = tokens::all(&data).with_context(|| format!("cannot read {}", data.display()))?;
            tokens.iter().for_each(|it| say(&line(it)));
            Ok(())
        }
        TokenCommand::Revoke { id, data } => {
            let there =
                tokens::revoke_beside(&data, id).with_context(|| format!("cannot write to {}", data.display()))?;
            anyhow::ensure!(there, "there is no token {id}; `belljar token list` tells those there are");
            say(&format!("{id} is revoked"));
            Ok(())
        }
    }
}

/// What there is to tell of one.
fn line(token: &Token) -> String {
    let Token { id, name, tenant, scopes, expires, quotas, .. } = token;
    let scopes: Vec<_> = scopes.iter().map(|it| it.as_str()).collect();
    let expires = expires.map_or_else(|| "never".to_owned(), |it| it.to_string());
    let quotas = [
        quotas.requests_per_minute.map(|it| format!("  {it} requests a minute")),
        quotas.runs.map(|it| format!("  {it} runs")),
        quotas.fuel_per_day.map(|it| format!("  {it} fuel a day")),
        quotas.stored_bytes.map(|it| format!("  {it} bytes stored")),
    ];
    let quotas: String = quotas.into_iter().flatten().collect();
    format!("{id}  {name}  tenant {tenant}  {}  expires {expires}{quotas}", scopes.join(","))
}

fn create(arguments: CreateArguments) -> anyhow::Result<()> {
    let CreateArguments { name, tenant, scope, expire_days, quotas, data } = arguments;
    anyhow::ensure!(data.is_dir(), "{} is no directory; start a server there once, or make it", data.display());
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    let mut random = File::open("/dev/urandom")?;
    random.read_exact(&mut id)?;
    random.read_exact(&mut secret)?;
    let (presented, now) = (Presented::new(id, secret), SystemClock.now());
    let token = Token {
        version: 1,
        id: presented.id,
        name,
        tenant,
        scopes: BTreeSet::from_iter(scope),
        created: now,
        expires: expire_days.map(|days| now.plus_ms(u64::from(days) * DAY_MS)),
        quotas: quotas.into(),
        secret_sha256: presented.secret_sha256(),
    };
    tokens::keep_beside(&data, &token).with_context(|| format!("cannot write to {}", data.display()))?;
    say(&presented.reveal());
    Ok(())
}
