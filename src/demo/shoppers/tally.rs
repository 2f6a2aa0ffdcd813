//! What became of the shoppers' requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::demo::page::{Class, Page};

/// Counts over some time. Times add up: see [`Tally::add`].
#[derive(Debug, Clone)]
pub struct Tally {
    /// Shoppers who arrived.
    pub arrived: u64,
    /// Of them, those who got to see the first page.
    pub entered: u64,
    /// Shoppers who paid and hold an order number.
    pub finished: u64,
    /// Shoppers who gave up on the way.
    pub gave_up: u64,
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
    /// In microseconds; there always is one, for its bounds are right.
    latency: Option<Histogram<u32>>,
}

/// Requests of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassTally {
    /// Sent, further tries included.
    pub offered: u64,
    /// Answered properly and in time.
    pub served: u64,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Served(Duration),
    Refused(&'static str),
    Left,
    Broken,
}

/// Longer latencies count as this.
const LONGEST_MICROS: u64 = 60_000_000;

impl Default for Tally {
    fn default() -> Self {
        Self {
            arrived: 0,
            entered: 0,
            finished: 0,
            gave_up: 0,
            queued: 0,
            left_line: 0,
            refused: BTreeMap::new(),
            left: 0,
            broken: 0,
            work: Duration::ZERO,
            classes: Default::default(),
            latency: Histogram::new_with_max(LONGEST_MICROS, 2).ok(),
        }
    }
}

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
        Duration::from_micros(self.latency.as_ref().map_or(0, |latency| latency.value_at_quantile(quantile)))
    }

    /// Adds what happened at another time.
    pub fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.entered += other.entered;
        self.finished += other.finished;
        self.gave_up += other.gave_up;
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
        }
        if let (Some(own), Some(other)) = (&mut self.latency, &other.latency) {
            // Cannot fail: both have the same bounds.
            let _ = own.add(other);
        }
    }

    fn count(&mut self, page: Page, fate: Fate) {
        if let Some(class) = self.classes.get_mut(page.class() as usize) {
            class.offered += 1;
            class.served += u64::from(matches!(fate, Fate::Served(_)));
        }
        match fate {
            Fate::Served(latency) => {
                self.work += page.work();
                if let Some(histogram) = &mut self.latency {
                    histogram.saturating_record(latency.as_micros() as u64);
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

    pub(super) fn gave_up(&self) {
        self.lock().gave_up += 1;
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
        assert_eq!(sum.class(Class::Checkout), ClassTally { offered: 1, served: 1 });
        assert_eq!(sum.class(Class::Browse), ClassTally { offered: 3, served: 0 });
        assert_eq!((sum.offered(), sum.served(), sum.left), (4, 1, 1));
        assert_eq!(sum.refused, BTreeMap::from([("capacity", 2)]));
        assert_eq!(sum.work, Page::Pay.work());
        assert_eq!(sum.latency(0.99).as_millis() / 2, 50);
        assert_eq!(recorder.take().offered(), 0);
    }
}
