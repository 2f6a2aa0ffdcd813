//! One worker's connections to one server.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::Origin;
use super::alarm::Alarms;
use super::balance::Candidate;
use super::error::OriginError;
use super::h1::H1;
use super::h2::{H2, Stream as H2Stream};
use super::live::Table;
use super::server::{Server, Slot};
use super::stream::Stream;
use crate::clock::Nanos;

/// Idle connections in last-in first-out order, so that in quiet times the rest grow old and are closed.
pub(super) struct ServerPool {
    origin: Arc<Origin>,
    server: Arc<Server>,
    alarms: Rc<Alarms>,
    #[expect(clippy::vec_box, reason = "the box moves between pool, request and body; its content is large")]
    idle: RefCell<Vec<Box<H1>>>,
    waiters: RefCell<VecDeque<oneshot::Sender<Box<H1>>>>,
    shared: RefCell<Vec<H2>>,
    /// Held while the first HTTP/2 connection is made, so that a burst does not make one each.
    first: Semaphore,
    /// The server declined HTTP/2 in its last TLS handshake.
    declined_h2: Cell<bool>,
}

/// A place for one request on a connection.
#[derive(Debug)]
pub(super) enum Place {
    /// A connection of its own.
    H1(Box<H1>),
    /// A stream of a shared one.
    H2(H2Stream),
}

/// One request at a server, counted until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Rc<ServerPool>);

enum Opened {
    Slot(Slot),
    Handed(Box<H1>),
}

impl ServerPool {
    pub(super) fn new(origin: Arc<Origin>, server: Arc<Server>, alarms: Rc<Alarms>) -> Rc<Self> {
        Rc::new(Self {
            origin,
            server,
            alarms,
            idle: RefCell::default(),
            waiters: RefCell::default(),
            shared: RefCell::default(),
            first: Semaphore::new(1),
            declined_h2: Cell::new(false),
        })
    }

    pub(super) const fn server(&self) -> &Arc<Server> {
        &self.server
    }

    pub(super) const fn alarms(&self) -> &Rc<Alarms> {
        &self.alarms
    }

    /// The server failed a request.
    pub(super) fn failed(&self, now: Nanos) {
        self.origin.failed(&self.server, now);
    }

    /// The server answered a request wholly, and well if `good`.
    pub(super) fn succeeded(&self, good: bool) {
        if good {
            self.server.clear_failures();
        }
    }

    /// Counts a request at the server.
    pub(super) fn begin(self: &Rc<Self>) -> InFlight {
        self.server.begin();
        InFlight(Rc::clone(self))
    }

    /// A place on a connection that exists.
    pub(super) fn existing(&self, h2: bool) -> Option<Place> {
        if h2 && let Some(stream) = self.shared.borrow().iter().find_map(H2::stream) {
            return Some(Place::H2(stream));
        }
        if h2 && !self.declined_h2.get() {
            return None;
        }
        self.kept().map(Place::H1)
    }

    /// The HTTP/1.1 connection used last of those that are idle.
    pub(super) fn kept(&self) -> Option<Box<H1>> {
        self.idle.borrow_mut().pop()
    }

    /// A place on a new connection, or on one that becomes free while waiting for it.
    ///
    /// # Errors
    /// `Connect`, `Exhausted`, `ConnectTimeout` or `TooManyConnections`.
    pub(super) async fn connect(&self, table: &Table, h2: bool) -> Result<Place, OriginError> {
        let limit = table.settings.connect_timeout;
        let waiting = Cell::new(false);
        let connected = tokio::time::timeout(limit, self.establish(table, h2, &waiting)).await;
        match connected {
            Ok(connected) => connected.map_err(OriginError::connect),
            Err(_) if waiting.get() => Err(OriginError::TooManyConnections),
            Err(_) => Err(OriginError::ConnectTimeout),
        }
    }

