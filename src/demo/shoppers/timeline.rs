//! When shoppers arrive.

use std::time::Duration;

use crate::demo::page::Page;

/// A time during which shoppers arrive at one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// How long.
    pub lasts: Duration,
    /// Shoppers a second, on average.
    pub rate: f64,
    /// Share of them (0.0 – 1.0) who come to buy; the others only look around.
    pub buyers: f64,
}

/// What a shopper comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// To buy something.
    Buy,
    /// To see what there is.
    Look,
}

impl Errand {
    /// The database's work for all of it.
    #[must_use]
    pub fn work(self) -> Duration {
        match self {
            Self::Buy => Page::ALL.iter().map(|page| page.work()).sum(),
            Self::Look => {
                let product = Page::Product.work() + Page::Recommendations.work();
                Page::Home.work() + Page::Search.work() + 2 * product
            }
        }
    }

    /// Of it, work under the lock of the hot product for whoever wants that one.
    #[must_use]
    pub fn hot_work(self) -> Duration {
        match self {
            Self::Buy => Page::Product.work() + Page::ChangeCart.work(),
            Self::Look => Page::Product.work(),
        }
    }
}

/// Somebody who arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// When, since the beginning.
    pub at: Duration,
    /// What for.
    pub errand: Errand,
}

/// Stretches one after the other, from the beginning again after the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    stretches: Vec<Stretch>,
}

impl Timeline {
    /// Goes through `stretches` again and again.
    #[must_use]
    pub fn new(stretches: Vec<Stretch>) -> Self {
        Self { stretches }
    }

    /// `rate` shoppers a second who come to buy, for ever.
    #[must_use]
    pub fn steady(rate: f64) -> Self {
        Self::new(vec![Stretch { lasts: Duration::MAX, rate, buyers: 1.0 }])
    }

    /// Shoppers a second, `elapsed` after the beginning.
    #[must_use]
    pub fn rate_at(&self, elapsed: Duration) -> f64 {
        self.stretch_at(elapsed).map_or(0.0, |stretch| stretch.rate)
    }

    /// The stretch in force `elapsed` after the beginning.
    #[must_use]
    pub fn stretch_at(&self, elapsed: Duration) -> Option<&Stretch> {
        let round = self.stretches.iter().fold(Duration::ZERO, |sum, stretch| sum.saturating_add(stretch.lasts));
        let mut left = elapsed.as_nanos().checked_rem(round.as_nanos())?;
        self.stretches.iter().find(|stretch| match left.checked_sub(stretch.lasts.as_nanos()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
    }

    fn highest_rate(&self) -> f64 {
        self.stretches.iter().map(|stretch| stretch.rate).fold(0.0, f64::max)
    }
}

/// Who arrives when: a Poisson process whose rate follows a [`Timeline`].
#[derive(Debug)]
pub struct Arrivals {
    timeline: Timeline,
    dice: fastrand::Rng,
    elapsed: f64,
}

impl Arrivals {
    /// Arrivals along `timeline` as `dice` have it.
    #[must_use]
    pub fn new(timeline: Timeline, dice: fastrand::Rng) -> Self {
        Self { timeline, dice, elapsed: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    /// Thinning: candidates at the highest rate, each kept with the odds of the rate at its time.
    fn next(&mut self) -> Option<Arrival> {
        let highest = self.timeline.highest_rate();
        if highest <= 0.0 {
            return None;
        }
        loop {
            self.elapsed += exponential(&mut self.dice) / highest;
            let at = Duration::try_from_secs_f64(self.elapsed).ok()?;
            let (rate, buyers) = self.timeline.stretch_at(at).map(|stretch| (stretch.rate, stretch.buyers))?;
            if self.dice.f64() * highest < rate {
                let errand = if self.dice.f64() < buyers { Errand::Buy } else { Errand::Look };
                return Some(Arrival { at, errand });
            }
        }
    }
}

/// Exponentially distributed, with mean 1.
pub(super) fn exponential(dice: &mut fastrand::Rng) -> f64 {
    -(1.0 - dice.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surge() -> Timeline {
        Timeline::new(vec![
            Stretch { lasts: Duration::from_secs(10), rate: 50.0, buyers: 1.0 },
            Stretch { lasts: Duration::from_secs(20), rate: 500.0, buyers: 0.25 },
        ])
    }

    #[test]
    fn the_timeline_starts_over() {
        let rates = [0, 9, 10, 29, 30, 39, 40].map(|second| surge().rate_at(Duration::from_secs(second)));
        assert_eq!(rates, [50.0, 50.0, 500.0, 500.0, 50.0, 50.0, 500.0]);
        assert_eq!(Timeline::steady(7.0).rate_at(Duration::from_secs(1_000_000)), 7.0);
    }

    #[test]
    fn arrivals_come_at_the_rate_of_their_time() {
        let arrivals: Vec<Arrival> = Arrivals::new(surge(), fastrand::Rng::with_seed(7))
            .take_while(|arrival| arrival.at < Duration::from_secs(30))
            .collect();
        let calm = arrivals.iter().filter(|arrival| arrival.at.as_secs() < 10).count();
        // Five standard deviations around 500 and 10,000.
        assert!((390..=610).contains(&calm), "{calm}");
        assert!((9_500..=10_500).contains(&(arrivals.len() - calm)), "{}", arrivals.len() - calm);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        let buyers = |arrivals: &[Arrival]| arrivals.iter().filter(|arrival| arrival.errand == Errand::Buy).count();
        assert_eq!(buyers(&arrivals[..calm]), calm);
        assert!((2_250..=2_750).contains(&buyers(&arrivals[calm..])));
    }

    #[test]
    fn nobody_comes_where_nobody_is_expected() {
        assert_eq!(Arrivals::new(Timeline::steady(0.0), fastrand::Rng::with_seed(7)).next(), None);
        assert_eq!(Arrivals::new(Timeline::new(Vec::new()), fastrand::Rng::with_seed(7)).next(), None);
    }
}
