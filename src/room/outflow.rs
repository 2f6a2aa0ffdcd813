//! How many may be called now.

use std::time::Duration;

use crate::config::settings::AdmitRate;

/// How much room the origins behind a waiting room have.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Headroom {
    /// Shoppers a second that the origins carry to the end, by what is measured of them; of several, the least. `None` where
    /// nothing is.
    pub begin_rate: Option<f64>,
    /// Requests at once at the tightest of the origins of which that is not known; `None` is no limit.
    pub limit: Option<u32>,
    /// Requests there now.
    pub in_use: u32,
    /// Requests that wait for a seat.
    pub waiting: u32,
}

/// Tokens that accrue at the rate and are spent by those let in.
#[derive(Debug)]
pub(super) struct Outflow {
    tokens: f64,
    auto: Auto,
}

/// A pause of the ticks longer than this does not let more in afterwards.
const LONGEST_STEP: f64 = 1.0;

impl Outflow {
    pub(super) fn new() -> Self {
        // As after a quiet time: the first step keeps what a second brings.
        Self { tokens: f64::INFINITY, auto: Auto::default() }
    }

    /// Lets time pass. `spent` were let in since, `lapsed` turns were not taken and go to others. `wanted` says whether
    /// anybody waits for a turn.
    pub(super) fn step(&mut self, rate: AdmitRate, headroom: Headroom, passed: Passed) {
        let seconds = passed.time.as_secs_f64().min(LONGEST_STEP);
        self.auto.step(headroom, passed.wanted, seconds);
        let rate = self.rate(rate);
        // What a second brings may come at once, and whatever was not taken.
        let most = rate.max(1.0) + f64::from(passed.lapsed);
        self.tokens = (self.tokens - f64::from(passed.spent) + f64::from(passed.lapsed) + rate * seconds).min(most);
    }

    /// Shoppers a second; infinite where nothing but the cap bounds it.
    pub(super) fn rate(&self, rate: AdmitRate) -> f64 {
        match rate {
            AdmitRate::Fixed(rate) => rate.per_second(),
            AdmitRate::Auto => self.auto.rate(),
        }
    }

    /// How many may be let in now.
    pub(super) fn budget(&self) -> u32 {
        // A cast of what is too large, or no number, saturates.
        self.tokens.max(0.0) as u32
    }

    /// Spends what was called.
    pub(super) fn spend(&mut self, called: u32) {
        if self.tokens.is_finite() {
            self.tokens -= f64::from(called);
        }
    }
}

/// What happened since the last step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    pub(super) time: Duration,
    pub(super) spent: u32,
    pub(super) lapsed: u32,
    pub(super) wanted: bool,
}

/// The rate follows the origins: what is measured of them, and where nothing is, their seats: it grows while some are free
/// and shrinks as soon as requests wait for one.
#[derive(Debug)]
struct Auto {
    /// By what is measured; infinite where nothing is.
    measured: f64,
    /// By the seats.
    rate: f64,
    load: f64,
    queue: f64,
}

/// The load is averaged over about this, so that one slow request decides nothing.
const MEMORY: f64 = 1.0;
/// Up to here the rate grows, from there it stays, and from `FULL` on it shrinks.
const EASY: f64 = 0.70;
const FULL: f64 = 0.85;
/// Growth of the rate in a second: at an idle origin, and at one that is almost at `EASY`. Those let in ask for most only
/// later, on their way to pay, so that growth slows down long before.
const FASTEST: f64 = 1.0;
const SLOWEST: f64 = 0.05;
/// Loss of the rate in a second while seats run out, and while requests wait for one.
const EASING: f64 = 0.05;
const BRAKING: f64 = 0.30;
/// A line never stands still for want of seats, or nobody would notice that there are some again.
const LEAST: f64 = 0.2;
/// The first rate, as a share of the origin's seats a second. A seat serves many shoppers, who mostly read.
const FIRST: f64 = 1.0;

impl Default for Auto {
    fn default() -> Self {
        Self { measured: f64::INFINITY, rate: f64::INFINITY, load: 0.0, queue: 0.0 }
    }
}

impl Auto {
    fn rate(&self) -> f64 {
        self.rate.min(self.measured)
    }

