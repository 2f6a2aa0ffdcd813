//! A proxy with a waiting room, which can be opened again where it was.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::peer::{Peer, Proxy, free_address};
use crate::process::Core;
use crate::stage::Stage;

/// What room there is.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) mode: &'static str,
    pub(crate) cap: usize,
    /// As in the file: shoppers a second or a minute.
    pub(crate) rate: String,
    /// How long a turn is held, as in the file.
    pub(crate) claim: &'static str,
    pub(crate) workers: usize,
    pub(crate) cores: Vec<Core>,
}

/// Where a proxy with a room is, running or not.
#[derive(Debug)]
pub(crate) struct Venue {
    directory: PathBuf,
    program: PathBuf,
    cores: Vec<Core>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Venue {
    /// A venue called `name` with nothing kept from before.
    pub(crate) fn build(stage: &Stage, name: &str, terms: &Terms, origin: SocketAddr) -> Result<Self, String> {
        let program = Peer::Spillway.program(stage.options.spillway.as_deref())?;
        let directory = stage.directory().join(name);
        // The state of an earlier round.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let (address, admin) = (free_address()?, free_address()?);
        let text = include_str!("../../peers/room.toml")
            .replace("WORKERS", &terms.workers.to_string())
            .replace("LISTEN", &address.to_string())
            .replace("ADMIN", &admin.to_string())
            .replace("ORIGIN", &origin.to_string())
            .replace("MODE", terms.mode)
            .replace("CAP", &terms.cap.to_string())
            .replace("RATE", &terms.rate)
            .replace("CLAIM", terms.claim);
        let venue = Self { directory, program, cores: terms.cores.clone(), address, admin };
        fs::write(venue.config(), text).map_err(|error| format!("{}: {error}", venue.config().display()))?;
        Ok(venue)
    }

    /// Starts the proxy, with whatever the last one left.
    pub(crate) fn start(&self) -> Result<Proxy, String> {
        Peer::Spillway.launch(&self.program, &self.cores, &self.config(), self.address, self.admin)
    }

    /// Starts it and waits until it listens.
    pub(crate) fn open(&self) -> Result<Proxy, String> {
        let mut proxy = self.start()?;
        proxy.wait_until_listening()?;
        Ok(proxy)
    }

    fn config(&self) -> PathBuf {
        self.directory.join("spillway.toml")
    }
}
