//! What was seen of one run, tick by tick.

use std::time::Duration;

use spillway::clock::Nanos;
use spillway::demo::page::{Class, Page};
use spillway::demo::station::Offered;
use spillway::overload::{Directive, QueueCounts};

use super::shopper::{Habits, Shopper};

/// Time between two ticks of the governor.
pub(crate) const TICK: Nanos = 100_000_000;
/// The same in seconds.
const TICK_SECONDS: f64 = 0.1;

const CLASSES: usize = Class::ALL.len();

/// A tenth of a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tick {
    /// Its end, in seconds.
    pub(crate) at: f64,
    pub(crate) arrived: u64,
    /// Seconds of work that the visits of those who arrived take.
    pub(crate) arrived_work: f64,
    /// Visits whose first page was served.
    pub(crate) begun: u64,
    /// Of the visits begun now, those that came to their end, and those that were given up.
    pub(crate) to_finish: u64,
    pub(crate) to_be_cut: u64,
    /// Visits that come to their end now.
    pub(crate) finished: u64,
    pub(crate) offered: [u64; CLASSES],
    pub(crate) served: [u64; CLASSES],
    pub(crate) refused: [u64; CLASSES],
    /// Answers that nobody waited for any longer, and requests that were tired of waiting for a seat.
    pub(crate) left: u64,
    /// Seconds of work of pages that were served in time, and what it cost to send them.
    pub(crate) work: f64,
    pub(crate) overhead: f64,
    /// What shoppers would ask for if all of them were served at once: seconds of work, and requests of checkout.
    pub(crate) wanted: f64,
    pub(crate) wanted_hot: f64,
    pub(crate) wanted_visits: f64,
    pub(crate) wanted_checkouts: f64,
    /// From asking to the answer, in seconds; of checkout.
    pub(crate) checkouts: Vec<f64>,
    /// Seats in use and jobs under way at its end.
    pub(crate) in_use: u32,
    pub(crate) jobs: usize,
    pub(crate) active: u32,
    pub(crate) queue: QueueCounts,
    pub(crate) directive: Option<Directive>,
    /// The best number of jobs at once, and the seconds of work a second that can then be done of those wanted.
    pub(crate) optimum: f64,
    pub(crate) possible: f64,
}

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) ticks: Vec<Tick>,
    /// The tick that is under way.
    current: usize,
}

impl Record {
    pub(crate) fn new(lasting: Nanos) -> Self {
        Self { ticks: vec![Tick::default(); (lasting / TICK) as usize + 1], current: 0 }
    }

    /// The tick that is under way.
    pub(crate) fn now(&mut self) -> Option<&mut Tick> {
        self.ticks.get_mut(self.current)
    }

    /// Ends the tick that is under way.
    pub(crate) fn turn(&mut self) {
        self.current += 1;
    }

    /// The run is over; what has not begun is left out.
    pub(crate) fn end(mut self) -> Self {
        self.ticks.truncate(self.current);
        self
    }

    fn at(&mut self, at: Nanos) -> Option<&mut Tick> {
        self.ticks.get_mut((at / TICK) as usize)
    }

    /// Notes a shopper who arrives, and what is asked for if nobody has to wait.
    pub(crate) fn arrives(&mut self, shopper: &Shopper, habits: &Habits, now: Nanos) {
        let (mut last, mut all) = (now, 0.0);
        for (later, page) in shopper.visit(habits) {
            last = now + later;
            let beside = if page == Page::Product { Page::Recommendations.work() } else { Duration::ZERO };
            let work = (page.work() + beside).as_secs_f64();
            all += work;
            let Some(tick) = self.at(last) else { continue };
            tick.wanted += work;
            tick.wanted_hot += if shopper.is_hot(page) { page.work().as_secs_f64() } else { 0.0 };
            tick.wanted_checkouts += if page.class() == Class::Checkout { 1.0 } else { 0.0 };
        }
        if let Some(tick) = self.at(last) {
            tick.wanted_visits += 1.0;
        }
        if let Some(tick) = self.now() {
            tick.arrived += 1;
            tick.arrived_work += all;
        }
    }

    /// What is asked for over the last second, as a station's optimum depends on it: only of the product that everybody
    /// wants less may be possible than the station can do.
    pub(crate) fn wanted_of_late(&self) -> Offered {
        let late = self.ticks.get(self.current.saturating_sub(9)..=self.current).unwrap_or_default();
        let each_second = 1.0 / (TICK_SECONDS * late.len().max(1) as f64);
        let hot = late.iter().map(|tick| tick.wanted_hot).sum::<f64>() * each_second;
        if hot > 0.0 {
            Offered { work: late.iter().map(|tick| tick.wanted).sum::<f64>() * each_second, hot }
        } else {
            Offered::MORE_THAN_ENOUGH
        }
    }

    /// A visit that began at `begun` is over.
    pub(crate) fn over(&mut self, begun: Option<Nanos>, finished: bool) {
        if finished && let Some(tick) = self.now() {
            tick.finished += 1;
        }
        let Some(tick) = begun.and_then(|begun| self.at(begun)) else { return };
        if finished {
            tick.to_finish += 1;
        } else {
            tick.to_be_cut += 1;
        }
    }

    /// The ticks that lie within a stretch of time, in seconds.
    pub(crate) fn between(&self, from: f64, to: f64) -> &[Tick] {
        let index = |at: f64| ((at / TICK_SECONDS).round() as usize).min(self.ticks.len());
        self.ticks.get(index(from)..index(to)).unwrap_or_default()
    }

    /// Work of pages served in time as a share of what was possible: 1.0 at most, as those who had to wait or to try again
    /// bring more than was counted as wanted.
    pub(crate) fn share(&self, from: f64, to: f64) -> f64 {
        share(self.between(from, to))
    }
}

/// See [`Record::share`].
pub(crate) fn share(ticks: &[Tick]) -> f64 {
    let sum = |of: fn(&Tick) -> f64| ticks.iter().map(of).sum::<f64>();
    let possible = possible(ticks).min(sum(|tick| tick.wanted));
    if possible > 0.0 { (sum(|tick| tick.work) / possible).min(1.0) } else { 1.0 }
}

/// Seconds of work that the station can do, however much is wanted.
pub(crate) fn possible(ticks: &[Tick]) -> f64 {
    let sum = |of: fn(&Tick) -> f64| ticks.iter().map(of).sum::<f64>();
    let (work, overhead) = (sum(|tick| tick.work), sum(|tick| tick.overhead));
    // A seat is held while no work is done, so that not all of what the station can do can be work.
    let useful = if work > 0.0 { work / (work + overhead) } else { 1.0 };
    sum(|tick| tick.possible) * TICK_SECONDS * useful
}
