//! The same sources on shuttle's atomics and locks: random schedules, each of which must end with everybody served.

#![allow(dead_code, reason = "the copy offers all that the original does")]
#![allow(unreachable_pub, reason = "the original is public")]
#![allow(clippy::duplicate_mod, reason = "compiled a second time on purpose, with another `sync`")]

#[path = "../classes.rs"]
mod classes;
#[path = "../lane.rs"]
mod lane;
#[path = "../lines.rs"]
mod lines;
#[path = "../pace.rs"]
mod pace;
#[path = "../pool.rs"]
mod pool;
#[path = "../queue.rs"]
mod queue;
#[path = "../seats.rs"]
mod seats;
#[path = "../signal.rs"]
mod signal;
#[path = "../standing.rs"]
mod standing;
#[path = "../tally.rs"]
mod tally;

mod adaptive;

mod sync {
    pub(super) use shuttle::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
    pub(super) use shuttle::sync::{Arc, Mutex, MutexGuard};
}

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::thread;

use self::classes::{ClassShare, Slot};
use self::lane::Lane::Returning as R;
use self::seats::{Seat, Seats};

/// Seats, and how many are really in use.
struct Shop {
    seats: Seats,
    slots: Vec<Slot>,
    limit: usize,
    inside: AtomicUsize,
}

impl Shop {
    fn new(limit: u32) -> Arc<Self> {
        Self::with(limit, &[("checkout", 0.5, 9), ("browse", 0.0, 9)])
    }

    /// Two seats, of which one is kept for a class that never waits.
    fn with_reserve() -> Arc<Self> {
        Self::with(2, &[("feed", 0.5, 0), ("browse", 0.0, 9)])
    }

    fn with(limit: u32, classes: &[(&str, f64, usize)]) -> Arc<Self> {
        let seats = Seats::new(2);
        let share = |&(name, guaranteed, max_waiting): &(&str, f64, usize)| ClassShare {
            name: name.to_owned(),
            guaranteed,
            max_waiting,
            max_wait: std::time::Duration::from_millis(250),
        };
        let shares: Vec<ClassShare> = classes.iter().map(share).collect();
        let slots = seats.reconfigure(Some(limit), &shares);
        Arc::new(Self { seats, slots, limit: limit as usize, inside: AtomicUsize::new(0) })
    }

    fn seat(&self, class: usize, worker: usize) -> Seat {
        let slot = self.slots[class];
        self.seats
            .try_acquire(slot, worker, R)
            .unwrap_or_else(|| block_on(self.seats.wait(slot, worker, R, 0).unwrap()).unwrap())
    }

    /// A request: a seat, some work, gone. Never more than `limit` at once.
    fn visit(&self, class: usize, worker: usize) {
        let seat = self.seat(class, worker);
        assert!(self.inside.fetch_add(1, SeqCst) < self.limit);
        self.inside.fetch_sub(1, SeqCst);
        drop(seat);
    }

    /// Joins the line and leaves it at once, whether or not it has been served meanwhile.
    fn give_up(&self, class: usize, worker: usize) {
        let mut waiting = pin!(self.seats.wait(self.slots[class], worker, R, 0).unwrap());
        thread::yield_now();
        if let Poll::Ready(seat) = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            drop(seat);
        }
    }

    /// Nothing is lost or counted twice: all seats can be had, and no more.
    fn check_at_rest(&self, limit: usize) {
        assert_eq!(self.seats.in_use(), 0);
        let all: Vec<Seat> = (0..100).map_while(|_| self.seats.try_acquire(self.slots[0], 1, R)).collect();
        assert_eq!(all.len(), limit);
    }
}

/// Schedules of each kind that are tried.
const RUNS: usize = 500;

fn explore(scenario: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(scenario.clone(), RUNS);
    shuttle::check_pct(scenario, RUNS, 4);
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn everybody_is_served_and_never_too_many_at_once() {
    explore(|| {
        let shop = Shop::new(1);
        let visitors = [(0, 0), (1, 1), (1, 0), (0, 1)].map(|(class, worker)| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.visit(class, worker))
        });
        join(visitors);
        shop.check_at_rest(1);
    });
}

#[test]
fn giving_up_strands_nobody() {
    explore(|| {
        let shop = Shop::new(1);
        let held = shop.seat(1, 0);
        let [quitter, stayer] = [Arc::clone(&shop), Arc::clone(&shop)];
        let quitter = thread::spawn(move || quitter.give_up(0, 0));
        let stayer = thread::spawn(move || stayer.visit(1, 1));
        drop(held);
        join([quitter, stayer]);
        shop.check_at_rest(1);
    });
}

