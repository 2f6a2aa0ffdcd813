//! The counting of seats: a shared total, a pocket per worker, and a lock for those who wait.
//!
//! `held` counts what is in use and what lies in pockets. Only a compare-and-swap that keeps it within the limit raises
//! it, so no interleaving exceeds the limit. A worker that frees a seat while there is ample room keeps it in its
//! pocket, still counted, and takes the next one from there without touching a line that other workers write.
//!
//! No seat is left idle while somebody waits: a waiter first announces itself in `waiting` and then empties all
//! pockets; whoever frees a seat first puts it into a pocket or off `held` and then reads `waiting`. All of these are
//! sequentially consistent, so one of the two sees the other, and serves the line under its lock.
//!
//! A seat freed while somebody waits stays counted in `held` while it changes hands: no newcomer can take it.

use std::sync::PoisonError;
use std::task::Waker;

use crossbeam_utils::CachePadded;
use smallvec::SmallVec;

use super::classes::{ClassShare, Classes, MAX_CLASSES, SEAT, Slot};
use super::lines::{Left, Lines, Ticket};
use super::sync::Ordering::{Relaxed, SeqCst};
use super::sync::{AtomicI64, AtomicU64, AtomicUsize, Mutex, MutexGuard};

/// What a pocket holds at most: the swing of a worker's requests in flight that costs no shared write.
const POCKET: u64 = 8 * SEAT;

/// A limit that is never reached, and to which a cost can be added.
pub(super) const UNLIMITED: u64 = u64::MAX / 4;

/// The seats of one origin.
#[derive(Debug)]
pub(super) struct Pool {
    gate: CachePadded<Gate>,
    held: CachePadded<AtomicU64>,
    tills: Box<[CachePadded<Till>]>,
    queue: Mutex<Queue>,
}

/// What every request reads and few write.
#[derive(Debug)]
struct Gate {
    /// How many wait, of all classes.
    waiting: AtomicUsize,
    /// Most that may be held.
    limit: AtomicU64,
    /// Most that may be held without the lock: the limit without the reserves.
    open: AtomicU64,
    /// Most that may be held for a freed seat to go into a pocket.
    ample: AtomicU64,
    /// Slots with a reserve, a bit each: they always take the lock.
    reserved: AtomicU64,
}

/// One worker's own counts.
#[derive(Debug)]
struct Till {
    pocket: AtomicU64,
    in_use: [AtomicI64; MAX_CLASSES],
}

#[derive(Debug, Default)]
struct Queue {
    classes: Classes,
    lines: Lines,
}

