//! The command line.

pub mod check;
pub mod ctl;
pub mod demo;
pub mod explain;
pub mod run;
pub mod schema;

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
    /// Find every mistake of a configuration file
    Check(check::Args),
    /// Tell how a request would be judged, and which line of the file decides
    Explain(explain::ExplainArgs),
    /// Talk to a running proxy: how it is, and what its waiting rooms do
    Ctl(ctl::Args),
    /// Print the JSON Schema of the configuration file
    Schema(schema::Args),
    /// See it work: a sample shop, a crowd of shoppers and the proxy between them, on this machine alone
    Demo(demo::Args),
}

/// Does what the arguments of this process say. Wrong usage ends it with code 2.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Ctl(args) => ctl::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}
