//! What is counted per class over all routes.

use std::time::Duration;

use super::family;
use super::histogram::{Histogram, Totals};
use super::page::Page;
use super::per_worker::PerWorker;

/// One class.
#[derive(Debug)]
pub struct ClassMetrics {
    class: Box<str>,
    seat_wait: PerWorker<Histogram>,
}

impl ClassMetrics {
    pub(super) fn new(class: &str, workers: usize) -> Self {
        Self { class: class.into(), seat_wait: PerWorker::new(workers) }
    }

    /// Counts how long a request waited for a seat, whether or not it got one; zero when it got one at once.
    /// Only the thread of `worker` may call it.
    #[inline]
    pub fn seat_wait(&self, worker: usize, waited: Duration) {
        if let Some(histogram) = self.seat_wait.of(worker) {
            histogram.record(waited);
        }
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let waits = self.seat_wait.written().map(|(_, histogram)| histogram);
        page.histogram(&family::SEAT_WAIT, &[&self.class], &Totals::from_iter(waits));
    }
}
