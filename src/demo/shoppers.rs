//! People who want to buy something and come whether or not the shop keeps up.
//!
//! Arrivals are open-loop: a slow shop does not slow them down. Each shopper walks a journey from the front page to a paid
//! order, or only looks around, thinks between pages, leaves an answer that takes too long, tries again a few times and
//! then gives up: for good, or until later.
//! Each has an address of its own, sent as `X-Forwarded-For`; together they use as few connections as are busy at once.

mod connections;
mod journey;
mod line;
mod tally;
mod timeline;
mod walk;

pub use connections::{Connections, Reply};
pub use tally::{ClassTally, Recorder, Tally};
pub use timeline::{Arrival, Arrivals, Errand, Stretch, Timeline};

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::background::{Background, Stop};
use walk::Street;

/// How people behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// Mean time spent on a page before the next click.
    pub thinking: Duration,
    /// An answer that takes longer is not waited for.
    pub patience: Duration,
    /// Mean time a place in line is worth waiting for.
    pub patience_in_line: Duration,
    /// Further tries of a page that did not come.
    pub retries: u32,
    /// Mean time before such a try.
    pub pause: Duration,
    /// Whether a refusal that names a time is taken at its word: the next try is that long after it, and a little.
    pub heeds_retry_after: bool,
    /// Share of shoppers (0.0 – 1.0) who want the one product that everybody wants, [`HOT`](super::storefront::HOT).
    pub hot: f64,
    /// Share of shoppers whose program tries again at once, [`STORMING_RETRIES`] times.
    pub storming: f64,
    /// Mean time after which shoppers who gave up are back on the page that did not come; never, if there is none.
    pub back_after: Option<Duration>,
    /// Share of those who give up that never come back all the same.
    pub leaving: f64,
}

/// Further tries of a page by a program that does not know when to stop.
pub const STORMING_RETRIES: u32 = 10;

impl Default for Habits {
    fn default() -> Self {
        Self {
            thinking: Duration::from_millis(1500),
            patience: Duration::from_secs(3),
            patience_in_line: Duration::from_secs(30),
            retries: 3,
            pause: Duration::from_secs(1),
            heeds_retry_after: true,
            hot: 0.0,
            storming: 0.0,
            back_after: None,
            leaving: 0.0,
        }
    }
}

/// A crowd on a thread of its own; dropping it sends everybody home.
#[derive(Debug)]
pub struct Crowd {
    recorder: Recorder,
    _thread: Background,
}

impl Crowd {
    /// Lets shoppers arrive at the shop behind `target` as `timeline` says, from now on. `seed` decides who and when.
    ///
    /// # Errors
    /// When no thread is to be had.
    pub fn gather(target: SocketAddr, timeline: Timeline, habits: Habits, seed: u64) -> io::Result<Self> {
        let recorder = Recorder::default();
        let street = Street { habits, recorder: recorder.clone(), connections: Connections::new(target) };
        let thread = Background::start("shoppers", move |stop| arrive(timeline, street, seed, stop))?;
        Ok(Self { recorder, _thread: thread })
    }

    /// What happened since the last time this was asked.
    #[must_use]
    pub fn take(&self) -> Tally {
        self.recorder.take()
    }
}

async fn arrive(timeline: Timeline, street: Street, seed: u64, mut stop: Stop) {
    let street = Rc::new(street);
    let began = Instant::now();
    let mut dice = fastrand::Rng::with_seed(seed);
    for (number, arrival) in (0_u32..).zip(Arrivals::new(timeline, dice.fork())) {
        let due = began + arrival.at;
        tokio::select! {
            biased;
            _ = &mut stop => return,
            // Returns at once for those who came while the thread was busy.
            () = tokio::time::sleep_until(due) => {}
        }
        street.recorder.late(due.elapsed());
        tokio::task::spawn_local(walk::walk(Rc::clone(&street), number, arrival.errand, dice.fork()));
    }
    let _ = stop.await;
}

#[cfg(test)]
mod tests;
