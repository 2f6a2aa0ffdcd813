//! A database behind a cache: after a restart everything is several times slower, until enough has been asked for.
//!
//! Served carefully it becomes faster with each job that ends; overfilled while it is cold, hardly any ends in time.

use std::time::Duration;
use std::vec::Drain;

use super::database::{Database, Parameters};
use super::station::{Job, JobId, Offered, Optimum, Started, Station, Trouble};

/// Speed with an empty cache, against that with a full one.
const COLD_SPEED: f64 = 0.25;

/// Jobs that fill the cache: some three seconds of what the shop is asked for in calm times.
const WARM_AFTER: u32 = 1000;

/// The database and its cache at one moment.
#[derive(Debug)]
pub struct Warming {
    /// What it can do when warm.
    warm: Parameters,
    database: Database,
    /// Jobs that have ended since the cache was empty, up to [`WARM_AFTER`].
    cached: u32,
    finished: Vec<JobId>,
}

impl Warming {
    /// An idle database with a full cache.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self { warm: parameters, database: Database::new(parameters), cached: WARM_AFTER, finished: Vec::new() }
    }

    fn advance(&mut self, now: Duration) {
        while let Some(at) = self.database.next().filter(|at| *at <= now) {
            let before = self.finished.len();
            self.finished.extend(self.database.finished(at));
            if self.cached < WARM_AFTER {
                let ended = u32::try_from(self.finished.len() - before).unwrap_or(u32::MAX);
                self.cached = self.cached.saturating_add(ended).min(WARM_AFTER);
                self.database.set_parameters(self.parameters(), at);
            }
        }
    }

    /// What it can do as warm as it is.
    fn parameters(&self) -> Parameters {
        let warmth = f64::from(self.cached) / f64::from(WARM_AFTER);
        Parameters { speed: self.warm.speed * (COLD_SPEED + (1.0 - COLD_SPEED) * warmth), ..self.warm }
    }
}

impl Station for Warming {
    fn start(&mut self, job: Job, now: Duration) -> Started {
        self.advance(now);
        self.database.start(job, now)
    }

    fn next(&self) -> Option<Duration> {
        self.database.next()
    }

    fn finished(&mut self, now: Duration) -> Drain<'_, JobId> {
        self.advance(now);
        self.finished.drain(..)
    }

    fn jobs(&self) -> usize {
        self.database.jobs()
    }

    fn optimum(&self, offered: Offered) -> Optimum {
        self.database.optimum(offered)
    }

    fn trouble(&mut self, trouble: Trouble, now: Duration) {
        self.advance(now);
        match trouble {
            Trouble::Speed(speed) => self.warm.speed = speed,
            Trouble::BestConcurrency(best) => self.warm.best_concurrency = best,
            Trouble::Cold => self.cached = 0,
            Trouble::Delay(..) | Trouble::HotLock(_) => return,
        }
        self.database.set_parameters(self.parameters(), now);
    }
}

#[cfg(test)]
mod tests;
