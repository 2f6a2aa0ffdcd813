//! How long a route takes when its origin is at rest.

use super::Seconds;
use super::reading::Sums;

/// What is known of one route at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Baseline {
    /// Mean latency.
    pub(super) latency: Seconds,
    /// Samples it rests on, up to [`WEIGHTIEST`].
    weight: f64,
    /// Variance of single latencies, relative to their mean squared.
    scatter: f64,
    /// Where it may rise from: see [`RISE`].
    anchor: Seconds,
    anchored: Seconds,
    /// Share of the route's requests that fail even at rest.
    pub(super) failures: f64,
}

/// Samples after which it moves no slower.
const WEIGHTIEST: f64 = 1000.0;
/// It rises at most this much in [`RISE_IN`] seconds: hours of trouble must not become normal.
const RISE: f64 = 1.1;
const RISE_IN: Seconds = 60.0;
/// What a batch of lower latencies moves it: whatever goes faster than at rest was no rest.
const FALL: f64 = 0.5;
/// A route of several kinds of pages is faster for a while when more of the cheap ones are asked for. Only what is faster by
/// more than this is no mix.
const LOWER: f64 = 1.25;
/// What the mix of a route may do to its mean, as a share of how much its latencies scatter.
const MIX: f64 = 0.3;
/// Standard errors that a batch must be below it. There are many batches, and each that is low by chance would count.
const SURE: f64 = 4.0;

impl Baseline {
    /// Samples that a first guess rests on.
    pub(super) const LEAST: f64 = 8.0;
    /// Samples of a batch.
    pub(super) const BATCH: f64 = 40.0;

    /// A first guess: what `sums` would have been with an origin `ratio` times as fast.
    pub(super) fn guess(sums: &Sums, ratio: f64, now: Seconds) -> Option<Self> {
        let latency = sums.mean()? / ratio.max(1.0);
        let weight = sums.count.min(WEIGHTIEST);
        let scatter = sums.relative_variance();
        Some(Self { latency, weight, scatter, anchor: latency, anchored: now, failures: 0.0 })
    }

    /// What an earlier process has learnt.
    pub(super) fn known(latency: Seconds, now: Seconds) -> Self {
        Self { latency, weight: Self::BATCH, scatter: 0.0, anchor: latency, anchored: now, failures: 0.0 }
    }

    /// Learns from a batch of latencies at rest.
    pub(super) fn rest(&mut self, sums: &Sums, now: Seconds) {
        let Some(mean) = sums.mean() else { return };
        self.weight = (self.weight + sums.count).min(WEIGHTIEST);
        let share = (sums.count / self.weight).min(1.0);
        self.latency += (mean - self.latency) * share;
        self.scatter += (sums.relative_variance() - self.scatter) * share;
        if now - self.anchored > RISE_IN || self.latency < self.anchor {
            (self.anchor, self.anchored) = (self.latency.min(self.anchor * RISE), now);
        }
        self.latency = self.latency.min(self.anchor * RISE);
    }

    /// Looks at a batch of latencies at any time.
    pub(super) fn any(&mut self, sums: &Sums) {
        if let Some(mean) = sums.mean().filter(|mean| LOWER * mean + SURE * sums.error() < self.latency) {
            self.latency += (mean - self.latency) * FALL;
            self.anchor = self.anchor.min(self.latency);
        }
    }

    /// Standard error of the latency, relative to it: of its samples, and of the mix of pages that they were of.
    pub(super) fn error(&self) -> f64 {
        (self.scatter / self.weight.max(1.0)).sqrt().hypot(MIX * self.scatter.sqrt())
    }

    /// Learns the share of failures, `weight` being how much this batch counts (at most 1).
    pub(super) fn routine_failures(&mut self, share: f64, weight: f64) {
        self.failures += (share - self.failures) * weight.min(1.0);
    }
}
