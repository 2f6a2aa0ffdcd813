//! Seats and those who wait for one: the lock-free tally, and a lock for the lines.
//!
//! No seat is left idle while somebody waits: a waiter first announces itself in the tally and then empties all
//! pockets; whoever frees a seat first makes it free in the tally and then looks whether anybody waits. All of these
//! are sequentially consistent, so one of the two sees the other, and serves the lines under their lock.
//!
//! A seat freed while somebody waits stays held while it changes hands: no newcomer can take it.

use std::sync::PoisonError;
use std::task::Waker;

use super::classes::{ClassShare, Slot};
use super::lane::Lane;
use super::lines::{Fate, Ticket};
use super::pace::Pace;
use super::queue::{Next, Queue};
use super::signal::QueueCounts;
use super::sync::{Mutex, MutexGuard};
use super::tally::Tally;
use crate::clock::Nanos;

/// The seats of one origin.
#[derive(Debug)]
pub(super) struct Pool {
    tally: Tally,
    queue: Mutex<Queue>,
}

/// What a request that is given a seat takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// A seat that there is.
    Within,
    /// One more than there are, or out of turn: nothing is enforced.
    Over,
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

    /// Takes `cost` for a class, unless that would exceed the limit or its cap, touch another class's reserve, overtake
    /// someone who waits or begin without a token. When nothing is enforced it takes it all the same.
    pub(super) fn take(&self, slot: Slot, lane: Lane, worker: usize, cost: u64) -> Option<Taken> {
        let taken = if self.take_within(slot, lane, worker, cost) {
            Taken::Within
        } else if self.tally.is_shadow() {
            self.tally.force(cost);
            self.tally.count(slot, worker, cost);
            Taken::Over
        } else {
            return None;
        };
        self.tally.seated(lane, worker);
        Some(taken)
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

    /// Joins a line; `None` when the class may have no more waiting.
    pub(super) fn join(&self, slot: Slot, lane: Lane, worker: usize, cost: u64, now: Nanos) -> Option<Ticket> {
        let mut queue = self.lock();
        queue.advance(now);
        let ticket = queue.join(&self.tally, Next { slot, lane, worker, cost });
        if ticket.is_none() {
            // A class that never waits is refused whenever all seats are in use: that is no sign of want.
            if queue.classes.max_waiting(slot) > 0 {
                self.tally.refused(lane, worker);
            }
            return None;
        }
        self.serve(&mut queue, 0);
        queue.shed_overdue(&self.tally, slot);
        Self::unlock(queue);
        ticket
    }

    /// What became of a waiter; its ticket is given back then. If it is still in line, `waker` is woken when that is known.
    pub(super) fn poll(&self, ticket: Ticket, waker: &Waker) -> Fate {
        let waker = waker.clone();
        let mut queue = self.lock();
        let fate = queue.lines.fate(ticket).unwrap_or(Fate::Shed);
        // Wakers are dropped without the lock: that may drop a task, and a task may hold a place in line.
        let (left, replaced) = match fate {
            Fate::InLine => (None, queue.lines.set_waker(ticket, waker)),
            Fate::Served { .. } | Fate::Shed => (queue.lines.leave(ticket), Some(waker)),
        };
        if let Some(waiter) = &left {
            queue.count(waiter, true);
        }
        drop(queue);
        drop((left, replaced));
        fate
    }

    /// Leaves the line. A seat that had just been handed over is passed on.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut queue = self.lock();
        let Some(waiter) = queue.lines.leave(ticket) else { return };
        queue.count(&waiter, false);
        match waiter.fate {
            Fate::Served { .. } => {
                self.tally.uncount(waiter.slot, waiter.worker, waiter.cost);
                self.settle(queue, waiter.cost);
            }
            Fate::InLine => {
                self.tally.remove_waiting(waiter.lane);
                self.settle(queue, 0);
            }
            Fate::Shed => drop(queue),
        }
    }

    /// A new limit and new classes, most important first; those who wait are served at once if they may be.
    pub(super) fn reconfigure(&self, limit: u64, shares: &[ClassShare]) -> Vec<Slot> {
        let mut queue = self.lock();
        let Queue { classes, lines, .. } = &mut *queue;
        let idle = |slot| self.tally.in_use_by(slot) == 0 && lines.length_of(slot) == 0;
        let slots = classes.reconfigure(shares, idle);
        self.set_limit_locked(queue, limit);
        slots
    }

    /// A new limit. A lower one is reached as seats are given back.
    pub(super) fn set_limit(&self, limit: u64) {
        self.set_limit_locked(self.lock(), limit);
    }

    /// New caps. A lower one is reached as seats are given back.
    pub(super) fn set_caps(&self, caps: &[(Slot, u32)]) {
        let mut queue = self.lock();
        queue.classes.set_caps(caps);
        self.tally.set_capped(queue.classes.capped());
        self.set_limit_locked(queue, self.tally.limit());
    }

    /// A new pace for newcomers, instead of what is left of the old one.
    pub(super) fn set_pace(&self, pace: Pace) {
        let queue = self.lock();
        self.tally.set_tokens(pace.tokens());
        self.tally.set_paced(pace.is_paced(), pace.is_paced() && pace.enforce);
        self.settle(queue, 0);
    }

    /// Enforces nothing from now on, and lets in whoever waits; or enforces again.
    pub(super) fn set_shadow(&self, shadow: bool) {
        let queue = self.lock();
        self.tally.set_shadow(shadow);
        self.settle(queue, 0);
    }

    /// Lets time pass: lines that stand, and what happened since the last time.
    pub(super) fn tick(&self, now: Nanos) -> QueueCounts {
        let mut queue = self.lock();
        queue.advance(now);
        queue.judge();
        // Whoever is overdue has the seat that would be idle otherwise.
        self.serve(&mut queue, 0);
        queue.shed_all_overdue(&self.tally);
        let counts = queue.take_counts(&self.tally);
        Self::unlock(queue);
        counts
    }

    /// How many of a class wait.
    pub(super) fn waiting_of(&self, slot: Slot) -> usize {
        self.lock().lines.length_of(slot)
    }

    /// Name, use and line of each class in force, most important first.
    pub(super) fn usage<T>(&self, each: impl Fn(&str, u64, usize) -> T) -> Vec<T> {
        let queue = self.lock();
        let waiting = |slot| queue.lines.length_of(slot);
        let of = |(slot, share): (Slot, &ClassShare)| each(&share.name, self.tally.in_use_by(slot), waiting(slot));
        queue.classes.in_force().map(of).collect()
    }

    fn take_within(&self, slot: Slot, lane: Lane, worker: usize, cost: u64) -> bool {
        if !self.tally.is_special(slot) {
            if self.tally.any_waits_before(lane) || !self.tally.lets(lane) {
                // Who waits may be held back by nothing but a cap.
                return self.tally.has_caps() && self.take_locked(slot, lane, worker, cost);
            }
            if self.tally.take(worker, cost) || self.take_swept(worker, cost) {
                self.tally.count(slot, worker, cost);
                self.tally.begin(lane);
                return true;
            }
            if !self.tally.has_special() {
                return false;
            }
        }
        self.take_locked(slot, lane, worker, cost)
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
    fn take_locked(&self, slot: Slot, lane: Lane, worker: usize, cost: u64) -> bool {
        let queue = self.lock();
        let use_then = self.tally.in_use_by(slot) + cost;
        let own = use_then <= queue.classes.reserve(slot, self.tally.limit());
        let capped = queue.classes.cap(slot).is_some_and(|most| use_then > most);
        let may = !capped && self.tally.lets(lane) && (own || queue.next(&self.tally).is_none());
        let mut in_hand = self.tally.sweep();
        let taken = may && self.cover(cost, &mut in_hand, self.most_for(&queue, slot));
        if taken {
            in_hand -= cost;
            self.tally.count(slot, worker, cost);
            self.tally.begin(lane);
        }
        self.settle(queue, in_hand);
        taken
    }

    /// Serves, and ends the use of the lock.
    fn settle(&self, mut queue: MutexGuard<'_, Queue>, in_hand: u64) {
        self.serve(&mut queue, in_hand);
        Self::unlock(queue);
    }

    /// Wakes whose fate was sealed, without the lock.
    fn unlock(mut queue: MutexGuard<'_, Queue>) {
        let woken = std::mem::take(&mut queue.woken);
        drop(queue);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Serves those who wait, as far as the limit allows, out of `in_hand` (still held), the pockets and what is free;
    /// what remains is made free.
    fn serve(&self, queue: &mut Queue, mut in_hand: u64) {
        in_hand += self.tally.sweep();
        while let Some(next) = queue.next(&self.tally) {
            let covered = self.cover(next.cost, &mut in_hand, self.most_for(queue, next.slot));
            if !covered {
                if !self.tally.is_shadow() {
                    break;
                }
                self.tally.force(next.cost);
                in_hand += next.cost;
            }
            in_hand -= next.cost;
            queue.serve(&self.tally, next, !covered);
        }
        self.tally.release(in_hand);
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
