//! What all measurements share: how long, on which cores, with which programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_setaffinity};
use tempfile::TempDir;

use crate::certificate::Files;
use crate::noise;
use crate::peer::{Job, Peer, Proxy};
use crate::process::Core;
use crate::report::Row;

/// Options of every measurement.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Rounds, each measuring every proxy once; the median counts
    #[arg(long, global = true, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// Seconds of each measurement
    #[arg(long, global = true, default_value_t = 3)]
    pub(crate) seconds: u64,
    /// Core of the proxies
    #[arg(long, global = true, default_value_t = 0)]
    pub(crate) proxy_core: Core,
    /// Core of clients and origins
    #[arg(long, global = true, default_value_t = 1)]
    pub(crate) load_core: Core,
    /// Spillway's binary; built with the dist profile if not given
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) spillway: Option<PathBuf>,
    /// Priority of everything measured and of its load, as `nice` counts: below 0 (for root) it keeps the noise of a
    /// shared machine out
    #[arg(long, global = true, default_value_t = 0, allow_hyphen_values = true)]
    pub(crate) nice: i32,
    /// Measure only these
    #[arg(long, global = true, value_delimiter = ',', value_parser = peer)]
    pub(crate) only: Vec<Peer>,
}

/// The place where measurements happen.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) options: Options,
    pub(crate) certificate: Files,
    /// What other programs did to the machine before the beginning, if it was worth mentioning.
    pub(crate) noise: Option<String>,
    directory: TempDir,
}

impl Stage {
    /// Prepares files and programs, and moves this process to the core of the clients.
    pub(crate) fn prepare(mut options: Options) -> Result<Self, String> {
        if options.spillway.is_none() && options.wants(Peer::Spillway) {
            options.spillway = build().inspect_err(|why| eprintln!("loadtest: Spillway is left out: {why}")).ok();
        }
        options.spillway = options.spillway.map(|path| std::path::absolute(&path).unwrap_or(path));
        let mut cores = CpuSet::new();
        cores.set(options.load_core);
        sched_setaffinity(None, &cores).map_err(|error| format!("core {}: {error}", options.load_core))?;
        if options.nice != 0 {
            setpriority_process(None, options.nice).map_err(|error| format!("priority {}: {error}", options.nice))?;
        }
        let noise = noise::warning().inspect(|noise| eprintln!("loadtest: {noise}"));
        let directory = tempfile::Builder::new().prefix("loadtest-").tempdir().map_err(|error| error.to_string())?;
        let certificate = Files::write(directory.path())?;
        Ok(Self { options, certificate, noise, directory })
    }

    pub(crate) fn measured_for(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    /// Where files of measurements are, until the end.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Spillway's binary.
    pub(crate) fn spillway(&self) -> Result<&Path, String> {
        self.options.spillway.as_deref().ok_or_else(|| "no binary was built or given".to_owned())
    }

    /// Starts a proxy for `job`.
    pub(crate) fn start(&self, peer: Peer, job: &Job) -> Result<Proxy, String> {
        peer.start(job, self.directory.path(), self.options.spillway.as_deref())
    }

    /// Measures `N` values of each contender in turn, round by round, so that whatever else happens on the machine meets
    /// all alike. One that cannot be measured is skipped from then on, with the reason. Gives the rows of each value.
    pub(crate) fn rounds<T, const N: usize>(
        &self,
        contenders: &[T],
        name: impl Fn(&T) -> String,
        measure: impl Fn(&T) -> Result<[f64; N], String>,
    ) -> [Vec<Row>; N] {
        let mut outcomes: Vec<Result<Vec<[f64; N]>, String>> = contenders.iter().map(|_| Ok(Vec::new())).collect();
        for round in 1..=self.options.rounds {
            for (contender, outcome) in contenders.iter().zip(&mut outcomes) {
                let Ok(values) = outcome else { continue };
                eprintln!("  round {round} of {}: {}", self.options.rounds, name(contender));
                match measure(contender) {
                    Ok(value) => values.push(value),
                    Err(why) => *outcome = Err(why),
                }
            }
        }
        std::array::from_fn(|n| {
            let row = |(contender, outcome): (&T, &Result<Vec<[f64; N]>, String>)| match outcome {
                Ok(values) => {
                    Row::measured(name(contender), values.iter().filter_map(|all| all.get(n)).copied().collect())
                }
                Err(why) => Row::skipped(name(contender), why),
            };
            contenders.iter().zip(&outcomes).map(row).collect()
        })
    }

    /// The proxies asked for, all of them unless said otherwise.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        Peer::ALL.into_iter().filter(|peer| self.options.wants(*peer)).collect()
    }

    /// As [`Stage::rounds`], for proxies at `job`.
    pub(crate) fn proxies<const N: usize>(
        &self,
        job: &Job,
        measure: impl Fn(&Proxy) -> Result<[f64; N], String>,
    ) -> [Vec<Row>; N] {
        let name = |peer: &Peer| peer.name().to_owned();
        self.rounds(&self.peers(), name, |peer| measure(&self.start(*peer, job)?))
    }
}

impl Options {
    fn wants(&self, peer: Peer) -> bool {
        self.only.is_empty() || self.only.contains(&peer)
    }
}

fn peer(typed: &str) -> Result<Peer, String> {
    let known = Peer::ALL.map(Peer::name).join(", ");
    Peer::ALL.into_iter().find(|peer| peer.name() == typed).ok_or_else(|| format!("one of {known}"))
}

/// Builds the binary as it is shipped.
fn build() -> Result<PathBuf, String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&workspace).args(["build", "--profile", "dist", "--package", "spillway", "--bin", "spillway"]);
    match cargo.status() {
        Ok(status) if status.success() => Ok(workspace.join("target/dist/spillway")),
        Ok(status) => Err(format!("cargo build: {status}")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

/// A runtime for one thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}
