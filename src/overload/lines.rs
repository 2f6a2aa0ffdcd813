//! Who waits for a seat: two lines per class, in the order of coming, and anybody may leave.

use std::task::Waker;

use slab::Slab;

use super::classes::{MAX_CLASSES, Slot};
use super::lane::Lane;
use super::standing::Standing;
use crate::clock::Nanos;

/// The lines of all classes.
#[derive(Debug)]
pub(super) struct Lines {
    waiters: Slab<Waiter>,
    /// By slot and lane.
    lines: Box<[[Line; Lane::COUNT]]>,
}

/// One request that waits, or whose fate is sealed and does not know yet.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) slot: Slot,
    pub(super) lane: Lane,
    pub(super) worker: usize,
    pub(super) cost: u64,
    /// When it joined.
    pub(super) joined: Nanos,
    pub(super) fate: Fate,
    waker: Option<Waker>,
    before: Option<Ticket>,
    after: Option<Ticket>,
}

/// What became of a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Still in line.
    InLine,
    /// Out of line, with a seat.
    Served {
        /// When.
        at: Nanos,
        /// Whether the seat is one that there was not.
        over: bool,
    },
    /// Out of line, without one.
    Shed,
}

#[derive(Debug, Clone, Copy, Default)]
struct Line {
    first: Option<Ticket>,
    last: Option<Ticket>,
    length: usize,
    standing: Standing,
}

/// A waiter's place in the slab: its own from [`Lines::join`] to [`Lines::leave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(usize);

impl Default for Lines {
    fn default() -> Self {
        Self { waiters: Slab::new(), lines: vec![Default::default(); MAX_CLASSES].into() }
    }
}

impl Lines {
    /// Joins the end of its line.
    pub(super) fn join(&mut self, slot: Slot, lane: Lane, worker: usize, cost: u64, now: Nanos) -> Ticket {
        let fate = Fate::InLine;
        let waiter = Waiter { slot, lane, worker, cost, joined: now, fate, waker: None, before: None, after: None };
        let ticket = Ticket(self.waiters.insert(waiter));
        self.link((slot, lane), self.line(slot, lane).last, Some(ticket));
        self.link((slot, lane), Some(ticket), None);
        self.resize((slot, lane), 1);
        ticket
    }

    /// Who of a line is served next: the first, or the last while the line stands.
    pub(super) fn next(&self, slot: Slot, lane: Lane, now: Nanos) -> Option<&Waiter> {
        self.waiters.get(self.turn(slot, lane, now)?.0)
    }

    /// Takes who is next out of its line, served; its waker, if it has been polled.
    pub(super) fn serve(&mut self, slot: Slot, lane: Lane, at: Nanos, over: bool) -> Option<Waker> {
        let ticket = self.turn(slot, lane, at)?;
        let waited = self.oldest(slot, lane).map_or(0, |joined| at.saturating_sub(joined));
        self.standing_mut(slot, lane)?.served(waited);
        self.seal(ticket, Fate::Served { at, over })
    }

    /// Takes who has waited longest out of its line, without a seat; its waker, if it has been polled.
    pub(super) fn shed(&mut self, slot: Slot, lane: Lane) -> Option<Waker> {
        let ticket = self.line(slot, lane).first?;
        self.seal(ticket, Fate::Shed)
    }

    /// Takes who would be served last out of its line, without a seat; its waker, if it has been polled.
    pub(super) fn displace(&mut self, slot: Slot, lane: Lane, now: Nanos) -> Option<Waker> {
        let line = self.line(slot, lane);
        let ticket = if line.standing.stands(now) { line.first } else { line.last };
        self.seal(ticket?, Fate::Shed)
    }

    /// What became of a waiter.
    pub(super) fn fate(&self, ticket: Ticket) -> Option<Fate> {
        self.waiters.get(ticket.0).map(|waiter| waiter.fate)
    }

    /// Has `waker` woken when its fate is sealed, instead of the one that is returned.
    pub(super) fn set_waker(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        self.waiters.get_mut(ticket.0)?.waker.replace(waker)
    }

    /// Gives the ticket back.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        self.unlink(ticket);
        self.waiters.try_remove(ticket.0)
    }

    /// How many of a class wait in a lane.
    pub(super) fn length(&self, slot: Slot, lane: Lane) -> usize {
        self.line(slot, lane).length
    }

    /// How many of a class wait.
    pub(super) fn length_of(&self, slot: Slot) -> usize {
        Lane::ALL.iter().map(|&lane| self.length(slot, lane)).sum()
    }

    /// When who has waited longest joined.
    pub(super) fn oldest(&self, slot: Slot, lane: Lane) -> Option<Nanos> {
        self.waiters.get(self.line(slot, lane).first?.0).map(|waiter| waiter.joined)
    }

    /// Whether a line stands.
    pub(super) fn stands(&self, slot: Slot, lane: Lane, now: Nanos) -> bool {
        self.line(slot, lane).standing.stands(now)
    }

    /// Judges at the end of an interval whether a line stands, its target being `target`; with `None` none ever does.
    pub(super) fn judge(&mut self, slot: Slot, lane: Lane, target: Option<Nanos>, now: Nanos) {
        let oldest = self.oldest(slot, lane);
        if let Some(standing) = self.standing_mut(slot, lane) {
            standing.judge(now, oldest.map(|joined| now.saturating_sub(joined)), target);
        }
    }

    fn turn(&self, slot: Slot, lane: Lane, now: Nanos) -> Option<Ticket> {
        let line = self.line(slot, lane);
        if line.standing.stands(now) { line.last } else { line.first }
    }

    fn seal(&mut self, ticket: Ticket, fate: Fate) -> Option<Waker> {
        self.unlink(ticket);
        let waiter = self.waiters.get_mut(ticket.0)?;
        waiter.fate = fate;
        waiter.waker.take()
    }

    fn line(&self, slot: Slot, lane: Lane) -> Line {
        self.lines.get(slot.index()).and_then(|lines| lines.get(lane.index())).copied().unwrap_or_default()
    }

    fn line_mut(&mut self, slot: Slot, lane: Lane) -> Option<&mut Line> {
        self.lines.get_mut(slot.index())?.get_mut(lane.index())
    }

    fn standing_mut(&mut self, slot: Slot, lane: Lane) -> Option<&mut Standing> {
        self.line_mut(slot, lane).map(|line| &mut line.standing)
    }

    /// Takes a waiter out of its line, if it is still in it.
    fn unlink(&mut self, ticket: Ticket) {
        let Some(waiter) = self.waiters.get(ticket.0) else { return };
        if waiter.fate == Fate::InLine {
            let (line, before, after) = ((waiter.slot, waiter.lane), waiter.before, waiter.after);
            self.link(line, before, after);
            self.resize(line, -1);
        }
    }

    /// Makes two neighbours; `None` is the line's end on that side.
    fn link(&mut self, (slot, lane): (Slot, Lane), before: Option<Ticket>, after: Option<Ticket>) {
        let Some(line) = self.lines.get_mut(slot.index()).and_then(|lines| lines.get_mut(lane.index())) else {
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

    fn resize(&mut self, (slot, lane): (Slot, Lane), by: isize) {
        if let Some(line) = self.line_mut(slot, lane) {
            line.length = line.length.saturating_add_signed(by);
        }
    }
}
