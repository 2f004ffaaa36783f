//! The binary; everything is in the library.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match host::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever reads it may have gone.
            drop(writeln!(std::io::stderr(), "Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
