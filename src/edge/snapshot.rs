//! One revision with everything a worker needs to serve it: the policy and the live handles its names stand for.
//!
//! Handles (buckets, seats, servers, counters) are kept by name in the [`SnapshotBuilder`] and handed from one
//! snapshot to the next, so a reload never refills a bucket, loses a seat or resets a counter.

mod adaptive;
mod rooms;

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::ProducesTickets;

use self::adaptive::Tags;
pub use self::adaptive::{Adaptive, Finding, RouteFinding, release};
pub use self::rooms::RoomHandle;
use self::rooms::Rooms;
use super::tls::{self, ListenerTls};
use crate::clock::Nanos;
use crate::config::Problem;
use crate::config::settings::{
    ClassIndex, LimitIndex, ListenerSettings, OriginSettings, RouteIndex, RouteSettings, Settings,
};
use crate::edge::waiting::scene::Painter;
use crate::limit::{KeyHasher, Limiter};
use crate::origin::{self, Origin, Origins};
use crate::overload::{ClassShare, RouteTag, Seats, Slot};
use crate::policy::Policy;
use crate::policy::journey::JourneyKeys;
use crate::policy::verdict::Mode;
use crate::room::store::Saved;
use crate::telemetry::metrics::{ClassMetrics, LimitMetrics, ListenerMetrics, Metrics, OriginMetrics, RouteMetrics};

/// One revision, ready to serve.
#[derive(Debug)]
pub struct Snapshot {
    /// The pure part.
    pub policy: Policy,
    /// Buckets, by limit index.
    pub limits: Vec<Arc<Limiter>>,
    /// Origins, by origin index.
    pub origins: Vec<OriginHandle>,
    /// Hashes what buckets are kept for.
    pub hasher: KeyHasher,
    /// Waiting rooms, by room index.
    pub rooms: Vec<RoomHandle>,
    /// Signs and verifies journeys.
    pub journeys: Arc<JourneyKeys>,
    /// Every counter.
    pub metrics: Metrics,
    routes: Vec<RouteHandle>,
    classes: Vec<Arc<ClassMetrics>>,
    limit_metrics: Vec<Arc<LimitMetrics>>,
    listeners: Vec<ListenerHandle>,
    unrouted: Arc<RouteMetrics>,
}

/// An origin and its seats.
#[derive(Debug)]
pub struct OriginHandle {
    /// Its servers.
    pub origin: Arc<Origin>,
    /// Its capacity.
    pub seats: Arc<Seats>,
    /// Where each class, by class index, is counted in `seats`.
    pub slots: Vec<Slot>,
    /// What is measured of it, if its capacity is adaptive.
    pub adaptive: Option<Arc<Adaptive>>,
    /// Its counters.
    pub metrics: Arc<OriginMetrics>,
}

impl OriginHandle {
    /// Where a class is counted.
    #[must_use]
    pub fn slot(&self, class: ClassIndex) -> Option<Slot> {
        self.slots.get(class).copied()
    }
}

#[derive(Debug)]
struct RouteHandle {
    tag: RouteTag,
    /// By class index; only classes this route's requests can have.
    metrics: Vec<Option<Arc<RouteMetrics>>>,
}

#[derive(Debug)]
struct ListenerHandle {
    metrics: Arc<ListenerMetrics>,
    tls: Option<ListenerTls>,
}

impl Snapshot {
    /// Counters of a route's requests in a class.
    #[must_use]
    pub fn route_metrics(&self, route: Option<RouteIndex>, class: ClassIndex) -> &Arc<RouteMetrics> {
        route.and_then(|route| self.routes.get(route)?.metrics.get(class)?.as_ref()).unwrap_or(&self.unrouted)
    }

    /// Counters of a class.
    #[must_use]
    pub fn class_metrics(&self, class: ClassIndex) -> Option<&Arc<ClassMetrics>> {
        self.classes.get(class)
    }

    /// The origin of a route.
    #[must_use]
    pub fn origin_of(&self, route: RouteIndex) -> Option<&OriginHandle> {
        self.origins.get(self.policy.settings.routes.get(route)?.origin)
    }

    /// What a route goes by in samples.
    #[must_use]
    pub fn route_tag(&self, route: RouteIndex) -> Option<RouteTag> {
        self.routes.get(route).map(|handle| handle.tag)
    }

