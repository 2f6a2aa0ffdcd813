//! Values that live in other modules and are read at scrape.

use std::collections::BTreeMap;

use super::family::{self, Family};
use super::label::RoomState;
use super::page::Page;
use crate::overload::{Cause, State};

/// Something that is asked for its present values at every scrape. Closures over a [`GaugeWriter`] are sources too.
pub trait GaugeSource: Send + Sync {
    /// Writes the present values; called on the scraping thread, so it must not wait for a worker.
    fn collect(&self, out: &mut GaugeWriter);
}

impl<F: Fn(&mut GaugeWriter) + Send + Sync> GaugeSource for F {
    fn collect(&self, out: &mut GaugeWriter) {
        self(out);
    }
}

/// Where a [`GaugeSource`] writes. What is given twice under the same labels is added up, so that values kept in parts
/// (per worker, per origin) may be written as they are found.
#[derive(Debug, Default)]
pub struct GaugeWriter {
    samples: BTreeMap<(&'static str, Vec<String>), (&'static Family, f64)>,
    connection_limit: Option<usize>,
    memory_limit: Option<u64>,
}

/// The state of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitGauges {
    /// Sustained rate in force.
    pub rate_per_second: f64,
    /// Tokens in the bucket of a global limit; `None` for a keyed one, which has no single answer.
    pub tokens: Option<f64>,
    /// Buckets held.
    pub keys: usize,
    /// Buckets dropped for want of room since the process began.
    pub evictions: u64,
}

/// How a waiting room is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoomGauges {
    /// Places in line whose holders are there.
    pub waiting: u32,
    /// Shoppers inside.
    pub inside: u32,
    /// Shoppers called and not yet inside.
    pub called: u32,
    /// Most inside and called together.
    pub cap: u32,
    /// Shoppers let in a second at most; infinite where only the cap bounds it.
    pub rate: f64,
    /// Its state.
    pub state: RoomState,
    /// Shoppers who came in since the process began, from the line or directly.
    pub admitted: u64,
    /// Shoppers who left the line before their turn.
    pub abandoned: u64,
    /// Shoppers who were done, and whose place inside was free at once.
    pub completed: u64,
}

/// What a connection to an origin is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Carrying at least one request.
    Active,
    /// Kept for the next one.
    Idle,
}

impl GaugeWriter {
    /// The state of a limit.
    pub fn limit(&mut self, limit: &str, gauges: LimitGauges) {
        self.add(&family::LIMIT_RATE, &[limit], gauges.rate_per_second);
        if let Some(tokens) = gauges.tokens {
            self.add(&family::LIMIT_TOKENS, &[limit], tokens);
        }
        self.add(&family::LIMIT_KEYS, &[limit], gauges.keys as f64);
        self.add(&family::LIMIT_EVICTIONS, &[limit], gauges.evictions as f64);
    }

    /// How many requests an origin may have at once; not called for an unlimited one.
    pub fn capacity_limit(&mut self, origin: &str, limit: u32) {
        self.add(&family::CAPACITY_LIMIT, &[origin], f64::from(limit));
    }

    /// How many requests of a class are at an origin.
    pub fn capacity_in_use(&mut self, origin: &str, class: &str, in_use: u64) {
        self.add(&family::CAPACITY_IN_USE, &[origin, class], in_use as f64);
    }

    /// What was found of an origin of adaptive capacity.
    pub fn capacity_found(&mut self, origin: &str, state: State, begin_rate: f64) {
        for each in State::ALL {
            self.add(&family::CAPACITY_STATE, &[origin, each.as_str()], f64::from(u8::from(each == state)));
        }
        if begin_rate.is_finite() {
            self.add(&family::CAPACITY_BEGIN_RATE, &[origin], begin_rate);
        }
    }

    /// How often an adaptive limit was changed for this cause.
    pub fn capacity_decisions(&mut self, origin: &str, cause: Cause, count: u64) {
        self.add(&family::CAPACITY_DECISIONS, &[origin, cause.as_str()], count as f64);
    }

    /// Which share of classes and cohorts may try for a seat.
    pub fn priority_cursor(&mut self, origin: &str, share: f64) {
        self.add(&family::PRIORITY_CURSOR, &[origin], share);
    }

    /// How full an origin says it is.
    pub fn origin_utilisation(&mut self, origin: &str, utilisation: f64) {
        self.add(&family::ORIGIN_UTILISATION, &[origin], utilisation);
    }

    /// How many reports of an origin's load were used, or not.
    pub fn origin_load_reports(&mut self, origin: &str, used: bool, count: u64) {
        let result = if used { "used" } else { "ignored" };
        self.add(&family::ORIGIN_LOAD_REPORTS, &[origin, result], count as f64);
    }

    /// How many requests were sent to an origin again because of `reason`, a short `snake_case` constant.
    pub fn origin_retries(&mut self, origin: &str, reason: &'static str, count: u64) {
        self.add(&family::ORIGIN_RETRIES, &[origin, reason], count as f64);
    }

