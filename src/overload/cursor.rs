//! Which newcomers may try for a seat when not all can begin: a cursor over classes and, within each, over cohorts.
//!
//! If chance decided about each request anew, everybody would get through now and then and nobody to the end. So every
//! shopper belongs to one of [`COHORTS`] for an hour, and a cursor says how many of the (class, cohort) pairs, in the order
//! of importance, may try; the others are told at once to come later. The cursor is the prefix of the newcomers offered
//! that sums to what may begin.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::classes::MAX_CLASSES;
use crate::clock::Nanos;

/// Parts that the shoppers of a class are divided into.
pub const COHORTS: u32 = 128;

/// The cursor when everybody may try.
pub const EVERYBODY: u32 = MAX_CLASSES as u32 * COHORTS;

/// How much more are let try than may begin, as some of those who may will not come or not wait: the tokens are exact,
/// the cursor need only keep the lines short.
const SLACK: f64 = 1.25;

/// What is offered is averaged over about this long, in seconds: a few hundred arrivals of a busy shop.
const MEMORY: f64 = 1.0;

/// See the module. Shared by all workers and moved by one thread.
#[derive(Debug)]
pub struct Cursor {
    position: AtomicU32,
    /// Newcomers since the last tick, by index.
    offered: Box<[AtomicU32]>,
    average: Mutex<Average>,
}

#[derive(Debug)]
struct Average {
    /// Newcomers a second, by index.
    rates: Box<[f64]>,
    /// The last tick; before the first, the beginning of the process.
    at: Nanos,
}

impl Default for Cursor {
    fn default() -> Self {
        Self::new()
    }
}

impl Cursor {
    /// Everybody may try.
    #[must_use]
    pub fn new() -> Self {
        let indexes = 0..EVERYBODY;
        Self {
            position: AtomicU32::new(EVERYBODY),
            offered: indexes.clone().map(|_| AtomicU32::new(0)).collect(),
            average: Mutex::new(Average { rates: indexes.map(|_| 0.0).collect(), at: 0 }),
        }
    }

    /// Counts a newcomer, and says whether it may try for a seat. `rank` is its class's place among the classes, 0 being
    /// the most important; ranks past [`MAX_CLASSES`] share the last. `cohort` is as [`cohort`] gives it.
    pub fn offer(&self, rank: usize, cohort: u32) -> bool {
        let rank = rank.min(MAX_CLASSES - 1) as u32;
        let index = rank * COHORTS + cohort.min(COHORTS - 1);
        if let Some(offered) = self.offered.get(index as usize) {
            offered.fetch_add(1, Relaxed);
        }
        index < self.position.load(Relaxed)
    }

    /// How many (class, cohort) pairs may try, the most important first: 0 – [`EVERYBODY`].
    #[must_use]
    pub fn position(&self) -> u32 {
        self.position.load(Relaxed)
    }

    /// Moves the cursor: `begin_rate` shoppers a second may begin (infinite: as many as come), and they are held to it while
    /// the origin is `pressed`.
    pub fn tick(&self, begin_rate: f64, pressed: bool, now: Nanos) {
        let mut average = self.average.lock().unwrap_or_else(PoisonError::into_inner);
        average.learn(&self.offered, now);
        let position = if pressed { average.prefix(begin_rate * SLACK) } else { EVERYBODY };
        self.position.store(position, Relaxed);
    }
}

impl Average {
    fn learn(&mut self, offered: &[AtomicU32], now: Nanos) {
        let seconds = now.saturating_sub(self.at) as f64 / 1e9;
        if seconds <= 0.0 {
            return;
        }
        self.at = now;
        let weight = 1.0 - (-seconds / MEMORY).exp();
        for (rate, offered) in self.rates.iter_mut().zip(offered) {
            // Most pairs have nobody, and a load is cheaper than a swap.
            let count = if offered.load(Relaxed) == 0 { 0 } else { offered.swap(0, Relaxed) };
            *rate += weight * (f64::from(count) / seconds - *rate);
        }
    }

    /// The fewest pairs that offer `rate` between them; everybody if all do not.
    fn prefix(&self, rate: f64) -> u32 {
        let mut sum = 0.0;
        for (index, offered) in (0..).zip(&self.rates) {
            if sum >= rate {
                return index;
            }
            sum += offered;
        }
        EVERYBODY
    }
}

/// The cohort of a shopper, given as a keyed hash, in this hour since the epoch: another one each hour, so that nobody is
/// last for ever.
#[must_use]
pub fn cohort(shopper: u64, hour: u64) -> u32 {
    // The finaliser of SplitMix64: every bit of either input moves every bit of the result.
    let mut mixed = shopper ^ hour.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % u64::from(COHORTS)) as u32
}