impl Pool {
    /// Unlimited, without classes.
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
            queue: Mutex::new(Queue::default()),
        }
    }

    /// Takes `cost` for a class, unless that would exceed the limit, touch another class's reserve or overtake someone
    /// who waits.
    pub(super) fn take(&self, slot: Slot, worker: usize, cost: u64) -> bool {
        let reserved = self.gate.reserved.load(SeqCst);
        if reserved & bit(slot) == 0 {
            if self.gate.waiting.load(SeqCst) != 0 {
                return false;
            }
            if self.take_unlocked(worker, cost) {
                self.count(slot, worker, cost);
                return true;
            }
        }
        reserved != 0 && self.take_locked(slot, worker, cost)
    }

    /// Gives back what [`Pool::take`] or a served wait took.
    pub(super) fn give(&self, slot: Slot, worker: usize, cost: u64) {
        self.uncount(slot, worker, cost);
        if self.gate.waiting.load(SeqCst) != 0 {
            return self.settle(self.lock(), cost);
        }
        if !self.put_into_pocket(worker, cost) {
            self.held.fetch_sub(cost, SeqCst);
        }
        self.serve_if_any_waits();
    }

    /// Joins the line of a class; `None` when that is full.
    pub(super) fn join(&self, slot: Slot, worker: usize, cost: u64) -> Option<Ticket> {
        let mut queue = self.lock();
        if queue.lines.length(slot) >= queue.classes.max_waiting(slot) {
            return None;
        }
        let ticket = queue.lines.join(slot, worker, cost);
        self.gate.waiting.fetch_add(1, SeqCst);
        self.settle(queue, 0);
        Some(ticket)
    }

    /// Whether a waiter has been served; its ticket is given back then.
    pub(super) fn poll(&self, ticket: Ticket, waker: &Waker) -> bool {
        let mut queue = self.lock();
        let served = queue.lines.poll(ticket, waker);
        if served {
            queue.lines.leave(ticket);
        }
        served
    }

    /// Leaves the line. A seat that had just been handed over is passed on.
    pub(super) fn leave(&self, ticket: Ticket, slot: Slot, worker: usize, cost: u64) {
        let mut queue = self.lock();
        match queue.lines.leave(ticket) {
            Left::Unserved => {
                self.gate.waiting.fetch_sub(1, SeqCst);
                self.settle(queue, 0);
            }
            Left::Served => {
                self.uncount(slot, worker, cost);
                self.settle(queue, cost);
            }
        }
    }

    /// A new limit and new classes, most important first; those who wait are served at once if they may be.
    pub(super) fn reconfigure(&self, limit: u64, shares: &[ClassShare]) -> Vec<Slot> {
        let mut queue = self.lock();
        let Queue { classes, lines } = &mut *queue;
        let slots = classes.reconfigure(shares, |slot| self.in_use_by(slot) == 0 && lines.length(slot) == 0);
        self.set_gate(&queue.classes, limit);
        self.settle(queue, 0);
        slots
    }

    /// A new limit. A lower one is reached as seats are given back.
    pub(super) fn set_limit(&self, limit: u64) {
        let queue = self.lock();
        self.set_gate(&queue.classes, limit);
        self.settle(queue, 0);
    }

    /// Most that may be held; [`UNLIMITED`] is no limit.
    pub(super) fn limit(&self) -> u64 {
        self.gate.limit.load(SeqCst)
    }

    /// What a class has in use.
    pub(super) fn in_use_by(&self, slot: Slot) -> u64 {
        sum(self.tills.iter().filter_map(|till| till.in_use.get(slot.index())))
    }

    /// What all classes have in use.
    pub(super) fn in_use(&self) -> u64 {
        sum(self.tills.iter().flat_map(|till| &till.in_use))
    }

    /// How many of a class wait.
    pub(super) fn waiting_of(&self, slot: Slot) -> usize {
        self.lock().lines.length(slot)
    }

    /// Name, use and line of each class in force, most important first.
    pub(super) fn usage<T>(&self, each: impl Fn(&str, u64, usize) -> T) -> Vec<T> {
        let queue = self.lock();
        let lines = &queue.lines;
        let of = |(slot, share): (Slot, &ClassShare)| each(&share.name, self.in_use_by(slot), lines.length(slot));
        queue.classes.in_force().map(of).collect()
    }
}

/// Without the lock.
impl Pool {
    fn take_unlocked(&self, worker: usize, cost: u64) -> bool {
        let open = self.gate.open.load(SeqCst);
        self.take_from_pocket(worker, cost, open) || self.take_shared(cost, open) || self.take_swept(cost, open)
    }

    fn take_from_pocket(&self, worker: usize, cost: u64, open: u64) -> bool {
        let Some(till) = self.tills.get(worker) else {
            return false;
        };
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
        let Some(till) = self.tills.get(worker) else {
            return false;
        };
        let fits = till.pocket.load(SeqCst) + cost <= POCKET && self.held.load(SeqCst) <= self.gate.ample.load(SeqCst);
        if fits {
            till.pocket.fetch_add(cost, SeqCst);
        }
        fits
    }

    fn take_shared(&self, cost: u64, most: u64) -> bool {
        let mut held = self.held.load(SeqCst);
        while held + cost <= most {
            match self.held.compare_exchange_weak(held, held + cost, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(current) => held = current,
            }
        }
        false
    }

    /// With all pockets emptied, unless somebody began to wait meanwhile.
    fn take_swept(&self, cost: u64, most: u64) -> bool {
        let swept = self.sweep();
        if swept == 0 {
            return false;
        }
        self.held.fetch_sub(swept, SeqCst);
        !self.serve_if_any_waits() && self.take_shared(cost, most)
    }

    /// Empties all pockets; the caller answers for what was in them.
    fn sweep(&self) -> u64 {
        let full = self.tills.iter().filter(|till| till.pocket.load(SeqCst) != 0);
        full.map(|till| till.pocket.swap(0, SeqCst)).sum()
    }

    /// Owed after every step that frees a seat.
    fn serve_if_any_waits(&self) -> bool {
        let any = self.gate.waiting.load(SeqCst) != 0;
        if any {
            self.settle(self.lock(), 0);
        }
        any
    }

    fn count(&self, slot: Slot, worker: usize, cost: u64) {
        self.add(slot, worker, cost.cast_signed());
    }

    fn uncount(&self, slot: Slot, worker: usize, cost: u64) {
        self.add(slot, worker, -cost.cast_signed());
    }

    fn add(&self, slot: Slot, worker: usize, by: i64) {
        if let Some(count) = self.tills.get(worker).and_then(|till| till.in_use.get(slot.index())) {
            count.fetch_add(by, Relaxed);
        }
    }
}

