//! What was seen of one run, tick by tick.

use std::time::Duration;

use spillway::overload::{Cause, QueueCounts, State};

/// A tenth of a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tick {
    pub(crate) at: Duration,
    pub(crate) arrived: u64,
    pub(crate) begun: u64,
    pub(crate) finished: u64,
    pub(crate) gave_up: u64,
    /// Visits that were begun and given up.
    pub(crate) cut: u64,
    pub(crate) turned_away: u64,
    pub(crate) left: u64,
    pub(crate) offered: [u64; 4],
    pub(crate) served: [u64; 4],
    pub(crate) refused: [u64; 4],
    /// Seconds of work of pages that were served in time, by class.
    pub(crate) work: [f64; 4],
    pub(crate) latencies: Vec<f64>,
    pub(crate) limit: u32,
    pub(crate) in_use: u32,
    pub(crate) jobs: usize,
    pub(crate) state: Option<State>,
    pub(crate) cause: Option<Cause>,
    pub(crate) begin_rate: f64,
    pub(crate) may_begin: f64,
    pub(crate) active: u32,
    pub(crate) queue: QueueCounts,
    /// The best number at once, and the work that was possible each second.
    pub(crate) optimum: f64,
    pub(crate) possible: f64,
}

/// A run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) ticks: Vec<Tick>,
}

impl Record {
    pub(crate) fn between(&self, from: f64, to: f64) -> impl Iterator<Item = &Tick> {
        self.ticks.iter().filter(move |tick| (from..to).contains(&(tick.at.as_secs_f64() - 1e-6)))
    }

    /// Work of pages served in time, a second.
    pub(crate) fn goodput(&self, from: f64, to: f64) -> f64 {
        self.between(from, to).map(|tick| tick.work.iter().sum::<f64>()).sum::<f64>() / (to - from)
    }

    /// The same as a share of what was possible.
    pub(crate) fn share(&self, from: f64, to: f64) -> f64 {
        let possible: f64 = self.between(from, to).map(|tick| tick.possible).sum::<f64>() / 10.0;
        self.goodput(from, to) * (to - from) / possible
    }

    pub(crate) fn sum(&self, from: f64, to: f64, of: impl Fn(&Tick) -> u64) -> u64 {
        self.between(from, to).map(of).sum()
    }
}
