//! A worker: one thread, one runtime, its own sockets, its own connections to the origins.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::activity::Activity;
use super::crowd::Crowd;
use super::gate::{Closed, Entered};
use super::listener;
use super::patrol::Patrol;
use super::pressure::{self, Pressure};
use super::roster::{Listed, Roster};
pub use super::shared::Shared;
use super::snapshot::Snapshot;
use crate::clock;
use crate::config::settings::{ClassIndex, Settings};
use crate::origin::OriginClient;
use crate::overload::saturation::Level;
use crate::room::keyring::Keyring;
use crate::telemetry::Faults;
use crate::telemetry::access::AccessWriter;

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Takes connections.
    Running,
    /// Takes no new connections, except those already queued; finishes the open ones.
    Draining,
    /// As `Draining`, but another process accepts from the same sockets.
    HandingOver,
    /// Ends at once.
    Stopped,
}

/// The revision a request began under, whatever is reloaded meanwhile.
///
/// Workers count their references themselves: a shared count would be fought over at every request.
#[derive(Debug)]
pub(crate) struct Pinned(Arc<Snapshot>);

impl Deref for Pinned {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

type Cache = arc_swap::Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>;

/// One worker, shared by everything on its thread.
pub(crate) struct Worker {
    index: usize,
    shared: Arc<Shared>,
    cache: RefCell<Cache>,
    pinned: RefCell<Rc<Pinned>>,
    phase: watch::Receiver<Phase>,
    patrol: Rc<Patrol>,
    origins: Rc<OriginClient>,
    access: RefCell<AccessWriter>,
    handshakes: Semaphore,
    roster: Rc<Roster>,
    crowd: Crowd,
    level: Cell<Level>,
    open: Cell<usize>,
    random: RefCell<fastrand::Rng>,
    faults: Arc<Faults>,
    stopped: Cell<bool>,
}

/// A place counted towards `max_handshakes`.
pub(crate) type HandshakePlace<'a> = Option<SemaphorePermit<'a>>;

impl Worker {
    /// Its index, from 0.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The patrol of this thread.
    pub(crate) fn patrol(&self) -> &Rc<Patrol> {
        &self.patrol
    }

    /// The connections to the origins of this thread.
    pub(crate) fn origins(&self) -> &Rc<OriginClient> {
        &self.origins
    }

    /// The phase, to be waited on.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    /// The revision in force now.
    pub(crate) fn pin(&self) -> Rc<Pinned> {
        let mut cache = self.cache.borrow_mut();
        let live = cache.load();
        let mut pinned = self.pinned.borrow_mut();
        if !Arc::ptr_eq(live, &pinned.0) {
            *pinned = Rc::new(Pinned(Arc::clone(live)));
        }
        Rc::clone(&pinned)
    }

    /// Random bits for jitter and for identifiers that need not be secret.
    pub(crate) fn random(&self) -> u128 {
        self.random.borrow_mut().u128(..)
    }

    /// Seconds since the epoch, on a clock without jumps; at most one [`patrol::ROUND`](super::patrol::ROUND) old.
    pub(crate) fn unix_seconds(&self) -> u64 {
        self.shared.unix_seconds(self.patrol.clock().now())
    }

    /// What tickets of waiting rooms are signed with.
    pub(crate) fn keyring(&self) -> Guard<Arc<Keyring>> {
        self.shared.keyring.load()
    }

    /// Whether the worker is about to end with all its tasks.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Whether there is an access log.
    pub(crate) fn logs(&self) -> bool {
        self.access.borrow().is_on()
    }

    /// How many client connections may be open, over all workers.
    pub(crate) fn most_connections(&self, pinned: &Snapshot) -> usize {
        pinned.policy.settings.server.max_connections.min(self.shared.pressure().bound())
    }

    /// What all workers share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How saturated the proxy itself is.
    pub(crate) fn pressure(&self) -> Arc<Pressure> {
        Arc::clone(self.shared.pressure())
    }

    /// Its open connections.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The crowd at its door.
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    /// Sets how much it refuses so that the proxy itself survives.
    pub(crate) fn set_level(&self, level: Level) {
        self.level.set(level);
    }

    /// Whether requests of a class are refused so that the proxy itself survives.
    pub(crate) fn sheds(&self, pinned: &Snapshot, class: ClassIndex) -> bool {
        self.level.get() > Level::NORMAL && self.level.get().sheds(class, &pinned.policy.settings.classes)
    }

    /// The malformed requests kept for the operator.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Counts a connection in.
    ///
    /// # Errors
    /// When a bound is met.
    pub(crate) fn enter(&self, pinned: &Snapshot, client: IpAddr) -> Result<Entered, Closed> {
        let Settings { server, client: clients, .. } = &*pinned.policy.settings;
        // A trusted proxy stands for many clients.
        let trusted = clients.trusted_proxies.iter().any(|network| network.contains(&client.to_canonical()));
        let each = match server.max_connections_per_client {
            0 => usize::MAX,
            _ if trusted => usize::MAX,
            most => most,
        };
        self.shared.gate().enter(client, self.most_connections(pinned), each)
    }