#[test]
fn a_seat_in_a_pocket_is_not_kept_from_who_waits() {
    explore(|| {
        let shop = Shop::new(18);
        drop([shop.seat(1, 0), shop.seat(1, 0)]);
        let _most: Vec<Seat> = (0..16).map(|_| shop.seat(1, 1)).collect();
        // Two are left, both in the pocket of worker 0; each of the two who come keeps one.
        let visitors = [(1, 0), (0, 1)].map(|(class, worker)| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.seat(class, worker))
        });
        let _both = visitors.map(|visitor| visitor.join().unwrap());
        assert_eq!(shop.seats.in_use(), 18);
    });
}

#[test]
fn two_who_empty_the_pockets_at_once_each_find_a_seat() {
    explore(|| {
        let shop = Shop::new(18);
        drop([shop.seat(1, 0), shop.seat(1, 0)]);
        let _most: Vec<Seat> = (0..16).map(|_| shop.seat(1, 1)).collect();
        let visitors = [0, 1].map(|class| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.seat(class, 1))
        });
        let _both = visitors.map(|visitor| visitor.join().unwrap());
        assert_eq!(shop.seats.in_use(), 18);
    });
}

#[test]
fn a_newcomer_does_not_overtake_who_waits() {
    explore(|| {
        let shop = Shop::new(1);
        let held = shop.seat(1, 0);
        let freeing = thread::spawn(move || drop(held));
        let waiting = shop.seats.wait(shop.slots[1], 1, R, 0).unwrap();
        assert!(shop.seats.try_acquire(shop.slots[0], 1, R).is_none());
        join([freeing]);
        drop(block_on(waiting));
    });
}

#[test]
fn a_reserved_class_does_not_overtake_beyond_its_reserve() {
    explore(|| {
        let shop = Shop::with_reserve();
        let _own = shop.seats.try_acquire(shop.slots[0], 0, R).unwrap();
        let held = shop.seat(1, 0);
        let freeing = thread::spawn(move || drop(held));
        let waiting = shop.seats.wait(shop.slots[1], 1, R, 0).unwrap();
        assert!(shop.seats.try_acquire(shop.slots[0], 1, R).is_none());
        join([freeing]);
        drop(block_on(waiting));
    });
}

#[test]
fn a_seat_freed_into_a_pocket_while_the_limit_falls_is_not_taken() {
    explore(|| {
        let shop = Shop::new(30);
        let freed = shop.seat(1, 0);
        let _kept = [shop.seat(1, 0), shop.seat(1, 1)];
        let freeing = thread::spawn(move || drop(freed));
        shop.seats.set_limit(Some(2));
        assert!(shop.seats.try_acquire(shop.slots[0], 0, R).is_none());
        join([freeing]);
        assert!(shop.seats.try_acquire(shop.slots[0], 0, R).is_none());
    });
}

#[test]
fn a_seat_freed_into_a_pocket_while_the_limit_falls_is_found() {
    explore(|| {
        let shop = Shop::new(30);
        let freed = shop.seat(1, 0);
        let kept = [shop.seat(1, 0), shop.seat(1, 1)];
        let lowering = Arc::clone(&shop);
        let lowering = thread::spawn(move || {
            lowering.seats.set_limit(Some(3));
            drop(lowering.seat(0, 1));
        });
        drop(freed);
        join([lowering]);
        drop(kept);
        shop.check_at_rest(3);
    });
}

#[test]
fn a_raised_limit_serves_who_began_to_wait_meanwhile() {
    explore(|| {
        let shop = Shop::new(1);
        let held = shop.seat(1, 0);
        let waiting = Arc::clone(&shop);
        let waiting = thread::spawn(move || drop(waiting.seat(0, 1)));
        shop.seats.set_limit(Some(2));
        join([waiting]);
        drop(held);
        shop.check_at_rest(2);
    });
}

#[test]
fn a_reserve_neither_strands_nor_overfills() {
    explore(|| {
        let shop = Shop::with_reserve();
        let browsing = [0, 1].map(|worker| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.visit(1, worker))
        });
        let own = shop.seats.try_acquire(shop.slots[0], 0, R);
        assert!(own.is_some(), "its own seat is free whoever waits");
        drop(own);
        join(browsing);
        shop.check_at_rest(2);
    });
}
