//! Overload protection as the process runs it: the thread that finds out what origins can do and has their seats follow.
//!
//! ```text
//! regulator (spillway-overload, ten times a second): feed, seats, reports → Governor::tick → seats, status, metrics
//!                                     baselines (spillway-baselines) ◄─┘ once a minute, and at the end
//! ```
//!
//! Knows nothing of how a limit is found: a [`Governor`] does.

mod baselines;
mod charge;
mod regulator;
mod seats;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::oneshot;

use super::state_dir::StateDir;
use crate::clock::Nanos;
use crate::edge::worker::Shared;
use crate::overload::{Bounds, Governor};
use baselines::Scribe;
use regulator::{Job, Regulator};

/// Makes the governor of an origin of which nothing is known at that time.
pub type NewGovernor = fn(Bounds, Nanos) -> Box<dyn Governor>;

/// The overload protection of the process; cheap to clone. The thread ends with the last of them.
#[derive(Debug, Clone)]
pub struct Overload {
    jobs: Sender<Job>,
    thread: Thread,
}

impl Overload {
    /// Starts the threads, with what an earlier process has learnt.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(shared: Arc<Shared>, state: StateDir, governor: NewGovernor) -> io::Result<Self> {
        let known = baselines::load(&state);
        let regulator = Regulator::new(shared, governor, known, Scribe::start(state)?);
        let (jobs, inbox) = mpsc::channel();
        let thread = thread::Builder::new().name("spillway-overload".into()).spawn(move || regulator.run(&inbox))?;
        Ok(Self { jobs, thread: thread.thread().clone() })
    }

    /// Writes down what was learnt and leaves the file to another process, until [`Overload::resume`]; waits for it for at
    /// most `limit`.
    pub async fn leave(&self, limit: Duration) {
        let (reply, left) = oneshot::channel();
        self.tell(Job::Leave(reply));
        // An error of the channel means that nothing could be written, which was logged.
        if tokio::time::timeout(limit, left).await.is_err() {
            tracing::warn!("what was learnt of the origins could not be written in time");
        }
    }

    /// Goes on after [`Overload::leave`]: the other process did not take over.
    pub fn resume(&self) {
        self.tell(Job::Resume);
    }

    fn tell(&self, job: Job) {
        // An error means that the thread is gone, which the one who waits for the answer notices.
        let _ = self.jobs.send(job);
        self.thread.unpark();
    }
}
