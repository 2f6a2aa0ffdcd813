//! How many seats are held, and where, without a lock: a shared total, and for each worker a pocket and counts by class.
//!
//! `held` counts what is in use and what lies in pockets. Only a compare-and-swap that keeps it within the limit raises
//! it, so no interleaving exceeds the limit. A worker that frees a seat while there is ample room keeps it in its
//! pocket, still counted, and takes the next one from there without touching a line that other workers write.

use crossbeam_utils::CachePadded;

use super::classes::{MAX_CLASSES, SEAT, Slot};
use super::lane::Lane;
use super::sync::Ordering::{Relaxed, SeqCst};
use super::sync::{AtomicI64, AtomicU64, AtomicUsize};

/// What a pocket holds at most: the swing of a worker's requests in flight that costs no shared write.
const POCKET: u64 = 8 * SEAT;

/// A begin token in the unit of counting.
pub(super) const TOKEN: i64 = 1_000;

/// Bits of the mode.
const PACED: u64 = 1;
const HELD_TO_PACE: u64 = 2;
const SHADOW: u64 = 4;

/// A limit that is never reached, and to which a cost can be added.
pub(super) const UNLIMITED: u64 = u64::MAX / 4;

/// The numbers of one origin.
#[derive(Debug)]
pub(super) struct Tally {
    gate: CachePadded<Gate>,
    held: CachePadded<AtomicU64>,
    /// Shoppers that may begin now; what some began with beforehand is owed.
    tokens: CachePadded<AtomicI64>,
    tills: Box<[CachePadded<Till>]>,
}

/// What every request reads and few write.
#[derive(Debug)]
struct Gate {
    /// How many wait, of all classes, by lane.
    waiting: [AtomicUsize; Lane::COUNT],
    /// Most that may be held.
    limit: AtomicU64,
    /// Most that may be held by whoever comes: the limit without the reserves.
    open: AtomicU64,
    /// Most that may be held for a freed seat to go into a pocket.
    ample: AtomicU64,
    /// Slots with a reserve, a bit each.
    reserved: AtomicU64,
    /// Slots with a cap, a bit each.
    capped: AtomicU64,
    /// How newcomers are paced, and whether all this is only counted.
    mode: AtomicU64,
}

/// One worker's own numbers.
#[derive(Debug)]
struct Till {
    pocket: AtomicU64,
    in_use: [AtomicI64; MAX_CLASSES],
    /// Requests that were given a seat without waiting, and that were refused without; by lane.
    seated: [AtomicU64; Lane::COUNT],
    refused: [AtomicU64; Lane::COUNT],
}

/// Requests that never waited, by lane, since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Straight {
    pub(super) seated: [u64; Lane::COUNT],
    pub(super) refused: [u64; Lane::COUNT],
}

