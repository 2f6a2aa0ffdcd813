//! Everything counted, put on the page at scrape.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::class::ClassMetrics;
use super::directory::Directory;
use super::family;
use super::gauge::{GaugeSource, GaugeWriter};
use super::kinds::Kinds;
use super::limit::LimitMetrics;
use super::listener::ListenerMetrics;
use super::origin::OriginMetrics;
use super::page::Page;
use super::policy::PolicyMetrics;
use super::process::Process;
use super::room::RoomMetrics;
use super::route::RouteMetrics;
use super::worker::Pulse;

/// What is counted, and where the rest is read.
pub(super) struct State {
    pub(super) workers: usize,
    pub(super) routes: Directory<RouteMetrics>,
    pub(super) unrouted: Arc<RouteMetrics>,
    pub(super) origins: Directory<OriginMetrics>,
    pub(super) classes: Directory<ClassMetrics>,
    pub(super) limits: Directory<LimitMetrics>,
    pub(super) listeners: Directory<ListenerMetrics>,
    pub(super) rooms: Directory<RoomMetrics>,
    pub(super) policy: PolicyMetrics,
    pub(super) protocol_errors: Kinds,
    pub(super) worker_pulse: Arc<Pulse>,
    pub(super) access_log: Arc<AccessCounters>,
    process: Process,
    sources: Mutex<Vec<Arc<dyn GaugeSource>>>,
}

/// What the access log counts about itself. Written from any thread.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct AccessCounters {
    /// Lines not written.
    pub(in crate::telemetry) dropped: AtomicU64,
    /// Failed attempts to write or open.
    pub(in crate::telemetry) errors: AtomicU64,
}

impl State {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers,
            routes: Directory::default(),
            unrouted: Arc::new(RouteMetrics::new("", "", workers)),
            origins: Directory::default(),
            classes: Directory::default(),
            limits: Directory::default(),
            listeners: Directory::default(),
            rooms: Directory::default(),
            policy: PolicyMetrics::default(),
            protocol_errors: Kinds::default(),
            worker_pulse: Arc::new(Pulse::new(workers)),
            access_log: Arc::default(),
            process: Process::new(),
            sources: Mutex::default(),
        }
    }

    pub(super) fn route(&self, route: &str, class: &str) -> Arc<RouteMetrics> {
        // No configured name contains NUL, so the pair has one spelling.
        let name = format!("{route}\0{class}");
        self.routes.get(&name, || RouteMetrics::new(route, class, self.workers))
    }

    pub(super) fn register(&self, source: Arc<dyn GaugeSource>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push(source);
    }

    fn collect(&self, page: &mut Page) {
        self.collect_traffic(page);
        self.policy.collect(page);
        self.worker_pulse.collect(page);
        for (kind, count) in self.protocol_errors.read() {
            page.counter(&family::PROTOCOL_ERRORS, &[kind], count as f64);
        }
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed) as f64;
        page.counter(&family::ACCESS_LOG_DROPPED, &[], load(&self.access_log.dropped));
        page.counter(&family::ACCESS_LOG_ERRORS, &[], load(&self.access_log.errors));
        let revision = option_env!("SPILLWAY_REVISION").unwrap_or("unknown");
        page.gauge(&family::BUILD_INFO, &[env!("CARGO_PKG_VERSION"), revision], 1.0);
        self.collect_gauges(page);
    }

    fn collect_traffic(&self, page: &mut Page) {
        self.unrouted.collect(page);
        for route in self.routes.held() {
            route.collect(page);
        }
        for origin in self.origins.held() {
            origin.collect(page);
        }
        for class in self.classes.held() {
            class.collect(page);
        }
        for limit in self.limits.held() {
            limit.collect(page);
        }
        for listener in self.listeners.held() {
            listener.collect(page);
        }
        for room in self.rooms.held() {
            room.collect(page);
        }
    }

    fn collect_gauges(&self, page: &mut Page) {
        let mut gauges = GaugeWriter::default();
        // Cloned, so that a source may register another.
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for source in sources {
            source.collect(&mut gauges);
        }
        gauges.collect(page);
        let open = self.listeners.held().iter().map(|listener| listener.connections()).sum();
        let process = self.process.collect(page, gauges.memory_limit_given());
        let saturation = [
            ("capacity", gauges.capacity_saturation()),
            ("connections", gauges.connection_saturation(open)),
            ("fds", process.fds),
            ("memory", process.memory),
            ("worker", self.worker_pulse.busiest()),
        ];
        for (resource, ratio) in saturation {
            if let Some(ratio) = ratio {
                page.gauge(&family::SATURATION, &[resource], ratio);
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// The one collector of the registry.
#[derive(Debug)]
pub(super) struct Everything {
    state: Arc<State>,
    descriptions: Vec<Desc>,
}

impl Everything {
    pub(super) fn new(state: Arc<State>) -> Self {
        let descriptions = family::ALL.iter().filter_map(|family| {
            let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new()).ok()
        });
        Self { descriptions: descriptions.collect(), state }
    }
}

impl Collector for Everything {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut page = Page::default();
        self.state.collect(&mut page);
        page.into_families()
    }
}
