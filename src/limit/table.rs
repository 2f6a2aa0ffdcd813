//! Where the buckets are: a fixed table of atomics, eight slots to a set.
//!
//! A slot is an owner (the key) and an arrival time (TAT) in virtual time. A key may live in any slot of its set. A new
//! key takes the slot with the earliest TAT: a free one (TAT 0), else one whose bucket is full again (nothing is lost),
//! else the one with the least debt. So a flood of one-shot keys displaces itself and never a bucket that is in use.
//!
//! Writers race without locks:
//!
//! * A TAT only moves by compare-and-swap from the value that was judged, so each token is taken once.
//! * A new key first swaps the slot's owner, then stores its TAT. Until then a second request of the same key is judged
//!   by the previous owner's TAT, and its token may be forgotten by that store.
//! * A request of the previous owner that had found the slot may swap its TAT in after the owner changed. It either
//!   fails (the value moved on) and starts over, or is overwritten by the store that follows.
//! * Two requests may enter one new key into two slots. The first in order is used, the other is full again soon.
//!
//! The worst of these is one token more or less for one key, and only while that key has no slot yet.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use super::key::Key;

/// Slots in a set: their owners share one cache line and their TATs the next.
const WAYS: usize = 8;

/// Sets read at most by [`Table::indebted`]: 2¹⁷ slots.
const SAMPLE: usize = 1 << 14;

/// A fixed number of buckets.
#[derive(Debug)]
pub(super) struct Table {
    sets: Box<[Set]>,
    evictions: CachePadded<AtomicU64>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Set {
    owners: [AtomicU64; WAYS],
    tats: [AtomicU64; WAYS],
}

#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    owner: &'a AtomicU64,
    tat: &'a AtomicU64,
}

impl Table {
    /// Room for at least `keys` buckets; 16 bytes each.
    pub(super) fn new(keys: usize) -> Self {
        let sets = (0..Self::sets_for(keys)).map(|_| Set::default()).collect();
        Self { sets, evictions: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Slots that a table for so many keys has.
    pub(super) fn slots_for(keys: usize) -> usize {
        Self::sets_for(keys) * WAYS
    }

    fn sets_for(keys: usize) -> usize {
        keys.div_ceil(WAYS).max(1)
    }

    /// Slots in all.
    pub(super) fn slots(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// The arrival time of `key`, unless it has no slot.
    pub(super) fn find(&self, key: Key) -> Option<u64> {
        let slot = self.set(key)?.slot_of(key)?;
        let tat = slot.tat.load(Ordering::Acquire);
        (slot.owner.load(Ordering::Acquire) == key.get()).then_some(tat)
    }

    /// Gives `key` the arrival time that `decide` derives from its present one (`None`: no slot), or leaves everything
    /// as it is when `decide` refuses. `decide` is called again when another request was quicker. `at` is the virtual
    /// time up to which a bucket is full.
    pub(super) fn replace<T, E>(
        &self,
        key: Key,
        at: u64,
        decide: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<T, E> {
        let Some(set) = self.set(key) else {
            return decide(None).map(|(answer, _)| answer);
        };
        loop {
            let Some(slot) = set.slot_of(key) else {
                let (answer, tat) = decide(None)?;
                if self.enter(set, key, tat, at) {
                    return Ok(answer);
                }
                continue;
            };
            if let Some(answer) = slot.replace(key, &decide) {
                return answer;
            }
        }
    }

    /// Takes over the buckets of `other`; of one that both have, the emptier. One that is full at `at` comes only
    /// where it displaces nothing that is missed more: a larger burst may yet ask for its level.
    pub(super) fn absorb(&self, other: &Self, at: u64) {
        for slot in other.sets.iter().flat_map(Set::slots) {
            let tat = slot.tat.load(Ordering::Acquire);
            let Some(key) = Key::new(slot.owner.load(Ordering::Acquire)) else { continue };
            if tat > at || self.set(key).is_some_and(|set| set.earliest() < tat) {
                let Ok(()) =
                    self.replace(key, at, |own| Ok::<_, Infallible>(((), own.map_or(tat, |own| own.max(tat)))));
            }
        }
    }

    /// Buckets that are not full at `at`.
    pub(super) fn indebted(&self, at: u64) -> usize {
        let step = self.sets.len().div_ceil(SAMPLE).max(1);
        let sample = self.sets.iter().step_by(step);
        let read = sample.len().max(1);
        let found = sample.flat_map(|set| &set.tats).filter(|tat| tat.load(Ordering::Relaxed) > at).count();
        found * self.sets.len() / read
    }

    /// Buckets lost to another key before they were full.
    pub(super) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Counts evictions that happened elsewhere.
    pub(super) fn count_evictions(&self, count: u64) {
        self.evictions.fetch_add(count, Ordering::Relaxed);
    }

    /// The hash's high bits choose the set, by multiplication because the number of sets need not be a power of two.
    fn set(&self, key: Key) -> Option<&Set> {
        let index = (u128::from(key.get()) * self.sets.len() as u128) >> 64;
        self.sets.get(index as usize)
    }

    /// Gives `key` the slot that is missed least; false if another request was quicker.
    fn enter(&self, set: &Set, key: Key, tat: u64, at: u64) -> bool {
        let candidates =
            set.slots().map(|slot| (slot, slot.owner.load(Ordering::Acquire), slot.tat.load(Ordering::Acquire)));
        let Some((slot, owner, debt)) = candidates.min_by_key(|&(_, _, tat)| tat) else {
            return true;
        };
        if slot.owner.compare_exchange(owner, key.get(), Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return false;
        }
        slot.tat.store(tat, Ordering::Release);
        if debt > at {
            self.count_evictions(1);
        }
        true
    }
}

impl Set {
    fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        self.owners.iter().zip(&self.tats).map(|(owner, tat)| Slot { owner, tat })
    }

    fn earliest(&self) -> u64 {
        self.tats.iter().map(|tat| tat.load(Ordering::Acquire)).min().unwrap_or(0)
    }

    fn slot_of(&self, key: Key) -> Option<Slot<'_>> {
        self.slots().find(|slot| slot.owner.load(Ordering::Acquire) == key.get())
    }
}

impl Slot<'_> {
    /// `None` if the slot was taken over by another key.
    fn replace<T, E>(&self, key: Key, decide: impl Fn(Option<u64>) -> Result<(T, u64), E>) -> Option<Result<T, E>> {
        let mut seen = self.tat.load(Ordering::Acquire);
        while self.owner.load(Ordering::Acquire) == key.get() {
            let (answer, next) = match decide(Some(seen)) {
                Ok(decided) => decided,
                Err(refused) => return Some(Err(refused)),
            };
            match self.tat.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Ok(answer)),
                Err(current) => seen = current,
            }
        }
        None
    }
}
