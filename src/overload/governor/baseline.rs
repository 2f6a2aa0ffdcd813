//! How long a route takes when its origin is at rest.

use super::Seconds;

/// What is known of one route at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Baseline {
    /// Mean latency.
    pub(super) latency: Seconds,
    /// Samples it rests on, up to [`WEIGHTIEST`].
    weight: f64,
    /// Where it may rise from: see [`RISE`].
    anchor: Seconds,
    anchored: Seconds,
    /// Share of the route's requests that fail even at rest.
    pub(super) failures: f64,
}

/// Samples after which it moves no slower.
const WEIGHTIEST: f64 = 200.0;
/// It rises at most this much in [`RISE_IN`] seconds: hours of trouble must not become normal.
const RISE: f64 = 1.1;
const RISE_IN: Seconds = 60.0;
/// What a page of lower latencies moves it: whatever goes faster than at rest was no rest.
const FALL: f64 = 0.3;

impl Baseline {
    /// Samples that a first guess rests on.
    pub(super) const LEAST: f64 = 5.0;

    /// A first guess.
    pub(super) fn new(latency: Seconds, samples: f64, now: Seconds) -> Self {
        Self { latency, weight: samples.min(WEIGHTIEST), anchor: latency, anchored: now, failures: 0.0 }
    }

    /// Learns from `samples` latencies with a mean and its standard error.
    pub(super) fn learn(&mut self, mean: Seconds, error: Seconds, samples: f64, at_rest: bool, now: Seconds) {
        if at_rest {
            self.weight = (self.weight + samples).min(WEIGHTIEST);
            self.latency += (mean - self.latency) * (samples / self.weight).min(1.0);
        } else if samples >= Self::LEAST && mean + 3.0 * error < self.latency {
            self.latency += (mean - self.latency) * FALL;
        }
        if now - self.anchored > RISE_IN || self.latency < self.anchor {
            (self.anchor, self.anchored) = (self.latency.min(self.anchor * RISE), now);
        }
        self.latency = self.latency.min(self.anchor * RISE);
    }

    /// Learns the share of failures, `weight` being how much this page counts (at most 1).
    pub(super) fn routine_failures(&mut self, share: f64, weight: f64) {
        self.failures += (share - self.failures) * weight.min(1.0);
    }
}
