//! How what happens to requests at an origin gets from the workers to its judge: one ring for each worker, written and
//! read without a lock.

use std::fmt;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::classes::Slot;
use super::signal::{Event, Finish, RouteTag};
use super::sync::Ordering::{Acquire, Relaxed, Release};
use super::sync::{Arc, AtomicU64};
use crate::clock::Nanos;

/// Events that a worker may be ahead of the judge: more than one core brings about in a tick.
pub(super) const RING: usize = 16_384;

/// What happens at one origin, from all workers to one reader.
pub struct Feed {
    rings: Box<[SharedRing]>,
}

/// With a reference count on a line of its own.
type SharedRing = Arc<CachePadded<Ring>>;

impl Feed {
    /// An empty one for threads `0..workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self::with_room(workers, RING)
    }

    pub(super) fn with_room(workers: usize, events: usize) -> Self {
        Self { rings: (0..workers.max(1)).map(|_| Arc::new(CachePadded::new(Ring::new(events)))).collect() }
    }

    /// Notes that a request is sent. `worker` is the calling thread's number, which no other thread may use; a thread
    /// without a number notes nothing.
    #[must_use]
    pub fn begin(&self, worker: usize, route: RouteTag, class: Slot, now: Nanos) -> Option<Flight> {
        let ring = Arc::clone(self.rings.get(worker)?);
        ring.push(Note::began(route, class, now));
        Some(Flight { ring, route, class, began: now, sent: now, over: false })
    }

    /// Moves what happened since the last call to the end of `events`, in the order of its times; answers how many
    /// events were lost because a ring was full. For one thread at a time.
    pub fn drain(&self, events: &mut Vec<Event>) -> u64 {
        let first = events.len();
        let lost = self.rings.iter().map(|ring| ring.drain(events)).sum();
        if let Some(new) = events.get_mut(first..) {
            // Each ring is almost in order, and equal times keep theirs.
            new.sort_by_key(|event| at(*event));
        }
        lost
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("workers", &self.rings.len()).finish_non_exhaustive()
    }
}

fn at(event: Event) -> Nanos {
    match event {
        Event::Began { at, .. } => at,
        Event::Ended { began, latency, .. } => began.saturating_add(nanos(latency)),
    }
}

/// A request at the origin. Dropped without an end, it has [`Finish::Gone`]; it must be ended or dropped on the thread
/// that began it.
#[must_use = "dropping it says that nothing was learnt from the request"]
pub struct Flight {
    ring: SharedRing,
    route: RouteTag,
    class: Slot,
    began: Nanos,
    /// Since when the origin has had all of it.
    sent: Nanos,
    over: bool,
}

impl Flight {
    /// Leaves the time that was spent on a connection out of its latency, which is the origin's alone.
    pub fn connected(&mut self, took: Duration) {
        self.sent = self.sent.saturating_add(nanos(took));
    }

    /// Leaves the time out until its client had sent all of it.
    pub fn uploaded(&mut self, at: Nanos) {
        self.sent = self.sent.max(at);
    }

    /// Notes how it ended.
    pub fn end(mut self, finish: Finish, now: Nanos) {
        self.note(finish, now);
    }

    fn note(&mut self, finish: Finish, now: Nanos) {
        self.over = true;
        let latency = Duration::from_nanos(now.saturating_sub(self.sent));
        self.ring.push(Note::ended(self.route, self.class, finish, self.began, latency));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.over {
            let now = self.ring.latest.load(Relaxed);
            self.note(Finish::Gone, now);
        }
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("route", &self.route).finish_non_exhaustive()
    }
}

/// Events of one thread on their way to another.
#[derive(Debug)]
struct Ring {
    /// Events written; the writer's.
    head: AtomicU64,
    /// Events that found no room; the writer's.
    lost: AtomicU64,
    /// The last time that the writer was told; the writer's.
    latest: AtomicU64,
    /// What the reader has read.
    read: CachePadded<Read>,
    /// A power of two.
    places: Box<[[AtomicU64; 2]]>,
}

