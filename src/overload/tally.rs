//! How many seats are held, and where, without a lock: a shared total, and for each worker a pocket and counts by class.
//!
//! `held` counts what is in use and what lies in pockets. Only a compare-and-swap that keeps it within the limit raises
//! it, so no interleaving exceeds the limit. A worker that frees a seat while there is ample room keeps it in its
//! pocket, still counted, and takes the next one from there without touching a line that other workers write.

use crossbeam_utils::CachePadded;

use super::classes::{MAX_CLASSES, SEAT, Slot};
use super::sync::Ordering::{Relaxed, SeqCst};
use super::sync::{AtomicI64, AtomicU64, AtomicUsize};

/// What a pocket holds at most: the swing of a worker's requests in flight that costs no shared write.
const POCKET: u64 = 8 * SEAT;

/// A limit that is never reached, and to which a cost can be added.
pub(super) const UNLIMITED: u64 = u64::MAX / 4;

/// The numbers of one origin.
#[derive(Debug)]
pub(super) struct Tally {
    gate: CachePadded<Gate>,
    held: CachePadded<AtomicU64>,
    tills: Box<[CachePadded<Till>]>,
}

/// What every request reads and few write.
#[derive(Debug)]
struct Gate {
    /// How many wait, of all classes.
    waiting: AtomicUsize,
    /// Most that may be held.
    limit: AtomicU64,
    /// Most that may be held by whoever comes: the limit without the reserves.
    open: AtomicU64,
    /// Most that may be held for a freed seat to go into a pocket.
    ample: AtomicU64,
    /// Slots with a reserve, a bit each.
    reserved: AtomicU64,
}

/// One worker's own numbers.
#[derive(Debug)]
struct Till {
    pocket: AtomicU64,
    in_use: [AtomicI64; MAX_CLASSES],
}

impl Tally {
    /// Unlimited.
    pub(super) fn new(workers: usize) -> Self {
        let till = || Till { pocket: AtomicU64::new(0), in_use: std::array::from_fn(|_| AtomicI64::new(0)) };
        let gate = Gate {
            waiting: AtomicUsize::new(0),
            limit: AtomicU64::new(UNLIMITED),
            open: AtomicU64::new(UNLIMITED),
            ample: AtomicU64::new(UNLIMITED),
            reserved: AtomicU64::new(0),
        };
        Self {
            gate: CachePadded::new(gate),
            held: CachePadded::new(AtomicU64::new(0)),
            tills: (0..workers.max(1)).map(|_| CachePadded::new(till())).collect(),
        }
    }

    /// A new limit, of which `reserves` are kept for some classes.
    pub(super) fn set_limit(&self, limit: u64, reserves: impl Iterator<Item = (Slot, u64)>) {
        let reserves = reserves.filter(|&(_, reserve)| reserve > 0 && limit < UNLIMITED);
        let (reserved, kept) = reserves.fold((0, 0), |(bits, sum), (slot, reserve)| (bits | bit(slot), sum + reserve));
        let open = limit.saturating_sub(kept);
        self.gate.limit.store(limit, SeqCst);
        self.gate.open.store(open, SeqCst);
        self.gate.ample.store(open.saturating_sub(POCKET * self.tills.len() as u64), SeqCst);
        self.gate.reserved.store(reserved, SeqCst);
    }

    /// Most that may be held; [`UNLIMITED`] is no limit.
    pub(super) fn limit(&self) -> u64 {
        self.gate.limit.load(SeqCst)
    }

    /// Whether anything is kept for any class.
    pub(super) fn has_reserves(&self) -> bool {
        self.gate.reserved.load(SeqCst) != 0
    }

    /// Whether something is kept for this class.
    pub(super) fn has_reserve(&self, slot: Slot) -> bool {
        self.gate.reserved.load(SeqCst) & bit(slot) != 0
    }

    /// Whether anybody waits.
    pub(super) fn any_waits(&self) -> bool {
        self.gate.waiting.load(SeqCst) != 0
    }

