//! The proxy's seats in simulated time: the real ones, polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use spillway::clock::Nanos;
use spillway::demo::page::Class;
use spillway::overload::{ClassGoal, ClassShare, Directive, Lane, Pace, QueueCounts, Seat, Seats, Slot, Waiting};

/// A class of the shop as the demo configures it.
struct Share {
    class: Class,
    guaranteed: f64,
    max_wait: Duration,
    latency_goal: Option<Duration>,
}

/// In the order of [`Class::ALL`].
const SHARES: [Share; 4] = [
    Share {
        class: Class::Checkout,
        guaranteed: 0.30,
        max_wait: Duration::from_secs(2),
        latency_goal: Some(Duration::from_millis(800)),
    },
    Share { class: Class::Cart, guaranteed: 0.20, max_wait: Duration::from_secs(1), latency_goal: None },
    Share { class: Class::Browse, guaranteed: 0.0, max_wait: Duration::from_millis(250), latency_goal: None },
    Share { class: Class::Background, guaranteed: 0.0, max_wait: Duration::ZERO, latency_goal: None },
];

const MAX_WAITING: usize = 1000;

/// Where seats are given out.
pub(crate) struct Desk {
    seats: Seats,
    slots: Vec<Slot>,
    goals: Vec<ClassGoal>,
    /// One for each place that a request may have in the store of them.
    bells: Vec<Waker>,
    rung: Arc<Mutex<Vec<usize>>>,
}

struct Bell {
    place: usize,
    rung: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
    }
}

/// What came of asking for a seat.
pub(crate) enum Asked {
    Seated(Seat),
    /// In line, for so long at most.
    Waits(Waiting, Nanos),
    Refused,
}

impl Desk {
    pub(crate) fn open(limit: u32) -> Self {
        let seats = Seats::new(1);
        let shares = SHARES.map(|share| ClassShare {
            name: share.class.name().to_owned(),
            guaranteed: share.guaranteed,
            max_waiting: if share.max_wait.is_zero() { 0 } else { MAX_WAITING },
            max_wait: share.max_wait,
        });
        let slots = seats.reconfigure(Some(limit), &shares);
        let goal = |(slot, share): (&Slot, &Share)| ClassGoal { slot: *slot, latency_goal: share.latency_goal };
        let goals = slots.iter().zip(&SHARES).map(goal).collect();
        Self { seats, slots, goals, bells: Vec::new(), rung: Arc::default() }
    }

    pub(crate) fn goals(&self) -> &[ClassGoal] {
        &self.goals
    }

    /// The slot of a class; every class has one.
    pub(crate) fn slot(&self, class: Class) -> Option<Slot> {
        self.slots.get(class as usize).copied()
    }

    /// Asks for a seat for a request.
    pub(crate) fn ask(&mut self, class: Class, lane: Lane, now: Nanos) -> Asked {
        let (Some(slot), Some(share)) = (self.slot(class), SHARES.get(class as usize)) else { return Asked::Refused };
        if let Some(seat) = self.seats.try_acquire(slot, 0, lane) {
            return Asked::Seated(seat);
        }
        match self.seats.wait(slot, 0, lane, now) {
            Ok(waiting) => Asked::Waits(waiting, share.max_wait.as_nanos() as Nanos),
            Err(_) => Asked::Refused,
        }
    }

    /// Whether the wait of the request at that place is over: with a seat, or with none.
    pub(crate) fn poll(&mut self, place: usize, waiting: &mut Waiting) -> Poll<Option<Seat>> {
        while self.bells.len() <= place {
            let bell = Bell { place: self.bells.len(), rung: Arc::clone(&self.rung) };
            self.bells.push(Waker::from(Arc::new(bell)));
        }
        let bell = self.bells.get(place).unwrap_or(Waker::noop());
        Pin::new(waiting).poll(&mut Context::from_waker(bell)).map(Result::ok)
    }

    /// Places of those whose wait is over, added to `places`.
    pub(crate) fn rung(&self, places: &mut Vec<usize>) {
        places.append(&mut self.rung.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn in_use(&self) -> u32 {
        self.seats.in_use()
    }

    pub(crate) fn counts(&mut self, now: Nanos) -> QueueCounts {
        self.seats.tick(now)
    }

    pub(crate) fn follow(&mut self, directive: &Directive) {
        self.seats.set_limit(Some(directive.limit));
        self.seats.set_caps(&directive.caps);
        self.seats.set_pace(Pace { may_begin: directive.may_begin, enforce: directive.pressed });
    }
}