    /// Counts a refusal by a limit.
    pub fn limit_refused(&self, limit: LimitIndex, worker: usize, mode: Mode) {
        if let Some(metrics) = self.limit_metrics.get(limit) {
            metrics.refused(worker, mode);
        }
    }

    /// Counters of a listener.
    #[must_use]
    pub fn listener_metrics(&self, listener: usize) -> Option<&Arc<ListenerMetrics>> {
        self.listeners.get(listener).map(|handle| &handle.metrics)
    }

    /// What new handshakes on a listener use; `None` on cleartext.
    #[must_use]
    pub fn tls(&self, listener: usize) -> Option<&ListenerTls> {
        self.listeners.get(listener)?.tls.as_ref()
    }

    /// File name and expiry (seconds since the epoch) of every certificate.
    pub fn certificate_expiries(&self) -> impl Iterator<Item = (&str, i64)> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.tls.as_ref())
            .flat_map(|tls| tls.expiries.iter().map(|(file, expiry)| (file.as_str(), *expiry)))
    }
}

/// Builds snapshots and keeps what outlives them.
#[derive(Debug)]
pub struct SnapshotBuilder {
    metrics: Metrics,
    tickets: Arc<dyn ProducesTickets>,
    hasher: KeyHasher,
    journeys: Arc<JourneyKeys>,
    workers: usize,
    limiters: HashMap<String, Arc<Limiter>>,
    seats: HashMap<String, Arc<Seats>>,
    adaptive: HashMap<String, Arc<Adaptive>>,
    tags: Tags,
    origins: Arc<Origins>,
    rooms: Rooms,
}

/// What can fail of a build, done before anything live is touched.
#[derive(Debug)]
pub struct Prepared {
    policy: Policy,
    listeners: Vec<Option<ListenerTls>>,
    origins: Vec<origin::Prepared>,
    painters: Vec<Arc<dyn Painter>>,
}

