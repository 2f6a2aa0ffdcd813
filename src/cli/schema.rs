//! `spillway schema`.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config;

/// Prints the JSON Schema of the configuration file
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the schema to stdout; 1 when that fails.
#[must_use]
pub fn run(_args: &Args) -> ExitCode {
    match writeln!(io::stdout().lock(), "{:#}", config::schema()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
