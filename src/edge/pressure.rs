//! How saturated the proxy itself is, as workers and the control thread tell each other.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::worker::Worker;
use crate::clock;
use crate::overload::saturation::{Judge, Lateness, Level, Scale};
use crate::telemetry::metrics::WorkerProbe;

/// Told by the control thread to all workers, and by each worker of itself.
#[derive(Debug)]
pub struct Pressure {
    level: AtomicU8,
    /// Client connections that descriptors suffice for.
    bound: AtomicUsize,
    /// Refused connections that may be listened to until their clients close them.
    lingers: AtomicUsize,
    lingering: AtomicUsize,
    workers: Box<[WorkerPressure]>,
    readings: ArcSwap<Vec<Reading>>,
}

#[derive(Debug, Default)]
struct WorkerPressure {
    /// Bits of an `f64`.
    delay: AtomicU64,
    level: AtomicU8,
}

/// A resource as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The word of log, status and metrics.
    pub resource: &'static str,
    /// How much is in use: connections, descriptors, bytes, or seconds of delay.
    pub used: f64,
    /// How much there is; `None` where there is no bound.
    pub limit: Option<f64>,
    /// What is refused for its sake.
    pub level: Level,
}

impl Pressure {
    /// None, with as many connections as are asked for.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            level: AtomicU8::new(0),
            bound: AtomicUsize::new(usize::MAX),
            lingers: AtomicUsize::new(64),
            lingering: AtomicUsize::new(0),
            workers: (0..workers).map(|_| WorkerPressure::default()).collect(),
            readings: ArcSwap::default(),
        }
    }

    /// Sets the least level of every worker.
    pub fn set_level(&self, level: Level) {
        self.level.store(level.number(), Relaxed);
    }

    /// Sets how many client connections there may be, and of those refused how many may be listened to for a moment.
    pub fn set_connections(&self, bound: usize, lingers: usize) {
        self.bound.store(bound, Relaxed);
        self.lingers.store(lingers, Relaxed);
    }

    /// How many client connections there may be for the sake of descriptors.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.bound.load(Relaxed)
    }

    /// Refused connections that are still open.
    #[must_use]
    pub fn lingering(&self) -> usize {
        self.lingering.load(Relaxed)
    }

    /// Smoothed delay in seconds, and level, of each worker.
    pub fn workers(&self) -> impl Iterator<Item = (f64, Level)> {
        let read = |worker: &WorkerPressure| {
            (f64::from_bits(worker.delay.load(Relaxed)), Level::of(worker.level.load(Relaxed)))
        };
        self.workers.iter().map(read)
    }

    /// Tells what is shown to operators.
    pub fn set_readings(&self, readings: Vec<Reading>) {
        self.readings.store(Arc::new(readings));
    }

    /// Every resource as it was last seen.
    #[must_use]
    pub fn readings(&self) -> Arc<Vec<Reading>> {
        self.readings.load_full()
    }

    /// A place for a refused connection that is listened to, if there is one left.
    pub(super) fn linger(&self) -> Option<Lingers<'_>> {
        let most = self.lingers.load(Relaxed);
        let counted = self.lingering.fetch_update(Relaxed, Relaxed, |now| (now < most).then_some(now + 1));
        counted.ok().map(|_| Lingers(self))
    }

    fn worker_is(&self, index: usize, delay: f64, level: Level) {
        if let Some(worker) = self.workers.get(index) {
            worker.delay.store(delay.to_bits(), Relaxed);
            worker.level.store(level.number(), Relaxed);
        }
    }
}

/// A place held until it is dropped.
#[derive(Debug)]
pub(super) struct Lingers<'a>(&'a Pressure);

impl Drop for Lingers<'_> {
    fn drop(&mut self) {
        self.0.lingering.fetch_sub(1, Relaxed);
    }
}

/// Ten times a second, for ever: measures how late timers fire, which is what a request waits for the worker itself, and
/// has the worker act on that and on what it is told.
pub(super) async fn follow(worker: Rc<Worker>) {
    let pressure = worker.pressure();
    let mut probe = worker.pin().metrics.worker_probe(worker.index(), clock::now());
    let (mut lateness, mut judge) = (Lateness::default(), Judge::new(Scale::POLL_DELAY));
    loop {
        tokio::time::sleep(WorkerProbe::INTERVAL).await;
        let now = clock::now();
        let delay = lateness.measured(probe.fired(now, thread_cpu()));
        let own = judge.judge(delay, now);
        pressure.worker_is(worker.index(), delay, own);
        worker.set_level(own.max(Level::of(pressure.level.load(Relaxed))));
        worker.crowd().thin_out(&worker);
    }
}

fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}