impl Tally {
    /// Unlimited.
    pub(super) fn new(workers: usize) -> Self {
        let till = || Till {
            pocket: AtomicU64::new(0),
            in_use: std::array::from_fn(|_| AtomicI64::new(0)),
            seated: std::array::from_fn(|_| AtomicU64::new(0)),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        let gate = Gate {
            waiting: std::array::from_fn(|_| AtomicUsize::new(0)),
            limit: AtomicU64::new(UNLIMITED),
            open: AtomicU64::new(UNLIMITED),
            ample: AtomicU64::new(UNLIMITED),
            reserved: AtomicU64::new(0),
            capped: AtomicU64::new(0),
            mode: AtomicU64::new(0),
        };
        Self {
            gate: CachePadded::new(gate),
            held: CachePadded::new(AtomicU64::new(0)),
            tokens: CachePadded::new(AtomicI64::new(0)),
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

    /// Which classes have a cap.
    pub(super) fn set_capped(&self, slots: impl Iterator<Item = Slot>) {
        self.gate.capped.store(slots.fold(0, |bits, slot| bits | bit(slot)), SeqCst);
    }

    /// Whether anything is kept for any class.
    pub(super) fn has_reserves(&self) -> bool {
        self.gate.reserved.load(SeqCst) != 0
    }

    /// Whether any class has a cap.
    pub(super) fn has_caps(&self) -> bool {
        self.gate.capped.load(SeqCst) != 0
    }

    /// Whether anything is kept for any class, or any has a cap.
    pub(super) fn has_special(&self) -> bool {
        (self.gate.reserved.load(SeqCst) | self.gate.capped.load(SeqCst)) != 0
    }

    /// Whether something is kept for this class, or it has a cap: then it takes with the lock.
    pub(super) fn is_special(&self, slot: Slot) -> bool {
        (self.gate.reserved.load(SeqCst) | self.gate.capped.load(SeqCst)) & bit(slot) != 0
    }

    /// Whether anybody waits who may be served, but for caps.
    pub(super) fn any_waits(&self) -> bool {
        self.waiting(Lane::Returning) != 0 || (self.waiting(Lane::Newcomer) != 0 && self.may_begin())
    }

    /// Whether anybody waits whom a request that comes now in `lane` must not overtake. Newcomers that wait while a seat is
    /// free wait for a token, so who needs none overtakes nobody.
    pub(super) fn any_waits_before(&self, lane: Lane) -> bool {
        self.waiting(Lane::Returning) != 0 || (lane == Lane::Newcomer && self.waiting(Lane::Newcomer) != 0)
    }

    /// How many wait in a lane.
    pub(super) fn waiting(&self, lane: Lane) -> usize {
        self.gate.waiting.get(lane.index()).map_or(0, |waiting| waiting.load(SeqCst))
    }

    /// One more waits.
    pub(super) fn add_waiting(&self, lane: Lane) {
        if let Some(waiting) = self.gate.waiting.get(lane.index()) {
            waiting.fetch_add(1, SeqCst);
        }
    }

    /// One fewer waits.
    pub(super) fn remove_waiting(&self, lane: Lane) {
        if let Some(waiting) = self.gate.waiting.get(lane.index()) {
            waiting.fetch_sub(1, SeqCst);
        }
    }

    /// Whether nobody is refused or made to wait, and it is only counted.
    pub(super) fn is_shadow(&self) -> bool {
        self.gate.mode.load(SeqCst) & SHADOW != 0
    }

    /// See [`Tally::is_shadow`]; the modes change with the lock only.
    pub(super) fn set_shadow(&self, shadow: bool) {
        let others = self.gate.mode.load(SeqCst) & !SHADOW;
        self.gate.mode.store(others | if shadow { SHADOW } else { 0 }, SeqCst);
    }

    /// Whether beginning takes a token, and whether there must be one.
    pub(super) fn set_paced(&self, paced: bool, held_to: bool) {
        let others = self.gate.mode.load(SeqCst) & SHADOW;
        let paced = if paced { PACED } else { 0 };
        self.gate.mode.store(others | paced | if held_to { HELD_TO_PACE } else { 0 }, SeqCst);
    }

    /// Whether a request of this lane may begin as far as tokens go.
    pub(super) fn lets(&self, lane: Lane) -> bool {
        lane == Lane::Returning || self.may_begin()
    }

    /// Takes the token that a request of this lane needs.
    pub(super) fn begin(&self, lane: Lane) {
        if lane == Lane::Newcomer && self.gate.mode.load(SeqCst) & PACED != 0 {
            self.tokens.fetch_sub(TOKEN, SeqCst);
        }
    }

    /// Tokens from now on.
    pub(super) fn set_tokens(&self, tokens: i64) {
        self.tokens.store(tokens, SeqCst);
    }

    fn may_begin(&self) -> bool {
        self.gate.mode.load(SeqCst) & HELD_TO_PACE == 0 || self.tokens.load(SeqCst) > 0
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

    /// Holds more than there is.
    pub(super) fn force(&self, cost: u64) {
        self.held.fetch_add(cost, SeqCst);
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

    /// Notes that a request got a seat without waiting. Only the worker's own thread may.
    pub(super) fn seated(&self, lane: Lane, worker: usize) {
        raise(self.tills.get(worker).and_then(|till| till.seated.get(lane.index())));
    }

    /// Notes that a request was refused without waiting. Only the worker's own thread may.
    pub(super) fn refused(&self, lane: Lane, worker: usize) {
        raise(self.tills.get(worker).and_then(|till| till.refused.get(lane.index())));
    }

    /// What has been noted of requests that did not wait.
    pub(super) fn straight(&self) -> Straight {
        let total = |of: fn(&Till) -> &[AtomicU64; Lane::COUNT]| {
            Lane::ALL.map(|lane| {
                let counts = self.tills.iter().filter_map(|till| of(till).get(lane.index()));
                counts.fold(0_u64, |sum, count| sum.wrapping_add(count.load(Relaxed)))
            })
        };
        Straight { seated: total(|till| &till.seated), refused: total(|till| &till.refused) }
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

/// By its only writer: without a locked instruction.
fn raise(count: Option<&AtomicU64>) {
    if let Some(count) = count {
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

/// Of counts that one worker raised and another lowered.
fn sum<'a>(counts: impl Iterator<Item = &'a AtomicI64>) -> u64 {
    u64::try_from(counts.map(|count| count.load(Relaxed)).sum::<i64>()).unwrap_or(0)
}
