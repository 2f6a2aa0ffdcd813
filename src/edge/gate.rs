//! How many connections may be open, in all and from one client, over all workers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Locks are taken once a connection, never once a request; this many keep workers apart.
const SHARDS: usize = 64;

/// Counts open connections.
#[derive(Debug)]
pub(crate) struct Gate {
    open: AtomicUsize,
    clients: Box<[Mutex<HashMap<IpAddr, usize>>]>,
    freed: Notify,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// `max_connections` are open.
    Full,
    /// This client holds `max_connections_per_client`.
    Client,
}

impl Gate {
    /// A gate with nothing open.
    pub(crate) fn new() -> Arc<Self> {
        let clients = (0..SHARDS).map(|_| Mutex::default()).collect();
        Arc::new(Self { open: AtomicUsize::new(0), clients, freed: Notify::new() })
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Completes when a connection has been counted out, perhaps a while ago: then the bound is to be asked again.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Counts a connection in; it is counted out when the guard is dropped.
    ///
    /// # Errors
    /// When one of the two bounds is met.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr, all: usize, each: usize) -> Result<Entered, Closed> {
        let network = network(client);
        let mut clients = self.shard(network);
        // First its own bound: a client that is past it must not have room made for it.
        if clients.get(&network).is_some_and(|held| *held >= each) {
            return Err(Closed::Client);
        }
        let counted =
            self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| (open < all).then_some(open + 1));
        if counted.is_err() {
            return Err(Closed::Full);
        }
        *clients.entry(network).or_default() += 1;
        drop(clients);
        Ok(Entered { gate: Arc::clone(self), network })
    }

    fn shard(&self, network: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        let bits = match network {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip) >> 64,
        };
        let index = (bits ^ (bits >> 8) ^ (bits >> 16) ^ (bits >> 24)) as usize % SHARDS;
        // The index is below SHARDS, which is the length.
        #[expect(clippy::indexing_slicing, reason = "bounded by the remainder above")]
        let shard = &self.clients[index];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address, or for IPv6 its /64: what one subscriber can take addresses from.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection that has been counted in.
#[derive(Debug)]
pub(crate) struct Entered {
    gate: Arc<Gate>,
    network: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gate.open.fetch_sub(1, Ordering::Relaxed);
        let mut clients = self.gate.shard(self.network);
        if let Some(held) = clients.get_mut(&self.network) {
            *held -= 1;
            if *held == 0 {
                clients.remove(&self.network);
            }
        }
        drop(clients);
        self.gate.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_all_and_each_and_counts_out() {
        let gate = Gate::new();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = gate.enter(ip("2001:db8::1"), 2, 1).unwrap();
        assert_eq!(gate.enter(ip("2001:db8::2"), 2, 1).unwrap_err(), Closed::Client);
        let _second = gate.enter(ip("2001:db8:0:1::1"), 2, 1).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.1"), 2, 1).unwrap_err(), Closed::Full);
        drop(first);
        assert_eq!(gate.open(), 1);
        gate.enter(ip("2001:db8::2"), 2, 1).unwrap();
        assert!(gate.clients.iter().map(|shard| shard.lock().unwrap().len()).sum::<usize>() <= 1);
    }
}
