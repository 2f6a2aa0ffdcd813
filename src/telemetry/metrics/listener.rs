//! Client connections and their handshakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::family;
use super::label::{HandshakeResult, Protocol, TlsVersion};
use super::page::Page;

/// One listener. Written from any thread: a connection costs far more than a locked addition.
#[derive(Debug)]
pub struct ListenerMetrics {
    address: Box<str>,
    open: [AtomicU64; Protocol::ALL.len()],
    refused: AtomicU64,
    handshakes: [[AtomicU64; TlsVersion::ALL.len()]; HandshakeResult::ALL.len()],
}

impl ListenerMetrics {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.into(),
            open: Default::default(),
            refused: AtomicU64::new(0),
            handshakes: Default::default(),
        }
    }

    /// Counts an open connection for as long as the guard lives.
    #[must_use]
    pub fn connection(self: &Arc<Self>, protocol: Protocol) -> OpenConnection {
        self.enter(protocol);
        OpenConnection { listener: Arc::clone(self), protocol }
    }

    /// Counts a finished TLS handshake.
    pub fn handshake(&self, result: HandshakeResult, version: TlsVersion) {
        let row = self.handshakes.get(result as usize);
        if let Some(cell) = row.and_then(|row| row.get(version as usize)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a connection for which there was no room.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.open.iter().map(|open| open.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn collect(&self, page: &mut Page) {
        for (protocol, open) in Protocol::ALL.iter().zip(&self.open) {
            let labels = [&*self.address, protocol.as_str()];
            page.gauge(&family::CONNECTIONS, &labels, open.load(Ordering::Relaxed) as f64);
        }
        let refused = self.refused.load(Ordering::Relaxed);
        page.counter(&family::CONNECTIONS_REFUSED, &[&*self.address], refused as f64);
        for (result, row) in HandshakeResult::ALL.iter().zip(&self.handshakes) {
            for (version, cell) in TlsVersion::ALL.iter().zip(row) {
                let count = cell.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = [&*self.address, result.as_str(), version.as_str()];
                    page.counter(&family::TLS_HANDSHAKES, &labels, count as f64);
                }
            }
        }
    }

    fn enter(&self, protocol: Protocol) {
        if let Some(open) = self.open.get(protocol as usize) {
            open.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn leave(&self, protocol: Protocol) {
        if let Some(open) = self.open.get(protocol as usize) {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Counts one open connection until it is dropped, on whatever thread.
#[derive(Debug)]
pub struct OpenConnection {
    listener: Arc<ListenerMetrics>,
    protocol: Protocol,
}

impl OpenConnection {
    /// Counts the connection under another protocol from now on, as after the handshake or an upgrade.
    pub fn speaks(&mut self, protocol: Protocol) {
        self.listener.enter(protocol);
        self.listener.leave(self.protocol);
        self.protocol = protocol;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.listener.leave(self.protocol);
    }
}
