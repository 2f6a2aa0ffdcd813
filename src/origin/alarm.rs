//! Coarse deadlines of one worker: setting one is two stores, and no timer is registered for a request.
//!
//! One task a worker looks at all of them every [`TICK`], so a timeout fires up to one tick late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use slab::Slab;
use tokio::sync::Notify;

use crate::clock::{self, Nanos};

/// How late a timeout may fire; small beside the shortest sensible `response_timeout`, large beside a request.
pub(super) const TICK: Duration = Duration::from_millis(20);

const NEVER: Nanos = Nanos::MAX;

/// All alarms of one worker.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    entries: RefCell<Slab<Rc<Entry>>>,
    armed: Cell<usize>,
    now: Cell<Nanos>,
    /// Whether the ticking task sleeps long because nothing was armed.
    resting: Cell<bool>,
    wanted: Notify,
}

#[derive(Debug)]
struct Entry {
    at: Cell<Nanos>,
    rang: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// One deadline, kept as long as the connection or stream it belongs to.
#[derive(Debug)]
pub(super) struct Alarm {
    alarms: Rc<Alarms>,
    key: usize,
    entry: Rc<Entry>,
}

impl Alarms {
    /// A new alarm, not armed.
    pub(super) fn alarm(self: &Rc<Self>) -> Alarm {
        let entry = Rc::new(Entry { at: Cell::new(NEVER), rang: Cell::new(false), waker: RefCell::new(None) });
        let key = self.entries.borrow_mut().insert(Rc::clone(&entry));
        Alarm { alarms: Rc::clone(self), key, entry }
    }

    /// Wakes the owner of every alarm due at `now`, and remembers `now` for [`Alarms::now`].
    pub(super) fn ring(&self, now: Nanos) {
        self.now.set(now);
        for (_, entry) in self.entries.borrow().iter() {
            if entry.at.get() <= now
                && !entry.rang.replace(true)
                && let Some(waker) = entry.waker.borrow().as_ref()
            {
                waker.wake_by_ref();
            }
        }
    }

    /// The time of the latest tick: a clock that costs nothing and is at most one tick old while anything is armed.
    pub(super) fn now(&self) -> Nanos {
        self.now.get()
    }

    /// Moves the coarse clock forward to a time just read for another reason.
    pub(super) fn advance(&self, now: Nanos) {
        if now > self.now.get() {
            self.now.set(now);
        }
    }

    /// Whether anything is armed.
    pub(super) fn armed(&self) -> bool {
        self.armed.get() > 0
    }

    /// Sleeps for `rest`, or until something is armed.
    pub(super) async fn rest(&self, rest: Duration) {
        if self.armed() {
            return;
        }
        self.resting.set(true);
        // Elapsing is the ordinary end of a rest.
        let _ = tokio::time::timeout(rest, self.wanted.notified()).await;
        self.resting.set(false);
    }
}

impl Alarm {
    /// Rings when `after` nanoseconds have passed, or up to two ticks later.
    pub(super) fn arm_after(&self, after: Nanos) {
        if self.alarms.resting.get() {
            // Nobody moved the coarse clock for a while.
            self.alarms.advance(clock::now());
        }
        self.arm(self.alarms.now().saturating_add(after));
    }

    /// Rings at `at` or up to a tick later.
    pub(super) fn arm(&self, at: Nanos) {
        if self.entry.at.replace(at) == NEVER {
            self.alarms.armed.set(self.alarms.armed.get() + 1);
            if self.alarms.resting.replace(false) {
                self.alarms.wanted.notify_one();
            }
        }
        self.entry.rang.set(false);
    }

    /// Does not ring any more.
    pub(super) fn disarm(&self) {
        if self.entry.at.replace(NEVER) != NEVER {
            self.alarms.armed.set(self.alarms.armed.get().saturating_sub(1));
        }
        self.entry.rang.set(false);
    }

    /// Whether it is set.
    pub(super) fn is_armed(&self) -> bool {
        self.entry.at.get() != NEVER
    }

    /// Whether it was set and has rung.
    pub(super) fn rang(&self) -> bool {
        self.entry.rang.get()
    }

    /// Who is woken.
    pub(super) fn wakes(&self, waker: &Waker) {
        let mut slot = self.entry.waker.borrow_mut();
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// The coarse clock of its worker.
    pub(super) fn now(&self) -> Nanos {
        self.alarms.now()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.disarm();
        drop(self.alarms.entries.borrow_mut().try_remove(self.key));
    }
}
