//! Gradient2 of Netflix's concurrency-limits: the limit follows the latency of now against its long-term mean.

use spillway::overload::{Bounds, Directive, Governor, Window};

use super::{is_used, just, latency};

/// See the module.
#[derive(Debug)]
pub(crate) struct Gradient2 {
    bounds: Bounds,
    limit: f64,
    /// Long-term mean latency, in seconds, and windows that it rests on.
    long: f64,
    windows: u32,
}

/// Where it begins, as there.
const FIRST: f64 = 20.0;
/// Windows that the long-term mean covers.
const LONG: f64 = 600.0;
/// The first windows are averaged plainly.
const WARM_UP: u32 = 10;
/// Latencies this many times the long-term mean are still no reason to shrink.
const TOLERANCE: f64 = 1.5;
/// Requests that may queue.
const QUEUE: f64 = 4.0;
/// How much of the new limit is taken over at once.
const SMOOTHING: f64 = 0.2;

impl Gradient2 {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, limit: FIRST, long: 0.0, windows: 0 }.within_bounds()
    }

    fn within_bounds(mut self) -> Self {
        self.limit = self.limit.clamp(f64::from(self.bounds.min), f64::from(self.bounds.max));
        self
    }

    fn learn(&mut self, short: f64, window: &Window<'_>) {
        self.windows = self.windows.saturating_add(1);
        let weight = if self.windows <= WARM_UP { 1.0 / f64::from(self.windows) } else { 2.0 / (LONG + 1.0) };
        self.long += weight * (short - self.long);
        if !is_used(window, self.limit) {
            return;
        }
        let gradient = (TOLERANCE * self.long / short.max(1e-9)).clamp(0.5, 1.0);
        let limit = (1.0 - SMOOTHING) * self.limit + SMOOTHING * (self.limit * gradient + QUEUE);
        self.limit = limit.clamp(f64::from(self.bounds.min), f64::from(self.bounds.max));
    }
}

impl Governor for Gradient2 {
    fn tick(&mut self, window: &Window<'_>) -> Directive {
        if let Some(short) = latency(window) {
            self.learn(short, window);
        }
        just(self.limit as u32)
    }

    fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }
}
