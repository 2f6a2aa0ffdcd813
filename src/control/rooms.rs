//! The waiting rooms as the process runs them: the thread that moves the lines, their clock, their store and their keys.
//!
//! ```text
//! attendant (spillway-rooms, ten times a second): steady clock → headroom → Room::tick → pen → Room::publish
//!                                                        archive (spillway-store) ◄─┘ waits for at most a second
//! ```
//!
//! A decision becomes visible after the store has it. Where the store fails or hangs, the lines go on in memory, with the
//! numbers set aside before, and everybody who looks is told.

pub mod archive;
mod attendant;
mod encoding;
pub mod file_store;
mod gauges;
mod headroom;
pub mod keys;
pub mod memory_store;
mod pen;
pub mod steady;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, Thread};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::state_dir::StateDir;
use crate::edge::worker::Shared;
use crate::room::keyring::Keyring;
use crate::room::store::Saved;
use crate::telemetry::Metrics;
use archive::Archive;
use attendant::{Attendant, Job};
use file_store::OpenError;
use gauges::RoomGaugesSource;
pub use gauges::state;
use keys::Keys;
pub use pen::Health;
use pen::Pen;

/// The file rooms are kept in.
pub const FILE: &str = "rooms.redb";

/// How long the last writes of a process may take.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What of the rooms is in the state directory.
#[derive(Debug)]
pub struct Kept {
    archive: Archive,
    keys: Keys,
}

/// What is there cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The lines.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The keys.
    #[error("the keys in {file}: {0}", file = keys::FILE)]
    Keys(#[from] io::Error),
}

impl Kept {
    /// Opens what is there, or begins it, and gives the rooms it knows. The lines have no file before there is a room, unless
    /// `has_rooms`.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(state: &StateDir, has_rooms: bool) -> Result<(Self, HashMap<String, Saved>), KeptError> {
        let keys = Keys::load(state)?;
        let (archive, rooms) = Archive::open(&state.file(FILE), has_rooms)?;
        Ok((Self { archive, keys }, rooms))
    }

    /// What tickets are signed with.
    #[must_use]
    pub fn keyring(&self) -> Arc<ArcSwap<Keyring>> {
        self.keys.ring()
    }
}

/// The rooms of the process; cheap to clone. The thread ends with the last of them.
#[derive(Debug, Clone)]
pub struct Rooms {
    jobs: Sender<Job>,
    thread: Thread,
    health: Arc<Health>,
    keys: Keys,
    shared: Arc<Shared>,
    left: Arc<AtomicBool>,
}

/// The rooms cannot be left to another process, and go on here.
#[derive(Debug, thiserror::Error)]
#[error("what happens in the waiting rooms cannot be kept now, so no other process can take them over: {0}")]
pub struct NotLeft(String);

impl Rooms {
    /// Starts the threads. Nobody is called before [`Rooms::begin`].
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(shared: Arc<Shared>, kept: Kept, metrics: &Metrics) -> io::Result<Self> {
        let Kept { archive, keys } = kept;
        let pen = Pen::start(archive)?;
        let health = pen.health();
        let (jobs, inbox) = mpsc::channel();
        let attendant = Attendant::new(Arc::clone(&shared), pen);
        let thread = thread::Builder::new().name("spillway-rooms".into()).spawn(move || attendant.run(&inbox))?;
        metrics.register(Arc::new(RoomGaugesSource::new(Arc::clone(&shared), Arc::clone(&health))));
        Ok(Self { jobs, thread: thread.thread().clone(), health, keys, shared, left: Arc::default() })
    }

    /// Lets the lines move from now on; returns when numbers are set aside, so that whoever comes gets a place.
    pub fn begin(&self) {
        let (reply, begun) = mpsc::sync_channel(1);
        self.tell(Job::Begin(reply));
        // Whatever keeps the store from answering, traffic is not kept waiting for it.
        let _ = begun.recv_timeout(LAST_WRITES);
    }

    /// Has what was just changed take effect; whether it is kept over a restart.
    pub async fn settle(&self) -> bool {
        self.ask(Job::Settle).await.unwrap_or(false)
    }

    /// Writes everything down and leaves the store and the keys to another process. Nobody is called until
    /// [`Rooms::resume`]; whoever comes is given a number that was set aside before.
    ///
    /// # Errors
    /// It cannot be written, and the rooms go on.
    pub async fn leave(&self) -> Result<(), NotLeft> {
        if self.left.swap(true, Ordering::Relaxed) {
            return Err(NotLeft("another process is taking them over already".to_owned()));
        }
        self.keys.freeze(true);
        let left = match self.ask(Job::Leave).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotLeft(self.health.trouble().unwrap_or_else(|| "the store is busy".to_owned()))),
            Err(_) => Err(NotLeft("the thread of the rooms has ended".to_owned())),
        };
        if left.is_err() {
            self.take_back();
        }
        left
    }

    /// Goes on after [`Rooms::leave`]: the other process did not take over.
    pub fn resume(&self) {
        drop(self.ask(Job::Resume));
        self.take_back();
    }

    /// Whether another process has the rooms, or is about to.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Gives no number from now on: the other process, which has taken over, gives later ones.
    pub fn seal(&self) {
        for handle in &self.shared.live.load().rooms {
            // What is left to be written is of no use: the other process knows better.
            drop(handle.room.close(0));
        }
    }

    /// Writes everything down for the last time, unless the rooms were left to another process; waits for it for at most
    /// `limit`.
    pub async fn finish(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.ask(Job::Finish)).await.is_err() {
            tracing::error!("the store of the waiting rooms does not answer; what it was not told of is lost");
        }
    }

    /// How well what happens is kept.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What tickets are signed with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    fn take_back(&self) {
        self.keys.freeze(false);
        self.left.store(false, Ordering::Relaxed);
    }

    fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(job(reply));
        answer
    }

    fn tell(&self, job: Job) {
        // An error means that the thread is gone, which the one who waits for the answer notices.
        let _ = self.jobs.send(job);
        self.thread.unpark();
    }
}
