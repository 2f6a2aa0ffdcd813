//! What became of the shoppers' requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::demo::page::{Class, Page};

/// Counts over some time. Times add up: see [`Tally::add`].
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Shoppers who arrived.
    pub arrived: u64,
    /// Of them, those who got to see the first page.
    pub entered: u64,
    /// Shoppers who paid and hold an order number.
    pub finished: u64,
    /// Shoppers who had come to look around, and have seen what there is.
    pub looked_around: u64,
    /// Shoppers who gave up on the way, for good.
    pub gave_up: u64,
    /// Of them, those who had got to see the first page.
    pub broken_off: u64,
    /// Times that a shopper who had given up came back.
    pub came_back: u64,
    /// Times that a shopper was given a place in line.
    pub queued: u64,
    /// Shoppers who had enough of waiting in line; they gave up as well.
    pub left_line: u64,
    /// Requests refused, by the proxy's reason, or by status where it gives none.
    pub refused: BTreeMap<&'static str, u64>,
    /// Requests whose shopper left before the answer came.
    pub left: u64,
    /// Requests without a proper answer: broken connections, 404, 500.
    pub broken: u64,
    /// The database's work for the pages that were served in time.
    pub work: Duration,
    classes: [ClassTally; Class::ALL.len()],
    /// Of what was served, by class.
    latencies: [Micros; Class::ALL.len()],
    lag: Micros,
}

/// Requests of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassTally {
    /// Sent, further tries included.
    pub offered: u64,
    /// Answered properly and in time.
    pub served: u64,
    /// The database's work for them.
    pub work: Duration,
}

/// Times in microseconds; there always is a histogram, for its bounds are right.
#[derive(Debug, Clone)]
struct Micros(Option<Histogram<u32>>);

impl Default for Micros {
    fn default() -> Self {
        Self(Histogram::new_with_max(LONGEST_MICROS, 2).ok())
    }
}

impl Micros {
    fn record(&mut self, time: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(time.as_micros() as u64);
        }
    }

    fn add(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.0, &other.0) {
            // Cannot fail: both have the same bounds.
            let _ = own.add(other);
        }
    }

    fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile)))
    }
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Served(Duration),
    Refused(&'static str),
    Left,
    Broken,
}

/// Longer times count as this.
const LONGEST_MICROS: u64 = 60_000_000;

impl Tally {
    /// The counts of one class.
    #[must_use]
    pub fn class(&self, class: Class) -> ClassTally {
        self.classes.get(class as usize).copied().unwrap_or_default()
    }

    /// Requests sent.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.classes.iter().map(|class| class.offered).sum()
    }

    /// Requests answered properly and in time.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.classes.iter().map(|class| class.served).sum()
    }

    /// Latency of what was served at `quantile` (0.0 – 1.0), exact to one percent.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        let mut all = Micros::default();
        self.latencies.iter().for_each(|latencies| all.add(latencies));
        all.quantile(quantile)
    }

    /// As [`Tally::latency`], of one class.
    #[must_use]
    pub fn latency_of(&self, class: Class, quantile: f64) -> Duration {
        self.latencies.get(class as usize).map_or(Duration::ZERO, |latencies| latencies.quantile(quantile))
    }

    /// How much later than they should have shoppers arrived and acted, at `quantile` (0.0 – 1.0): the fault of the
    /// machine that plays them.
    #[must_use]
    pub fn lag(&self, quantile: f64) -> Duration {
        self.lag.quantile(quantile)
    }

    /// Adds what happened at another time.
    pub fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.entered += other.entered;
        self.finished += other.finished;
        self.looked_around += other.looked_around;
        self.gave_up += other.gave_up;
        self.broken_off += other.broken_off;
        self.came_back += other.came_back;
        self.queued += other.queued;
        self.left_line += other.left_line;
        self.left += other.left;
        self.broken += other.broken;
        self.work += other.work;
        for (reason, count) in &other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
        for (own, others) in self.classes.iter_mut().zip(&other.classes) {
            own.offered += others.offered;
            own.served += others.served;
            own.work += others.work;
        }
        for (own, others) in self.latencies.iter_mut().zip(&other.latencies) {
            own.add(others);
        }
        self.lag.add(&other.lag);
    }

    fn count(&mut self, page: Page, fate: Fate) {
        let index = page.class() as usize;
        if let Some(class) = self.classes.get_mut(index) {
            class.offered += 1;
        }
        match fate {
            Fate::Served(latency) => {
                self.work += page.work();
                if let (Some(class), Some(latencies)) = (self.classes.get_mut(index), self.latencies.get_mut(index)) {
                    class.served += 1;
                    class.work += page.work();
                    latencies.record(latency);
                }
            }
            Fate::Refused(reason) => *self.refused.entry(reason).or_default() += 1,
            Fate::Left => self.left += 1,
            Fate::Broken => self.broken += 1,
        }
    }
}

/// Counts from one side, read from the other.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    tally: Arc<Mutex<Tally>>,
}

impl Recorder {
    /// Takes what was counted since the last time.
    #[must_use]
    pub fn take(&self) -> Tally {
        let fresh = Tally::default();
        std::mem::replace(&mut *self.lock(), fresh)
    }

    pub(super) fn count(&self, page: Page, fate: Fate) {
        self.lock().count(page, fate);
    }

    pub(super) fn arrived(&self) {
        self.lock().arrived += 1;
    }

    pub(super) fn entered(&self) {
        self.lock().entered += 1;
    }

    pub(super) fn finished(&self) {
        self.lock().finished += 1;
    }

    pub(super) fn looked_around(&self) {
        self.lock().looked_around += 1;
    }

    pub(super) fn came_back(&self) {
        self.lock().came_back += 1;
    }

    pub(super) fn late(&self, by: Duration) {
        self.lock().lag.record(by);
    }

    pub(super) fn gave_up(&self, had_entered: bool) {
        let mut tally = self.lock();
        tally.gave_up += 1;
        tally.broken_off += u64::from(had_entered);
    }

    pub(super) fn queued(&self) {
        self.lock().queued += 1;
    }

    pub(super) fn left_line(&self) {
        self.lock().left_line += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let recorder = Recorder::default();
        recorder.count(Page::Pay, Fate::Served(Duration::from_millis(100)));
        recorder.count(Page::Home, Fate::Refused("capacity"));
        let mut sum = recorder.take();
        recorder.count(Page::Home, Fate::Refused("capacity"));
        recorder.count(Page::Home, Fate::Left);
        sum.add(&recorder.take());
        assert_eq!(sum.class(Class::Checkout), ClassTally { offered: 1, served: 1, work: Page::Pay.work() });
        assert_eq!(sum.class(Class::Browse), ClassTally { offered: 3, ..ClassTally::default() });
        assert_eq!((sum.offered(), sum.served(), sum.left), (4, 1, 1));
        assert_eq!(sum.refused, BTreeMap::from([("capacity", 2)]));
        assert_eq!(sum.work, Page::Pay.work());
        assert_eq!(sum.latency(0.99).as_millis() / 2, 50);
        assert_eq!(sum.latency_of(Class::Checkout, 0.5).as_millis() / 2, 50);
        assert_eq!(sum.latency_of(Class::Browse, 0.5), Duration::ZERO);
        assert_eq!(recorder.take().offered(), 0);
    }
}
