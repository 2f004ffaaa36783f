//! `belljar token`: who may use a server that asks for tokens, with it running or without.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::access::Presented;
use crate::access::Scope;
use crate::access::Token;
use crate::access::TokenId;
use crate::id::Tenant;
use crate::store::tokens;
use crate::time::Clock;
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
    /// List those there are: id, name, tenant, scopes, when they expire.
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
    /// Where everything is stored.
    #[arg(long, default_value = "./belljar-data")]
    data: PathBuf,
}

/// Does it.
pub(super) fn main(arguments: TokenArguments) -> anyhow::Result<()> {
    match arguments.command {
        TokenCommand::Create(arguments) => create(arguments),
        TokenCommand::List { data } => {
            let tokens = tokens::all(&data).with_context(|| format!("cannot read {}", data.display()))?;
            for token in tokens {
                let scopes: Vec<_> = token.scopes.iter().map(|it| it.as_str()).collect();
                let expires = token.expires.map_or_else(|| "never".to_owned(), |it| it.to_string());
                say(&format!(
                    "{}  {}  tenant {}  {}  expires {expires}",
                    token.id,
                    token.name,
                    token.tenant,
                    scopes.join(",")
                ));
            }
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

fn create(arguments: CreateArguments) -> anyhow::Result<()> {
    let CreateArguments { name, tenant, scope, expire_days, data } = arguments;
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
        expires: expire_days.map(|days| now.plus_ms(u64::from(days) * 86_400_000)),
        secret_sha256: presented.secret_sha256(),
    };
    tokens::keep_beside(&data, &token).with_context(|| format!("cannot write to {}", data.display()))?;
    say(&presented.reveal());
    Ok(())
}
