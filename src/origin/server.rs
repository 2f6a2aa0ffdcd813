//! One address of an origin and what is known of it, shared by all workers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::sync::Notify;

use super::balance::{Candidate, Latency, share};
use super::ejection::Ejection;
use super::health::Health;
use crate::clock::Nanos;
use crate::config::settings::ServerUrl;

/// What an operator wants of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdminState {
    /// Requests, as its health allows.
    #[default]
    Ready,
    /// No new requests; those it has finish.
    Drain,
    /// As `Drain`, and not checked either.
    Down,
}

/// One server address. Everything in it may be read at any time from any thread.
#[derive(Debug)]
pub struct Server {
    url: ServerUrl,
    address: SocketAddr,
    tls_name: Option<ServerName<'static>>,
    admin: AtomicU8,
    healthy: AtomicBool,
    removed: AtomicBool,
    ejected_until: AtomicU64,
    /// When it came back, for slow start; 0 when it was never away.
    returned_at: AtomicU64,
    slow_start: AtomicU64,
    failures: AtomicU32,
    ejections: AtomicU64,
    in_flight: AtomicU32,
    connections: AtomicU32,
    waiting: AtomicU32,
    freed: Notify,
    latency: Latency,
    standing: Mutex<Standing>,
}

/// What decisions about a server remember; only locked when something failed or a check ended.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) health: Health,
    pub(super) ejection: Ejection,
}

/// One server at one moment, for the admin API and the metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    /// As configured, `host:port`. Bounded by the configuration: fit for a metric label.
    pub name: String,
    /// The address in use.
    pub address: SocketAddr,
    /// What the operator wants.
    pub admin: AdminState,
    /// What its health checks say; `true` without checks.
    pub healthy: bool,
    /// How long it is still ejected.
    pub ejected_for: Option<Duration>,
    /// Times it was ejected.
    pub ejections: u64,
    /// Whether it may be given requests.
    pub usable: bool,
    /// Requests it has not finished answering.
    pub in_flight: u32,
    /// Connections with a request.
    pub active_connections: u32,
    /// Connections kept for the next request.
    pub idle_connections: u32,
    /// Peak EWMA of the time to its response head; zero before the first answer, or with a single server.
    pub latency: Duration,
}

impl Server {
    pub(super) fn new(url: ServerUrl, address: SocketAddr, returned_at: Nanos) -> Arc<Self> {
        let tls_name = if url.tls { ServerName::try_from(url.host.clone()).ok() } else { None };
        Arc::new(Self {
            url,
            address,
            tls_name,
            admin: AtomicU8::new(AdminState::Ready as u8),
            healthy: AtomicBool::new(true),
            removed: AtomicBool::new(false),
            ejected_until: AtomicU64::new(0),
            returned_at: AtomicU64::new(returned_at),
            slow_start: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            ejections: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
            latency: Latency::default(),
            standing: Mutex::default(),
        })
    }

    /// As configured.
    #[must_use]
    pub const fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// The address connected to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `host:port` as configured.
    #[must_use]
    pub fn name(&self) -> String {
        authority(&self.url)
    }

    /// Everything at `now`.
    #[must_use]
    pub fn status(&self, now: Nanos) -> ServerStatus {
        let ejected = self.ejected_until.load(Relaxed).saturating_sub(now);
        let (in_flight, connections) = (self.in_flight.load(Relaxed), self.connections.load(Relaxed));
        let active = in_flight.min(connections);
        ServerStatus {
            name: self.name(),
            address: self.address,
            admin: self.admin(),
            healthy: self.healthy.load(Relaxed),
            ejected_for: (ejected > 0).then(|| Duration::from_nanos(ejected)),
            ejections: self.ejections.load(Relaxed),
            usable: self.usable(now),
            in_flight,
            active_connections: active,
            idle_connections: connections - active,
            latency: Duration::from_nanos(self.latency.nanos() as Nanos),
        }
    }

