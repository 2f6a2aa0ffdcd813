//! What all workers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::gate::Gate;
use super::pressure::Pressure;
use super::snapshot::Snapshot;
use crate::clock::{self, Nanos};
use crate::room::keyring::Keyring;

/// See the module.
#[derive(Debug)]
pub struct Shared {
    /// The revision in force.
    pub live: Arc<ArcSwap<Snapshot>>,
    /// What signs and verifies the tickets of waiting rooms.
    pub keyring: Arc<ArcSwap<Keyring>>,
    gate: Arc<Gate>,
    pressure: Arc<Pressure>,
    /// Nanoseconds between the epoch and monotonic zero, on a wall clock without jumps.
    unix_at_zero: AtomicU64,
}

impl Shared {
    /// Shares `live` and `keyring`, with no connection open and the time of day believed as it is.
    #[must_use]
    pub fn new(live: Arc<ArcSwap<Snapshot>>, keyring: Arc<ArcSwap<Keyring>>) -> Arc<Self> {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
        let unix_at_zero = AtomicU64::new(nanos.saturating_sub(clock::now()));
        let pressure = Arc::new(Pressure::new(live.load().policy.settings.server.workers));
        Arc::new(Self { live, keyring, gate: Gate::new(), pressure, unix_at_zero })
    }

    /// Sets how far the epoch is from monotonic zero, in nanoseconds.
    pub fn set_unix_at_zero(&self, nanos: u64) {
        self.unix_at_zero.store(nanos, Ordering::Relaxed);
    }

    /// Seconds since the epoch at monotonic `now`.
    #[must_use]
    pub fn unix_seconds(&self, now: Nanos) -> u64 {
        self.unix_at_zero.load(Ordering::Relaxed).saturating_add(now) / 1_000_000_000
    }

    /// Client connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.gate.open()
    }

    /// How saturated the proxy itself is.
    #[must_use]
    pub fn pressure(&self) -> &Arc<Pressure> {
        &self.pressure
    }

    /// Counts connections.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}