/// The reader's side.
#[derive(Debug)]
struct Read {
    /// Events read.
    tail: AtomicU64,
    /// Lost events that it told of.
    told: AtomicU64,
}

impl Ring {
    fn new(places: usize) -> Self {
        let place = || [AtomicU64::new(0), AtomicU64::new(0)];
        Self {
            head: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            read: CachePadded::new(Read { tail: AtomicU64::new(0), told: AtomicU64::new(0) }),
            places: (0..places.next_power_of_two()).map(|_| place()).collect(),
        }
    }

    fn push(&self, note: Note) {
        let head = self.head.load(Relaxed);
        self.latest.store(note.at.max(self.latest.load(Relaxed)), Relaxed);
        let full = head.wrapping_sub(self.read.tail.load(Acquire)) >= self.places.len() as u64;
        match self.place(head) {
            Some([at, rest]) if !full => {
                at.store(note.at, Relaxed);
                rest.store(note.rest, Relaxed);
                // What was stored before is seen by a reader that sees this.
                self.head.store(head.wrapping_add(1), Release);
            }
            _ => self.lost.store(self.lost.load(Relaxed).wrapping_add(1), Relaxed),
        }
    }

    fn drain(&self, events: &mut Vec<Event>) -> u64 {
        let (head, mut tail) = (self.head.load(Acquire), self.read.tail.load(Relaxed));
        while tail != head {
            let note = self.place(tail).map(|[at, rest]| Note { at: at.load(Relaxed), rest: rest.load(Relaxed) });
            events.extend(note.map(Note::event));
            tail = tail.wrapping_add(1);
        }
        // The writer may use the places again.
        self.read.tail.store(tail, Release);
        let lost = self.lost.load(Relaxed);
        let told = self.read.told.load(Relaxed);
        self.read.told.store(lost, Relaxed);
        lost.wrapping_sub(told)
    }

    fn place(&self, index: u64) -> Option<&[AtomicU64; 2]> {
        self.places.get(index as usize & (self.places.len() - 1))
    }
}

/// An event in two words.
#[derive(Debug, Clone, Copy)]
struct Note {
    /// When it began, of an end too.
    at: Nanos,
    /// From the lowest bit: what happened (3 bits), the class (6), the route (18), the latency in microseconds (37).
    rest: u64,
}

const CLASS: u32 = 3;
const ROUTE: u32 = CLASS + 6;
const LATENCY: u32 = ROUTE + 18;
/// The last route that is told apart from others.
const LAST_ROUTE: u32 = (1 << (LATENCY - ROUTE)) - 1;
const LONGEST: u64 = (1 << (64 - LATENCY)) - 1;

/// From 1 on, as 0 is a beginning.
const FINISHES: [Finish; 4] = [Finish::Good, Finish::Failed, Finish::TimedOut, Finish::Gone];

impl Note {
    fn began(route: RouteTag, class: Slot, at: Nanos) -> Self {
        let class = (class.index() as u64) << CLASS;
        Self { at, rest: class | u64::from(route.0.min(LAST_ROUTE)) << ROUTE }
    }

    fn ended(route: RouteTag, class: Slot, finish: Finish, began: Nanos, latency: Duration) -> Self {
        let what = match finish {
            Finish::Good => 1,
            Finish::Failed => 2,
            Finish::TimedOut => 3,
            Finish::Gone => 4,
        };
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        Self { at: began, rest: Self::began(route, class, began).rest | what | micros << LATENCY }
    }

    fn event(self) -> Event {
        let Self { at, rest } = self;
        let route = RouteTag((rest >> ROUTE) as u32 & LAST_ROUTE);
        let class = Slot::at((rest >> CLASS) as usize & ((1 << (ROUTE - CLASS)) - 1));
        let latency = Duration::from_micros(rest >> LATENCY);
        match ((rest & 7) as usize).checked_sub(1).and_then(|index| FINISHES.get(index)) {
            None => Event::Began { route, at },
            Some(&finish) => Event::Ended { route, class, finish, began: at, latency },
        }
    }
}

fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
