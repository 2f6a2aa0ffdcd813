//! `spillway run`: from a configuration file to a process that serves, and to its end.

mod assemble;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::control::boot::{Boot, BootError};
use crate::control::priority;
use crate::control::process::Ending;
use crate::control::signals;
use crate::telemetry::Logs;

pub use assemble::{Assembly, StartError};
use assemble::{Inherited, NAME_LIMIT};

/// Exit code of a wrong configuration, `EX_CONFIG` of `sysexits.h`.
const BAD_CONFIGURATION: u8 = 78;
/// How long the last lines of the access log may take to be written.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Arguments of `spillway run`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the proxy until a signal ends it.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match perform(args) {
        Ok(Ending::Finished | Ending::Interrupted) => ExitCode::SUCCESS,
        Ok(Ending::TimedOut | Ending::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("spillway: {error}");
            if error.is_configuration() { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

fn perform(args: &Args) -> Result<Ending, StartError> {
    // First of all: the descriptors of a predecessor or of systemd are told by number.
    let inherited = Inherited::take()?;
    let boot = Boot::load(&args.config)?;
    let logs = Logs::start(&boot.settings().log).map_err(StartError::Logs)?;
    raise_descriptor_limit();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let requests = signals::requests().map_err(StartError::Runtime)?;
        let assembly = Assembly::build(boot, Some(logs), inherited, &args.config)?;
        assembly.names_resolved(NAME_LIMIT).await;
        let (process, access) = assembly.start()?;
        // Operators and health checks, on this thread, must be served while the workers saturate every core.
        priority::raise();
        let ending = process.run(requests).await;
        access.finish(LAST_LINES);
        Ok(ending)
    })
}

/// Each connection is a descriptor; the soft limit of most systems, 1024, is for programs that use `select`.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

impl From<BootError> for StartError {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}