    /// What the operator wants of it.
    #[must_use]
    pub fn admin(&self) -> AdminState {
        let state = self.admin.load(Relaxed);
        [AdminState::Drain, AdminState::Down].into_iter().find(|&known| known as u8 == state).unwrap_or_default()
    }

    /// Sets what the operator wants of it. Coming back from drain or down is a return: slow start applies.
    pub fn set_admin(&self, state: AdminState, now: Nanos) {
        if self.admin.swap(state as u8, Relaxed) != state as u8 && state == AdminState::Ready {
            self.returned_at.store(now, Relaxed);
        }
    }

    pub(super) const fn tls_name(&self) -> Option<&ServerName<'static>> {
        self.tls_name.as_ref()
    }

    /// Whether idle connections to it are worth keeping.
    pub(super) fn keeps_connections(&self) -> bool {
        !self.removed.load(Relaxed) && self.admin.load(Relaxed) == AdminState::Ready as u8
    }

    pub(super) fn remove(&self) {
        self.removed.store(true, Relaxed);
    }

    pub(super) fn set_slow_start(&self, slow_start: Duration) {
        self.slow_start.store(slow_start.as_nanos() as Nanos, Relaxed);
    }

    pub(super) fn set_healthy(&self, healthy: bool, now: Nanos) {
        if healthy {
            self.returned_at.store(now, Relaxed);
        }
        self.healthy.store(healthy, Relaxed);
    }

    pub(super) fn is_ejected(&self, now: Nanos) -> bool {
        self.ejected_until.load(Relaxed) > now
    }

    pub(super) fn set_ejected(&self, until: Nanos) {
        self.ejected_until.store(until, Relaxed);
        self.ejections.fetch_add(1, Relaxed);
    }

    /// One more failure in a row; answers how many.
    pub(super) fn add_failure(&self) -> u32 {
        self.failures.fetch_add(1, Relaxed).saturating_add(1)
    }

    pub(super) fn clear_failures(&self) {
        // The row is empty almost always: do not write what all workers read.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    pub(super) const fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Whether somebody waits for a connection to be closed.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    /// Announces somebody who waits for a connection to be closed, until the guard is dropped.
    pub(super) fn announce(self: &Arc<Self>) -> Announced {
        self.waiting.fetch_add(1, SeqCst);
        Announced(Arc::clone(self))
    }

    /// Ends when a connection was closed.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }
}

impl Candidate for Server {
    fn usable(&self, now: Nanos) -> bool {
        self.healthy.load(Relaxed) && self.admin.load(Relaxed) == AdminState::Ready as u8 && !self.is_ejected(now)
    }

    fn share(&self, now: Nanos) -> f64 {
        let returned = self.returned_at.load(Relaxed).max(self.ejected_until.load(Relaxed));
        if returned == 0 {
            return 1.0;
        }
        let since = Duration::from_nanos(now.saturating_sub(returned));
        share(since, Duration::from_nanos(self.slow_start.load(Relaxed)))
    }

    fn cost(&self, now: Nanos) -> f64 {
        self.latency.cost(self.in_flight.load(Relaxed), now)
    }
}

/// Permission for one open connection, given back on drop.
#[derive(Debug)]
pub(super) struct Slot(Arc<Server>);

impl Slot {
    /// A slot, if fewer than `max` are taken over all workers.
    pub(super) fn take(server: &Arc<Server>, max: usize) -> Option<Self> {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        // SeqCst with `announce`: either the closing side sees who waits, or who waits sees the free slot.
        let taken = server.connections.fetch_update(SeqCst, SeqCst, |open| (open < max).then_some(open + 1));
        taken.is_ok().then(|| Self(Arc::clone(server)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// Somebody waits for a connection to be closed.
#[derive(Debug)]
pub(super) struct Announced(Arc<Server>);

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn authority(url: &ServerUrl) -> String {
    if url.host.contains(':') { format!("[{}]:{}", url.host, url.port) } else { format!("{}:{}", url.host, url.port) }
}
