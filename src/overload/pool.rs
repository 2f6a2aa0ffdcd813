//! Seats and those who wait for one: the lock-free tally, and a lock for the lines.
//!
//! No seat is left idle while somebody waits: a waiter first announces itself in the tally and then empties all
//! pockets; whoever frees a seat first makes it free in the tally and then looks whether anybody waits. All of these
//! are sequentially consistent, so one of the two sees the other, and serves the lines under their lock.
//!
//! A seat freed while somebody waits stays held while it changes hands: no newcomer can take it.

use std::sync::PoisonError;
use std::task::Waker;

use smallvec::SmallVec;

use super::classes::{ClassShare, Classes, Slot};
use super::lines::{Lines, Ticket};
use super::sync::{Mutex, MutexGuard};
use super::tally::Tally;

/// The seats of one origin.
#[derive(Debug)]
pub(super) struct Pool {
    tally: Tally,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    classes: Classes,
    lines: Lines,
}

impl Pool {
    /// Unlimited, without classes.
    pub(super) fn new(workers: usize) -> Self {
        Self { tally: Tally::new(workers), queue: Mutex::new(Queue::default()) }
    }

    /// The numbers, to be read.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes `cost` for a class, unless that would exceed the limit, touch another class's reserve or overtake someone
    /// who waits.
    pub(super) fn take(&self, slot: Slot, worker: usize, cost: u64) -> bool {
        if !self.tally.has_reserve(slot) {
            if self.tally.any_waits() {
                return false;
            }
            if self.tally.take(worker, cost) || self.take_swept(worker, cost) {
                self.tally.count(slot, worker, cost);
                return true;
            }
        }
        self.tally.has_reserves() && self.take_locked(slot, worker, cost)
    }

    /// Gives back what [`Pool::take`] or a served wait took.
    pub(super) fn give(&self, slot: Slot, worker: usize, cost: u64) {
        self.tally.uncount(slot, worker, cost);
        if self.tally.any_waits() {
            return self.settle(self.lock(), cost);
        }
        self.tally.free(worker, cost);
        self.serve_if_any_waits();
    }

    /// Joins the line of a class; `None` when that is full.
    pub(super) fn join(&self, slot: Slot, worker: usize, cost: u64) -> Option<Ticket> {
        let mut queue = self.lock();
        if queue.lines.length(slot) >= queue.classes.max_waiting(slot) {
            return None;
        }
        let ticket = queue.lines.join(slot, worker, cost);
        self.tally.add_waiting();
        self.settle(queue, 0);
        Some(ticket)
    }

    /// Whether a waiter has been served; its ticket is given back then. If not, `waker` is woken when it is.
    pub(super) fn poll(&self, ticket: Ticket, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut queue = self.lock();
        let served = queue.lines.is_served(ticket);
        // Wakers are dropped without the lock: that may drop a task, and a task may hold a place in line.
        let (left, replaced) = match served {
            true => (queue.lines.leave(ticket), Some(waker)),
            false => (None, queue.lines.set_waker(ticket, waker)),
        };
        drop(queue);
        drop((left, replaced));
        served
    }

    /// Leaves the line. A seat that had just been handed over is passed on.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut queue = self.lock();
        let Some(waiter) = queue.lines.leave(ticket) else { return };
        if waiter.served {
            self.tally.uncount(waiter.slot, waiter.worker, waiter.cost);
            self.settle(queue, waiter.cost);
        } else {
            self.tally.remove_waiting();
            self.settle(queue, 0);
        }
    }

    /// A new limit and new classes, most important first; those who wait are served at once if they may be.
    pub(super) fn reconfigure(&self, limit: u64, shares: &[ClassShare]) -> Vec<Slot> {
        let mut queue = self.lock();
        let Queue { classes, lines } = &mut *queue;
        let idle = |slot| self.tally.in_use_by(slot) == 0 && lines.length(slot) == 0;
        let slots = classes.reconfigure(shares, idle);
        self.set_limit_locked(queue, limit);
        slots
    }

    /// A new limit. A lower one is reached as seats are given back.
    pub(super) fn set_limit(&self, limit: u64) {
        self.set_limit_locked(self.lock(), limit);
    }

    /// How many of a class wait.
    pub(super) fn waiting_of(&self, slot: Slot) -> usize {
        self.lock().lines.length(slot)
    }

    /// Name, use and line of each class in force, most important first.
    pub(super) fn usage<T>(&self, each: impl Fn(&str, u64, usize) -> T) -> Vec<T> {
        let queue = self.lock();
        let lines = &queue.lines;
        let of = |(slot, share): (Slot, &ClassShare)| each(&share.name, self.tally.in_use_by(slot), lines.length(slot));
        queue.classes.in_force().map(of).collect()
    }

    /// Takes after emptying all pockets, unless somebody began to wait meanwhile.
    fn take_swept(&self, worker: usize, cost: u64) -> bool {
        let swept = self.tally.sweep();
        if swept == 0 {
            return false;
        }
        self.tally.release(swept);
        !self.serve_if_any_waits() && self.tally.take(worker, cost)
    }

    /// Owed after every step that frees a seat.
    fn serve_if_any_waits(&self) -> bool {
        let any = self.tally.any_waits();
        if any {
            self.settle(self.lock(), 0);
        }
        any
    }
}

