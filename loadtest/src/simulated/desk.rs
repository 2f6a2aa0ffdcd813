//! The proxy's seats in simulated time: the real ones, polled by hand.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use spillway::demo::page::Class;
use spillway::overload::{ClassGoal, ClassShare, Directive, Lane, Pace, QueueCounts, Seat, Seats, Slot, Waiting};

/// The shop's classes as the demo configures them, with the longest wait for a seat.
const CLASSES: [(Class, f64, Duration, Option<Duration>); 4] = [
    (Class::Checkout, 0.30, Duration::from_secs(2), Some(Duration::from_millis(800))),
    (Class::Cart, 0.20, Duration::from_secs(1), None),
    (Class::Browse, 0.0, Duration::from_millis(250), None),
    (Class::Background, 0.0, Duration::ZERO, None),
];

/// The desk where seats are given out.
pub(crate) struct Desk {
    seats: Arc<Seats>,
    slots: Vec<Slot>,
    waiting: HashMap<u64, Place>,
    woken: Arc<Mutex<Vec<u64>>>,
    crowd: Crowd,
}

struct Place {
    future: Pin<Box<Waiting>>,
}

/// Who has begun and is not gone, as a proxy can tell.
#[derive(Default)]
struct Crowd {
    seen: HashMap<u64, Duration>,
    /// Mean time between two requests of one shopper.
    gap: f64,
}

impl Crowd {
    fn seen(&mut self, shopper: u64, now: Duration) {
        if let Some(before) = self.seen.insert(shopper, now) {
            let gap = (now - before).as_secs_f64();
            self.gap = if self.gap == 0.0 { gap } else { self.gap + 0.005 * (gap - self.gap) };
        }
    }

    fn active(&mut self, now: Duration) -> u32 {
        let gone = Duration::from_secs_f64((4.0 * self.gap).max(1.0));
        self.seen.retain(|_, seen| now - *seen < gone);
        self.seen.len() as u32
    }
}

struct Bell {
    request: u64,
    woken: Arc<Mutex<Vec<u64>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.request);
    }
}

/// What came of asking for a seat.
pub(crate) enum Asked {
    Seated(Seat),
    /// In line, for so long at most.
    Waits(Duration),
    Refused,
}

impl Desk {
    pub(crate) fn open(limit: u32) -> Self {
        let seats = Arc::new(Seats::new(1));
        let shares: Vec<ClassShare> = CLASSES
            .iter()
            .map(|(class, guaranteed, max_wait, _)| ClassShare {
                name: class.name().to_owned(),
                guaranteed: *guaranteed,
                max_waiting: if max_wait.is_zero() { 0 } else { 1000 },
                max_wait: *max_wait,
            })
            .collect();
        let slots = seats.reconfigure(Some(limit), &shares);
        Self {
            seats,
            slots,
            waiting: HashMap::new(),
            woken: Arc::default(),
            crowd: Crowd::default(),
        }
    }

    pub(crate) fn goals(&self) -> Vec<ClassGoal> {
        self.slots.iter().zip(CLASSES).map(|(slot, (.., latency_goal))| ClassGoal { slot: *slot, latency_goal }).collect()
    }

    pub(crate) fn slot(&self, class: Class) -> Slot {
        self.slots[class as usize]
    }

    /// Asks for a seat for a request.
    pub(crate) fn ask(&mut self, request: u64, class: Class, lane: Lane, now: Duration) -> Asked {
        let slot = self.slot(class);
        if let Some(seat) = self.seats.try_acquire(slot, 0, lane) {
            return Asked::Seated(seat);
        }
        let max_wait = CLASSES[class as usize].2;
        if max_wait.is_zero() {
            self.seats.turned_away(0);
            return Asked::Refused;
        }
        let Ok(waiting) = self.seats.wait(slot, 0, lane, now.as_nanos() as u64) else {
            return Asked::Refused;
        };
        self.waiting.insert(request, Place { future: Box::pin(waiting) });
        match self.poll(request) {
            None => Asked::Waits(max_wait),
            Some(Some(seat)) => Asked::Seated(seat),
            Some(None) => Asked::Refused,
        }
    }

    /// Polls those that were woken, and gives those whose fate is known: with a seat, or without.
    pub(crate) fn served(&mut self) -> Vec<(u64, Option<Seat>)> {
        let woken = std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner));
        woken.into_iter().filter_map(|request| Some((request, self.poll(request)?))).collect()
    }

    fn poll(&mut self, request: u64) -> Option<Option<Seat>> {
        let place = self.waiting.get_mut(&request)?;
        let waker = Waker::from(Arc::new(Bell { request, woken: Arc::clone(&self.woken) }));
        let Poll::Ready(seat) = place.future.as_mut().poll(&mut Context::from_waker(&waker)) else { return None };
        self.waiting.remove(&request);
        Some(seat.ok())
    }

    /// Takes a request out of line; true if it was there.
    pub(crate) fn leave(&mut self, request: u64) -> bool {
        self.waiting.remove(&request).is_some()
    }

    /// A shopper was served.
    pub(crate) fn seen(&mut self, shopper: u64, now: Duration) {
        self.crowd.seen(shopper, now);
    }

    pub(crate) fn active(&mut self, now: Duration) -> u32 {
        self.crowd.active(now)
    }

    pub(crate) fn in_use(&self) -> u32 {
        self.seats.in_use()
    }

    pub(crate) fn counts(&mut self, now: Duration) -> QueueCounts {
        self.seats.tick(now.as_nanos() as u64)
    }

    pub(crate) fn follow(&mut self, directive: &Directive) {
        self.seats.set_limit(Some(directive.limit));
        self.seats.set_pace(Pace { may_begin: directive.may_begin, enforce: directive.pressed });
    }
}
