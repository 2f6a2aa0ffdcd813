//! A shared database as a model: it does its best with a certain number of jobs at once, and worse with more.
//!
//! All jobs share it equally. Up to [`Parameters::best_concurrency`] each runs at full speed; past it every job added
//! slows the others by more than its share, so that the throughput of all together falls: with `n` jobs, `N` the best
//! number and `r` [`Parameters::retrograde`], it is `N·(N/n)^r` jobs' worth. That is what lock contention, lost caches and
//! swapped buffers do, and why an overfilled database does not come back while the load stays.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;
use std::vec::Drain;

use super::station::{Job, JobId, Offered, Optimum, Started, Station, Trouble};

/// What the database can do; may be changed while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Jobs at once that it does best; at least 1.
    pub best_concurrency: u32,
    /// How steeply throughput falls past that: 0 not at all, 1 to a half at twice as many jobs.
    pub retrograde: f64,
    /// Speed of everything, 1.0 being healthy; 0.05 is a database that is stuck.
    pub speed: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { best_concurrency: 40, retrograde: 1.0, speed: 1.0 }
    }
}

impl Parameters {
    /// Seconds of work done each second, all jobs together, with `jobs` at once.
    #[must_use]
    pub fn throughput(&self, jobs: usize) -> f64 {
        let (jobs, best) = (jobs as f64, f64::from(self.best_concurrency.max(1)));
        let overfilled = (jobs / best).max(1.0);
        self.speed.max(SLOWEST) * jobs.min(best) / overfilled.powf(self.retrograde)
    }

    /// The most of it, and the least number of jobs that brings it.
    #[must_use]
    pub fn best(&self) -> Optimum {
        let best = self.best_concurrency.max(1);
        Optimum { concurrency: f64::from(best), goodput: self.throughput(best as usize) }
    }
}

/// Keeps finishing times finite.
const SLOWEST: f64 = 1e-6;

/// The database at one moment.
#[derive(Debug)]
pub struct Database {
    parameters: Parameters,
    now: Duration,
    /// Seconds of work that a job present from the beginning would have received.
    received: f64,
    jobs: BinaryHeap<Reverse<Share>>,
    finished: Vec<JobId>,
    started: u64,
}

impl Database {
    /// An idle database.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            now: Duration::ZERO,
            received: 0.0,
            jobs: BinaryHeap::new(),
            finished: Vec::new(),
            started: 0,
        }
    }

    /// Changes what it can do from `now` on; jobs under way continue at the new speed.
    pub fn set_parameters(&mut self, parameters: Parameters, now: Duration) {
        self.advance(now);
        self.parameters = parameters;
    }

    fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next().filter(|at| *at <= now) {
            if let Some(Reverse(share)) = self.jobs.pop() {
                self.received = self.received.max(share.ends);
                self.finished.push(share.id);
            }
            self.now = at;
        }
        let passed = now.saturating_sub(self.now);
        if !self.jobs.is_empty() {
            self.received += passed.as_secs_f64() * self.speed_of_each();
        }
        self.now += passed;
    }

    fn speed_of_each(&self) -> f64 {
        let jobs = self.jobs.len().max(1);
        self.parameters.throughput(jobs) / jobs as f64
    }
}

impl Station for Database {
    fn start(&mut self, job: Job, now: Duration) -> Started {
        self.advance(now);
        self.started += 1;
        let ends = self.received + job.work.as_secs_f64();
        self.jobs.push(Reverse(Share { ends, order: self.started, id: job.id }));
        Started::Running
    }

    fn next(&self) -> Option<Duration> {
        let Reverse(share) = self.jobs.peek()?;
        let seconds = (share.ends - self.received).max(0.0) / self.speed_of_each();
        // Rounded up, so that the job has ended when the time has come.
        let nanos = (seconds * 1e9).ceil().min(u64::MAX as f64) as u64;
        Some(self.now.saturating_add(Duration::from_nanos(nanos)))
    }

    fn finished(&mut self, now: Duration) -> Drain<'_, JobId> {
        self.advance(now);
        self.finished.drain(..)
    }

    fn jobs(&self) -> usize {
        self.jobs.len()
    }

    fn optimum(&self, offered: Offered) -> Optimum {
        let best = self.parameters.best();
        Optimum { goodput: best.goodput.min(offered.work), ..best }
    }

    fn trouble(&mut self, trouble: Trouble, now: Duration) {
        let parameters = match trouble {
            Trouble::Speed(speed) => Parameters { speed, ..self.parameters },
            Trouble::BestConcurrency(best_concurrency) => Parameters { best_concurrency, ..self.parameters },
            Trouble::Delay(..) | Trouble::HotLock(_) | Trouble::Cold => return,
        };
        self.set_parameters(parameters, now);
    }
}

/// A job's part of the work of all.
#[derive(Debug)]
struct Share {
    ends: f64,
    order: u64,
    id: JobId,
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ends.total_cmp(&other.ends).then(self.order.cmp(&other.order))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Share {}

#[cfg(test)]
mod tests;