/// With the lock.
impl Pool {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_limit_locked(&self, queue: MutexGuard<'_, Queue>, limit: u64) {
        let reserves = queue.classes.in_force().map(|(slot, _)| (slot, queue.classes.reserve(slot, limit)));
        self.tally.set_limit(limit, reserves);
        self.settle(queue, 0);
    }

    /// [`Pool::take`] with exact knowledge of what is kept for whom.
    fn take_locked(&self, slot: Slot, worker: usize, cost: u64) -> bool {
        let queue = self.lock();
        let own = self.tally.in_use_by(slot) + cost <= queue.classes.reserve(slot, self.tally.limit());
        let mut in_hand = self.tally.sweep();
        let taken = (own || !self.tally.any_waits()) && self.cover(cost, &mut in_hand, self.most_for(&queue, slot));
        if taken {
            in_hand -= cost;
            self.tally.count(slot, worker, cost);
        }
        self.settle(queue, in_hand);
        taken
    }

    /// Serves those who wait, as far as the limit allows, out of `in_hand` (still held), the pockets and what is free;
    /// what remains is made free.
    fn settle(&self, mut queue: MutexGuard<'_, Queue>, mut in_hand: u64) {
        let mut served = SmallVec::<[Waker; 4]>::new();
        in_hand += self.tally.sweep();
        while let Some((slot, worker, cost)) = self.next(&queue) {
            if !self.cover(cost, &mut in_hand, self.most_for(&queue, slot)) {
                break;
            }
            in_hand -= cost;
            self.tally.count(slot, worker, cost);
            served.extend(queue.lines.serve(slot));
            self.tally.remove_waiting();
        }
        self.tally.release(in_hand);
        drop(queue);
        served.into_iter().for_each(Waker::wake);
    }

    /// Who is next: the first of the most important class that is under its guarantee, else of the most important.
    fn next(&self, queue: &Queue) -> Option<(Slot, usize, u64)> {
        let limit = self.tally.limit();
        let mut waiting = queue.classes.order().iter().copied().filter(|&slot| queue.lines.length(slot) > 0).peekable();
        let owed = |slot: &Slot| {
            let guarantee = queue.classes.guarantee(*slot, limit);
            guarantee > 0 && self.tally.in_use_by(*slot) < guarantee
        };
        let mut slot = waiting.next()?;
        if waiting.peek().is_some() && !owed(&slot) {
            slot = waiting.find(owed).unwrap_or(slot);
        }
        queue.lines.first(slot).map(|waiter| (slot, waiter.worker, waiter.cost))
    }

    /// Most that may be held after this class has taken something: the limit without what is kept for others.
    fn most_for(&self, queue: &Queue, slot: Slot) -> u64 {
        let limit = self.tally.limit();
        if !self.tally.has_reserves() {
            return limit;
        }
        let others = queue.classes.in_force().filter(|&(other, _)| other != slot);
        let unused = |other| queue.classes.reserve(other, limit).saturating_sub(self.tally.in_use_by(other));
        limit.saturating_sub(others.map(|(other, _)| unused(other)).sum())
    }

    /// Makes `in_hand` at least `cost` if that, once used, keeps what is held within `most`.
    fn cover(&self, cost: u64, in_hand: &mut u64, most: u64) -> bool {
        let missing = cost.saturating_sub(*in_hand);
        let spare = in_hand.saturating_sub(cost);
        let covered = self.tally.hold(missing, spare, most);
        if covered {
            *in_hand += missing;
        }
        covered
    }
}
