//! Watches what the proxy itself may run out of, and tells the workers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::{self, Nanos};
use crate::edge::pressure::{Pressure, Reading};
use crate::edge::snapshot::Snapshot;
use crate::edge::worker::Shared;
use crate::overload::saturation::{Judge, Level, Scale, connections_within, reserved_descriptors};
use crate::telemetry::machine;
use crate::telemetry::metrics::{GaugeWriter, Metrics};

/// Time between two looks: memory of a flood grows by tens of megabytes meanwhile, and a look costs microseconds.
const LOOK: Duration = Duration::from_millis(250);
/// How often descriptors are counted; between, they are reckoned from the connections.
const COUNT: Nanos = 1_000_000_000;
/// How often limits are read anew: a container's may be changed while it runs.
const LIMITS: Nanos = 5_000_000_000;

/// See the module.
#[derive(Debug)]
pub struct Saturation {
    shared: Arc<Shared>,
    connections: Judge,
    descriptors: Judge,
    memory: Judge,
    limits: Limits,
    /// Open descriptors that are no connection.
    other: u64,
    counted: Nanos,
    /// The level of each resource that was last logged.
    logged: Vec<Level>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    read: Nanos,
    descriptors: Option<u64>,
    memory: Option<u64>,
}

impl Limits {
    fn read(now: Nanos) -> Self {
        Self { read: now, descriptors: machine::descriptor_limit(), memory: machine::memory_limit() }
    }
}

impl Saturation {
    /// Looks for the first time, so that workers begin within their bounds, and puts what is seen on the metrics page.
    #[must_use]
    pub fn begin(shared: Arc<Shared>, metrics: &Metrics) -> Self {
        let now = clock::now();
        let mut saturation = Self {
            shared,
            connections: Judge::new(Scale::CONNECTIONS),
            descriptors: Judge::new(Scale::DESCRIPTORS),
            memory: Judge::new(Scale::MEMORY),
            limits: Limits::read(now),
            other: 0,
            counted: 0,
            logged: Vec::new(),
        };
        saturation.count(now);
        saturation.look(now);
        let (bound, wanted) = (saturation.pressure().bound(), saturation.wanted());
        if bound < wanted {
            tracing::warn!(
                max_connections = wanted,
                possible = bound,
                "the limit of open files (ulimit -n) allows fewer connections than max_connections"
            );
        }
        let pressure = Arc::downgrade(saturation.shared.pressure());
        metrics.register(Arc::new(move |out: &mut GaugeWriter| gauges(&pressure, out)));
        saturation
    }

    /// Looks for ever.
    pub async fn watch(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let now = clock::now();
            if now.saturating_sub(self.limits.read) >= LIMITS {
                self.limits = Limits::read(now);
            }
            if now.saturating_sub(self.counted) >= COUNT {
                self.count(now);
            }
            self.look(now);
        }
    }

    fn pressure(&self) -> &Arc<Pressure> {
        self.shared.pressure()
    }

    fn wanted(&self) -> usize {
        self.shared.live.load().policy.settings.server.max_connections
    }

    /// Counts the descriptors that are open, and has as many connections as the others allow.
    fn count(&mut self, now: Nanos) {
        self.counted = now;
        let snapshot = self.shared.live.load();
        if let Some(open) = machine::open_descriptors() {
            self.other = open.saturating_sub(self.connections_open(&snapshot, now));
        }
        let Some(limit) = self.limits.descriptors else { return };
        let bound = connections_within(limit, self.other, most_to_origins(&snapshot));
        // Who is being refused holds a descriptor of the reserve; the rest of it is for everything else.
        let lingers = reserved_descriptors(limit) / 4;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.pressure().set_connections(count(bound), count(lingers).min(1024));
    }

    /// Descriptors of connections, to clients and to origins.
    fn connections_open(&self, snapshot: &Snapshot, now: Nanos) -> u64 {
        let clients = self.shared.connections() + self.pressure().lingering();
        let servers = snapshot.origins.iter().flat_map(|handle| handle.origin.servers(now));
        clients as u64
            + servers.map(|server| u64::from(server.active_connections + server.idle_connections)).sum::<u64>()
    }

    fn look(&mut self, now: Nanos) {
        let readings = self.read(now);
        for (index, reading) in readings.iter().enumerate() {
            let before = self.logged.get(index).copied().unwrap_or_default();
            if reading.level != before {
                log(reading, before);
            }
        }
        self.logged = readings.iter().map(|reading| reading.level).collect();
        // Connections are bounded at the door, and a worker that is late knows it by itself.
        self.pressure().set_level(self.descriptors.level().max(self.memory.level()));
        self.pressure().set_readings(readings);
    }

    /// Every resource, judged. All are always there and in this order.
    fn read(&mut self, now: Nanos) -> Vec<Reading> {
        let snapshot = self.shared.live.load_full();
        let settings = &snapshot.policy.settings.server;
        let open = self.shared.connections() as f64;
        let most = settings.max_connections.min(self.pressure().bound()) as f64;
        let descriptors = (self.other + self.connections_open(&snapshot, now)) as f64;
        let memory = self.limits.memory.into_iter().chain(settings.max_memory).min();
        let resident = machine::resident_bytes().unwrap_or(0) as f64;
        let slowest = |one: (f64, Level), other: (f64, Level)| (one.0.max(other.0), one.1.max(other.1));
        let (delay, level) = self.pressure().workers().reduce(slowest).unwrap_or_default();
        vec![
            judged("connections", &mut self.connections, open, Some(most), now),
            judged("fds", &mut self.descriptors, descriptors, self.limits.descriptors.map(|limit| limit as f64), now),
            judged("memory", &mut self.memory, resident, memory.map(|limit| limit as f64), now),
            Reading { resource: "worker", used: delay, limit: None, level },
        ]
    }
}

fn judged(resource: &'static str, judge: &mut Judge, used: f64, limit: Option<f64>, now: Nanos) -> Reading {
    // Without a limit nothing can be full.
    let level = judge.judge(limit.map_or(0.0, |limit| used / limit), now);
    Reading { resource, used, limit, level }
}

fn most_to_origins(snapshot: &Snapshot) -> u64 {
    let origins = snapshot.policy.settings.origins.iter();
    origins.map(|origin| (origin.max_connections * origin.servers.len()) as u64).sum()
}

fn gauges(pressure: &Weak<Pressure>, out: &mut GaugeWriter) {
    let Some(pressure) = pressure.upgrade() else { return };
    for reading in pressure.readings().iter() {
        out.saturation_level(reading.resource, reading.level.number());
        match (reading.resource, reading.limit) {
            ("memory", Some(limit)) => out.memory_limit(limit as u64),
            ("connections", Some(limit)) => out.connection_limit(limit as usize),
            _ => {}
        }
    }
}

fn log(reading: &Reading, before: Level) {
    let Reading { resource, used, limit, level } = *reading;
    let (word, number, limit) = (level.as_str(), level.number(), limit.unwrap_or_default());
    if level > before {
        tracing::warn!(resource, used, limit, level = word, number, "the proxy itself is short of something");
    } else {
        tracing::info!(resource, used, limit, level = word, number, "the proxy itself has more room again");
    }
}
