//! Whether workers keep up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Nanos;

use super::family;
use super::histogram::{Histogram, Totals};
use super::page::Page;
use super::per_worker::PerWorker;

/// What the workers say of themselves.
#[derive(Debug)]
pub(super) struct Pulse(PerWorker<Worker>);

#[derive(Debug, Default)]
struct Worker {
    delay: Histogram,
    /// Bits of an `f64`.
    busy: AtomicU64,
}

impl Pulse {
    pub(super) fn new(workers: usize) -> Self {
        Self(PerWorker::new(workers))
    }

    /// How busy the busiest worker was over its last interval, 0.0 – 1.0; `None` before the first.
    pub(super) fn busiest(&self) -> Option<f64> {
        let busy = self.0.written().map(|(_, worker)| f64::from_bits(worker.busy.load(Ordering::Relaxed)));
        busy.reduce(f64::max)
    }

    pub(super) fn collect(&self, page: &mut Page) {
        for (index, worker) in self.0.written() {
            let totals = Totals::from_iter([&worker.delay]);
            page.histogram(&family::POLL_DELAY, &[&index.to_string()], &totals);
        }
    }
}

/// Measures how late a worker comes to what is due. A task of the worker sleeps for [`WorkerProbe::INTERVAL`] and calls
/// [`WorkerProbe::fired`], for ever. Timers that count in whole milliseconds make an idle worker about one late.
#[derive(Debug)]
pub struct WorkerProbe {
    pulse: Arc<Pulse>,
    worker: usize,
    /// When it last fired.
    since: Nanos,
    busy: Duration,
}

impl WorkerProbe {
    /// Time between two measurements: ten a second find any stall that a shopper would notice and cost nothing.
    pub const INTERVAL: Duration = Duration::from_millis(100);

    pub(super) fn new(pulse: Arc<Pulse>, worker: usize, now: Nanos) -> Self {
        Self { pulse, worker, since: now, busy: Duration::ZERO }
    }

    /// The sleep is over and it is `now`; `busy` is the time the worker has spent working since it began, as tokio's
    /// `worker_total_busy_duration` tells. Answers how late it was. Only the thread of the worker may call it.
    pub fn fired(&mut self, now: Nanos, busy: Duration) -> Duration {
        let interval = Duration::from_nanos(now.saturating_sub(self.since).max(1));
        let late = interval.saturating_sub(Self::INTERVAL);
        let share = busy.saturating_sub(self.busy).as_secs_f64() / interval.as_secs_f64();
        if let Some(worker) = self.pulse.0.of(self.worker) {
            worker.delay.record(late);
            worker.busy.store(share.min(1.0).to_bits(), Ordering::Relaxed);
        }
        self.since = now;
        self.busy = busy;
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    #[test]
    fn lateness_and_busy_share_are_of_the_last_interval() {
        let pulse = Arc::new(Pulse::new(1));
        let mut probe = WorkerProbe::new(Arc::clone(&pulse), 0, 1_000 * MS);
        assert_eq!(probe.fired(1_125 * MS, Duration::from_millis(125)), Duration::from_millis(25));
        assert_eq!(pulse.busiest(), Some(1.0));
        probe.fired(1_225 * MS, Duration::from_millis(150));
        assert_eq!(pulse.busiest(), Some(0.25));
        let (_, worker) = pulse.0.written().next().unwrap();
        let totals = Totals::from_iter([&worker.delay]);
        assert_eq!((totals.count(), totals.sum), (2, 25 * MS));
    }
}
