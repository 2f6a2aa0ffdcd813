//! All that is void when the room begins anew: the numbers given, the line they stand in, and who is inside.

use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};

use arc_swap::ArcSwap;

use super::draw::Draw;
use super::inside::{Inside, State};
use super::line::{Line, Stamp};
use super::store::{Saved, SlotRecord};

/// Numbers that may be given.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU32,
    /// No number from here on may be given.
    leased: AtomicU32,
}

impl Numbers {
    fn from(first: u32) -> Self {
        Self { next: AtomicU32::new(first), leased: AtomicU32::new(first) }
    }

    /// The next number, if the store has set one aside.
    pub(super) fn take(&self) -> Option<u32> {
        let leased = self.leased.load(Acquire);
        let give = |next: u32| (next < leased).then(|| next + 1);
        self.next.fetch_update(AcqRel, Acquire, give).ok()
    }

    /// No number from here on was given.
    pub(super) fn next(&self) -> u32 {
        self.next.load(Acquire)
    }

    /// The end of what may be given.
    pub(super) fn leased(&self) -> u32 {
        self.leased.load(Acquire)
    }

    pub(super) fn lease(&self, until: u32) {
        self.leased.store(until, Release);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Era {
    pub(super) epoch: u32,
    pub(super) numbers: Numbers,
    pub(super) line: Line,
    pub(super) inside: Inside,
    /// The lobbies that were shuffled.
    pub(super) draws: ArcSwap<Vec<Draw>>,
}

impl Era {
    /// An epoch in which nothing has happened.
    pub(super) fn new(epoch: u32) -> Self {
        Self { epoch, numbers: Numbers::from(0), line: Line::new(), inside: Inside::new(), draws: ArcSwap::default() }
    }

    /// An epoch as the store knows it. Whoever waited counts as there until `deadline`.
    pub(super) fn restored(saved: &Saved, deadline: Stamp, now: u32) -> Self {
        let head = &saved.head;
        let draws = head.draws.iter().map(|draw| Draw::from(*draw)).collect();
        let era =
            Self { numbers: Numbers::from(head.leased), draws: ArcSwap::from_pointee(draws), ..Self::new(head.epoch) };
        for (page, bits) in &saved.pages {
            era.line.restore(*page, bits, deadline);
        }
        for &(slot, record) in &saved.slots {
            era.inside.restore(slot, record, now);
            if let SlotRecord::Taken(number) = record {
                // The call may be younger than the last page that was written.
                era.line.vacate(era.place(number));
            }
        }
        era.line.reindex();
        era
    }

    /// Where in line a number stands.
    pub(super) fn place(&self, number: u32) -> u32 {
        let draws = self.draws.load();
        draws.iter().find(|draw| holds(draw, number)).map_or(number, |draw| draw.place(number))
    }

    /// Whose place in line it is.
    pub(super) fn number(&self, place: u32) -> u32 {
        let draws = self.draws.load();
        draws.iter().find(|draw| holds(draw, place)).map_or(place, |draw| draw.number(place))
    }

    /// The slot of a called or admitted number, and what it is.
    pub(super) fn slot_of(&self, number: u32) -> Option<(u32, State)> {
        let slot = self.inside.slot_of(number)?;
        match self.inside.state(slot) {
            state @ State::Called(of) if of == number => Some((slot, state)),
            state @ State::Held(holder) if holder.number == number => Some((slot, state)),
            _ => None,
        }
    }

    /// Frees a slot for good: its number was used.
    pub(super) fn end(&self, slot: u32, state: State, now: u32) -> bool {
        let State::Held(holder) = state else { return false };
        // First, so that no answer in between takes the number for one that came back.
        self.line.finish(holder.number);
        self.inside.free(slot, state, now).is_some()
    }
}

/// Numbers and places of a lobby are the same range.
fn holds(draw: &Draw, number: u32) -> bool {
    number.checked_sub(draw.start).is_some_and(|offset| offset < draw.size)
}