impl SnapshotBuilder {
    /// A builder with nothing live yet, for this many workers.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(
        metrics: Metrics,
        origins: Arc<Origins>,
        journeys: JourneyKeys,
        workers: usize,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            rooms: Rooms::new(metrics.clone()),
            metrics,
            tickets: tls::tickets()?,
            hasher: KeyHasher::random(),
            journeys: Arc::new(journeys),
            workers,
            limiters: HashMap::new(),
            seats: HashMap::new(),
            adaptive: HashMap::new(),
            tags: Tags::default(),
            origins,
        })
    }

    /// Gives rooms of these names what the store knows of them.
    #[must_use]
    pub fn with_rooms(mut self, restored: HashMap<String, Saved>) -> Self {
        self.rooms.restore(restored);
        self
    }

    /// Builds a revision whole: first all that can fail, then the live parts, which cannot.
    ///
    /// # Errors
    /// Every problem found; nothing live has changed then.
    pub fn build(&mut self, settings: Settings, revision: u64, now: Nanos) -> Result<Snapshot, Vec<Problem>> {
        let prepared = self.prepare(Arc::new(settings), revision)?;
        Ok(self.finish(prepared, now))
    }

    /// Makes a snapshot of what was prepared; the live parts take their new settings.
    pub fn finish(&mut self, prepared: Prepared, now: Nanos) -> Snapshot {
        let settings = Arc::clone(&prepared.policy.settings);
        let limits = self.limits(&settings, now);
        let origins = self.origins.commit(prepared.origins, now);
        let origins = self.origin_handles(&settings, origins);
        Snapshot {
            routes: self.routes(&prepared.policy),
            classes: settings.classes.iter().map(|class| self.metrics.class(&class.name)).collect(),
            limit_metrics: settings.limits.iter().map(|limit| self.metrics.limit(&limit.name)).collect(),
            listeners: self.listeners(&settings, prepared.listeners),
            unrouted: self.metrics.unrouted(),
            rooms: self.rooms.handles(&settings.rooms, prepared.painters, now),
            policy: prepared.policy,
            limits,
            origins,
            hasher: self.hasher.clone(),
            journeys: Arc::clone(&self.journeys),
            metrics: self.metrics.clone(),
        }
    }

    /// Does all of a build that can fail, without touching anything live.
    ///
    /// # Errors
    /// Every problem found.
    pub fn prepare(&self, settings: Arc<Settings>, revision: u64) -> Result<Prepared, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut listeners = Vec::new();
        for (index, listener) in settings.listeners.iter().enumerate() {
            match tls::load(index, listener, &self.tickets) {
                Ok(tls) => listeners.push(tls),
                Err(found) => problems.extend(found),
            }
        }
        let origins = self.origins.prepare(&settings.origins);
        let origins = origins.map_err(|found| problems.extend(found.iter().map(|line| origin_problem(line))));
        let painters = rooms::painters(&settings.rooms).map_err(|found| problems.extend(found));
        let policy = Policy::compile(settings, revision).map_err(|found| problems.extend(found));
        match (policy, origins, painters) {
            (Ok(policy), Ok(origins), Ok(painters)) if problems.is_empty() => {
                Ok(Prepared { policy, listeners, origins, painters })
            }
            _ => Err(problems),
        }
    }

    fn limits(&mut self, settings: &Settings, now: Nanos) -> Vec<Arc<Limiter>> {
        let mut before = std::mem::take(&mut self.limiters);
        for limit in &settings.limits {
            let limiter = match before.remove(&limit.name) {
                Some(limiter) => {
                    limiter.reconfigure(limit, now);
                    limiter
                }
                None => Arc::new(Limiter::new(limit, now)),
            };
            self.limiters.insert(limit.name.clone(), limiter);
        }
        settings.limits.iter().filter_map(|limit| self.limiters.get(&limit.name).cloned()).collect()
    }

    fn origin_handles(&mut self, settings: &Settings, origins: Vec<Arc<Origin>>) -> Vec<OriginHandle> {
        let shares: Vec<_> = settings.classes.iter().map(ClassShare::from).collect();
        let (mut seats, mut measured) = (std::mem::take(&mut self.seats), std::mem::take(&mut self.adaptive));
        let handle = |(settings, origin): (&OriginSettings, Arc<Origin>)| {
            let name = &settings.name;
            let seats = seats.remove(name).unwrap_or_else(|| Arc::new(Seats::new(self.workers)));
            let slots = adaptive::reconfigure(&seats, settings.capacity, &shares);
            self.seats.insert(name.clone(), Arc::clone(&seats));
            let adaptive = adaptive::of(settings.capacity, measured.remove(name), self.workers);
            // It outlasts a time in which the capacity is another.
            self.adaptive.extend(adaptive.clone().map(|adaptive| (name.clone(), adaptive)));
            let adaptive = adaptive.filter(|_| adaptive::is_adaptive(settings.capacity));
            OriginHandle { origin, seats, slots, adaptive, metrics: self.metrics.origin(name) }
        };
        settings.origins.iter().zip(origins).map(handle).collect()
    }

    fn routes(&mut self, policy: &Policy) -> Vec<RouteHandle> {
        let settings = &policy.settings;
        let lifting: Vec<_> = settings.routes.iter().filter(|route| route.journey).map(|route| route.class).collect();
        let tags = self.tags.of(&settings.routes);
        let handle = |(route, tag): (&RouteSettings, RouteTag)| {
            let unattended = policy.unattended_class(route.class);
            let lifted = |class: ClassIndex| class < route.class && lifting.contains(&class);
            let reachable = |class| class == route.class || unattended == Some(class) || lifted(class);
            let metrics = settings
                .classes
                .iter()
                .enumerate()
                .map(|(class, settings)| reachable(class).then(|| self.metrics.route(&route.name, &settings.name)));
            RouteHandle { tag, metrics: metrics.collect() }
        };
        settings.routes.iter().zip(tags).map(handle).collect()
    }

    fn listeners(&self, settings: &Settings, tls: Vec<Option<ListenerTls>>) -> Vec<ListenerHandle> {
        let listeners = settings.listeners.iter().zip(tls);
        let handle = |(listener, tls): (&ListenerSettings, _)| ListenerHandle {
            metrics: self.metrics.listener(&listener.address.to_string()),
            tls,
        };
        listeners.map(handle).collect()
    }
}

/// The origin says its problems in one line that begins with the key path.
fn origin_problem(line: &str) -> Problem {
    let (key, message) = line.split_once(": ").unwrap_or(("origin", line));
    Problem { line: 0, column: 0, key: key.to_owned(), message: message.to_owned(), suggestion: None }
}
