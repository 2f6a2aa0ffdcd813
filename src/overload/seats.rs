//! Seats at one origin as guards and futures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use super::classes::{ClassShare, SEAT, Slot};
use super::lane::Lane;
use super::lines::{Fate, Ticket};
use super::pace::Pace;
use super::pool::{Pool, Taken};
use super::signal::QueueCounts;
use super::sync::Arc;
use super::tally::UNLIMITED;
use crate::clock::Nanos;

/// What of a seat a request keeps when the origin has done its work and only the client is slow: nothing, or enough
/// streams would leave no seat for anybody. Connections bound them.
const SHRUNK: u64 = 0;

/// The seats of one origin, shared by all workers.
///
/// At most `limit` are in use. Who is next when one is free: the most important class that waits and is under its
/// guaranteed share, else the most important that waits; within a class who returns before who begins.
///
/// Within a lane, first come first served, with one exception: in a class without a guarantee, while its line stands
/// (see [`Seats::tick`]), the newest is served first and who has waited too long is shed.
#[derive(Debug)]
pub struct Seats {
    /// One per worker, so that its seats' reference counts are on a line of its own.
    desks: Box<[Desk]>,
    pool: Arc<Pool>,
}

type Desk = Arc<CachePadded<Arc<Pool>>>;

/// Seats in use and who waits, for status and metrics. Read while requests come and go, so its numbers may differ by
/// those that did meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Seats in all; `None` is no limit.
    pub limit: Option<u32>,
    /// Seats in use, including those of classes that are no longer configured.
    pub in_use: u32,
    /// By class, most important first.
    pub classes: Vec<ClassUsage>,
}

/// What one class has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassUsage {
    /// Its name.
    pub name: String,
    /// Its seats in use.
    pub in_use: u32,
    /// Its requests that wait.
    pub waiting: usize,
}

/// As many of the class wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many requests of this class wait already")
    }
}

impl std::error::Error for QueueFull {}

/// It waited too long in a line that stands, or gave way to one that returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shed;

impl fmt::Display for Shed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was taken out of line without a seat")
    }
}

impl std::error::Error for Shed {}

impl Seats {
    /// Seats without a limit, for threads `0..workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let pool = Arc::new(Pool::new(workers));
        let desk = || Arc::new(CachePadded::new(Arc::clone(&pool)));
        Self { desks: (0..workers.max(1)).map(|_| desk()).collect(), pool }
    }

    /// Takes over a limit (`None`: unlimited) and classes, most important first; returns their slots in that order.
    ///
    /// A class is known by its name: its seats in use stay counted and its requests stay in line. Classes that are
    /// gone keep theirs until they are done, behind all others.
    pub fn reconfigure(&self, limit: Option<u32>, classes: &[ClassShare]) -> Vec<Slot> {
        self.pool.reconfigure(units(limit), classes)
    }

    /// A new limit for the same classes. Raised, it serves those who wait at once; lowered, it is reached as seats are
    /// given back.
    pub fn set_limit(&self, limit: Option<u32>) {
        self.pool.set_limit(units(limit));
    }

    /// The most that some classes may hold for now, in place of what was set before; empty is none.
    pub fn set_caps(&self, caps: &[(Slot, u32)]) {
        self.pool.set_caps(caps);
    }

    /// How newcomers are let in from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.pool.set_pace(pace);
    }

    /// In shadow nothing is refused and nobody waits: a seat tells whether it would have been so ([`Seat::over_limit`]).
    pub fn set_shadow(&self, shadow: bool) {
        self.pool.set_shadow(shadow);
    }

    /// Whether nothing is enforced.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.pool.tally().is_shadow()
    }

    /// Lets time pass, about ten times a second: newcomers get the tokens of the time since the last call, and whoever waits
    /// too long in a line that stands is shed. Says what happened since then.
    ///
    /// Where it is never called, no line ever counts as one that stands.
    pub fn tick(&self, now: Nanos) -> QueueCounts {
        self.pool.tick(now)
    }

    /// A seat now, or `None` if there is none, somebody waits for one, or a newcomer finds no token: then
    /// [`Seats::wait`], if the request may.
    ///
    /// `worker` is the calling thread's number, and no other thread's.
    #[must_use]
    pub fn try_acquire(&self, slot: Slot, worker: usize, lane: Lane) -> Option<Seat> {
        let (worker, desk) = self.desk(worker)?;
        let taken = desk.take(slot, lane, worker, SEAT)?;
        Some(Seat { desk: Arc::clone(desk), slot, worker, cost: SEAT, over: taken == Taken::Over })
    }

    /// Joins the line of a class.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] when as many of the class wait as may. A newcomer makes room for one that returns.
    pub fn wait(&self, slot: Slot, worker: usize, lane: Lane, now: Nanos) -> Result<Waiting, QueueFull> {
        let (worker, desk) = self.desk(worker).ok_or(QueueFull)?;
        let ticket = desk.join(slot, lane, worker, SEAT, now).ok_or(QueueFull)?;
        Ok(Waiting { desk: Arc::clone(desk), ticket: Some(ticket), slot, worker, cost: SEAT })
    }

    /// Notes a newcomer that was turned away before it asked for a seat.
    pub fn turned_away(&self, worker: usize) {
        if let Some((worker, desk)) = self.desk(worker) {
            desk.tally().refused(Lane::Newcomer, worker);
        }
    }

    /// Seats in all; `None` is no limit.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        let limit = self.pool.tally().limit();
        (limit < UNLIMITED).then(|| seats(limit))
    }

    /// Seats in use.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        seats(self.pool.tally().in_use())
    }

    /// Seats that a class has in use.
    #[must_use]
    pub fn in_use_by(&self, slot: Slot) -> u32 {
        seats(self.pool.tally().in_use_by(slot))
    }

    /// Requests of a class that wait.
    #[must_use]
    pub fn waiting(&self, slot: Slot) -> usize {
        self.pool.waiting_of(slot)
    }

    /// All of the above at once.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let class = |name: &str, in_use, waiting| ClassUsage { name: name.to_owned(), in_use: seats(in_use), waiting };
        Usage { limit: self.limit(), in_use: self.in_use(), classes: self.pool.usage(class) }
    }

    fn desk(&self, worker: usize) -> Option<(usize, &Desk)> {
        let worker = if worker < self.desks.len() { worker } else { 0 };
        self.desks.get(worker).map(|desk| (worker, desk))
    }
}

