//! What is played: who comes, how they behave, and what befalls the origin.

use spillway::clock::Nanos;
use spillway::demo::database::Parameters;
use spillway::demo::station::{Model, Trouble};
use spillway::overload::Bounds;

use super::shopper::Habits;

/// Shoppers a second that keep a healthy database of the usual size fully busy: 40 at once, 800 ms for a visit.
pub(crate) const FULL: f64 = 40.0 / 0.8;

/// One second.
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// One run, but for the governor and the seed.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) lasting: Nanos,
    pub(crate) model: Model,
    /// What the origin can do at first.
    pub(crate) parameters: Parameters,
    pub(crate) bounds: Bounds,
    /// Shoppers a second, from each time on.
    pub(crate) arrivals: Vec<(Nanos, f64)>,
    /// From each time on.
    pub(crate) habits: Vec<(Nanos, Habits)>,
    pub(crate) troubles: Vec<(Nanos, Trouble)>,
    /// Whether pages of one kind differ in their work: exponentially distributed about the usual.
    pub(crate) scattered: bool,
}

impl Play {
    /// Shoppers a second.
    pub(crate) fn arrivals(&self, now: Nanos) -> f64 {
        current(&self.arrivals, now).unwrap_or(0.0)
    }

    pub(crate) fn habits(&self, now: Nanos) -> Habits {
        current(&self.habits, now).unwrap_or(Habits::USUAL)
    }
}

/// The value of the latest step.
fn current<T: Copy>(steps: &[(Nanos, T)], now: Nanos) -> Option<T> {
    steps.iter().rev().find(|(from, _)| *from <= now).map(|(_, value)| *value)
}

/// A time given in seconds.
pub(crate) fn at(seconds: f64) -> Nanos {
    (seconds * SECOND as f64) as Nanos
}
