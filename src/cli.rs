//! The command line.

pub mod demo;
pub mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps an online store selling through a traffic surge: a reverse proxy with limits, priorities and live control.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy
    Run(run::Args),
    /// See it work: a sample shop, a crowd of shoppers and the proxy between them, on this machine alone
    Demo(demo::Args),
}

/// Does what the arguments of this process say. Wrong usage ends it with code 2.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}
