//! How long a wait will be.
//!
//! The line is a fluid that is served at `service` places a second and leaks: each of those waiting gives up at the rate
//! `leaving`. The rank `r` of a shopper shrinks by `dr/dt = -service - leaving * r`, so that the turn comes after
//! `ln(1 + leaving * r / service) / leaving` (the fluid limit of a queue with abandonment: Garnett, Mandelbaum and Reiman,
//! "Designing a Call Center with Impatient Customers", 2002). What neither rate foresees is in `spread`, which is learned from
//! how past promises turned out.

use super::view::Estimate;

/// What estimates are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlook {
    /// Places called a second; 0 where nobody is called or nothing is known.
    pub(super) service: f64,
    /// Share of those waiting who give up in a second.
    pub(super) leaving: f64,
    /// The late estimate as a multiple of the likely one, at least 1.
    pub(super) spread: f64,
    /// Whether the next is drawn by lot.
    pub(super) by_lot: bool,
}

/// A called shopper hears of it a little later.
const NOTICE: f64 = 1.0;
/// No estimate is longer; what is longer is not known.
const LONGEST: f64 = 86_400.0;

impl Outlook {
    /// The wait of somebody with `rank` ahead, among `waiting`.
    pub(super) fn estimate(&self, rank: Option<u32>, waiting: u32) -> Estimate {
        let (likely, late) = match rank {
            Some(rank) => {
                let likely = self.turn_after(f64::from(rank) + 1.0);
                (likely, likely * self.spread)
            }
            // Everybody's turn may come at any time until all have come.
            None if self.by_lot => {
                let all = self.turn_after(f64::from(waiting) + 1.0);
                (0.5 * all, 0.9 * all * self.spread)
            }
            None => (f64::INFINITY, f64::INFINITY),
        };
        let seconds = |time: f64| (time.is_finite() && time <= LONGEST).then(|| (time + NOTICE).ceil() as u32);
        Estimate { likely: seconds(likely), late: seconds(late) }
    }

    /// Seconds until `places` have been called or have given up; infinite where nobody is called.
    pub(super) fn turn_after(&self, places: f64) -> f64 {
        if self.service <= 0.0 {
            return f64::INFINITY;
        }
        let leak = self.leaving * places / self.service;
        // The limit where almost nobody leaves, which the quotient below could not tell from nothing.
        if leak < 1e-6 { places / self.service } else { leak.ln_1p() / self.leaving }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlook(service: f64, leaving: f64) -> Outlook {
        Outlook { service, leaving, spread: 1.5, by_lot: false }
    }

    #[test]
    fn without_leavers_it_is_the_rank_over_the_rate() {
        let estimate = outlook(10.0, 0.0).estimate(Some(999), 2_000);
        assert_eq!(estimate, Estimate { likely: Some(101), late: Some(151) });
    }

    #[test]
    fn leavers_ahead_shorten_it() {
        let shorter = outlook(10.0, 0.01).turn_after(1_000.0);
        assert!((shorter - 69.3).abs() < 0.1, "{shorter}");
        let (slow, none) = (outlook(10.0, 1e-12).turn_after(1_000.0), outlook(10.0, 0.0).turn_after(1_000.0));
        assert!((slow - none).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert_eq!(outlook(0.0, 0.1).estimate(Some(3), 10), Estimate::default());
        assert_eq!(outlook(0.001, 0.0).estimate(Some(1_000), 10), Estimate::default());
        assert_eq!(outlook(10.0, 0.0).estimate(None, 10), Estimate::default());
    }

    #[test]
    fn a_lot_may_come_at_any_time() {
        let outlook = Outlook { by_lot: true, ..outlook(10.0, 0.0) };
        assert_eq!(outlook.estimate(None, 999), Estimate { likely: Some(51), late: Some(136) });
    }
}
