//! What is counted for each request of a route.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::family;
use super::histogram::{Histogram, Totals};
use super::page::Page;
use super::per_worker::{Count, PerWorker};
use crate::policy::verdict::{Decision, Mode, Outcome, Reason};

/// Requests of one class on one route.
#[derive(Debug)]
pub struct RouteMetrics {
    route: Box<str>,
    class: Box<str>,
    shards: PerWorker<Shard>,
}

impl RouteMetrics {
    pub(super) fn new(route: &str, class: &str, workers: usize) -> Self {
        Self { route: route.into(), class: class.into(), shards: PerWorker::new(workers) }
    }

    /// The route's name; empty for requests without one.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The class's name; empty for requests without one.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Counts a finished request, answered with status `code` after `duration` from its head to the end of the response.
    /// Only the thread of `worker` may call it.
    #[inline]
    pub fn request(&self, worker: usize, outcome: Outcome, code: u16, duration: Duration) {
        if let Some(shard) = self.shards.of(worker) {
            shard.requests.add(outcome, code);
            shard.duration.record(duration);
        }
    }

    /// Counts a judgement. Only the thread of `worker` may call it.
    #[inline]
    pub fn decision(&self, worker: usize, decision: Decision, reason: Reason, mode: Mode) {
        if let Some(shard) = self.shards.of(worker) {
            shard.decisions.add(decision, reason, mode);
        }
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let (route, class) = (&*self.route, &*self.class);
        for ((outcome, code), count) in self.requests() {
            let code = code.map_or_else(|| "other".to_owned(), |code| code.to_string());
            page.counter(&family::REQUESTS, &[route, class, outcome.as_str(), &code], count as f64);
        }
        for (decision, reason, mode, count) in self.decisions() {
            let labels = [route, class, decision.as_str(), reason.as_str(), mode.as_str()];
            page.counter(&family::DECISIONS, &labels, count as f64);
        }
        let durations = self.shards.written().map(|(_, shard)| &shard.duration);
        page.histogram(&family::REQUEST_DURATION, &[route, class], &Totals::from_iter(durations));
    }

    fn requests(&self) -> std::collections::BTreeMap<(Outcome, Option<u16>), u64> {
        let mut counts = std::collections::BTreeMap::new();
        for (_, shard) in self.shards.written() {
            for (key, count) in shard.requests.read() {
                *counts.entry(key).or_default() += count;
            }
        }
        counts
    }

    fn decisions(&self) -> impl Iterator<Item = (Decision, Reason, Mode, u64)> {
        Decisions::keys().filter_map(|(decision, reason, mode)| {
            let cells = self.shards.written().filter_map(|(_, shard)| shard.decisions.cell(decision, reason, mode));
            let count: u64 = cells.map(Count::get).sum();
            (count > 0).then_some((decision, reason, mode, count))
        })
    }
}

/// One worker's part, in the order in which a request touches it.
#[derive(Debug, Default)]
struct Shard {
    duration: Histogram,
    requests: Requests,
    decisions: Decisions,
}

/// Slots in [`Requests`]: more than the pairs of outcome and code that a route sees; a power of two.
const SLOTS: usize = 32;

/// Bits of a slot that hold the count; at a million requests a second they last nine years.
const COUNT_BITS: u32 = 48;

/// Counts by outcome and code in a small open-addressed table with a single writer. A slot is one word, the key above the
/// count, so that a reader never sees a count under another key. Slots are never freed.
#[derive(Debug, Default)]
struct Requests {
    slots: [AtomicU64; SLOTS],
    /// Per outcome, for codes that found no slot.
    other: [Count; Outcome::ALL.len()],
}

impl Requests {
    #[inline]
    fn add(&self, outcome: Outcome, code: u16) {
        let key = key(outcome, code);
        let home = usize::from(code) ^ (outcome.index() << 3);
        for probe in 0..SLOTS {
            let Some(slot) = self.slots.get(home.wrapping_add(probe) % SLOTS) else {
                break;
            };
            let seen = slot.load(Ordering::Relaxed);
            if seen >> COUNT_BITS == key {
                return slot.store(seen.wrapping_add(1), Ordering::Relaxed);
            }
            if seen == 0 {
                return slot.store(key << COUNT_BITS | 1, Ordering::Relaxed);
            }
        }
        if let Some(other) = self.other.get(outcome.index()) {
            other.add(1);
        }
    }

    /// Everything counted; no code is a code that found no slot.
    fn read(&self) -> impl Iterator<Item = ((Outcome, Option<u16>), u64)> {
        let slots = self.slots.iter().filter_map(|slot| {
            let seen = slot.load(Ordering::Relaxed);
            let (outcome, code) = unkey(seen >> COUNT_BITS)?;
            Some(((outcome, Some(code)), seen & ((1 << COUNT_BITS) - 1)))
        });
        let other = Outcome::ALL.iter().zip(&self.other);
        slots.chain(other.filter_map(|(outcome, count)| Some(((*outcome, None), count.get())).filter(|(_, n)| *n > 0)))
    }
}

/// Never 0, which marks a free slot. Codes have three digits.
fn key(outcome: Outcome, code: u16) -> u64 {
    (outcome as u64 + 1) << 10 | u64::from(code & 0x3ff)
}

fn unkey(key: u64) -> Option<(Outcome, u16)> {
    let outcome = usize::try_from(key >> 10).ok()?.checked_sub(1)?;
    let code = u16::try_from(key & 0x3ff).ok()?;
    Some((*Outcome::ALL.get(outcome)?, code))
}

const DECISIONS: usize = Decision::ALL.len() * Reason::ALL.len() * Mode::ALL.len();

/// Counts by decision, reason and mode: few enough for a cell each.
#[derive(Debug)]
struct Decisions {
    cells: [Count; DECISIONS],
}

impl Default for Decisions {
    fn default() -> Self {
        Self { cells: std::array::from_fn(|_| Count::default()) }
    }
}

impl Decisions {
    #[inline]
    fn add(&self, decision: Decision, reason: Reason, mode: Mode) {
        if let Some(cell) = self.cell(decision, reason, mode) {
            cell.add(1);
        }
    }

    #[inline]
    fn cell(&self, decision: Decision, reason: Reason, mode: Mode) -> Option<&Count> {
        let row = decision.index() * Mode::ALL.len() + mode.index();
        self.cells.get(row * Reason::ALL.len() + reason.index())
    }

    fn keys() -> impl Iterator<Item = (Decision, Reason, Mode)> {
        Decision::ALL.iter().flat_map(|decision| {
            Reason::ALL.iter().flat_map(move |reason| Mode::ALL.iter().map(move |mode| (*decision, *reason, *mode)))
        })
    }
}

#[cfg(test)]
mod tests;
