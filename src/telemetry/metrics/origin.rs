//! What is counted per origin.

use std::time::Duration;

use super::family;
use super::histogram::{Histogram, Totals};
use super::kinds::Kinds;
use super::page::Page;
use super::per_worker::PerWorker;

/// One origin.
#[derive(Debug)]
pub struct OriginMetrics {
    origin: Box<str>,
    duration: PerWorker<Histogram>,
    retries: Kinds,
}

impl OriginMetrics {
    pub(super) fn new(origin: &str, workers: usize) -> Self {
        Self { origin: origin.into(), duration: PerWorker::new(workers), retries: Kinds::default() }
    }

    /// The origin's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Counts an answer whose head came `duration` after the request was sent. Only the thread of `worker` may call it.
    #[inline]
    pub fn answered(&self, worker: usize, duration: Duration) {
        if let Some(histogram) = self.duration.of(worker) {
            histogram.record(duration);
        }
    }

    /// Counts a request sent again because of `reason`, a short `snake_case` constant.
    pub fn retry(&self, reason: &'static str) {
        self.retries.add(reason);
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let durations = self.duration.written().map(|(_, histogram)| histogram);
        page.histogram(&family::ORIGIN_DURATION, &[&self.origin], &Totals::from_iter(durations));
        for (reason, count) in self.retries.read() {
            page.counter(&family::ORIGIN_RETRIES, &[&self.origin, reason], count as f64);
        }
    }
}
