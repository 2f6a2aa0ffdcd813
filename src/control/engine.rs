//! The edge as the engine of reloads: builds snapshots and swaps them under the workers.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::boot::Boot;
use super::gauges::SnapshotGauges;
use super::in_force::Attempt;
use super::logs::ProcessLogs;
use super::overrides::{Effective, ServerState};
use super::reload::{Engine, Reloader, StartError};
use crate::clock;
use crate::config::Problem;
use crate::config::settings::LogSettings;
use crate::edge::snapshot::{Prepared, Snapshot, SnapshotBuilder};
use crate::origin::AdminState;
use crate::telemetry::metrics::Metrics;

/// Puts the first policy in force, and its gauges among the metrics. Answers what may change it from now on, and what
/// workers read.
///
/// # Errors
/// It cannot be built.
pub fn start(
    boot: Boot,
    builder: SnapshotBuilder,
    metrics: &Metrics,
    logs: ProcessLogs,
) -> Result<(Reloader, Arc<ArcSwap<Snapshot>>), StartError> {
    let live = Arc::new(OnceLock::new());
    let now = Timestamp::now();
    let in_log = boot.settings().log.clone();
    let engine = EdgeEngine {
        builder,
        metrics: metrics.clone(),
        logs,
        in_log,
        live: Arc::clone(&live),
        prepared: None,
        servers: Vec::new(),
        retired: Vec::new(),
    };
    let reloader = Reloader::start(boot, Box::new(engine), now)?;
    let revision = reloader.in_force().load().revision.clone();
    metrics.policy().started(revision.number, now.into());
    let Some(live) = live.get() else { return Err(StartError { revision: revision.into(), problems: Vec::new() }) };
    metrics.register(Arc::new(SnapshotGauges::new(Arc::clone(live))));
    Ok((reloader, Arc::clone(live)))
}

#[derive(Debug)]
struct EdgeEngine {
    builder: SnapshotBuilder,
    metrics: Metrics,
    logs: ProcessLogs,
    /// The log settings in force.
    in_log: LogSettings,
    /// Empty until the first commit.
    live: Arc<OnceLock<Arc<ArcSwap<Snapshot>>>>,
    prepared: Option<(Prepared, Vec<Wish>)>,
    servers: Vec<Wish>,
    /// Snapshots replaced and perhaps still read by a worker. Freed here, not by the worker that lets go last: freeing
    /// ten thousand routes takes longer than a request may wait.
    retired: Vec<Arc<Snapshot>>,
}

/// An origin, one of its servers, and what an operator wants of it.
type Wish = (String, String, ServerState);

impl Engine for EdgeEngine {
    fn prepare(&mut self, effective: &Effective, revision: u64) -> Result<(), Vec<Problem>> {
        self.prepared = None;
        let prepared = self.builder.prepare(Arc::clone(&effective.settings), revision)?;
        self.prepared = Some((prepared, effective.servers.clone()));
        Ok(())
    }

    fn commit(&mut self) {
        let Some((prepared, servers)) = self.prepared.take() else { return };
        let snapshot = Arc::new(self.builder.finish(prepared, clock::now()));
        self.servers = servers;
        self.apply_wishes(&snapshot);
        let log = snapshot.policy.settings.log.clone();
        self.logs.follow(&log, &self.in_log);
        self.in_log = log;
        match self.live.get() {
            Some(live) => self.retired.push(live.swap(snapshot)),
            None => drop(self.live.set(Arc::new(ArcSwap::new(snapshot)))),
        }
    }

    fn tidy(&mut self) -> bool {
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        if !self.servers.is_empty()
            && let Some(live) = self.live.get()
        {
            // A name may have come to stand for another address meanwhile.
            self.apply_wishes(&live.load());
        }
        !self.retired.is_empty() || !self.servers.is_empty()
    }

    fn attempted(&mut self, attempt: &Attempt, revision: u64) {
        match attempt.outcome {
            Ok(_) => self.metrics.policy().reloaded(revision, attempt.at.into()),
            Err(_) => self.metrics.policy().rejected(),
        }
    }
}

impl EdgeEngine {
    /// Every server is ready unless an operator wants something else of it.
    fn apply_wishes(&self, snapshot: &Snapshot) {
        let now = clock::now();
        for handle in &snapshot.origins {
            let own = |wish: &&Wish| wish.0 == handle.origin.name();
            let wishes: Vec<&Wish> = self.servers.iter().filter(own).collect();
            for server in handle.origin.servers(now) {
                let wish = wishes.iter().find(|wish| wish.1 == server.name);
                let state = wish.map_or(AdminState::Ready, |wish| wish.2.into());
                if state != server.admin {
                    handle.origin.set_admin(&server.name, state, now);
                }
            }
        }
    }
}

impl From<ServerState> for AdminState {
    fn from(state: ServerState) -> Self {
        match state {
            ServerState::Ready => Self::Ready,
            ServerState::Drain => Self::Drain,
            ServerState::Down => Self::Down,
        }
    }
}
