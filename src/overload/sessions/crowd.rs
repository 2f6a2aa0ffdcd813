//! How many shoppers are there at present: those who were seen of late, by when each was seen last.
//!
//! What "of late" is follows from the shoppers themselves: the time between two of their requests is learned, and whoever
//! has been silent for much longer is taken for gone. The mean is weighted by the time itself (Σg²/Σg), so that the many
//! short gaps within one page do not hide the long ones in which it is read.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crossbeam_utils::CachePadded;

/// Units of time that are told apart; a session seen longer ago than half of them is gone in any case.
const RING: u64 = 2048;
pub(super) const HORIZON: u64 = RING / 2;

/// A silence this many times longer than usual means that the shopper is gone.
const SILENCE: f64 = 2.5;
/// Gaps are forgotten over about this many units.
const MEMORY: f64 = 600.0;
/// The shortest time in which somebody is there, in units.
const SHORTEST: f64 = 10.0;

/// Counts of all workers. A session may be counted by one and moved by another, so only their sum means something.
#[derive(Debug)]
pub(super) struct Crowd {
    desks: Box<[CachePadded<Desk>]>,
    learned: Mutex<Learned>,
}

#[derive(Debug)]
struct Desk {
    /// Sessions by the unit of time in which they were seen last.
    seen: Box<[AtomicI32]>,
    gaps: AtomicU64,
    squares: AtomicU64,
    begun: AtomicU64,
}

/// Who is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Shoppers seen no longer ago than shoppers usually are silent.
    pub active: u32,
    /// Shoppers that were served for the first time, or after a long absence, since the last time this was asked.
    pub begun: u64,
}

#[derive(Debug, Default)]
struct Learned {
    /// Units up to here are ready to be counted in.
    cleared: u64,
    at: u64,
    /// What the desks had counted.
    before: (u64, u64),
    begun: u64,
    gaps: f64,
    squares: f64,
}

impl Crowd {
    /// Nobody, for threads `0..workers`.
    pub(super) fn new(workers: usize) -> Self {
        let desk = || Desk {
            seen: (0..RING).map(|_| AtomicI32::new(0)).collect(),
            gaps: AtomicU64::new(0),
            squares: AtomicU64::new(0),
            begun: AtomicU64::new(0),
        };
        let desks = (0..workers.max(1)).map(|_| CachePadded::new(desk())).collect();
        let learned = Learned { cleared: HORIZON, ..Learned::default() };
        Self { desks, learned: Mutex::new(learned) }
    }

    /// A session is seen in unit `now`, that had been seen last in `before`.
    pub(super) fn moved(&self, worker: usize, before: Option<u64>, now: u64) {
        let Some(desk) = self.desks.get(worker).or(self.desks.first()) else { return };
        if let Some(before) = before.filter(|before| now.saturating_sub(*before) < HORIZON) {
            desk.add(before, -1);
            let gap = now.saturating_sub(before);
            desk.gaps.fetch_add(gap, Relaxed);
            desk.squares.fetch_add(gap * gap, Relaxed);
        } else {
            desk.begun.fetch_add(1, Relaxed);
        }
        desk.add(now, 1);
    }

    /// A session that was seen last in `seen` is forgotten.
    pub(super) fn forgotten(&self, worker: usize, seen: u64, now: u64) {
        if now.saturating_sub(seen) < HORIZON
            && let Some(desk) = self.desks.get(worker).or(self.desks.first())
        {
            desk.add(seen, -1);
        }
    }

    /// Who is there in unit `now`. One thread asks, at least once in [`HORIZON`] units.
    pub(super) fn attendance(&self, now: u64) -> Attendance {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        self.clear(&mut learned, now);
        let window = learned.learn(&self.desks, now);
        let units = now.saturating_sub(window)..=now + 1;
        let count: i64 = units.flat_map(|unit| self.desks.iter().map(move |desk| desk.at(unit))).sum();
        let begun = learned.begun(&self.desks);
        Attendance { active: u32::try_from(count.max(0)).unwrap_or(u32::MAX), begun }
    }

    /// Makes room for the units to come: what is there is of a round before.
    fn clear(&self, learned: &mut Learned, now: u64) {
        let to = now + HORIZON;
        let from = (learned.cleared + 1).max(to.saturating_sub(RING - 1));
        for unit in from..=to {
            self.desks.iter().filter_map(|desk| desk.slot(unit)).for_each(|slot| slot.store(0, Relaxed));
        }
        learned.cleared = learned.cleared.max(to);
    }
}

impl Desk {
    fn slot(&self, unit: u64) -> Option<&AtomicI32> {
        self.seen.get((unit % RING) as usize)
    }

    fn add(&self, unit: u64, by: i32) {
        if let Some(slot) = self.slot(unit) {
            slot.fetch_add(by, Relaxed);
        }
    }

    fn at(&self, unit: u64) -> i64 {
        self.slot(unit).map_or(0, |slot| i64::from(slot.load(Relaxed)))
    }
}

impl Learned {
    /// Beginnings since the last time.
    fn begun(&mut self, desks: &[CachePadded<Desk>]) -> u64 {
        let begun = desks.iter().map(|desk| desk.begun.load(Relaxed)).fold(0_u64, u64::wrapping_add);
        begun.wrapping_sub(std::mem::replace(&mut self.begun, begun))
    }

    /// Takes in the gaps since the last time; for how many units a silent shopper is still there.
    fn learn(&mut self, desks: &[CachePadded<Desk>], now: u64) -> u64 {
        let counted = |of: fn(&Desk) -> &AtomicU64| {
            desks.iter().map(|desk| of(desk).load(Relaxed)).fold(0_u64, u64::wrapping_add)
        };
        let after = (counted(|desk| &desk.gaps), counted(|desk| &desk.squares));
        let kept = (-(now.saturating_sub(self.at) as f64) / MEMORY).exp();
        self.gaps = self.gaps * kept + after.0.wrapping_sub(self.before.0) as f64;
        self.squares = self.squares * kept + after.1.wrapping_sub(self.before.1) as f64;
        (self.at, self.before) = (now, after);
        let usual = if self.gaps > 0.0 { self.squares / self.gaps } else { HORIZON as f64 };
        (SILENCE * usual).clamp(SHORTEST, (HORIZON - 1) as f64) as u64
    }
}
