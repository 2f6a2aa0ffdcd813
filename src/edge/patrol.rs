//! One worker's coarse clock and the round it makes past everything that must not stay silent for ever.
//!
//! Connections and bodies are looked at a few times a second instead of each owning a timer: a timer armed and
//! disarmed for every request costs more than the judgement of the request itself. Deadlines here are seconds, so
//! being up to one [`ROUND`] late does not matter.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use slab::Slab;

use crate::clock::{self, Nanos};

/// Time between two rounds: fine enough for timeouts of whole seconds, rare enough to cost nothing.
pub(crate) const ROUND: Duration = Duration::from_millis(250);

/// A clock that is moved once a [`ROUND`]; reading it is one load.
#[derive(Debug, Clone, Default)]
pub(crate) struct CoarseClock(Arc<AtomicU64>);

impl CoarseClock {
    /// Time at the beginning of the present round.
    pub(crate) fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed)
    }

    /// Moves it.
    pub(super) fn set(&self, now: Nanos) {
        self.0.store(now, Ordering::Relaxed);
    }
}

/// Something the patrol looks at.
pub(crate) trait Watched {
    /// Called once a round; acts if its deadline has passed.
    fn inspect(&self, now: Nanos);
}

/// The list of what is watched on one worker.
pub(crate) struct Patrol {
    clock: CoarseClock,
    watched: RefCell<Slab<Rc<dyn Watched>>>,
}

impl Patrol {
    /// An empty list with its clock set.
    pub(crate) fn new() -> Rc<Self> {
        let clock = CoarseClock::default();
        clock.set(clock::now());
        Rc::new(Self { clock, watched: RefCell::new(Slab::new()) })
    }

    /// The clock the rounds move.
    pub(crate) fn clock(&self) -> &CoarseClock {
        &self.clock
    }

    /// Has `item` inspected every round until the guard is dropped.
    pub(crate) fn watch(self: &Rc<Self>, item: Rc<dyn Watched>) -> Watch {
        Watch { key: self.watched.borrow_mut().insert(item), patrol: Rc::clone(self) }
    }

    /// Makes rounds for ever.
    pub(crate) async fn run(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(ROUND);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.round(clock::now());
        }
    }

    fn round(&self, now: Nanos) {
        self.clock.set(now);
        // An inspection may end what it inspects and so change the list: borrow it anew for each.
        let mut key = 0;
        loop {
            let item = {
                let watched = self.watched.borrow();
                if key >= watched.capacity() {
                    return;
                }
                watched.get(key).cloned()
            };
            if let Some(item) = item {
                item.inspect(now);
            }
            key += 1;
        }
    }
}

impl std::fmt::Debug for Patrol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patrol").field("watched", &self.watched.borrow().len()).finish_non_exhaustive()
    }
}

/// Keeps an item on the list.
#[derive(Debug)]
pub(crate) struct Watch {
    patrol: Rc<Patrol>,
    key: usize,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let item = self.patrol.watched.borrow_mut().try_remove(self.key);
        // Dropped after the borrow has ended: the item's own drop may watch or unwatch others.
        drop(item);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Count(Cell<u32>);

    impl Watched for Count {
        fn inspect(&self, _now: Nanos) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn inspects_until_the_guard_is_dropped() {
        let patrol = Patrol::new();
        let count = Rc::new(Count(Cell::new(0)));
        let watch = patrol.watch(count.clone());
        patrol.round(1);
        patrol.round(2);
        assert_eq!((count.0.get(), patrol.clock().now()), (2, 2));
        drop(watch);
        patrol.round(3);
        assert_eq!(count.0.get(), 2);
    }

    #[test]
    fn an_inspection_may_end_other_items() {
        struct Ends(RefCell<Option<Watch>>);
        impl Watched for Ends {
            fn inspect(&self, _now: Nanos) {
                self.0.borrow_mut().take();
            }
        }
        let patrol = Patrol::new();
        let count = Rc::new(Count(Cell::new(0)));
        let ends = Rc::new(Ends(RefCell::new(None)));
        let _first = patrol.watch(ends.clone());
        *ends.0.borrow_mut() = Some(patrol.watch(count.clone()));
        patrol.round(1);
        assert_eq!(count.0.get(), 0);
    }
}
