//! Additive increase, multiplicative decrease: one more as long as all is well, a tenth less when it is not.

use spillway::overload::{Bounds, Directive, Governor, Window};

use super::{any_failed, is_used, just, latency};

/// See the module.
#[derive(Debug)]
pub(crate) struct Aimd {
    bounds: Bounds,
    limit: f64,
    /// The lowest mean latency of a window, in seconds.
    lowest: f64,
}

const FIRST: f64 = 10.0;
const DECREASE: f64 = 0.9;
/// Latencies below this many times the lowest are well.
const TOLERANCE: f64 = 2.0;

impl Aimd {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let limit = FIRST.clamp(f64::from(bounds.min), f64::from(bounds.max));
        Self { bounds, limit, lowest: f64::INFINITY }
    }
}

impl Governor for Aimd {
    fn tick(&mut self, window: &Window<'_>) -> Directive {
        let latency = latency(window);
        self.lowest = latency.map_or(self.lowest, |latency| self.lowest.min(latency));
        let slow = latency.is_some_and(|latency| latency >= TOLERANCE * self.lowest);
        if slow || any_failed(window) {
            self.limit *= DECREASE;
        } else if is_used(window, self.limit) {
            self.limit += 1.0;
        }
        self.limit = self.limit.clamp(f64::from(self.bounds.min), f64::from(self.bounds.max));
        just(self.limit as u32)
    }

    fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }
}
