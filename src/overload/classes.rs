//! The classes that share an origin: their order, guarantees, reserves and caps.

use std::time::Duration;

use super::standing;
use crate::clock::Nanos;

/// Classes that are counted apart, over all reloads whose requests are still at the origin. Further ones share the
/// last slot.
pub const MAX_CLASSES: usize = 64;

/// One seat in the unit of counting, so that a request may weigh a fraction of one.
pub(super) const SEAT: u64 = 1_000;

/// What one class may have of an origin.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassShare {
    /// Its name; carries its seats and its line over a reconfiguration.
    pub name: String,
    /// Share of the limit, 0.0 – 1.0, that it gets when it wants it.
    ///
    /// A class that waits lends what it does not use, and is served first until it has it back. A class that never
    /// waits (`max_waiting` 0) has no way to ask for it back, so the whole seats of its share are kept free for it.
    pub guaranteed: f64,
    /// Requests of it that may wait at once.
    pub max_waiting: usize,
    /// How long one may wait; decides what counts as a line that stands. Nobody is told to go when it is over: that is
    /// the waiter's business.
    pub max_wait: Duration,
}

/// Where a class is counted. Stable by name for as long as its [`super::Seats`] live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(u8);

impl Slot {
    /// Below [`MAX_CLASSES`].
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The last one, if there are not so many.
    pub(super) fn at(index: usize) -> Self {
        Self(u8::try_from(index.min(MAX_CLASSES - 1)).unwrap_or(0))
    }
}

/// The classes in force, and those of earlier configurations, which are served last.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// By slot.
    shares: Vec<ClassShare>,
    /// All slots, most important first.
    order: Vec<Slot>,
    /// How many of `order` are in force.
    in_force: usize,
    /// Most that some may hold for now.
    caps: Vec<(Slot, u64)>,
}

impl Classes {
    /// Takes over `shares`, most important first. Slots for which `idle` holds may be given to new names.
    pub(super) fn reconfigure(&mut self, shares: &[ClassShare], idle: impl Fn(Slot) -> bool) -> Vec<Slot> {
        for old in &mut self.shares {
            old.guaranteed = 0.0;
        }
        let mut slots = Vec::with_capacity(shares.len());
        for share in shares {
            let slot = self.slot_for(share, shares, &idle);
            match self.shares.get_mut(slot.index()) {
                Some(place) => place.clone_from(share),
                None => self.shares.push(share.clone()),
            }
            slots.push(slot);
        }
        self.order.clone_from(&slots);
        self.order.dedup();
        self.in_force = self.order.len();
        let retired = (0..self.shares.len()).map(Slot::at).filter(|slot| !slots.contains(slot));
        self.order.extend(retired);
        slots
    }

    /// The slot of the same name, else a new one, else one that nobody needs, else the last.
    fn slot_for(&self, share: &ClassShare, shares: &[ClassShare], idle: impl Fn(Slot) -> bool) -> Slot {
        if let Some(same) = self.shares.iter().position(|old| old.name == share.name) {
            return Slot::at(same);
        }
        if self.shares.len() < MAX_CLASSES {
            return Slot::at(self.shares.len());
        }
        let wanted = |slot| self.share(slot).is_some_and(|old| shares.iter().any(|new| new.name == old.name));
        let free = (0..MAX_CLASSES).map(Slot::at).find(|&slot| !wanted(slot) && idle(slot));
        free.unwrap_or(Slot::at(MAX_CLASSES - 1))
    }

    /// All slots, most important first.
    pub(super) fn order(&self) -> &[Slot] {
        &self.order
    }

    /// Slots in force with their shares, most important first.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (Slot, &ClassShare)> {
        self.order.iter().take(self.in_force).filter_map(|&slot| Some((slot, self.share(slot)?)))
    }

    /// Most seats that some may hold for now, in place of the caps before.
    pub(super) fn set_caps(&mut self, caps: &[(Slot, u32)]) {
        self.caps = caps.iter().map(|&(slot, seats)| (slot, u64::from(seats) * SEAT)).collect();
    }

    /// Slots that are capped.
    pub(super) fn capped(&self) -> impl Iterator<Item = Slot> {
        self.caps.iter().map(|&(slot, _)| slot)
    }

    /// Most that it may hold for now.
    pub(super) fn cap(&self, slot: Slot) -> Option<u64> {
        self.caps.iter().find(|&&(capped, _)| capped == slot).map(|&(_, most)| most)
    }

    /// The least wait that makes a line of it a standing one. One with a guarantee has none: it is served in the order of
    /// coming, since its shoppers are about to pay and each of them counts.
    pub(super) fn target(&self, slot: Slot) -> Option<Nanos> {
        self.share(slot).filter(|share| share.guaranteed <= 0.0).map(|share| standing::target(share.max_wait))
    }

    /// Requests of it that may wait at once.
    pub(super) fn max_waiting(&self, slot: Slot) -> usize {
        self.share(slot).map_or(0, |share| share.max_waiting)
    }

    /// The part of `limit` up to which it is served first.
    pub(super) fn guarantee(&self, slot: Slot, limit: u64) -> u64 {
        self.share(slot).map_or(0, |share| part(share.guaranteed, limit))
    }

    /// Whole seats out of `limit` that are kept free for it: none, unless it never waits, and no more than it may hold.
    pub(super) fn reserve(&self, slot: Slot, limit: u64) -> u64 {
        match self.share(slot) {
            Some(share) if share.max_waiting == 0 => {
                let whole = part(share.guaranteed, limit) / SEAT * SEAT;
                self.cap(slot).map_or(whole, |most| whole.min(most))
            }
            _ => 0,
        }
    }

    fn share(&self, slot: Slot) -> Option<&ClassShare> {
        self.shares.get(slot.index())
    }
}

/// A share of `limit`; a hair of rounding does not cost a seat.
fn part(share: f64, limit: u64) -> u64 {
    (share.clamp(0.0, 1.0) * limit as f64 + 1e-6) as u64
}
