//! Puts a process together: everything that can fail is done before the first connection is taken.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use crate::admin::{self, Admin};
use crate::clock;
use crate::config::Problem;
use crate::control::actor::Policies;
use crate::control::boot::{Boot, BootError};
use crate::control::engine;
use crate::control::handover::{self, HandoverError, Predecessor, Program};
use crate::control::lifecycle::Lifecycle;
use crate::control::logs::ProcessLogs;
use crate::control::overload::Overload;
use crate::control::process::Process;
use crate::control::reload::{self, Reloader};
use crate::control::rooms::{Kept, KeptError, Rooms};
use crate::control::saturation::Saturation;
use crate::control::sockets::{ListenError, Sockets};
use crate::control::state_dir::StateDir;
use crate::edge::snapshot::{Snapshot, SnapshotBuilder};
use crate::edge::worker::{self, Shared, Start};
use crate::origin::{Origins, Resolver};
use crate::overload::{AdaptiveGovernor, Governor};
use crate::policy::journey::JourneyKeys;
use crate::telemetry::access::AccessWriter;
use crate::telemetry::logs::LogError;
use crate::telemetry::{AccessLog, Faults, Logs, Metrics};

/// How long the start waits for the names of origins; what does not resolve by then is asked for again while serving.
pub(super) const NAME_LIMIT: Duration = Duration::from_secs(3);
/// The file journeys are signed with.
const JOURNEY_KEY: &str = "journey.key";

/// Why the process does not start: one clear sentence, before any traffic is taken.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No configuration, or no place for state.
    #[error(transparent)]
    Boot(BootError),
    /// What the configuration refers to cannot be used.
    #[error("{}", Listed(.path, &.error.problems))]
    Policy {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong.
        error: reload::StartError,
    },
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The sockets of the process before this one cannot be taken over.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// A descriptor of `LISTEN_FDS` is not a TCP socket.
    #[error("a socket passed by the service manager cannot be used: {0}")]
    Passed(io::Error),
    /// The diagnostics cannot be set up.
    #[error("the log cannot be set up: {0}")]
    Logs(LogError),
    /// The access log cannot be opened.
    #[error("the access log cannot be opened: {0}")]
    AccessLog(io::Error),
    /// The key that journeys are signed with cannot be read or made.
    #[error("{file} in the state directory cannot be used: {source}")]
    Key {
        /// The file.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// What is kept of the waiting rooms cannot be used.
    #[error("what is kept of the waiting rooms cannot be used: {0}")]
    Rooms(#[from] KeptError),
    /// The resolver cannot be set up.
    #[error("the configuration of the system's resolver cannot be used: {0}")]
    Resolver(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(rustls::Error),
    /// The system gives no threads, timers or signals.
    #[error("the system gives no event loop or thread: {0}")]
    Runtime(io::Error),
}

impl StartError {
    /// Whether the configuration is to blame.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Boot(BootError::Config(_)) | Self::Policy { .. })
    }
}

struct Listed<'a>(&'a Path, &'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.1.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{problem}", self.0.display())?;
        }
        Ok(())
    }
}

/// Listening sockets that were open before this process began.
#[derive(Debug, Default)]
pub struct Inherited {
    predecessor: Option<Predecessor>,
    sockets: Vec<TcpListener>,
}

impl Inherited {
    /// Takes the sockets of the process that hands over to this one, else those of systemd (`LISTEN_FDS`).
    ///
    /// # Errors
    /// They were announced and cannot be used.
    pub fn take() -> Result<Self, StartError> {
        if let Some((predecessor, sockets)) = handover::predecessor()? {
            return Ok(Self { predecessor: Some(predecessor), sockets });
        }
        let mut passed = listenfd::ListenFd::from_env();
        let count = passed.len();
        let take = |index| passed.take_tcp_listener(index).map_err(StartError::Passed).transpose();
        let sockets = (0..count).filter_map(take).collect::<Result<_, _>>()?;
        Ok(Self { predecessor: None, sockets })
    }
}

/// A process about to begin.
#[derive(Debug)]
pub struct Assembly {
    reloader: Reloader,
    live: Arc<ArcSwap<Snapshot>>,
    origins: Arc<Origins>,
    kept: Kept,
    sockets: Sockets,
    logs: ProcessLogs,
    metrics: Metrics,
    state: StateDir,
    faults: Arc<Faults>,
    predecessor: Option<Predecessor>,
    config: PathBuf,
    /// One for each worker.
    writers: Vec<AccessWriter>,
}

