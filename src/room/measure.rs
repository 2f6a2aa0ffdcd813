//! What a room has learned of itself: how fast it calls, how many give up, how long a stay is, how promises turned out.

use super::estimate::Outlook;

/// Rates are averaged over about this many seconds.
const MEMORY: f64 = 20.0;
/// Patience changes slowly and is seen rarely.
const LONG_MEMORY: f64 = 120.0;
/// What is configured counts like this many seconds of measurement.
const PRIOR: f64 = 3.0;
/// How fast the late estimate follows how promises turned out.
const STEP: f64 = 0.02;
/// The share of waits that are to end before the late estimate.
const KEPT: f64 = 0.9;
/// Shorter waits say nothing: they are mostly the time until a page asks.
const SHORTEST_PROMISE: u32 = 5;
const SPREAD: std::ops::RangeInclusive<f64> = 1.1..=5.0;

/// See the module.
#[derive(Debug)]
pub(super) struct Measure {
    called: Mean,
    ended: Mean,
    inside: Mean,
    left: Mean,
    waited: Mean,
    spread: f64,
}

/// What happened in one step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Step {
    pub(super) seconds: f64,
    /// Whether more waited than could be called.
    pub(super) wanted: bool,
    pub(super) called: u32,
    pub(super) left: u32,
    pub(super) waiting: u32,
    pub(super) ended: u32,
    pub(super) inside: u32,
}

/// A sum that forgets, with the time it stands for.
#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    time: f64,
}

impl Mean {
    fn add(&mut self, amount: f64, seconds: f64, memory: f64) {
        let kept = (-seconds / memory).exp();
        self.sum = self.sum * kept + amount;
        self.time = self.time * kept + seconds;
    }

    /// Per second, with `prior` counting for `weight` seconds.
    fn rate(&self, prior: f64, weight: f64) -> f64 {
        (self.sum + prior * weight) / (self.time + weight)
    }
}

impl Measure {
    pub(super) fn new() -> Self {
        let mean = Mean::default;
        Self { called: mean(), ended: mean(), inside: mean(), left: mean(), waited: mean(), spread: 1.5 }
    }

    pub(super) fn step(&mut self, step: Step) {
        let seconds = step.seconds;
        if step.wanted {
            self.called.add(f64::from(step.called), seconds, MEMORY);
        }
        self.ended.add(f64::from(step.ended), seconds, LONG_MEMORY);
        self.inside.add(f64::from(step.inside) * seconds, seconds, LONG_MEMORY);
        if step.waiting > 0 {
            self.left.add(f64::from(step.left), seconds, LONG_MEMORY);
            self.waited.add(f64::from(step.waiting) * seconds, seconds, LONG_MEMORY);
        }
    }

    /// A wait has ended that was promised to be `likely` seconds long. The spread goes to where [`KEPT`] of the waits are
    /// shorter (a quantile found by stochastic approximation: Robbins and Monro, 1951).
    pub(super) fn kept(&mut self, likely: u32, waited: u32) {
        if likely < SHORTEST_PROMISE {
            return;
        }
        let longer = f64::from(waited) > f64::from(likely) * self.spread;
        let change = if longer { KEPT } else { KEPT - 1.0 };
        self.spread = (self.spread * (STEP * change).exp()).clamp(*SPREAD.start(), *SPREAD.end());
    }

    /// Forgets how fast it called: that was under another rate.
    pub(super) fn rate_changed(&mut self) {
        self.called = Mean::default();
    }

    /// The outlook where `rate` shoppers a second may be called and `cap` may be inside.
    pub(super) fn outlook(&self, rate: f64, cap: u32, by_lot: bool) -> Outlook {
        let bound = self.bound(rate, cap);
        let service = if self.called.time >= PRIOR {
            let measured = self.called.rate(0.0, 0.0);
            if bound.is_finite() { self.called.rate(bound, PRIOR).min(bound.max(measured)) } else { measured }
        } else if bound.is_finite() {
            bound
        } else {
            0.0
        };
        self.with_service(service, by_lot)
    }

    /// The outlook there would be under another rate and cap.
    pub(super) fn forecast(&self, rate: f64, cap: u32, by_lot: bool) -> Outlook {
        let bound = self.bound(rate, cap);
        // Without a bound that is known, what is seen now is the best guess.
        let service = if bound.is_finite() || self.called.time <= 0.0 { bound } else { self.called.rate(0.0, 0.0) };
        self.with_service(if service.is_finite() { service } else { 0.0 }, by_lot)
    }

    /// What the rate and the cap allow: by Little's law places come free at the cap over the mean stay.
    fn bound(&self, rate: f64, cap: u32) -> f64 {
        let stay = if self.ended.sum > 0.5 { self.inside.sum / self.ended.sum } else { 0.0 };
        if stay > 0.0 { rate.min(f64::from(cap) / stay) } else { rate }
    }

    fn with_service(&self, service: f64, by_lot: bool) -> Outlook {
        let leaving = if self.waited.sum > 0.0 { self.left.sum / self.waited.sum } else { 0.0 };
        Outlook { service, leaving, spread: self.spread, by_lot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u32, step: Step) -> Measure {
        let mut measure = Measure::new();
        (0..seconds * 10).for_each(|_| measure.step(Step { seconds: 0.1, ..step }));
        measure
    }

    #[test]
    fn before_anything_is_measured_the_configured_rate_is_believed() {
        assert_eq!(Measure::new().outlook(10.0, 100, false).service, 10.0);
        assert_eq!(Measure::new().outlook(f64::INFINITY, 100, false).service, 0.0, "unknown");
    }

    #[test]
    fn what_is_measured_counts_for_more() {
        let step = Step { wanted: true, called: 1, waiting: 100, left: 1, ended: 0, inside: 50, ..Step::default() };
        let outlook = after(60, step).outlook(20.0, 1_000, false);
        assert!((10.0..11.5).contains(&outlook.service), "{outlook:?}");
        assert!((0.09..0.11).contains(&outlook.leaving), "ten of a hundred leave in a second: {outlook:?}");
        assert!((9.9..10.1).contains(&after(60, step).outlook(f64::INFINITY, 1_000, false).service));
    }

    #[test]
    fn a_change_is_foreseen_within_what_the_stays_allow() {
        // A hundred inside, of whom one leaves in 100 ms: a stay is ten seconds long.
        let step = Step { wanted: true, called: 1, waiting: 100, ended: 1, inside: 100, ..Step::default() };
        let measure = after(60, step);
        assert!((measure.forecast(5.0, 100, false).service - 5.0).abs() < 1e-9);
        assert!((measure.forecast(1_000.0, 100, false).service - 10.0).abs() < 0.1);
        assert!((measure.forecast(1_000.0, 300, false).service - 30.0).abs() < 0.3);
    }

    #[test]
    fn nine_of_ten_waits_come_to_end_before_the_late_estimate() {
        let mut measure = Measure::new();
        // Waits spread evenly over 0 to 40 seconds where 20 were promised: nine of ten end within 36.
        (0..20_000u32).for_each(|n| measure.kept(20, n.wrapping_mul(2_654_435_761) % 41));
        assert!((1.7..1.9).contains(&measure.spread), "{}", measure.spread);
    }
}
