//! An origin as it runs: its servers and their state, which outlive reloads.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, net::SocketAddr};

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::{Notify, watch};

use super::balance::Candidate;
use super::ejection::Others;
use super::load::{LastReport, Report, Reports};
use super::retry::{Budget, RetryReason};
use super::server::{AdminState, Server, ServerStatus, authority};
use super::tls::Tls;
use crate::clock::Nanos;
use crate::config::settings::{OriginSettings, ServerUrl};

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Everything of an origin that can fail to be built, built. Applying it cannot fail.
#[derive(Debug)]
pub struct Prepared {
    pub(super) settings: OriginSettings,
    tls: Option<Tls>,
}

impl Prepared {
    /// Reads certificates and checks names; `previous` is the running origin of that name.
    ///
    /// # Errors
    /// One clear line that begins with the key path, such as `origin.storefront.ca_file: …`.
    pub fn new(settings: &OriginSettings, previous: Option<&Origin>) -> Result<Self, String> {
        let mut https = settings.servers.iter().filter(|url| url.tls).peekable();
        let needs_tls = https.peek().is_some();
        if let Some(url) = https.find(|url| ServerName::try_from(url.host.as_str()).is_err()) {
            return Err(format!("origin.{}.servers: no certificate can name {}", settings.name, url.host));
        }
        let table = previous.map(|origin| origin.table.load());
        let known = table.as_ref().and_then(|table| table.tls.as_ref());
        let tls = if needs_tls { Some(Tls::new(settings, known)?) } else { None };
        Ok(Self { settings: settings.clone(), tls })
    }
}

/// An origin. Its servers' health, ejections, latencies and connection counts are kept by address over
/// [`Origin::reconfigure`] and over changes in DNS.
#[derive(Debug)]
pub struct Origin {
    id: u64,
    name: String,
    /// Counts tables, so that a worker sees with one load that its own view is current.
    generation: AtomicU64,
    table: ArcSwap<Table>,
    answers: Mutex<HashMap<String, Vec<IpAddr>>>,
    resolved: watch::Sender<bool>,
    retired: AtomicBool,
    pub(super) reconfigured: Notify,
    pub(super) servers_changed: Notify,
    pub(super) budget: Budget,
    retries: [AtomicU64; RetryReason::ALL.len()],
    shedding: AtomicBool,
    load: LastReport,
    pub(super) reports: Reports,
}

/// What is in force: replaced whole.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) generation: u64,
    pub(super) settings: Arc<OriginSettings>,
    pub(super) servers: Vec<Arc<Server>>,
    tls: Option<Tls>,
}

