//! Prometheus metrics. Every name stands once, with its help, in [`family`].
//!
//! Recording never touches the `prometheus` crate: handles ([`RouteMetrics`], [`OriginMetrics`], …) are resolved by name
//! when a policy is built, and what is counted per request goes to cells of one worker (see [`per_worker`]), which a
//! scrape adds up.
//!
//! # Who may write
//!
//! Methods that take a `worker` write that worker's cells with a plain load and store. Worker `i` passes `i`, and nobody
//! else may pass it: two threads with the same index lose counts. The control thread passes [`Metrics::workers`]. An index
//! past that is not counted. Methods without a `worker` may be called from any thread.
//!
//! # Reload
//!
//! A handle asked for again by the same name is the same handle as long as somebody holds it, so counters pass through a
//! reload untouched when the new policy is built before the old one is dropped. The series of a route, origin, class,
//! limit, room or listener that no policy holds any more ends with the next scrape.

mod class;
mod collect;
mod directory;
mod family;
mod gauge;
mod histogram;
mod kinds;
mod label;
mod limit;
mod listener;
mod origin;
mod page;
mod per_worker;
mod policy;
mod process;
mod room;
mod route;
mod spans;
mod worker;

use std::sync::Arc;

use prometheus::{Registry, TextEncoder};

pub use class::ClassMetrics;
pub use gauge::{ConnectionState, GaugeSource, GaugeWriter, LimitGauges, RoomGauges};
pub use label::{HandshakeResult, Protocol, RoomState, TlsVersion};
pub use limit::LimitMetrics;
pub use listener::{ListenerMetrics, OpenConnection};
pub use origin::OriginMetrics;
pub use policy::PolicyMetrics;
pub use room::RoomMetrics;
pub use route::RouteMetrics;
pub use worker::WorkerProbe;

pub(in crate::telemetry) use collect::AccessCounters;

use collect::State;

/// The content type of [`Metrics::gather`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All metrics of one process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    state: Arc<State>,
    registry: Registry,
}

impl Metrics {
    /// Metrics for `workers` worker threads (indexes `0..workers`) and one control thread.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let state = Arc::new(State::new(workers));
        let registry = Registry::new();
        if let Err(error) = registry.register(Box::new(collect::Everything::new(Arc::clone(&state)))) {
            tracing::error!(%error, "the metrics page will be empty");
        }
        Self { state, registry }
    }

    /// The number of worker threads, which is also the index under which the control thread writes.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.state.workers
    }

    /// The handle of requests of `class` on `route`.
    #[must_use]
    pub fn route(&self, route: &str, class: &str) -> Arc<RouteMetrics> {
        self.state.route(route, class)
    }

    /// The handle of requests that no route matched, or that were refused before one was looked for. Its `route` and
    /// `class` labels are empty, which no configured name is.
    #[must_use]
    pub fn unrouted(&self) -> Arc<RouteMetrics> {
        Arc::clone(&self.state.unrouted)
    }

    /// The handle of an origin.
    #[must_use]
    pub fn origin(&self, origin: &str) -> Arc<OriginMetrics> {
        self.state.origins.get(origin, || OriginMetrics::new(origin, self.state.workers))
    }

    /// The handle of a class.
    #[must_use]
    pub fn class(&self, class: &str) -> Arc<ClassMetrics> {
        self.state.classes.get(class, || ClassMetrics::new(class, self.state.workers))
    }

    /// The handle of a limit.
    #[must_use]
    pub fn limit(&self, limit: &str) -> Arc<LimitMetrics> {
        self.state.limits.get(limit, || LimitMetrics::new(limit, self.state.workers))
    }

    /// The handle of a waiting room.
    #[must_use]
    pub fn room(&self, room: &str) -> Arc<RoomMetrics> {
        self.state.rooms.get(room, || RoomMetrics::new(room, self.state.workers))
    }

    /// The handle of a listener, named by its configured address.
    #[must_use]
    pub fn listener(&self, address: &str) -> Arc<ListenerMetrics> {
        self.state.listeners.get(address, || ListenerMetrics::new(address))
    }

    /// What is in force and how reloads went.
    #[must_use]
    pub fn policy(&self) -> &PolicyMetrics {
        &self.state.policy
    }

    /// Counts a breach of protocol by a client under `kind`, a short `snake_case` constant. Kinds past the first 48 are
    /// counted together as `other`.
    pub fn protocol_error(&self, kind: &'static str) {
        self.state.protocol_errors.add(kind);
    }

    /// The probe of how late `worker` comes to its work; `now` is in monotonic nanoseconds.
    #[must_use]
    pub fn worker_probe(&self, worker: usize, now: crate::clock::Nanos) -> WorkerProbe {
        WorkerProbe::new(Arc::clone(&self.state.worker_pulse), worker, now)
    }

    /// Has `source` asked at every scrape, from the scraping thread.
    pub fn register(&self, source: Arc<dyn GaugeSource>) {
        self.state.register(source);
    }

    /// The page in Prometheus' text format. Allocates, reads procfs and asks the sources: not for workers.
    #[must_use]
    pub fn gather(&self) -> String {
        let mut page = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut page) {
            tracing::error!(%error, "the metrics page is incomplete");
        }
        page
    }

    /// What the access log counts about itself.
    pub(super) fn access_log(&self) -> Arc<AccessCounters> {
        Arc::clone(&self.state.access_log)
    }
}

#[cfg(test)]
mod tests;
