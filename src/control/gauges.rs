//! What is read from the snapshot in force when somebody scrapes the metrics.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::{self, Nanos};
use crate::config::settings::LimitKey;
use crate::edge::snapshot::{Adaptive, OriginHandle, Snapshot};
use crate::limit::Key;
use crate::origin::RetryReason;
use crate::overload::COHORTS;
use crate::telemetry::metrics::{ConnectionState, GaugeSource, GaugeWriter, LimitGauges};

/// The gauges of whatever snapshot is in force.
#[derive(Debug)]
pub(super) struct SnapshotGauges {
    live: Arc<ArcSwap<Snapshot>>,
}

impl SnapshotGauges {
    /// Those of `live`.
    pub(super) fn new(live: Arc<ArcSwap<Snapshot>>) -> Self {
        Self { live }
    }
}

impl GaugeSource for SnapshotGauges {
    fn collect(&self, out: &mut GaugeWriter) {
        let (snapshot, now) = (self.live.load_full(), clock::now());
        out.connection_limit(snapshot.policy.settings.server.max_connections);
        for (settings, limiter) in snapshot.policy.settings.limits.iter().zip(&snapshot.limits) {
            let gauges = LimitGauges {
                rate_per_second: limiter.rate(),
                tokens: (settings.key == LimitKey::Global).then(|| limiter.tokens(Key::GLOBAL, now)),
                keys: limiter.keys(now),
                evictions: limiter.evictions(),
            };
            out.limit(&settings.name, gauges);
        }
        for handle in &snapshot.origins {
            origin(out, handle, now);
        }
        for (name, expiry) in snapshot.certificate_expiries() {
            out.certificate_expiry(name, expiry);
        }
    }
}

fn origin(out: &mut GaugeWriter, handle: &OriginHandle, now: Nanos) {
    let (name, usage) = (handle.origin.name(), handle.seats.usage());
    if let Some(limit) = usage.limit {
        out.capacity_limit(name, limit);
    }
    for class in &usage.classes {
        out.capacity_in_use(name, &class.name, u64::from(class.in_use));
        out.seat_waiting(&class.name, class.waiting as u64);
    }
    if let Some(adaptive) = &handle.adaptive {
        found(out, name, adaptive, handle.slots.len());
    }
    for (reason, count) in RetryReason::ALL.map(|reason| (reason, handle.origin.retries(reason))) {
        out.origin_retries(name, reason.as_str(), count);
    }
    if let Some(utilisation) = handle.origin.utilisation(now) {
        out.origin_utilisation(name, utilisation);
    }
    for used in [true, false] {
        out.origin_load_reports(name, used, handle.metrics.reports(used) + handle.origin.health_reports(used));
    }
    for server in handle.origin.servers(now) {
        out.origin_healthy(name, &server.name, server.usable);
        let mut connections = |state, count| out.origin_connections(name, &server.name, state, u64::from(count));
        connections(ConnectionState::Active, server.active_connections);
        connections(ConnectionState::Idle, server.idle_connections);
    }
}

fn found(out: &mut GaugeWriter, origin: &str, adaptive: &Adaptive, classes: usize) {
    let everybody = classes.max(1) as f64 * f64::from(COHORTS);
    out.priority_cursor(origin, (f64::from(adaptive.cursor.position()) / everybody).min(1.0));
    if let Some(finding) = adaptive.finding() {
        out.capacity_found(origin, finding.directive.state, finding.directive.begin_rate);
    }
    for (cause, count) in adaptive.decisions() {
        out.capacity_decisions(origin, cause, count);
    }
}
