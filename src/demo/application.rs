//! What a request meets before the station: something else that is slow, or the lock of a product that everybody wants.
//!
//! Jobs that wait here do no harm to the station. To whoever counts requests they are at the origin all the same.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use std::vec::Drain;

use super::page::Class;
use super::station::{Job, JobId, Offered, Optimum, Started, Station, Trouble};

/// A station and what stands before it, at one moment.
#[derive(Debug)]
pub struct Application<S> {
    inner: S,
    delays: [Duration; Class::ALL.len()],
    /// Those that wait for something else, by when that is over.
    delayed: BTreeMap<(Duration, JobId), Job>,
    locked: bool,
    /// The job that holds the lock.
    holder: Option<JobId>,
    /// Those that want it.
    line: VecDeque<Job>,
    finished: Vec<JobId>,
}

impl<S: Station> Application<S> {
    /// Nothing stands before `inner` at first.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            delays: [Duration::ZERO; Class::ALL.len()],
            delayed: BTreeMap::new(),
            locked: false,
            holder: None,
            line: VecDeque::new(),
            finished: Vec::new(),
        }
    }

    fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next().filter(|at| *at <= now) {
            let ended = self.finished.len();
            self.finished.extend(self.inner.finished(at));
            if self.finished.iter().skip(ended).any(|id| self.holder == Some(*id)) {
                self.holder = None;
                self.pass_the_lock(at);
            }
            while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= at) {
                let job = entry.remove();
                if self.enter(job, at) == Started::Rejected {
                    // It was promised an end.
                    self.finished.push(job.id);
                }
            }
        }
    }

    fn enter(&mut self, job: Job, now: Duration) -> Started {
        if self.locked && job.hot {
            self.line.push_back(job);
            self.pass_the_lock(now);
            return Started::Running;
        }
        self.inner.start(job, now)
    }

    fn pass_the_lock(&mut self, now: Duration) {
        while !self.locked || self.holder.is_none() {
            let Some(job) = self.line.pop_front() else { return };
            match self.inner.start(job, now) {
                Started::Running => self.holder = self.locked.then_some(job.id),
                Started::Rejected => self.finished.push(job.id),
            }
        }
    }
}

impl<S: Station> Station for Application<S> {
    fn start(&mut self, job: Job, now: Duration) -> Started {
        self.advance(now);
        let delay = self.delays.get(job.class as usize).copied().unwrap_or_default();
        if delay.is_zero() {
            return self.enter(job, now);
        }
        self.delayed.insert((now + delay, job.id), job);
        Started::Running
    }

    fn next(&self) -> Option<Duration> {
        let delayed = self.delayed.first_key_value().map(|((at, _), _)| *at);
        [self.inner.next(), delayed].into_iter().flatten().min()
    }

    fn finished(&mut self, now: Duration) -> Drain<'_, JobId> {
        self.advance(now);
        self.finished.drain(..)
    }

    fn jobs(&self) -> usize {
        self.inner.jobs() + self.delayed.len() + self.line.len()
    }

    fn optimum(&self, offered: Offered) -> Optimum {
        let best = self.inner.optimum(Offered::MORE_THAN_ENOUGH);
        let outside = (self.delayed.len() + self.line.len()) as f64;
        // One after the other, each at the speed of one.
        let most_hot = if self.locked { best.goodput / best.concurrency.max(1.0) } else { f64::INFINITY };
        let possible = (offered.work - offered.hot).max(0.0) + offered.hot.min(most_hot);
        Optimum { concurrency: best.concurrency + outside, goodput: best.goodput.min(possible) }
    }

    fn trouble(&mut self, trouble: Trouble, now: Duration) {
        self.advance(now);
        match trouble {
            Trouble::Delay(class, delay) => {
                if let Some(own) = self.delays.get_mut(class as usize) {
                    *own = delay;
                }
            }
            Trouble::HotLock(locked) => {
                self.locked = locked;
                self.holder = None;
                self.pass_the_lock(now);
            }
            Trouble::Speed(_) | Trouble::BestConcurrency(_) | Trouble::Cold => self.inner.trouble(trouble, now),
        }
    }
}

#[cfg(test)]
mod tests;
