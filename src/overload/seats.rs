//! Seats at one origin as guards and futures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use super::classes::{ClassShare, SEAT, Slot};
use super::lines::Ticket;
use super::pool::Pool;
use super::sync::Arc;
use super::tally::UNLIMITED;

/// The seats of one origin, shared by all workers.
///
/// At most `limit` are in use. Who is next when one is free: the most important class that waits and is under its
/// guaranteed share, else the most important that waits; first come first served within a class.
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

    /// A seat now, or `None` if there is none or somebody waits for one: then [`Seats::wait`], if the request may.
    ///
    /// `worker` is the calling thread's number.
    #[must_use]
    pub fn try_acquire(&self, slot: Slot, worker: usize) -> Option<Seat> {
        let (worker, desk) = self.desk(worker)?;
        desk.take(slot, worker, SEAT).then(|| Seat { desk: Arc::clone(desk), slot, worker, cost: SEAT })
    }

    /// Joins the line of a class.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] when as many of the class wait as may.
    pub fn wait(&self, slot: Slot, worker: usize) -> Result<Waiting, QueueFull> {
        let (worker, desk) = self.desk(worker).ok_or(QueueFull)?;
        let ticket = desk.join(slot, worker, SEAT).ok_or(QueueFull)?;
        Ok(Waiting { desk: Arc::clone(desk), ticket: Some(ticket), slot, worker, cost: SEAT })
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

/// A place in a class's line; resolves to the seat that is handed over. Dropping it gives the place up, and passes on a
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
    type Output = Seat;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Seat> {
        let Some(ticket) = self.ticket else {
            return Poll::Pending;
        };
        if !self.desk.poll(ticket, context.waker()) {
            return Poll::Pending;
        }
        self.ticket = None;
        let Self { desk, slot, worker, cost, .. } = &*self;
        Poll::Ready(Seat { desk: Arc::clone(desk), slot: *slot, worker: *worker, cost: *cost })
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