impl Origin {
    /// An origin that has not been running. Servers given by address are there at once, names when
    /// [`super::Origins`] has resolved them.
    #[must_use]
    pub fn new(prepared: Prepared, now: Nanos) -> Arc<Self> {
        let Prepared { settings, tls } = prepared;
        let literal = settings.servers.iter().all(|url| literal(url).is_some());
        let settings = Arc::new(settings);
        let empty = Table { generation: 0, settings: Arc::clone(&settings), servers: Vec::new(), tls: None };
        let origin = Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            name: settings.name.clone(),
            generation: AtomicU64::new(0),
            table: ArcSwap::from_pointee(empty),
            answers: Mutex::default(),
            resolved: watch::Sender::new(literal),
            retired: AtomicBool::new(false),
            reconfigured: Notify::new(),
            servers_changed: Notify::new(),
            budget: Budget::default(),
            retries: Default::default(),
            shedding: AtomicBool::new(false),
            load: LastReport::default(),
            reports: Reports::default(),
        };
        origin.publish(&origin.lock(), settings, tls, now);
        Arc::new(origin)
    }

    /// Puts new settings in force.
    pub fn reconfigure(&self, prepared: Prepared, now: Nanos) {
        let Prepared { settings, tls } = prepared;
        let mut answers = self.lock();
        answers.retain(|name, _| settings.servers.iter().any(|url| url.host == *name));
        self.publish(&answers, Arc::new(settings), tls, now);
        self.reconfigured.notify_one();
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<OriginSettings> {
        Arc::clone(&self.table.load().settings)
    }

    /// All servers at `now`, in the file's order.
    #[must_use]
    pub fn servers(&self, now: Nanos) -> Vec<ServerStatus> {
        self.table.load().servers.iter().map(|server| server.status(now)).collect()
    }

    /// Sets the state of every server that `which` names (as `host:port`, or as the address in use); answers how many.
    pub fn set_admin(&self, which: &str, state: AdminState, now: Nanos) -> usize {
        let table = self.table.load();
        let named = table.servers.iter().filter(|s| s.name() == which || s.address().to_string() == which);
        named.map(|server| server.set_admin(state, now)).count()
    }

    /// Whether some server may be given requests.
    #[must_use]
    pub fn is_usable(&self, now: Nanos) -> bool {
        self.table.load().servers.iter().any(|server| server.usable(now))
    }

    /// Requests tried again since the start, by reason.
    #[must_use]
    pub fn retries(&self, reason: RetryReason) -> u64 {
        self.counter(reason).map_or(0, |counter| counter.load(Relaxed))
    }

    /// Whether requests are refused for want of seats: none is sent a second time then.
    pub fn set_shedding(&self, shedding: bool) {
        if self.is_shedding() != shedding {
            self.shedding.store(shedding, Relaxed);
        }
    }

    pub(super) fn is_shedding(&self) -> bool {
        self.shedding.load(Relaxed)
    }

    /// Takes a report of its load, and says whether it is of use.
    pub fn report(&self, report: Report, now: Nanos) -> bool {
        let Report::Utilisation(utilisation) = report else { return false };
        self.load.set(utilisation, now);
        true
    }

    /// How full it is as it says itself, 1.0 being full; half of it after three seconds without a word, and `None` after
    /// half a minute.
    #[must_use]
    pub fn utilisation(&self, now: Nanos) -> Option<f64> {
        self.load.get(now)
    }

    /// Reports in answers to health checks that were used, or not.
    #[must_use]
    pub fn health_reports(&self, used: bool) -> u64 {
        self.reports.get(used)
    }

    pub(super) fn count_retry(&self, reason: RetryReason) {
        if let Some(counter) = self.counter(reason) {
            counter.fetch_add(1, Relaxed);
        }
    }

    fn counter(&self, reason: RetryReason) -> Option<&AtomicU64> {
        self.retries.get(reason as usize)
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    pub(super) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Whether it left the configuration.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Relaxed)
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Relaxed);
        for server in &self.table.load().servers {
            server.remove();
        }
    }

    /// A request at `server` failed by its fault: ejects it if that was one too many.
    pub(super) fn failed(&self, server: &Server, now: Nanos) {
        let table = self.table.load();
        let settings = &table.settings.ejection;
        if server.add_failure() < settings.failures || settings.failures == 0 || server.is_ejected(now) {
            return;
        }
        server.clear_failures();
        // One decision at a time, or two servers could both be the last one allowed out.
        let _deciding = self.lock();
        let others = table.others(server, now);
        let until = server.standing().ejection.eject(settings, others, now);
        if let Some(until) = until {
            server.set_ejected(until);
            let seconds = until.saturating_sub(now) / 1_000_000_000;
            tracing::warn!(origin = self.name, server = server.name(), seconds, "server ejected: it fails requests");
        }
    }

    /// The addresses of `name` are these now.
    pub(super) fn answer(&self, name: &str, addresses: Vec<IpAddr>, now: Nanos) {
        let mut answers = self.lock();
        if answers.get(name) == Some(&addresses) {
            return;
        }
        tracing::info!(origin = self.name, name, ?addresses, "name resolved");
        answers.insert(name.to_owned(), addresses);
        let table = self.table.load_full();
        self.publish(&answers, Arc::clone(&table.settings), table.tls.clone(), now);
    }

    /// Every name has been asked for once.
    pub(super) fn set_resolved(&self) {
        self.resolved.send_replace(true);
    }

    pub(super) fn resolved(&self) -> watch::Receiver<bool> {
        self.resolved.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<IpAddr>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(
        &self,
        answers: &MutexGuard<'_, HashMap<String, Vec<IpAddr>>>,
        settings: Arc<OriginSettings>,
        tls: Option<Tls>,
        now: Nanos,
    ) {
        let old = self.table.load_full();
        // Who is there from the start begins in full; who joins later is warmed up like who returns.
        let joined = if *self.resolved.borrow() && old.generation > 0 { now } else { 0 };
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for (url, address) in addresses(&settings.servers, answers) {
            let known = old.servers.iter().find(|s| s.address() == address && s.url() == url).cloned();
            let server = known.unwrap_or_else(|| Server::new(url.clone(), address, joined));
            server.set_slow_start(settings.slow_start);
            servers.push(server);
        }
        for gone in old.servers.iter().filter(|old| !servers.iter().any(|server| Arc::ptr_eq(old, server))) {
            gone.remove();
        }
        let generation = old.generation + 1;
        self.table.store(Arc::new(Table { generation, settings, servers, tls }));
        self.generation.store(generation, Release);
        self.servers_changed.notify_one();
    }
}

impl Table {
    /// What TLS to speak with `server`, if any; `h2` says whether HTTP/2 may be agreed on.
    pub(super) fn tls_for(
        &self,
        server: &Server,
        h2: bool,
    ) -> io::Result<Option<(Arc<ClientConfig>, ServerName<'static>)>> {
        if !server.url().tls {
            return Ok(None);
        }
        match (&self.tls, server.tls_name()) {
            (Some(tls), Some(name)) => Ok(Some((Arc::clone(if h2 { &tls.any } else { &tls.h1 }), name.clone()))),
            _ => Err(io::Error::other(format!("no TLS configuration for {}", authority(server.url())))),
        }
    }

    fn others(&self, server: &Server, now: Nanos) -> Others {
        let others = self.servers.iter().filter(|other| !std::ptr::eq(other.as_ref(), server));
        others.fold(Others { count: 0, ejected: 0, usable: 0 }, |sum, other| Others {
            count: sum.count + 1,
            ejected: sum.ejected + usize::from(other.is_ejected(now)),
            usable: sum.usable + usize::from(other.usable(now)),
        })
    }
}

/// The address a server is given by, if it is not a name.
pub(super) fn literal(url: &ServerUrl) -> Option<IpAddr> {
    url.host.parse().ok()
}

fn addresses<'a>(urls: &'a [ServerUrl], answers: &HashMap<String, Vec<IpAddr>>) -> Vec<(&'a ServerUrl, SocketAddr)> {
    let mut all = Vec::new();
    for url in urls {
        let addresses = match literal(url) {
            Some(address) => vec![address],
            None => answers.get(&url.host).cloned().unwrap_or_default(),
        };
        all.extend(addresses.into_iter().map(|address| (url, SocketAddr::new(address, url.port))));
    }
    all
}
