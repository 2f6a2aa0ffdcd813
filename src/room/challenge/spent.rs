//! Which challenges were used, so that each gives one place.
//!
//! A fixed table: four candidates for each challenge, one word each, changed by compare and swap. Where all four are taken
//! by challenges that are still good, the one that lapses first is forgotten: under a flood so large, used challenges may
//! be used again, each time at the cost of as many proofs as the table has words. It is allocated with the first.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words looked at for one challenge.
const WAYS: usize = 4;
/// Bits of a word that say when it may be forgotten, in seconds; longer than a challenge lives, by far.
const TIME_BITS: u32 = 16;
/// Half of what the bits count to: later than this is earlier.
const HALF: u64 = 1 << (TIME_BITS - 1);

/// Challenges that were used. Sharing it takes no lock.
#[derive(Debug)]
pub struct Spent {
    /// A power of two.
    size: usize,
    sets: OnceLock<Box<[[AtomicU64; WAYS]]>>,
}

impl Default for Spent {
    fn default() -> Self {
        Self::new()
    }
}

impl Spent {
    /// Challenges remembered: as many as come in five minutes at 800 a second, in 2 MiB.
    const REMEMBERED: usize = 1 << 18;

    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::with_words(Self::REMEMBERED)
    }

    fn with_words(words: usize) -> Self {
        Self { size: (words / WAYS).max(1).next_power_of_two(), sets: OnceLock::new() }
    }

    /// Uses a challenge that lapses at `expires`, at `now`, both in seconds since the epoch. False if it was used before.
    ///
    /// `visitor` is random and authentic, so that nobody chooses its place in the table.
    #[must_use]
    pub fn spend(&self, visitor: u64, expires: u64, now: u64) -> bool {
        let sets = self.sets.get_or_init(|| (0..self.size).map(|_| Default::default()).collect());
        let Some(set) = sets.get(visitor as usize & (self.size - 1)) else { return false };
        // The bits that did not choose the set.
        let name = visitor >> TIME_BITS << TIME_BITS;
        let entry = name | (expires & (2 * HALF - 1)) | u64::from(name == 0) << TIME_BITS;
        loop {
            let Some((way, seen)) = candidate(set, entry, now) else { return false };
            // Another thread was there first: look again, it may have been the same challenge.
            if way.compare_exchange(seen, entry, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return true;
            }
        }
    }
}

/// The word to write `entry` to, with what it holds; `None` when the challenge is there already.
fn candidate(set: &[AtomicU64; WAYS], entry: u64, now: u64) -> Option<(&AtomicU64, u64)> {
    let mut best: Option<(u64, &AtomicU64, u64)> = None;
    for way in set {
        let seen = way.load(Ordering::Acquire);
        let left = seconds_left(seen, now);
        if left > 0 && seen >> TIME_BITS == entry >> TIME_BITS {
            return None;
        }
        if best.is_none_or(|(least, ..)| left < least) {
            best = Some((left, way, seen));
        }
    }
    best.map(|(_, way, seen)| (way, seen))
}

/// Seconds for which a word must be kept; 0 for one that is free or lapsed.
fn seconds_left(word: u64, now: u64) -> u64 {
    let left = word.wrapping_sub(now) & (2 * HALF - 1);
    if word == 0 || left >= HALF { 0 } else { left }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_762_790_400;

    #[test]
    fn each_is_good_once() {
        let spent = Spent::with_words(64);
        assert!(spent.spend(0xabc_0000_0001, NOW + 300, NOW));
        assert!(!spent.spend(0xabc_0000_0001, NOW + 300, NOW + 299));
        assert!(spent.spend(0xabd_0000_0001, NOW + 300, NOW));
    }

    #[test]
    fn what_has_lapsed_makes_room() {
        let spent = Spent::with_words(4);
        for visitor in 1..=4_u64 {
            assert!(spent.spend(visitor << 20, NOW + 300, NOW));
        }
        for visitor in 5..=8_u64 {
            assert!(spent.spend(visitor << 20, NOW + 601, NOW + 301));
        }
        for visitor in 5..=8_u64 {
            assert!(!spent.spend(visitor << 20, NOW + 601, NOW + 301));
        }
    }

    #[test]
    fn a_full_set_forgets_the_one_that_lapses_first() {
        let spent = Spent::with_words(4);
        for visitor in 1..=5_u64 {
            assert!(spent.spend(visitor << 20, NOW + 100 + visitor, NOW));
        }
        assert!(!spent.spend(5 << 20, NOW + 105, NOW));
        assert!(!spent.spend(2 << 20, NOW + 102, NOW));
        assert!(spent.spend(1 << 20, NOW + 101, NOW));
    }

    #[test]
    fn of_many_threads_one_spends_it() {
        let spent = Spent::with_words(4096);
        let successes = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for visitor in 1..=500_u64 {
                        if spent.spend(visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15), NOW + 300, NOW) {
                            successes.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(successes.load(Ordering::Relaxed), 500);
    }

    proptest! {
        #[test]
        fn no_challenge_is_good_twice_at_any_time(visitor: u64, now in 0_u64..1 << 40, later in 0_u64..300) {
            let spent = Spent::with_words(64);
            prop_assert!(spent.spend(visitor, now + 300, now));
            prop_assert!(!spent.spend(visitor, now + 300, now + later));
        }
    }
}