    /// Waits until a handshake may begin; held until it is over.
    pub(crate) async fn handshake_place(&self) -> HandshakePlace<'_> {
        self.handshakes.acquire().await.ok()
    }

    /// Counts something that must end before the worker may: a connection or a tunnel.
    pub(crate) fn opened(self: &Rc<Self>) -> Opened {
        self.open.set(self.open.get() + 1);
        Opened(Rc::clone(self))
    }

    /// Lists a connection among those told to finish when the process drains.
    pub(crate) fn list(&self, activity: &Arc<Activity>) -> Listed {
        self.roster.list(activity)
    }

    /// Writes to the access log.
    pub(crate) fn log(&self, write: impl FnOnce(&mut AccessWriter)) {
        write(&mut self.access.borrow_mut());
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("index", &self.index).finish_non_exhaustive()
    }
}

/// Counts its holder as open.
#[derive(Debug)]
pub(crate) struct Opened(Rc<Worker>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// What a worker begins with.
#[derive(Debug)]
pub struct Start {
    /// Its index, from 0.
    pub index: usize,
    /// How many workers there are.
    pub workers: usize,
    /// Its own sockets, each with the index of its listener.
    pub sockets: Vec<(usize, TcpListener)>,
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// The phase of the process.
    pub phase: watch::Receiver<Phase>,
    /// Where malformed requests are kept for the operator.
    pub faults: Arc<Faults>,
    /// Its writer to the access log.
    pub access: AccessWriter,
}

/// Starts a worker on a thread of its own, which ends when the process leaves and its connections have ended. Returns
/// when it accepts.
///
/// # Errors
/// When the system gives no thread or no event queue, or a socket cannot be used.
pub fn spawn(start: Start) -> io::Result<JoinHandle<()>> {
    let (tell, begun) = mpsc::channel();
    let thread = std::thread::Builder::new().name(format!("worker-{}", start.index)).spawn(move || {
        match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime.block_on(run(start, &tell)),
            // The caller waits for it.
            Err(error) => drop(tell.send(Err(error))),
        }
    })?;
    begun.recv().map_err(io::Error::other)??;
    Ok(thread)
}

async fn run(start: Start, begun: &mpsc::Sender<io::Result<()>>) {
    let (sockets, worker) = begin(start);
    tokio::task::spawn_local(Rc::clone(worker.patrol()).run());
    tokio::task::spawn_local(flush_log(Rc::clone(&worker)));
    tokio::task::spawn_local(pressure::follow(Rc::clone(&worker)));
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, socket) in sockets {
        match register(socket) {
            Ok(socket) => drop(accepting.spawn_local(listener::accept(Rc::clone(&worker), listener, socket))),
            Err(error) => return drop(begun.send(Err(error))),
        }
    }
    // A caller that is gone is ending, and tells by the phase.
    let _ = begun.send(Ok(()));
    let mut phase = worker.phase();
    let _ = phase.wait_for(|phase| *phase != Phase::Running).await;
    worker.roster.drain();
    while accepting.join_next().await.is_some() {}
    tokio::select! {
        () = all_ended(&worker) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
    }
    worker.stopped.set(true);
    worker.log(AccessWriter::flush);
}

fn register(socket: TcpListener) -> io::Result<tokio::net::TcpListener> {
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket)
}

fn begin(start: Start) -> (Vec<(usize, TcpListener)>, Rc<Worker>) {
    let mut cache = Cache::new(Arc::clone(&start.shared.live));
    let pinned = Rc::new(Pinned(Arc::clone(cache.load())));
    let handshakes = pinned.policy.settings.server.max_handshakes / start.workers.max(1);
    let worker = Worker {
        index: start.index,
        shared: start.shared,
        cache: RefCell::new(cache),
        pinned: RefCell::new(pinned),
        phase: start.phase,
        patrol: Patrol::new(),
        origins: OriginClient::new(),
        access: RefCell::new(start.access),
        handshakes: Semaphore::new(handshakes.max(1)),
        roster: Rc::default(),
        crowd: Crowd::default(),
        level: Cell::default(),
        open: Cell::new(0),
        random: RefCell::new(fastrand::Rng::new()),
        faults: start.faults,
        stopped: Cell::new(false),
    };
    (start.sockets, Rc::new(worker))
}

/// How often open connections are counted while draining.
const DRAIN_POLL: Duration = Duration::from_millis(20);

async fn all_ended(worker: &Worker) {
    while worker.open.get() > 0 {
        tokio::time::sleep(DRAIN_POLL).await;
    }
}

/// Longest time a line of the access log stays in memory.
const LOG_FLUSH: Duration = Duration::from_millis(100);

async fn flush_log(worker: Rc<Worker>) {
    loop {
        tokio::time::sleep(LOG_FLUSH).await;
        worker.log(|log| log.tick(clock::now(), SystemTime::now()));
    }
}
