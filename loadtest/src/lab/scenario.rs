//! What happens to the shop, and when. Times are seconds, loads are times of the healthy shop's capacity.

mod catalogue;

pub(crate) use catalogue::catalogue;

use std::time::Duration;

use spillway::demo::database::Parameters;
use spillway::demo::shoppers::{Errand, Habits, Stretch, Timeline};
use spillway::demo::station::{Model, Offered, Trouble};

/// A play in which every subject appears alone.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What happens, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) model: Model,
    /// The shop as it is at first.
    pub(crate) parameters: Parameters,
    acts: Vec<Act>,
    /// What befalls it, in the order of time.
    events: Vec<(f64, Trouble)>,
    pub(crate) habits: Habits,
    /// From when to when things are not as they should be.
    trouble: (f64, f64),
    /// Whether it is for those only who learn what a shop can do, being about what they have learned.
    pub(crate) only_learners: bool,
}

/// A time in which shoppers arrive at one rate.
#[derive(Debug, Clone, Copy)]
struct Act {
    lasts: f64,
    load: f64,
    /// Share of the shoppers who come to buy.
    buyers: f64,
}

/// What the healthy shop can do, in seconds of work a second.
pub(crate) fn capacity() -> f64 {
    Parameters::default().best().goodput
}

/// How long a journey takes when nobody has to wait.
pub(crate) const JOURNEY: f64 = 5.5;

impl Scenario {
    /// The same in so many times of the time. Shoppers do not hurry, so that short ones say less of journeys.
    pub(crate) fn scaled(mut self, by: f64) -> Self {
        self.acts.iter_mut().for_each(|act| act.lasts *= by);
        self.events.iter_mut().for_each(|(at, _)| *at *= by);
        self.trouble = (self.trouble.0 * by, self.trouble.1 * by);
        self
    }

    /// Seconds from the beginning to the end.
    pub(crate) fn lasts(&self) -> f64 {
        self.acts.iter().map(|act| act.lasts).sum()
    }

    pub(crate) fn trouble(&self) -> (f64, f64) {
        self.trouble
    }

    pub(crate) fn events(&self) -> &[(f64, Trouble)] {
        &self.events
    }

    /// When shoppers arrive; nobody comes after the end.
    pub(crate) fn timeline(&self) -> Timeline {
        let stretch = |act: &Act| Stretch {
            lasts: Duration::from_secs_f64(act.lasts),
            rate: act.load * capacity() / act.work(Errand::work),
            buyers: act.buyers,
        };
        let silence = Stretch { lasts: Duration::from_secs(3600), rate: 0.0, buyers: 1.0 };
        Timeline::new(self.acts.iter().map(stretch).chain([silence]).collect())
    }

    /// The work that shoppers bring who arrive at that second, if all of them walk their whole way.
    pub(crate) fn offered(&self, at: f64) -> Offered {
        let Some(act) = self.act_at(at) else { return Offered { work: 0.0, hot: 0.0 } };
        let shoppers = act.load * capacity() / act.work(Errand::work);
        Offered { work: act.load * capacity(), hot: shoppers * self.habits.hot * act.work(Errand::hot_work) }
    }

    /// Work of a shopper who arrives at that second, in seconds.
    pub(crate) fn work_of_a_journey(&self, at: f64) -> f64 {
        self.act_at(at).map_or_else(|| Errand::Buy.work().as_secs_f64(), |act| act.work(Errand::work))
    }

    fn act_at(&self, at: f64) -> Option<&Act> {
        let mut end = 0.0;
        self.acts.iter().find(|act| {
            end += act.lasts;
            at < end
        })
    }
}

impl Act {
    /// The mean over those who buy and those who do not, in seconds.
    fn work(&self, of: fn(Errand) -> Duration) -> f64 {
        self.buyers * of(Errand::Buy).as_secs_f64() + (1.0 - self.buyers) * of(Errand::Look).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_troubles_lie_within() {
        let all = catalogue();
        for (n, scenario) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| other.name != scenario.name), "{}", scenario.name);
            let (from, to) = scenario.trouble();
            assert!(0.0 < from && from < to && to <= scenario.lasts(), "{}", scenario.name);
            assert!(scenario.events().is_sorted_by(|(a, _), (b, _)| a <= b));
            assert!(scenario.events().iter().all(|(at, _)| (0.0..scenario.lasts()).contains(at)));
            assert!((20.0..=45.0).contains(&scenario.lasts()), "{}", scenario.name);
        }
    }

    #[test]
    fn arrivals_bring_the_work_that_is_said_to_be_offered() {
        for scenario in catalogue() {
            let timeline = scenario.timeline();
            for second in 0..20 {
                let (at, instant) = (f64::from(second) + 0.5, Duration::from_millis(second as u64 * 1000 + 500));
                let brought = timeline.rate_at(instant) * scenario.work_of_a_journey(at);
                let offered = scenario.offered(at).work;
                assert!((brought - offered).abs() < 1e-6, "{} at {at}: {brought} {offered}", scenario.name);
            }
            assert_eq!(timeline.rate_at(Duration::from_secs_f64(scenario.lasts() + 1.0)), 0.0);
        }
    }

    #[test]
    fn a_scenario_can_be_shortened() {
        let scenario = catalogue().into_iter().find(|scenario| scenario.name == "stuck").unwrap();
        let (lasts, (from, to)) = (scenario.lasts(), scenario.trouble());
        let short = scenario.scaled(0.5);
        assert_eq!((short.lasts(), short.trouble()), (lasts / 2.0, (from / 2.0, to / 2.0)));
    }
}