/// One seat in use; dropping it, on any thread, gives it to who is next.
#[must_use = "dropping a seat gives it back"]
pub struct Seat {
    desk: Desk,
    slot: Slot,
    worker: usize,
    cost: u64,
    over: bool,
}

impl Seat {
    /// Whether it is one that there was not, or taken out of turn; only where nothing is enforced.
    #[must_use]
    pub fn over_limit(&self) -> bool {
        self.over
    }

    /// Gives its place back, once: the origin's work is done, and what remains is sending it.
    pub fn shrink(&mut self) {
        let spare = self.cost.saturating_sub(SHRUNK);
        if spare > 0 {
            self.cost = SHRUNK;
            self.desk.give(self.slot, self.worker, spare);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.give(self.slot, self.worker, self.cost);
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("slot", &self.slot).finish_non_exhaustive()
    }
}

/// A place in a class's line; resolves to the seat that is handed over, or to [`Shed`]. Dropping it gives the place up, and passes on a
/// seat that was handed over but not taken.
///
/// Pending for ever once it has resolved.
#[must_use = "dropping it leaves the line"]
pub struct Waiting {
    desk: Desk,
    ticket: Option<Ticket>,
    slot: Slot,
    worker: usize,
    cost: u64,
}

impl Future for Waiting {
    type Output = Result<Seat, Shed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ticket) = self.ticket else {
            return Poll::Pending;
        };
        let over = match self.desk.poll(ticket, context.waker()) {
            Fate::InLine => return Poll::Pending,
            Fate::Served { over, .. } => Some(over),
            Fate::Shed => None,
        };
        self.ticket = None;
        let Self { desk, slot, worker, cost, .. } = &*self;
        let seat = |over| Seat { desk: Arc::clone(desk), slot: *slot, worker: *worker, cost: *cost, over };
        Poll::Ready(over.map(seat).ok_or(Shed))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.desk.leave(ticket);
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("slot", &self.slot).finish_non_exhaustive()
    }
}

fn units(limit: Option<u32>) -> u64 {
    limit.map_or(UNLIMITED, |limit| u64::from(limit) * SEAT)
}

/// Whole seats, rounded up.
fn seats(units: u64) -> u32 {
    u32::try_from(units.div_ceil(SEAT)).unwrap_or(u32::MAX)
}
