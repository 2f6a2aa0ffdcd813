//! Who was served of late: a table of fixed size that forgets by itself.
//!
//! A shopper is a keyed hash of 64 bits. Sixteen of them choose a set of four slots, 32 others are the tag that is
//! compared: a stranger is taken for somebody known with a probability of 2⁻³⁰ (four tags in a set). What more shoppers come
//! than there is room for, the longest unseen of their set are forgotten, and count as newcomers.

mod crowd;

pub use self::crowd::Attendance;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use self::crowd::Crowd;
use crate::clock::Nanos;

/// Shoppers that are remembered at most; 8 bytes each.
pub const MAX_SESSIONS: usize = SETS * WAYS;

/// For so long a shopper is remembered, up to a few seconds more: long enough to read a page and find the purse.
pub(super) const IDLE: Duration = Duration::from_secs(600);

const SETS: usize = 1 << 16;
const WAYS: usize = 4;

/// Time is counted in these. A stamp of 32 bits comes round in thirteen years.
const UNIT: Nanos = 100_000_000;
const STAMP_BITS: u32 = 32;
const STAMPS: u64 = (1 << STAMP_BITS) - 1;
const IDLE_STAMPS: u64 = IDLE.as_nanos() as u64 / UNIT;

/// See the module.
#[derive(Debug)]
pub struct Sessions {
    sets: Box<[Set]>,
    crowd: Crowd,
}

/// Slots of a tag and a stamp each; zero is free. On one cache line.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Set([AtomicU64; WAYS]);

impl Sessions {
    /// Nobody is known, to threads `0..workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { sets: (0..SETS).map(|_| Set::default()).collect(), crowd: Crowd::new(workers) }
    }

    /// Whether this shopper was served of late. `shopper` is a keyed hash, of which all bits are used.
    #[must_use]
    pub fn known(&self, shopper: u64, now: Nanos) -> bool {
        let is_fresh = |slot: &AtomicU64| {
            let slot = slot.load(Relaxed);
            belongs(slot, shopper) && age(slot, now) <= IDLE_STAMPS
        };
        self.set(shopper).is_some_and(|set| set.0.iter().any(is_fresh))
    }

    /// This shopper is served now, by thread `worker`. Two threads that touch one set at once may cost one of the two its
    /// slot.
    pub fn touch(&self, shopper: u64, worker: usize, now: Nanos) {
        let Some(Set(slots)) = self.set(shopper) else { return };
        let new = (tag(shopper) << STAMP_BITS) | stamp(now);
        let own = slots.iter().find(|slot| belongs(slot.load(Relaxed), shopper));
        let longest_unseen = || slots.iter().max_by_key(|slot| age(slot.load(Relaxed), now));
        let Some(slot) = own.or_else(longest_unseen) else { return };
        let old = slot.load(Relaxed);
        if old == new {
            return;
        }
        slot.store(new, Relaxed);
        let seen = (old != 0).then_some(old & STAMPS);
        if own.is_none()
            && let Some(seen) = seen
        {
            self.crowd.forgotten(worker, seen, stamp(now));
        }
        self.crowd.moved(worker, seen.filter(|_| own.is_some()), stamp(now));
    }

    /// Who is there. One thread asks, every few seconds at least.
    #[must_use]
    pub fn attendance(&self, now: Nanos) -> Attendance {
        self.crowd.attendance(stamp(now))
    }

    fn set(&self, shopper: u64) -> Option<&Set> {
        self.sets.get((shopper >> 48) as usize)
    }
}

fn tag(shopper: u64) -> u64 {
    shopper & ((1 << (u64::BITS - STAMP_BITS)) - 1)
}

/// Never 0 in thirteen years, so that a slot in use is not 0.
fn stamp(now: Nanos) -> u64 {
    (now / UNIT + 1) & STAMPS
}

fn belongs(slot: u64, shopper: u64) -> bool {
    slot != 0 && slot >> STAMP_BITS == tag(shopper)
}

/// In units. A free slot is older than any; one from another thread's future is new.
fn age(slot: u64, now: Nanos) -> u64 {
    if slot == 0 {
        return u64::MAX;
    }
    let age = stamp(now).wrapping_sub(slot) & STAMPS;
    if age > STAMPS / 2 { 0 } else { age }
}
