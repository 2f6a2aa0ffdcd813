//! A pool of threads with a queue in front: its throughput does not fall, whoever comes late waits.
//!
//! That is an application server whose database is never its bottleneck. Latency is the only sign that it has too much.

use std::collections::VecDeque;
use std::time::Duration;
use std::vec::Drain;

use super::database::{Database, Parameters};
use super::station::{Job, JobId, Offered, Optimum, Started, Station, Trouble};

/// The pool at one moment.
#[derive(Debug)]
pub struct Pool {
    parameters: Parameters,
    /// Those that have a thread; they do not slow each other.
    running: Database,
    queue: VecDeque<Job>,
    finished: Vec<JobId>,
}

impl Pool {
    /// An idle pool of [`Parameters::best_concurrency`] threads.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            running: Database::new(Parameters { best_concurrency: u32::MAX, ..parameters }),
            queue: VecDeque::new(),
            finished: Vec::new(),
        }
    }

    fn advance(&mut self, now: Duration) {
        while let Some(at) = self.running.next().filter(|at| *at <= now) {
            self.finished.extend(self.running.finished(at));
            self.hand_out(at);
        }
    }

    fn hand_out(&mut self, now: Duration) {
        while self.running.jobs() < self.parameters.best_concurrency.max(1) as usize {
            let Some(job) = self.queue.pop_front() else { return };
            self.running.start(job, now);
        }
    }
}

impl Station for Pool {
    fn start(&mut self, job: Job, now: Duration) -> Started {
        self.advance(now);
        self.queue.push_back(job);
        self.hand_out(now);
        Started::Running
    }

    fn next(&self) -> Option<Duration> {
        self.running.next()
    }

    fn finished(&mut self, now: Duration) -> Drain<'_, JobId> {
        self.advance(now);
        self.finished.drain(..)
    }

    fn jobs(&self) -> usize {
        self.running.jobs() + self.queue.len()
    }

    fn optimum(&self, offered: Offered) -> Optimum {
        let best = self.parameters.best();
        Optimum { goodput: best.goodput.min(offered.work), ..best }
    }

    fn trouble(&mut self, trouble: Trouble, now: Duration) {
        self.advance(now);
        match trouble {
            Trouble::Speed(speed) => {
                self.parameters.speed = speed;
                self.running.trouble(trouble, now);
            }
            // Threads that are too many end with their jobs.
            Trouble::BestConcurrency(threads) => {
                self.parameters.best_concurrency = threads;
                self.hand_out(now);
            }
            Trouble::Delay(..) | Trouble::HotLock(_) | Trouble::Cold => {}
        }
    }
}

#[cfg(test)]
mod tests;
