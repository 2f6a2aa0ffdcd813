//! What workers ask of a room, for one shopper each.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::era::Era;
use super::inside::{Holder, State};
use super::line::Stamp;
use super::standing::{Claimed, Entry, Promise, Slot, Standing};
use super::view::View;
use super::{Moment, Room};
use crate::config::settings::{RoomMode, RoomOrder};

/// A place whose holder was not heard of for so many of the intervals it was told is passed over.
const INTERVALS: u32 = 3;
/// Nobody is passed over sooner: an answer may be on its way through a slow network.
const LEAST_PATIENCE: Duration = Duration::from_secs(6);
/// A page without scripts, or one that nobody looks at, may not ask more often than this.
const SLOWLY: Duration = Duration::from_secs(60);
/// After a restart everybody counts as there for this long.
pub(super) const RESTART_GRACE: Duration = Duration::from_secs(120);
/// With so few open slots left, more are asked for before the next tick.
const FEW: u32 = 2;

/// The last second of a place's patience, on a clock that wraps.
pub(super) fn deadline(now: Moment, patience: Duration) -> Stamp {
    (u64::from(now.seconds()) + patience.as_secs()) as Stamp
}

/// Seconds since a deadline has passed; negative before.
pub(super) fn overdue(deadline: Stamp, now: Moment) -> i16 {
    (now.seconds() as Stamp).wrapping_sub(deadline) as i16
}

impl Room {
    /// What becomes of a newcomer.
    #[must_use]
    pub fn enter(&self, now: Moment) -> Entry {
        let (view, era) = (self.view.load(), self.era.load());
        if view.is_closed() {
            return Entry::Closed;
        }
        // A line forms only where somebody waits already, or nothing is open.
        if view.mode == RoomMode::Auto
            && !view.is_lobby()
            && era.line.waiting() == 0
            && let Some((slot, number)) = self.come_in(&era, now)
        {
            return Entry::Inside(Slot { epoch: era.epoch, slot, number });
        }
        match era.numbers.take() {
            Some(number) => {
                self.counts.given.store(now.mono, Relaxed);
                Entry::Waiting { epoch: era.epoch, number }
            }
            None => {
                self.nudge();
                Entry::NoNumber
            }
        }
    }

