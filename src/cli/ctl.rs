//! `spillway ctl`: asks a running proxy, over its admin API.

mod client;
mod room;
mod words;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value as Json, json};
use tokio::runtime::Builder;

use client::{Base, Client, ClientError};

/// Exit code of wrong usage.
const WRONG_USAGE: u8 = 2;

/// Talks to a running proxy
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The proxy's admin address, `[admin] address` of its configuration
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:9900")]
    admin: Base,
    /// File with the token of the admin address, where one is asked for
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How answers are printed: text for people, or the API's JSON
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Do not ask before what cannot be taken back
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    command: Command,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As the API gives them.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How the proxy is
    Status,
    /// See and change waiting rooms
    #[command(subcommand)]
    Room(room::Command),
    /// The keys that tickets and passes of waiting rooms are signed with
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Sign with a new key; what was signed with the one before is good until the next rotation
    Rotate,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The proxy could not be asked, or said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Somebody has to be asked, and nobody is there.
    #[error("{0} Say --yes if you mean it.")]
    Unconfirmed(String),
    /// Somebody was asked, and said no.
    #[error("nothing was done")]
    Declined,
    /// What was answered cannot be printed.
    #[error("cannot print the answer: {0}")]
    Output(#[from] io::Error),
    /// The system gives no event loop.
    #[error("the system gives no event loop: {0}")]
    Runtime(io::Error),
}

/// 0 when the proxy did what was asked; 1 when it could not be asked or said no; 2 for wrong usage, which is also something
/// dangerous without `--yes` where nobody can be asked.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match perform(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nowhere left to say that stderr is closed.
            let _ = writeln!(io::stderr().lock(), "spillway: {failure}");
            match failure {
                Failure::Unconfirmed(_) => ExitCode::from(WRONG_USAGE),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn perform(args: &Args) -> Result<(), Failure> {
    let client = Client::new(&args.admin, args.token_file.as_deref())?;
    let desk = Desk { client, format: args.format, yes: args.yes };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        match &args.command {
            Command::Status => {
                let status = desk.client.get("/v1/status").await?;
                desk.print(&status, words::status)
            }
            Command::Room(command) => command.perform(&desk).await,
            Command::Keys(KeysCommand::Rotate) => {
                let rotated = desk.client.ask(Method::POST, "/v1/keys/rotate", &json!({})).await?;
                desk.print(&rotated, |_| "signed with a new key from now on\n".to_owned())
            }
        }
    })
}

/// What every command works with.
struct Desk {
    client: Client,
    format: Format,
    yes: bool,
}

impl Desk {
    /// Prints an answer, in words or as it is.
    fn print(&self, answer: &Json, in_words: impl FnOnce(&Json) -> String) -> Result<(), Failure> {
        let text = match self.format {
            Format::Text => in_words(answer),
            Format::Json => format!("{answer:#}\n"),
        };
        self.write(&text)
    }

    /// Prints text as it is.
    fn write(&self, text: &str) -> Result<(), Failure> {
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }

    /// Asks whether something that is dangerous is meant.
    fn confirm(&self, danger: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(Failure::Unconfirmed(danger.to_owned()));
        }
        write!(io::stderr().lock(), "{danger} Go on? [y/N] ")?;
        let mut answer = String::new();
        stdin.lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::Declined) }
    }
}
