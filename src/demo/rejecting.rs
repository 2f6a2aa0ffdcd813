//! A server that says no at once when it has too many jobs, and has a wrong idea of how many are too many.
//!
//! Its answers are quick and its queue is short: whoever looks at latencies sees a healthy server, while the jobs that it
//! does take get done at half the pace.

use std::time::Duration;
use std::vec::Drain;

use super::station::{Job, JobId, Offered, Optimum, Started, Station, Trouble};

/// Times as many jobs as it does best that it takes.
const TOO_MANY: usize = 2;

/// A station with a bound on its jobs.
#[derive(Debug)]
pub struct Rejecting<S> {
    inner: S,
    most: usize,
}

impl<S: Station> Rejecting<S> {
    /// Before `inner`, which does best with that many jobs at once.
    #[must_use]
    pub fn new(inner: S, best_concurrency: u32) -> Self {
        Self { inner, most: TOO_MANY * best_concurrency.max(1) as usize }
    }
}

impl<S: Station> Station for Rejecting<S> {
    fn start(&mut self, job: Job, now: Duration) -> Started {
        if self.inner.jobs() >= self.most {
            return Started::Rejected;
        }
        self.inner.start(job, now)
    }

    fn next(&self) -> Option<Duration> {
        self.inner.next()
    }

    fn finished(&mut self, now: Duration) -> Drain<'_, JobId> {
        self.inner.finished(now)
    }

    fn jobs(&self) -> usize {
        self.inner.jobs()
    }

    fn optimum(&self, offered: Offered) -> Optimum {
        self.inner.optimum(offered)
    }

    fn trouble(&mut self, trouble: Trouble, now: Duration) {
        self.inner.trouble(trouble, now);
    }
}
