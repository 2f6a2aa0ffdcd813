//! What the lock of the seats guards: the classes, their lines, and what became of who waited.

use std::task::Waker;

use smallvec::SmallVec;

use super::classes::{Classes, Slot};
use super::lane::Lane;
use super::lines::{Fate, Lines, Ticket, Waiter};
use super::signal::QueueCounts;
use super::standing;
use super::tally::{Straight, Tally};
use crate::clock::Nanos;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) classes: Classes,
    pub(super) lines: Lines,
    /// The latest time it was told: a seat is given back without reading the clock.
    now: Nanos,
    /// To be woken when the lock has been released.
    pub(super) woken: Wakers,
    /// Of those who waited, since the last [`Queue::take_counts`].
    counts: QueueCounts,
    /// Of those who did not, up to then.
    straight: Straight,
}

/// Wakers of those whose fate was sealed.
pub(super) type Wakers = SmallVec<[Waker; 4]>;

/// Who is served next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub(super) slot: Slot,
    pub(super) lane: Lane,
    pub(super) worker: usize,
    pub(super) cost: u64,
}

impl Queue {
    /// It is at least `now`.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.now = self.now.max(now);
    }

    /// Joins a line, as far as the class may wait. One that returns is not kept out by those who have not begun: the last
    /// of them in turn gives way.
    pub(super) fn join(&mut self, tally: &Tally, next: Next) -> Option<Ticket> {
        let Next { slot, lane, worker, cost } = next;
        let is_full = self.lines.length_of(slot) >= self.classes.max_waiting(slot);
        if is_full && !tally.is_shadow() {
            let yields = lane == Lane::Returning && self.lines.length(slot, Lane::Newcomer) > 0;
            if !yields {
                return None;
            }
            let waker = self.lines.displace(slot, Lane::Newcomer, self.now);
            self.woken.extend(waker);
            tally.remove_waiting(Lane::Newcomer);
        }
        let ticket = self.lines.join(slot, lane, worker, cost, self.now);
        tally.add_waiting(lane);
        Some(ticket)
    }

    /// Who is next: the first of the most important class that is under its guarantee, else of the most important; in a
    /// class, who returns before who begins. Who may not be served now is passed over.
    pub(super) fn next(&self, tally: &Tally) -> Option<Next> {
        if tally.waiting(Lane::Returning) == 0 && tally.waiting(Lane::Newcomer) == 0 {
            return None;
        }
        let limit = tally.limit();
        let turns = self.classes.order().iter().filter_map(|&slot| self.turn(tally, slot));
        let mut turns = turns.peekable();
        let owed = |next: &Next| {
            let guarantee = self.classes.guarantee(next.slot, limit);
            guarantee > 0 && tally.in_use_by(next.slot) < guarantee
        };
        let first = turns.next()?;
        if turns.peek().is_none() || owed(&first) {
            return Some(first);
        }
        Some(turns.find(owed).unwrap_or(first))
    }

    /// Serves who is next.
    pub(super) fn serve(&mut self, tally: &Tally, next: Next, over: bool) {
        let waker = self.lines.serve(next.slot, next.lane, self.now, over);
        self.woken.extend(waker);
        tally.count(next.slot, next.worker, next.cost);
        tally.begin(next.lane);
        tally.remove_waiting(next.lane);
    }

    /// Judges which lines stand.
    pub(super) fn judge(&mut self) {
        let Self { classes, lines, now, .. } = self;
        for &slot in classes.order() {
            for lane in Lane::ALL {
                lines.judge(slot, lane, classes.target(slot), *now);
            }
        }
    }

    /// Sheds whoever has waited too long in a line of this class that stands.
    pub(super) fn shed_overdue(&mut self, tally: &Tally, slot: Slot) {
        let Some(target) = self.classes.target(slot) else { return };
        for lane in Lane::ALL {
            let overdue = |joined: Nanos| self.now.saturating_sub(joined) > standing::patience(target);
            while self.lines.stands(slot, lane, self.now) && self.lines.oldest(slot, lane).is_some_and(overdue) {
                let waker = self.lines.shed(slot, lane);
                self.woken.extend(waker);
                tally.remove_waiting(lane);
            }
        }
    }

    /// The same for all classes.
    pub(super) fn shed_all_overdue(&mut self, tally: &Tally) {
        for index in 0..self.classes.order().len() {
            if let Some(&slot) = self.classes.order().get(index) {
                self.shed_overdue(tally, slot);
            }
        }
    }

    /// Counts what became of one that gave its ticket back; `taken` if with the seat it was served.
    pub(super) fn count(&mut self, waiter: &Waiter, taken: bool) {
        let counts = &mut self.counts;
        match (waiter.lane, waiter.fate) {
            (Lane::Returning, Fate::Served { at, .. }) if taken => {
                counts.returned += 1;
                counts.waited += at.saturating_sub(waiter.joined) as f64 / 1e9;
            }
            (Lane::Newcomer, Fate::Served { .. }) if taken => counts.begun += 1,
            (Lane::Returning, _) => counts.failed += 1,
            (Lane::Newcomer, _) => counts.turned_away += 1,
        }
    }

    /// What has been counted since the last call.
    pub(super) fn take_counts(&mut self, tally: &Tally) -> QueueCounts {
        let mut counts = std::mem::take(&mut self.counts);
        let straight = tally.straight();
        let before = std::mem::replace(&mut self.straight, straight);
        let [returned, begun] = since(straight.seated, before.seated);
        let [failed, turned_away] = since(straight.refused, before.refused);
        counts.returned += returned;
        counts.begun += begun;
        counts.failed += failed;
        counts.turned_away += turned_away;
        let number = |lane| u32::try_from(tally.waiting(lane)).unwrap_or(u32::MAX);
        counts.waiting = number(Lane::Returning);
        counts.newcomers_waiting = number(Lane::Newcomer);
        counts
    }

    /// Who of a class is next, if any of it may be served.
    fn turn(&self, tally: &Tally, slot: Slot) -> Option<Next> {
        let shadow = tally.is_shadow();
        let lanes = Lane::ALL.into_iter().filter(|&lane| shadow || tally.lets(lane));
        let waiter = lanes.filter_map(|lane| self.lines.next(slot, lane, self.now)).next()?;
        let within = |most| tally.in_use_by(slot) + waiter.cost <= most;
        let may = shadow || self.classes.cap(slot).is_none_or(within);
        may.then_some(Next { slot, lane: waiter.lane, worker: waiter.worker, cost: waiter.cost })
    }
}

/// By lane.
fn since(now: [u64; Lane::COUNT], before: [u64; Lane::COUNT]) -> [u64; Lane::COUNT] {
    let ([a, b], [c, d]) = (now, before);
    [a.wrapping_sub(c), b.wrapping_sub(d)]
}
