//! The command line.

mod approve;
mod check;
mod completions;
mod config;
mod fsck;
mod gc;
mod inspect;
mod install;
mod local;
mod man;
mod new;
mod notify;
mod pack;
mod revoke;
mod run;
mod selftest;
mod serve;
mod token;
mod top;
mod trust;
mod verify;
mod watch;

use std::io::Write;

use anyhow::Context;
use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;

use crate::analysis::module::ModuleKind;
use crate::analysis::module::Wasi03;
use crate::limits::AskedLimits;
use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::worker;

/// A WebAssembly-sandboxed analysis host.
#[derive(Debug, Parser)]
#[command(name = "belljar", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST API.
    Serve(Box<serve::ServeArguments>),
    /// Tell what a module is from its bytes alone: kind, descriptor, capabilities, exports, sections, tools.
    Inspect(inspect::Arguments),
    /// Begin an analysis of your own: a project that builds, with tests and examples.
    New(new::Arguments),
    /// Try a module as an author would want it tried: lints, golden examples, what it costs, whether it repeats.
    Check(check::Arguments),
    /// Run a module over a file as a server would, and print the result.
    Run(run::Arguments),
    /// Put descriptor and files into a module, which then ships as one file.
    Pack(pack::Arguments),
    /// Mark a module as bad: nobody can ask it any more, and every result it made says so.
    Revoke(revoke::Arguments),
    /// Put a module out of an OCI registry, or a file, into the directory of analyses.
    Install(install::InstallArguments),
    /// Vouches for a module: signed or not, it can be installed and asked.
    Approve(approve::Arguments),
    /// Make, list and revoke the tokens that a server asks for.
    Token(token::TokenArguments),
    /// Show what a server is at: workers, queue, fuel a second, and each run that has a worker.
    Top(top::Arguments),
    /// Run the hostile modules that this binary carries, here and now, and tell what stops each.
    Selftest(selftest::Arguments),
    /// Let go of what the rules of retention say; its server must not run, and does so by itself when told the same.
    Gc(gc::Arguments),
    /// Look through a whole data directory, and mend it if asked to; its server must not run.
    Fsck(fsck::Arguments),
    /// Do a stored run again and compare what comes out, byte for byte.
    Verify(verify::Arguments),
    /// Write the manual: a page for each command.
    Man(man::Arguments),
    /// Print what bash, zsh or fish needs to complete this command line.
    Completions(completions::Arguments),
    /// A confined process that runs one program (the server starts it).
    #[command(hide = true)]
    Worker {
        /// What no run may pass, as JSON.
        #[arg(long, value_parser = parse_limits)]
        caps: Option<Limits>,
        /// What its program is made of, as JSON.
        #[arg(long, value_parser = parse_kind)]
        kind: Option<ModuleKind>,
    },
    /// A confined process that compiles one module (the server starts it).
    #[command(hide = true)]
    Compile {
        /// What it may cost, as JSON.
        #[arg(long, value_parser = parse_compile_limits)]
        limits: Option<CompileLimits>,
    },
}

/// Of every command that takes analyses.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Wasi03Argument {
    /// Takes components of WASI 0.3, which the engine calls experimental and outside its security promise.
    #[arg(long)]
    experimental_wasi_03: bool,
}

impl From<Wasi03Argument> for Wasi03 {
    fn from(argument: Wasi03Argument) -> Self {
        if argument.experimental_wasi_03 { Self::Taken } else { Self::Refused }
    }
}

/// Carries out the command line.
///
/// # Errors
/// Whatever the command says; shown to the person at the terminal.
pub fn main() -> anyhow::Result<()> {
    let command = Arguments::command();
    let told = config::Told::of(std::env::args_os().collect(), &command, |name| std::env::var_os(name))?;
    let matches = command.clone().get_matches_from(&told.words);
    match Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command {
        Command::Serve(arguments) if arguments.check_config => {
            serve::check(*arguments, &told.lines(&command, &matches))
        }
        Command::Serve(arguments) => serve::main(*arguments),
        Command::Fsck(arguments) => fsck::main(&arguments),
        Command::Gc(arguments) => gc::main(&arguments),
        Command::Verify(arguments) => verify::main(&arguments),
        Command::Inspect(arguments) => inspect::main(&arguments),
        Command::New(arguments) => new::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Pack(arguments) => pack::main(&arguments),
        Command::Revoke(arguments) => revoke::main(&arguments),
        Command::Install(arguments) => install::main(&arguments),
        Command::Approve(arguments) => approve::main(&arguments),
        Command::Token(arguments) => token::main(arguments),
        Command::Top(arguments) => top::main(&arguments),
        Command::Selftest(arguments) => selftest::main(&arguments),
        Command::Man(arguments) => man::main(&arguments),
        Command::Completions(arguments) => {
            completions::main(&arguments);
            Ok(())
        }
        Command::Worker { caps, kind } => {
            Ok(worker::serve(worker::channel()?, caps.unwrap_or(Limits::CAP), kind.unwrap_or_default())?)
        }
        Command::Compile { limits } => Ok(worker::compile(worker::channel()?, limits.unwrap_or_default())?),
    }
}

/// Prints a line. Whoever reads stdout may have gone; the command goes on, for what it does and its exit code.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn parse_compile_limits(json: &str) -> Result<CompileLimits, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_kind(json: &str) -> Result<ModuleKind, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_limits(json: &str) -> Result<Limits, serde_json::Error> {
    serde_json::from_str(json)
}

fn parse_cap(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write it as NAME=NUMBER")?;
    let number = number.parse().map_err(|error| format!("`{number}`: {error}"))?;
    Ok((name.to_owned(), number))
}

/// What is asked for by name and number.
fn asked_limits(named: &[(String, u64)]) -> anyhow::Result<AskedLimits> {
    let members = named.iter().map(|(name, number)| (name.clone(), (*number).into())).collect();
    serde_json::from_value(serde_json::Value::Object(members)).context("no such limit")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Arguments::command().debug_assert();
    }
}