impl Assembly {
    /// Binds what is to be bound and builds what is to be built. Call it inside of the control thread's runtime.
    ///
    /// # Errors
    /// The first thing that keeps the process from starting.
    pub fn build(boot: Boot, logs: Option<Logs>, inherited: Inherited, config: &Path) -> Result<Self, StartError> {
        let settings = boot.settings();
        let workers = settings.server.workers;
        let listeners: Vec<_> = settings.listeners.iter().map(|listener| listener.address).collect();
        let sockets = Sockets::open(&listeners, settings.admin.address, workers, inherited.sockets)?;
        let metrics = Metrics::new(workers);
        let access = AccessLog::start(settings.log.access.as_ref(), &metrics).map_err(StartError::AccessLog)?;
        let writers = (0..workers).map(|_| access.writer(clock::now(), SystemTime::now())).collect();
        let logs = ProcessLogs::new(logs, access);
        let resolver = Resolver::system().map_err(|error| StartError::Resolver(error.to_string()))?;
        let origins = Arc::new(Origins::new(Handle::current(), resolver));
        let journeys = journey_keys(boot.state()).map_err(|source| StartError::Key { file: JOURNEY_KEY, source })?;
        let (kept, rooms) = Kept::open(boot.state(), !settings.rooms.is_empty())?;
        let builder = SnapshotBuilder::new(metrics.clone(), Arc::clone(&origins), journeys, workers)
            .map_err(StartError::Random)?
            .with_rooms(rooms);
        let state = boot.state().clone();
        let (reloader, live) = engine::start(boot, builder, &metrics, logs.clone())
            .map_err(|error| StartError::Policy { path: config.to_owned(), error })?;
        let predecessor = inherited.predecessor;
        let config = config.to_owned();
        let faults = Arc::default();
        Ok(Self { reloader, live, origins, kept, sockets, logs, writers, metrics, state, faults, predecessor, config })
    }

    /// Waits until the names of the origins have been asked for, or for `limit`.
    pub async fn names_resolved(&self, limit: Duration) {
        self.origins.resolved(limit).await;
    }

    /// Starts the workers and the admin thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(self) -> Result<(Process, ProcessLogs), StartError> {
        let lifecycle = Lifecycle::begin();
        let shared = Shared::new(Arc::clone(&self.live), self.kept.keyring());
        let rooms = Rooms::start(Arc::clone(&shared), self.kept, &self.metrics).map_err(StartError::Runtime)?;
        if self.predecessor.is_none() {
            rooms.begin();
        }
        let saturation = Saturation::begin(Arc::clone(&shared), &self.metrics);
        let governor = |bounds, now| -> Box<dyn Governor> { Box::new(AdaptiveGovernor::new(bounds, now)) };
        let overload = Overload::start(Arc::clone(&shared), self.state, governor).map_err(StartError::Runtime)?;
        let mut workers = Vec::new();
        let count = self.writers.len();
        let sockets = self.sockets.share(count)?;
        for (index, (own, access)) in sockets.into_iter().zip(self.writers).enumerate() {
            let start = Start {
                index,
                workers: count,
                sockets: own.into_iter().map(|socket| (socket.listener, socket.socket)).collect(),
                shared: Arc::clone(&shared),
                faults: Arc::clone(&self.faults),
                phase: lifecycle.subscribe(),
                access,
            };
            workers.push(worker::spawn(start).map_err(StartError::Runtime)?);
        }
        let policies = Policies::start(self.reloader).map_err(StartError::Runtime)?;
        let admin = Admin {
            lifecycle: lifecycle.clone(),
            policies: policies.clone(),
            shared,
            metrics: self.metrics,
            faults: self.faults,
            rooms: rooms.clone(),
        };
        let socket = self.sockets.admin()?;
        tokio::spawn(admin::serve(admin, socket).map_err(StartError::Runtime)?);
        tokio::spawn(saturation.watch());
        say_ready(&self.sockets);
        let process = Process {
            lifecycle,
            policies,
            config: Some(self.config),
            sockets: self.sockets,
            workers,
            logs: self.logs.clone(),
            program: Program::current().ok(),
            predecessor: self.predecessor,
            rooms: Some(rooms),
            overload: Some(overload),
        };
        Ok((process, self.logs))
    }
}

fn say_ready(sockets: &Sockets) {
    let text = |addresses: Vec<SocketAddr>| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    tracing::info!(listeners = text(sockets.addresses()), admin = %sockets.admin_address(), "ready");
}

/// Reads the key that journeys are signed with, or makes one at the first start.
fn journey_keys(state: &StateDir) -> io::Result<JourneyKeys> {
    if let Some(secret) = state.read(JOURNEY_KEY)? {
        return Ok(JourneyKeys::new(secret.trim().as_bytes()));
    }
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(io::Error::other)?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    state.write(JOURNEY_KEY, secret.as_bytes())?;
    Ok(JourneyKeys::new(secret.as_bytes()))
}
