//! Whose modules a server takes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;

use crate::analysis::signature::TrustedKeys;
use crate::registry::quarantine::Unsigned;

#[derive(Debug, clap::Args)]
pub(super) struct TrustArguments {
    /// What becomes of modules, of clients or in `--analyses`, that are neither signed with a trusted key nor approved by
    /// `belljar approve`.
    #[arg(long, value_enum, default_value = "allow", help_heading = "Trust")]
    unsigned: UnsignedArgument,
    /// A list of trusted Ed25519 keys: `*.pub` files of minisign one after the other, or a key a line with its name behind.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    trusted_keys: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UnsignedArgument {
    /// They are installed as any other.
    Allow,
    /// They are checked and described, and cannot be asked until they are approved.
    Quarantine,
    /// They are refused.
    Deny,
}

impl TrustArguments {
    pub(super) fn unsigned(&self) -> Unsigned {
        match self.unsigned {
            UnsignedArgument::Allow => Unsigned::Allow,
            UnsignedArgument::Quarantine => Unsigned::Quarantine,
            UnsignedArgument::Deny => Unsigned::Deny,
        }
    }

    pub(super) fn keys(&self) -> anyhow::Result<Arc<TrustedKeys>> {
        let Some(path) = &self.trusted_keys else { return Ok(Arc::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Arc::new(TrustedKeys::read(&text).with_context(|| path.display().to_string())?))
    }
}