    /// How many requests of a class wait for a seat at one origin; origins are added up.
    pub fn seat_waiting(&mut self, class: &str, waiting: u64) {
        self.add(&family::SEAT_WAITING, &[class], waiting as f64);
    }

    /// How a waiting room is.
    pub fn room(&mut self, room: &str, gauges: RoomGauges) {
        self.add(&family::ROOM_WAITING, &[room], f64::from(gauges.waiting));
        self.add(&family::ROOM_INSIDE, &[room], f64::from(gauges.inside));
        self.add(&family::ROOM_CALLED, &[room], f64::from(gauges.called));
        self.add(&family::ROOM_CAP, &[room], f64::from(gauges.cap));
        if gauges.rate.is_finite() {
            self.add(&family::ROOM_ADMIT_RATE, &[room], gauges.rate);
        }
        self.add(&family::ROOM_ADMITTED, &[room], gauges.admitted as f64);
        self.add(&family::ROOM_ABANDONED, &[room], gauges.abandoned as f64);
        self.add(&family::ROOM_COMPLETED, &[room], gauges.completed as f64);
        for state in RoomState::ALL {
            let is_it = f64::from(u8::from(*state == gauges.state));
            self.add(&family::ROOM_STATE, &[room, state.as_str()], is_it);
        }
    }

    /// Whether what happens in the waiting rooms is kept over a restart, and how many attempts to keep it have failed.
    pub fn room_store(&mut self, healthy: bool, errors: u64) {
        self.add(&family::ROOM_STORE_HEALTHY, &[], f64::from(u8::from(healthy)));
        self.add(&family::ROOM_STORE_ERRORS, &[], errors as f64);
    }

    /// Whether a server of an origin may get requests.
    pub fn origin_healthy(&mut self, origin: &str, server: &str, healthy: bool) {
        self.add(&family::ORIGIN_HEALTHY, &[origin, server], f64::from(u8::from(healthy)));
    }

    /// Connections to a server; workers are added up.
    pub fn origin_connections(&mut self, origin: &str, server: &str, state: ConnectionState, connections: u64) {
        let state = match state {
            ConnectionState::Active => "active",
            ConnectionState::Idle => "idle",
        };
        self.add(&family::ORIGIN_CONNECTIONS, &[origin, server, state], connections as f64);
    }

    /// When the certificate called `name` stops being valid, in Unix seconds.
    pub fn certificate_expiry(&mut self, name: &str, unix_seconds: i64) {
        // Two listeners may present the same certificate, and its expiry does not add up.
        let key = (family::CERTIFICATE_EXPIRY.name, vec![name.to_owned()]);
        self.samples.insert(key, (&family::CERTIFICATE_EXPIRY, unix_seconds as f64));
    }

    /// How many client connections may be open at once; the least that is given counts.
    pub fn connection_limit(&mut self, limit: usize) {
        self.connection_limit = Some(self.connection_limit.map_or(limit, |given| given.min(limit)));
    }

    /// How many bytes of resident memory the process may have.
    pub fn memory_limit(&mut self, limit: u64) {
        self.memory_limit = Some(limit);
    }

    /// What was given to [`Self::memory_limit`].
    pub(super) fn memory_limit_given(&self) -> Option<u64> {
        self.memory_limit
    }

    /// The level of a resource of the proxy itself: 0 is normal, from 1 on something is refused for its sake.
    pub fn saturation_level(&mut self, resource: &str, level: u8) {
        self.add(&family::SATURATION_LEVEL, &[resource], f64::from(level));
    }

    /// How full the client connections are, `open` of them being open.
    pub(super) fn connection_saturation(&self, open: u64) -> Option<f64> {
        let limit = self.connection_limit.filter(|limit| *limit > 0)?;
        Some(open as f64 / limit as f64)
    }

    /// How full the fullest origin is; `None` when none has a limit.
    pub(super) fn capacity_saturation(&self) -> Option<f64> {
        let origins = self.of(&family::CAPACITY_LIMIT).filter(|(_, limit)| *limit > 0.0);
        let shares = origins.map(|(origin, limit)| {
            let in_use = self.of(&family::CAPACITY_IN_USE).filter(|(labels, _)| labels.first() == origin.first());
            in_use.map(|(_, seats)| seats).sum::<f64>() / limit
        });
        shares.reduce(f64::max)
    }

    pub(super) fn collect(&self, page: &mut Page) {
        for ((_, labels), (family, value)) in &self.samples {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            page.value(family, &labels, *value);
        }
    }

    fn add(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        let key = (family.name, labels.iter().map(|label| (*label).to_owned()).collect());
        self.samples.entry(key).or_insert((family, 0.0)).1 += value;
    }

    fn of(&self, family: &'static Family) -> impl Iterator<Item = (&[String], f64)> {
        let from = (family.name, Vec::new());
        let rest = self.samples.range(from..);
        rest.take_while(|((name, _), _)| *name == family.name)
            .map(|((_, labels), (_, value))| (labels.as_slice(), *value))
    }
}
