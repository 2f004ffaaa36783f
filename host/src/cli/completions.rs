//! `belljar completions`: what a shell needs to complete the command line.

use std::io::Write;

use clap::CommandFactory;
use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which shell it is for.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

/// Prints it.
pub(super) fn main(arguments: &Arguments) {
    let mut script = Vec::new();
    let shell = clap_complete::Shell::from(arguments.shell);
    clap_complete::generate(shell, &mut super::Arguments::command(), "belljar", &mut script);
    // Whoever reads stdout may have gone.
    drop(std::io::stdout().write_all(&script));
}
