//! `belljar man`: the manual, made of the command line itself, so that neither can say what the other does not.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A directory for a page of each command, such as `belljar-token-create.1`; if left out, the first page is printed,
    /// for `belljar man | man -l -`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Writes the pages.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let command = super::Arguments::command().disable_help_subcommand(true);
    if let Some(directory) = &arguments.out {
        let written = || {
            fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)
        };
        return written().with_context(|| format!("cannot write to {}", directory.display()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    // Whoever reads stdout may have gone.
    drop(std::io::stdout().write_all(&page));
    Ok(())
}