    /// One more waits.
    pub(super) fn add_waiting(&self) {
        self.gate.waiting.fetch_add(1, SeqCst);
    }

    /// One fewer waits.
    pub(super) fn remove_waiting(&self) {
        self.gate.waiting.fetch_sub(1, SeqCst);
    }

    /// Takes from the worker's pocket or else from what is free to all.
    pub(super) fn take(&self, worker: usize, cost: u64) -> bool {
        let open = self.gate.open.load(SeqCst);
        self.take_from_pocket(worker, cost, open) || self.hold(cost, 0, open)
    }

    /// Makes free, in the worker's pocket if there is ample room.
    pub(super) fn free(&self, worker: usize, cost: u64) {
        if !self.put_into_pocket(worker, cost) {
            self.release(cost);
        }
    }

    /// Empties all pockets; the caller answers for what was in them, which is still held.
    pub(super) fn sweep(&self) -> u64 {
        let full = self.tills.iter().filter(|till| till.pocket.load(SeqCst) != 0);
        full.map(|till| till.pocket.swap(0, SeqCst)).sum()
    }

    /// Holds `missing` more, if `held` then stays within `most` but for `spare`, which the caller holds and will free.
    pub(super) fn hold(&self, missing: u64, spare: u64, most: u64) -> bool {
        let mut held = self.held.load(SeqCst);
        while held.saturating_sub(spare) + missing <= most {
            if missing == 0 {
                return true;
            }
            match self.held.compare_exchange_weak(held, held + missing, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(current) => held = current,
            }
        }
        false
    }

    /// Makes free what is held.
    pub(super) fn release(&self, amount: u64) {
        self.held.fetch_sub(amount, SeqCst);
    }

    /// Notes what a class has begun to use.
    pub(super) fn count(&self, slot: Slot, worker: usize, cost: u64) {
        self.add(slot, worker, cost.cast_signed());
    }

    /// Notes what a class has ceased to use.
    pub(super) fn uncount(&self, slot: Slot, worker: usize, cost: u64) {
        self.add(slot, worker, -cost.cast_signed());
    }

    /// What a class has in use.
    pub(super) fn in_use_by(&self, slot: Slot) -> u64 {
        sum(self.tills.iter().filter_map(|till| till.in_use.get(slot.index())))
    }

    /// What all classes have in use.
    pub(super) fn in_use(&self) -> u64 {
        sum(self.tills.iter().flat_map(|till| &till.in_use))
    }

    fn take_from_pocket(&self, worker: usize, cost: u64, open: u64) -> bool {
        let Some(till) = self.tills.get(worker) else { return false };
        let mut pocket = till.pocket.load(SeqCst);
        // After the limit was lowered, what lies in pockets is over it.
        while pocket >= cost && self.held.load(SeqCst) <= open {
            match till.pocket.compare_exchange_weak(pocket, pocket - cost, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(current) => pocket = current,
            }
        }
        false
    }

    fn put_into_pocket(&self, worker: usize, cost: u64) -> bool {
        let Some(till) = self.tills.get(worker) else { return false };
        let fits = till.pocket.load(SeqCst) + cost <= POCKET && self.held.load(SeqCst) <= self.gate.ample.load(SeqCst);
        if fits {
            till.pocket.fetch_add(cost, SeqCst);
        }
        fits
    }

    fn add(&self, slot: Slot, worker: usize, by: i64) {
        if let Some(count) = self.tills.get(worker).and_then(|till| till.in_use.get(slot.index())) {
            count.fetch_add(by, Relaxed);
        }
    }
}

fn bit(slot: Slot) -> u64 {
    1 << slot.index()
}

/// Of counts that one worker raised and another lowered.
fn sum<'a>(counts: impl Iterator<Item = &'a AtomicI64>) -> u64 {
    u64::try_from(counts.map(|count| count.load(Relaxed)).sum::<i64>()).unwrap_or(0)
}