/// With the lock.
impl Pool {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_gate(&self, classes: &Classes, limit: u64) {
        let reserves = classes.in_force().map(|(slot, _)| (slot, classes.reserve(slot, limit)));
        let reserves = reserves.filter(|&(_, reserve)| reserve > 0 && limit < UNLIMITED);
        let (reserved, kept) = reserves.fold((0, 0), |(bits, sum), (slot, reserve)| (bits | bit(slot), sum + reserve));
        let open = limit.saturating_sub(kept);
        self.gate.limit.store(limit, SeqCst);
        self.gate.open.store(open, SeqCst);
        self.gate.ample.store(open.saturating_sub(POCKET * self.tills.len() as u64), SeqCst);
        self.gate.reserved.store(reserved, SeqCst);
    }

    /// [`Pool::take`] with exact knowledge of what is kept for whom.
    fn take_locked(&self, slot: Slot, worker: usize, cost: u64) -> bool {
        let queue = self.lock();
        let own = self.in_use_by(slot) + cost <= queue.classes.reserve(slot, self.limit());
        let mut in_hand = self.sweep();
        let taken = (own || self.gate.waiting.load(SeqCst) == 0)
            && self.cover(cost, &mut in_hand, self.most_for(&queue.classes, slot));
        if taken {
            in_hand -= cost;
            self.count(slot, worker, cost);
        }
        self.settle(queue, in_hand);
        taken
    }

    /// Serves those who wait, as far as the limit allows, out of `in_hand` (counted in `held`), the pockets and what is
    /// free; what remains goes off `held`.
    fn settle(&self, mut queue: MutexGuard<'_, Queue>, mut in_hand: u64) {
        let mut served = SmallVec::<[Waker; 4]>::new();
        in_hand += self.sweep();
        while let Some((slot, worker, cost)) = self.next(&queue) {
            if !self.cover(cost, &mut in_hand, self.most_for(&queue.classes, slot)) {
                break;
            }
            in_hand -= cost;
            self.count(slot, worker, cost);
            served.extend(queue.lines.serve(slot));
            self.gate.waiting.fetch_sub(1, SeqCst);
        }
        self.held.fetch_sub(in_hand, SeqCst);
        drop(queue);
        served.into_iter().for_each(Waker::wake);
    }

    /// Who is next: the first of the most important class that is under its guarantee, else of the most important.
    fn next(&self, queue: &Queue) -> Option<(Slot, usize, u64)> {
        let limit = self.limit();
        let mut waiting = queue.classes.order().iter().copied().filter(|&slot| queue.lines.length(slot) > 0).peekable();
        let owed = |slot: &Slot| {
            let guarantee = queue.classes.guarantee(*slot, limit);
            guarantee > 0 && self.in_use_by(*slot) < guarantee
        };
        let mut slot = waiting.next()?;
        if waiting.peek().is_some() && !owed(&slot) {
            slot = waiting.find(owed).unwrap_or(slot);
        }
        queue.lines.first(slot).map(|waiter| (slot, waiter.worker, waiter.cost))
    }

    /// Most that may be held after this class has taken something: the limit without what is kept for others.
    fn most_for(&self, classes: &Classes, slot: Slot) -> u64 {
        let limit = self.limit();
        let reserved = self.gate.reserved.load(SeqCst) & !bit(slot);
        let others = classes.in_force().filter(|(other, _)| reserved & bit(*other) != 0);
        let kept = others.map(|(other, _)| classes.reserve(other, limit).saturating_sub(self.in_use_by(other)));
        limit.saturating_sub(kept.sum())
    }

    /// Makes `in_hand` at least `cost` if that, once used, keeps `held` within `most`.
    fn cover(&self, cost: u64, in_hand: &mut u64, most: u64) -> bool {
        let missing = cost.saturating_sub(*in_hand);
        let mut held = self.held.load(SeqCst);
        while held.saturating_sub(*in_hand) + cost <= most {
            if missing == 0 {
                return true;
            }
            match self.held.compare_exchange_weak(held, held + missing, SeqCst, SeqCst) {
                Ok(_) => {
                    *in_hand += missing;
                    return true;
                }
                Err(current) => held = current,
            }
        }
        false
    }
}

fn bit(slot: Slot) -> u64 {
    1 << slot.index()
}

/// Of counts that one worker raised and another lowered.
fn sum<'a>(counts: impl Iterator<Item = &'a AtomicI64>) -> u64 {
    u64::try_from(counts.map(|count| count.load(Relaxed)).sum::<i64>()).unwrap_or(0)
}