    /// Whether nobody has to wait: there is no line, and the next who comes is let in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let (view, era) = (self.view.load(), self.era.load());
        match view.mode {
            RoomMode::Off => true,
            RoomMode::Auto if !view.is_lobby() && !view.is_closed() => {
                era.line.waiting() == 0 && era.inside.stocked() > 0
            }
            RoomMode::Auto | RoomMode::Always | RoomMode::Paused | RoomMode::Closed => false,
        }
    }

    fn come_in(&self, era: &Era, now: Moment) -> Option<(u32, u32)> {
        let taken = era.inside.take_open(|| era.numbers.take(), now.seconds());
        if taken.is_some() {
            self.counts.directly.fetch_add(1, Relaxed);
            self.counts.admitted.fetch_add(1, Relaxed);
        }
        if era.inside.stocked() < FEW {
            self.nudge();
        }
        taken
    }

    /// How many are ahead of a number that was just given and does not count yet.
    #[must_use]
    pub fn rank(&self, number: u32) -> Option<u32> {
        let (view, era) = (self.view.load(), self.era.load());
        rank(&view, &era, era.place(number))
    }

    /// Where the holder of a ticket stands. Asking is what keeps a place: it counts from the first time on, and again
    /// after it was passed over. `slowly` is for a page without scripts, or in a tab nobody
    /// looks at.
    #[must_use]
    pub fn standing(&self, epoch: u32, number: u32, slowly: bool, now: Moment) -> Standing {
        let (view, era) = (self.view.load(), self.era.load());
        if view.mode == RoomMode::Off {
            // Nobody waits for anything.
            return Standing::Called;
        }
        if epoch != era.epoch || number >= era.numbers.next() {
            return Standing::Foreign;
        }
        let place = era.place(number);
        if !era.line.is_waiting(place) {
            match era.slot_of(number) {
                Some((_, State::Called(_))) => return Standing::Called,
                Some((slot, _)) => return Standing::Inside(Slot { epoch, slot, number }),
                None if era.line.is_finished(number) => return Standing::Used,
                None if view.is_closed() => return Standing::Closed,
                None => {}
            }
        }
        let rank = rank(&view, &era, place);
        let mut interval = view.poll_interval(rank);
        if slowly {
            interval = interval.max(SLOWLY);
        }
        let is_back = era.line.occupy(place, deadline(now, (interval * INTERVALS).max(LEAST_PATIENCE)));
        // Called since it was looked at: it would be called a second time.
        if is_back && let Some((slot, state)) = era.slot_of(number) {
            era.line.vacate(place);
            return if state == State::Called(number) {
                Standing::Called
            } else {
                Standing::Inside(Slot { epoch, slot, number })
            };
        }
        if view.is_closed() {
            Standing::Closed
        } else if view.is_lobby() {
            Standing::Lobby
        } else if view.mode == RoomMode::Paused {
            Standing::Paused { rank }
        } else {
            Standing::Waiting { rank }
        }
    }

    /// The holder of a called number comes in. Coming again is the same stay.
    #[must_use]
    pub fn claim(&self, epoch: u32, number: u32, promise: Promise, now: Moment) -> Option<Claimed> {
        let era = self.era.load();
        let (slot, state) = era.slot_of(number).filter(|_| epoch == era.epoch)?;
        let of = Slot { epoch: era.epoch, slot, number };
        let again = Claimed { slot: of, waited: None };
        let State::Called(_) = state else { return Some(again) };
        let called = era.inside.seen(slot);
        // Whoever brings a ticket back keeps cookies.
        let held = Holder { number, confirmed: true, on_journey: false };
        if !era.inside.change(slot, state, State::Held(held), now.seconds()) {
            // The same shopper came with another tab, or the turn has just lapsed.
            return matches!(era.inside.state(slot), State::Held(holder) if holder.number == number).then_some(again);
        }
        self.counts.admitted.fetch_add(1, Relaxed);
        let since = u64::from(now.seconds().saturating_sub(called));
        let waited = now.unix.saturating_sub(since).saturating_sub(promise.joined).try_into().unwrap_or(u32::MAX);
        if let Some(likely) = promise.likely {
            self.counts.promises.lock().unwrap_or_else(PoisonError::into_inner).push((likely, waited));
        }
        Some(Claimed { slot: of, waited: Some(Duration::from_secs(waited.into())) })
    }

    /// A request of somebody inside; false if the slot is not theirs any more.
    #[must_use]
    pub fn stay(&self, of: Slot, on_journey: bool, now: Moment) -> bool {
        let era = self.era.load();
        of.epoch == era.epoch && era.inside.stay(of.slot, of.number, on_journey, now.seconds())
    }

    /// A shopper is done: the slot is free at once. False if it was not theirs any more.
    pub fn finish(&self, of: Slot, now: Moment) -> bool {
        let era = self.era.load();
        let mut state = era.inside.state(of.slot);
        // A request of the same shopper may change the state in between, but not for ever.
        while of.epoch == era.epoch && matches!(state, State::Held(holder) if holder.number == of.number) {
            if era.end(of.slot, state, now.seconds()) {
                self.counts.completed.fetch_add(1, Relaxed);
                self.counts.ended.fetch_add(1, Relaxed);
                return true;
            }
            state = era.inside.state(of.slot);
        }
        false
    }

    /// A shopper gives the place up, in line or called.
    pub fn leave(&self, epoch: u32, number: u32, now: Moment) {
        let era = self.era.load();
        if epoch != era.epoch || number >= era.numbers.next() {
            return;
        }
        let place = era.place(number);
        match era.slot_of(number) {
            Some((slot, state @ State::Called(_))) => {
                era.line.finish(number);
                era.inside.free(slot, state, now.seconds());
            }
            Some(_) => return,
            None => era.line.finish(number),
        }
        era.line.vacate(place);
        self.counts.abandoned.fetch_add(1, Relaxed);
    }

    /// Whether this request of a visitor without a pass would have waited, while the room is off. `visitor` is a hash of
    /// whatever tells visitors apart.
    #[must_use]
    pub fn would_wait(&self, visitor: u64, now: Moment) -> bool {
        let terms = self.terms.load();
        let session = terms.session.as_secs().try_into().unwrap_or(u32::MAX);
        self.shadow.would_wait(visitor, terms.active_shoppers, now.seconds(), session)
    }
}

fn rank(view: &View, era: &Era, place: u32) -> Option<u32> {
    (view.order == RoomOrder::Arrival && !view.is_lobby()).then(|| era.line.rank(place))
}
