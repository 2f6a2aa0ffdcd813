//! What a worker uses to ask an origin: picks a server, finds a connection, sends, and tries again where that is safe.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};

use super::alarm::{Alarms, TICK};
use super::body::{OriginBody, RequestBody};
use super::error::OriginError;
use super::exchange;
use super::live::{Origin, Table};
use super::pool::ServerPool;
use crate::clock::{self, Nanos};

/// How often idle connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

/// An origin's answer and what it took.
#[derive(Debug)]
pub struct Exchange {
    /// The answer. After `101 Switching Protocols`, `hyper::upgrade::on(&mut response)` gives the connection.
    pub response: Response<OriginBody>,
    /// What it took.
    pub timings: Timings,
    /// Who answered.
    pub by: AnsweredBy,
}

/// The server that answered.
#[derive(Debug)]
pub struct AnsweredBy(pub(super) Rc<ServerPool>);

impl AnsweredBy {
    /// `host:port` as configured.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.server().name()
    }
}

/// What an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// Time spent on getting a connection, in nanoseconds; 0 when a kept one was used.
    pub connect: Nanos,
    /// When the response head was there.
    pub first_byte: Nanos,
    /// Times the request was tried again.
    pub retries: u32,
}

/// A request on its way. It owns all it needs: a caller that loses its client may hand it to
/// `tokio::task::spawn_local` and so learn when the origin is done with it. Dropping it closes the connection.
pub type Sending = Pin<Box<dyn Future<Output = Result<Exchange, OriginError>>>>;

/// One worker's connections to all origins. Not `Send`: each worker has its own.
#[derive(Debug)]
pub struct OriginClient {
    alarms: Rc<Alarms>,
    origins: RefCell<HashMap<u64, Rc<Local>, ahash::RandomState>>,
}

/// One worker's view of one origin.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) origin: Arc<Origin>,
    alarms: Rc<Alarms>,
    view: RefCell<Rc<View>>,
    /// Requests not yet told to the retry budget.
    requests: Cell<u64>,
}

/// The servers in force with this worker's connections to them, in the same order.
#[derive(Debug)]
pub(super) struct View {
    pub(super) table: Arc<Table>,
    pub(super) pools: Vec<Rc<ServerPool>>,
}

impl OriginClient {
    /// A client for this worker. Must be called inside its `LocalRuntime`, where it spawns the task that watches over
    /// timeouts and idle connections until the client is dropped.
    #[must_use]
    pub fn new() -> Rc<Self> {
        let client = Rc::new(Self { alarms: Rc::default(), origins: RefCell::default() });
        client.alarms.ring(clock::now());
        tokio::task::spawn_local(tend(Rc::downgrade(&client), Rc::clone(&client.alarms)));
        client
    }

    /// Sends a request and answers with the response head.
    ///
    /// The request's headers are sent as they are: `Host` must be there, hop-by-hop headers must not (except
    /// `Connection: upgrade` with `Upgrade`). `now` is the caller's reading of the clock; `response_timeout` is the
    /// route's, if it has one.
    pub fn send(
        &self,
        origin: &Arc<Origin>,
        request: Request<RequestBody>,
        now: Nanos,
        response_timeout: Option<Duration>,
    ) -> Sending {
        self.alarms.advance(now);
        let local = self.local(origin);
        local.requests.set(local.requests.get() + 1);
        exchange::begin(local, request, now, response_timeout)
    }

    fn local(&self, origin: &Arc<Origin>) -> Rc<Local> {
        let mut origins = self.origins.borrow_mut();
        let local = origins.entry(origin.id()).or_insert_with(|| {
            let view = View { table: origin.table(), pools: Vec::new() };
            let view = Rc::new(view.renewed(origin, &self.alarms));
            Rc::new(Local {
                origin: Arc::clone(origin),
                alarms: Rc::clone(&self.alarms),
                view: RefCell::new(view),
                requests: Cell::new(0),
            })
        });
        Rc::clone(local)
    }

    /// Looks after idle connections; answers whether there is anything to look after.
    fn sweep(&self, now: Nanos) -> bool {
        let locals: Vec<_> = self.origins.borrow().values().cloned().collect();
        let mut busy = false;
        for local in &locals {
            local.report(now);
            let view = local.view();
            let idle_timeout = view.table.settings.idle_timeout;
            for pool in &view.pools {
                pool.sweep(now, idle_timeout);
                busy |= !pool.is_empty();
            }
        }
        self.origins.borrow_mut().retain(|_, local| !local.origin.is_retired());
        busy
    }

    fn yield_idle(&self) {
        for local in self.origins.borrow().values() {
            for pool in &local.view.borrow().pools {
                pool.yield_idle();
            }
        }
    }
}

/// Rings alarms and sweeps, rarely while there is nothing to do.
async fn tend(client: Weak<OriginClient>, alarms: Rc<Alarms>) {
    let mut swept = clock::now();
    let mut quiet = true;
    loop {
        // An alarm armed while quiet ends the rest; the first tick after it is one tick away.
        if quiet {
            alarms.rest(SWEEP).await;
        }
        tokio::time::sleep(TICK).await;
        let now = clock::now();
        alarms.ring(now);
        let Some(client) = client.upgrade() else {
            return;
        };
        client.yield_idle();
        if now.saturating_sub(swept) >= SWEEP.as_nanos() as Nanos {
            swept = now;
            client.sweep(now);
            quiet = !alarms.armed();
        } else {
            quiet = quiet && !alarms.armed();
        }
    }
}

impl Local {
    /// The servers in force.
    pub(super) fn view(&self) -> Rc<View> {
        let view = Rc::clone(&self.view.borrow());
        if view.table.generation == self.origin.generation() {
            return view;
        }
        let renewed = Rc::new(view.renewed(&self.origin, &self.alarms));
        *self.view.borrow_mut() = Rc::clone(&renewed);
        renewed
    }

    /// Tells the retry budget of the requests since the last time.
    pub(super) fn report(&self, now: Nanos) {
        let requests = self.requests.take();
        if requests > 0 {
            self.origin.budget.requested(requests, now);
        }
    }
}

impl View {
    /// The servers in force now, with the connections to those that stayed.
    fn renewed(&self, origin: &Arc<Origin>, alarms: &Rc<Alarms>) -> Self {
        let table = origin.table();
        let pools = table.servers.iter().map(|server| {
            let known = self.pools.iter().find(|pool| Arc::ptr_eq(pool.server(), server));
            known.map_or_else(|| ServerPool::new(Arc::clone(origin), Arc::clone(server), Rc::clone(alarms)), Rc::clone)
        });
        Self { pools: pools.collect(), table }
    }
}
