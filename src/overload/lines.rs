//! Who waits for a seat: one line per class, first come first served, and anybody may leave.

use std::task::Waker;

use slab::Slab;

use super::classes::{MAX_CLASSES, Slot};

/// The lines of all classes.
#[derive(Debug)]
pub(super) struct Lines {
    waiters: Slab<Waiter>,
    lines: [Line; MAX_CLASSES],
}

/// One request that waits, or has been served and does not know yet.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) slot: Slot,
    pub(super) worker: usize,
    pub(super) cost: u64,
    waker: Option<Waker>,
    /// Out of line, with a seat.
    pub(super) served: bool,
    before: Option<Ticket>,
    after: Option<Ticket>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Line {
    first: Option<Ticket>,
    last: Option<Ticket>,
    length: usize,
}

/// A waiter's place in the slab: its own from [`Lines::join`] to [`Lines::leave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(usize);

impl Default for Lines {
    fn default() -> Self {
        Self { waiters: Slab::new(), lines: [Line::default(); MAX_CLASSES] }
    }
}

impl Lines {
    /// Joins the end of its class's line.
    pub(super) fn join(&mut self, slot: Slot, worker: usize, cost: u64) -> Ticket {
        let waiter = Waiter { slot, worker, cost, waker: None, served: false, before: None, after: None };
        let ticket = Ticket(self.waiters.insert(waiter));
        self.link(slot, self.line(slot).last, Some(ticket));
        self.link(slot, Some(ticket), None);
        self.resize(slot, 1);
        ticket
    }

    /// The first of a line.
    pub(super) fn first(&self, slot: Slot) -> Option<&Waiter> {
        self.waiters.get(self.line(slot).first?.0)
    }

    /// Takes the first of a line out of it, served; its waker, if it has been polled.
    pub(super) fn serve(&mut self, slot: Slot) -> Option<Waker> {
        let ticket = self.line(slot).first?;
        self.unlink(ticket);
        let waiter = self.waiters.get_mut(ticket.0)?;
        waiter.served = true;
        waiter.waker.take()
    }

    /// Whether it has been served.
    pub(super) fn is_served(&self, ticket: Ticket) -> bool {
        self.waiters.get(ticket.0).is_some_and(|waiter| waiter.served)
    }

    /// Has `waker` woken when it is served, instead of the one that is returned.
    pub(super) fn set_waker(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        self.waiters.get_mut(ticket.0)?.waker.replace(waker)
    }

    /// Gives the ticket back.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        self.unlink(ticket);
        self.waiters.try_remove(ticket.0)
    }

    /// How many of a class wait.
    pub(super) fn length(&self, slot: Slot) -> usize {
        self.line(slot).length
    }

    fn line(&self, slot: Slot) -> Line {
        self.lines.get(slot.index()).copied().unwrap_or_default()
    }

    /// Takes a waiter out of its line, if it is still in it.
    fn unlink(&mut self, ticket: Ticket) {
        if let Some(&Waiter { served: false, slot, before, after, .. }) = self.waiters.get(ticket.0) {
            self.link(slot, before, after);
            self.resize(slot, -1);
        }
    }

    /// Makes two neighbours; `None` is the line's end on that side.
    fn link(&mut self, slot: Slot, before: Option<Ticket>, after: Option<Ticket>) {
        let Some(line) = self.lines.get_mut(slot.index()) else {
            return;
        };
        match before.map(|ticket| self.waiters.get_mut(ticket.0)) {
            None => line.first = after,
            Some(Some(waiter)) => waiter.after = after,
            Some(None) => {}
        }
        match after.map(|ticket| self.waiters.get_mut(ticket.0)) {
            None => line.last = before,
            Some(Some(waiter)) => waiter.before = before,
            Some(None) => {}
        }
    }

    fn resize(&mut self, slot: Slot, by: isize) {
        if let Some(line) = self.lines.get_mut(slot.index()) {
            line.length = line.length.saturating_add_signed(by);
        }
    }
}
