//! A shared database as a model: it does its best with a certain number of jobs at once, and worse with more.
//!
//! All jobs share it equally. Up to [`Parameters::best_concurrency`] each runs at full speed; past it every job added
//! slows the others by more than its share, so that the throughput of all together falls: with `n` jobs, `N` the best
//! number and `r` [`Parameters::retrograde`], it is `N·(N/n)^r` jobs' worth. That is what lock contention, lost caches and
//! swapped buffers do, and why an overfilled database does not come back while the load stays.
//!
//! A job runs to its end whether or not anybody still wants the answer.

mod live;

pub use live::LiveDatabase;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

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
}

/// Keeps finishing times finite.
const SLOWEST: f64 = 1e-6;

/// Names a job.
pub type JobId = u64;

/// The database at one moment. Times are durations since any fixed moment and never go back.
#[derive(Debug)]
pub struct Database {
    parameters: Parameters,
    now: Duration,
    /// Seconds of work that a job present from the beginning would have received.
    received: f64,
    jobs: BinaryHeap<Reverse<Job>>,
    finished: Vec<JobId>,
    started: JobId,
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

    /// What it can do at present.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Changes what it can do from `now` on; jobs under way continue at the new speed.
    pub fn set_parameters(&mut self, parameters: Parameters, now: Duration) {
        self.advance(now);
        self.parameters = parameters;
    }

    /// Starts a job that alone would take `work`.
    pub fn start(&mut self, work: Duration, now: Duration) -> JobId {
        self.advance(now);
        self.started += 1;
        self.jobs.push(Reverse(Job { ends: self.received + work.as_secs_f64(), id: self.started }));
        self.started
    }

    /// Jobs under way.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// The job that ends first and when, if nothing changes until then.
    #[must_use]
    pub fn next(&self) -> Option<(JobId, Duration)> {
        let Reverse(job) = self.jobs.peek()?;
        let seconds = (job.ends - self.received).max(0.0) / self.speed_of_each();
        // Rounded up, so that the job has ended when the time has come.
        let nanos = (seconds * 1e9).ceil().min(u64::MAX as f64) as u64;
        Some((job.id, self.now.saturating_add(Duration::from_nanos(nanos))))
    }

    /// Jobs that have ended by `now` and were not reported before, in the order they ended.
    pub fn finished(&mut self, now: Duration) -> std::vec::Drain<'_, JobId> {
        self.advance(now);
        self.finished.drain(..)
    }

    fn advance(&mut self, now: Duration) {
        while let Some((id, at)) = self.next().filter(|&(_, at)| at <= now) {
            if let Some(Reverse(job)) = self.jobs.pop() {
                self.received = self.received.max(job.ends);
            }
            self.now = at;
            self.finished.push(id);
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

#[derive(Debug)]
struct Job {
    ends: f64,
    id: JobId,
}

impl Ord for Job {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ends.total_cmp(&other.ends).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Job {}

#[cfg(test)]
mod tests;