    async fn establish(&self, table: &Table, h2: bool, waiting: &Cell<bool>) -> io::Result<Place> {
        let _first = if h2 && !self.declined_h2.get() { self.first.acquire().await.ok() } else { None };
        if h2 && let Some(stream) = self.shared.borrow().iter().find_map(H2::stream) {
            return Ok(Place::H2(stream));
        }
        waiting.set(true);
        let opened = self.open(table.settings.max_connections).await;
        waiting.set(false);
        let slot = match opened {
            Opened::Handed(h1) => return Ok(Place::H1(h1)),
            Opened::Slot(slot) => slot,
        };
        let stream = Stream::connect(self.server.address(), table.tls_for(&self.server, h2)?, Some(slot)).await?;
        if h2 && (stream.agreed_on_h2() || !self.server.url().tls) {
            return self.share(H2::over(stream, &self.alarms).await?);
        }
        self.declined_h2.set(h2);
        Ok(Place::H1(H1::over(stream, &self.alarms).await?))
    }

    fn share(&self, h2: H2) -> io::Result<Place> {
        self.declined_h2.set(false);
        let stream = h2.stream().ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted))?;
        self.shared.borrow_mut().push(h2);
        Ok(Place::H2(stream))
    }

    /// Permission for a connection; waits while the server has as many as it may.
    async fn open(&self, max: usize) -> Opened {
        if let Some(slot) = Slot::take(&self.server, max) {
            return Opened::Slot(slot);
        }
        let _announced = self.server.announce();
        let mut handed = self.queue();
        loop {
            if let Some(slot) = Slot::take(&self.server, max) {
                return Opened::Slot(slot);
            }
            tokio::select! {
                biased;
                h1 = &mut handed => match h1 {
                    Ok(h1) => return Opened::Handed(h1),
                    Err(_) => handed = self.queue(),
                },
                () = self.server.freed() => {}
            }
        }
    }

    fn next_waiter(&self) -> Option<oneshot::Sender<Box<H1>>> {
        self.waiters.borrow_mut().pop_front()
    }

    fn queue(&self) -> oneshot::Receiver<Box<H1>> {
        let (sender, handed) = oneshot::channel();
        self.waiters.borrow_mut().push_back(sender);
        handed
    }

    /// Takes an idle connection back: for who waits here, for nobody if workers elsewhere wait, else for the next.
    pub(super) fn park(&self, mut h1: Box<H1>) {
        while let Some(waiter) = self.next_waiter() {
            match waiter.send(h1) {
                Ok(()) => return,
                Err(unwanted) => h1 = unwanted,
            }
        }
        if self.server.keeps_connections() && !self.server.is_wanted() {
            self.idle.borrow_mut().push(h1);
        }
    }

    /// Closes what is too old, was closed by the server, or is wanted by another worker.
    pub(super) fn sweep(&self, now: Nanos, idle_timeout: Duration) {
        let oldest = now.saturating_sub(idle_timeout.as_nanos() as Nanos);
        let keeps = self.server.keeps_connections();
        let mut idle = self.idle.take();
        idle.retain_mut(|h1| keeps && h1.idle_since() >= oldest && h1.is_open());
        self.idle.replace(idle);
        let mut shared = self.shared.take();
        shared.retain(|h2| !h2.is_closed() && h2.idle_since().is_none_or(|since| keeps && since >= oldest));
        self.shared.replace(shared);
        self.waiters.borrow_mut().retain(|waiter| !waiter.is_closed());
    }

    /// Closes idle connections while another worker waits for the server's last ones.
    pub(super) fn yield_idle(&self) {
        while self.server.is_wanted() && self.waiters.borrow().is_empty() {
            let Some(h1) = self.idle.borrow_mut().pop() else {
                break;
            };
            drop(h1);
        }
    }

    /// Whether it keeps any connection.
    pub(super) fn is_empty(&self) -> bool {
        self.idle.borrow().is_empty() && self.shared.borrow().is_empty()
    }
}

impl Candidate for Rc<ServerPool> {
    fn usable(&self, now: Nanos) -> bool {
        self.server.usable(now)
    }

    fn share(&self, now: Nanos) -> f64 {
        self.server.share(now)
    }

    fn cost(&self, now: Nanos) -> f64 {
        self.server.cost(now)
    }
}

impl InFlight {
    pub(super) const fn pool(&self) -> &Rc<ServerPool> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.server.end();
    }
}

impl std::fmt::Debug for ServerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerPool").field("server", &self.server.address()).finish_non_exhaustive()
    }
}
