//! Flags of `belljar serve`: how clients are told that a run has ended.

use std::path::PathBuf;

use anyhow::Context;
use ipnet::IpNet;

use crate::notify::Options;
use crate::notify::Reach;
use crate::run::notice::Retries;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Notifications")]
pub(super) struct Arguments {
    /// A file with what notifications are signed with, where the client gives nothing: `whsec_` and 24 to 64 bytes in base64.
    #[arg(long, value_name = "FILE")]
    notify_secret_file: Option<PathBuf>,
    /// A network besides the public internet that clients may have called, such as `10.1.0.0/16`; may be given more than once.
    #[arg(long, value_name = "NETWORK")]
    notify_allow: Vec<IpNet>,
    /// Seconds until a receiver that did not take it is called again, each time; in all some three days if left out.
    #[arg(long, value_name = "SECONDS,...")]
    notify_retry_s: Option<Retries>,
    /// Receivers that are still to be told, in all; 0: nobody is notified.
    #[arg(long, default_value = "10000")]
    notify_pending_max: usize,
}

impl Arguments {
    pub(super) fn options(self) -> anyhow::Result<Options> {
        let secret = self.notify_secret_file.map(|path| {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            text.trim().parse().with_context(|| format!("{}", path.display()))
        });
        Ok(Options {
            secret: secret.transpose()?,
            reach: Reach::with(self.notify_allow),
            retries: self.notify_retry_s.unwrap_or_else(Retries::standard),
            pending_max: self.notify_pending_max,
        })
    }
}
