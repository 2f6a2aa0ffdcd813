//! What is counted per origin.

use std::time::Duration;

use super::family;
use super::histogram::{Histogram, Totals};
use super::page::Page;
use super::per_worker::{Count, PerWorker};

/// One origin.
#[derive(Debug)]
pub struct OriginMetrics {
    origin: Box<str>,
    duration: PerWorker<Histogram>,
    /// Used ones, then ignored ones.
    reports: PerWorker<[Count; 2]>,
}

impl OriginMetrics {
    pub(super) fn new(origin: &str, workers: usize) -> Self {
        Self { origin: origin.into(), duration: PerWorker::new(workers), reports: PerWorker::new(workers) }
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

    /// Counts a report of load in an answer, by whether it was used. Only the thread of `worker` may call it.
    #[inline]
    pub fn reported(&self, worker: usize, used: bool) {
        if let Some(cell) = self.reports.of(worker).and_then(|cells| cells.get(usize::from(!used))) {
            cell.add(1);
        }
    }

    /// Reports of load in answers so far that were used, or not.
    #[must_use]
    pub fn reports(&self, used: bool) -> u64 {
        self.reports.written().filter_map(|(_, cells)| cells.get(usize::from(!used))).map(Count::get).sum()
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let durations = self.duration.written().map(|(_, histogram)| histogram);
        page.histogram(&family::ORIGIN_DURATION, &[&self.origin], &Totals::from_iter(durations));
    }
}