    fn step(&mut self, headroom: Headroom, wanted: bool, seconds: f64) {
        // Whatever is measured, a line never stands still; a rate that is no number is none.
        let measured = headroom.begin_rate.map_or(f64::INFINITY, |rate| rate.max(LEAST));
        let Some(limit) = headroom.limit.map(|limit| f64::from(limit.max(1))) else {
            *self = Self { measured, ..Self::default() };
            return;
        };
        self.measured = measured;
        if self.rate.is_infinite() {
            self.rate = (limit * FIRST).max(1.0);
        }
        let weight = 1.0 - (-seconds / MEMORY).exp();
        self.load += weight * (f64::from(headroom.in_use) / limit - self.load);
        self.queue += weight * (f64::from(headroom.waiting) / limit - self.queue);
        let change = if self.queue > 0.02 {
            -BRAKING
        } else if self.load > FULL {
            -EASING
        } else if self.load < EASY && wanted {
            SLOWEST + (FASTEST - SLOWEST) * (1.0 - self.load / EASY).powi(2)
        } else {
            0.0
        };
        // No origin takes more newcomers a second than ten times what it does at once.
        self.rate = (self.rate * (1.0 + change * seconds)).clamp(LEAST, (limit * 10.0).max(LEAST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Rate;

    const TICK: Duration = Duration::from_millis(100);

    fn passed(spent: u32, lapsed: u32) -> Passed {
        Passed { time: TICK, spent, lapsed, wanted: true }
    }

    fn per_minute(count: u64) -> AdmitRate {
        AdmitRate::Fixed(Rate { count, per: Duration::from_secs(60) })
    }

    #[test]
    fn a_fixed_rate_is_kept_to_the_shopper() {
        let mut outflow = Outflow::new();
        let mut called = 0;
        for _ in 0..600 {
            outflow.step(per_minute(600), Headroom::default(), passed(0, 0));
            called += outflow.budget();
            outflow.spend(outflow.budget());
        }
        assert!((600..=611).contains(&called), "{called} in a minute and what came before it");
    }

    #[test]
    fn nothing_is_saved_up_while_nobody_comes() {
        let mut outflow = Outflow::new();
        (0..1_000).for_each(|_| outflow.step(per_minute(600), Headroom::default(), passed(0, 0)));
        assert_eq!(outflow.budget(), 10);
    }

    #[test]
    fn a_turn_not_taken_goes_to_the_next() {
        let mut outflow = Outflow::new();
        (0..1_000).for_each(|_| outflow.step(per_minute(600), Headroom::default(), passed(0, 0)));
        outflow.spend(10);
        outflow.step(per_minute(600), Headroom::default(), passed(0, 7));
        assert_eq!(outflow.budget(), 8);
    }

    #[test]
    fn newcomers_let_in_directly_count() {
        let mut outflow = Outflow::new();
        outflow.step(per_minute(600), Headroom::default(), passed(0, 0));
        outflow.step(per_minute(600), Headroom::default(), passed(11, 0));
        assert_eq!(outflow.budget(), 0);
    }

    #[test]
    fn without_a_limit_only_the_cap_bounds_it() {
        let mut outflow = Outflow::new();
        outflow.step(AdmitRate::Auto, Headroom::default(), passed(1_000, 0));
        assert_eq!(outflow.budget(), u32::MAX);
        outflow.spend(1_000);
        assert_eq!(outflow.budget(), u32::MAX);
    }

    #[test]
    fn auto_follows_the_seats() {
        let mut outflow = Outflow::new();
        let mut after = |in_use, waiting, seconds: u32| {
            let headroom = Headroom { limit: Some(100), in_use, waiting, begin_rate: None };
            (0..seconds * 10).for_each(|_| outflow.step(AdmitRate::Auto, headroom, passed(0, 0)));
            outflow.rate(AdmitRate::Auto)
        };
        let first = after(50, 0, 1);
        assert!((100.0..220.0).contains(&first), "{first}");
        let grown = after(50, 0, 10);
        assert!((first..900.0).contains(&grown), "{grown}");
        let steady = after(78, 0, 20);
        assert!((0.7..1.5).contains(&(steady / grown)), "{grown} then {steady}");
        let braked = after(100, 50, 10);
        assert!(braked < steady / 10.0, "{steady} then {braked}");
        assert!(after(100, 50, 600) >= LEAST, "the line never stands still");
    }

    #[test]
    fn what_is_measured_is_followed_at_once() {
        let mut outflow = Outflow::new();
        let mut after = |begin_rate, limit| {
            outflow.step(AdmitRate::Auto, Headroom { begin_rate, limit, ..Headroom::default() }, passed(0, 0));
            outflow.rate(AdmitRate::Auto)
        };
        assert_eq!(after(Some(12.5), None), 12.5);
        assert_eq!(after(Some(400.0), None), 400.0);
        assert_eq!(after(Some(0.0), None), LEAST);
        assert_eq!(after(Some(f64::NAN), None), LEAST);
        assert_eq!(after(None, None), f64::INFINITY);
        assert_eq!(after(Some(5.0), Some(100)), 5.0);
        let by_seats = after(None, Some(100));
        assert!((100.0..200.0).contains(&by_seats), "{by_seats}");
        assert!(after(Some(1e6), Some(100)) < 1e4, "seats bound what nothing is measured of");
    }

    #[test]
    fn shoppers_are_let_in_as_measured() {
        let mut outflow = Outflow::new();
        let headroom = Headroom { begin_rate: Some(10.0), ..Headroom::default() };
        let mut called = 0;
        for _ in 0..600 {
            outflow.step(AdmitRate::Auto, headroom, passed(0, 0));
            called += outflow.budget();
            outflow.spend(outflow.budget());
        }
        assert!((600..=611).contains(&called), "{called} in a minute and what came before it");
    }
}
