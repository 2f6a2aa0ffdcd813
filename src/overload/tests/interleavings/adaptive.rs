//! Lanes, tokens, caps, lines that stand, and shadow.

use super::lane::Lane::Newcomer as N;
use super::pace::Pace;
use super::*;

impl Shop {
    /// Nobody may begin yet.
    fn paced(limit: u32) -> Arc<Self> {
        let shop = Self::new(limit);
        shop.seats.set_pace(Pace { may_begin: 0.0, enforce: true });
        shop
    }
}

/// One more may begin.
fn admit(shop: &Shop) {
    shop.seats.set_pace(Pace { may_begin: 1.0, enforce: true });
}

#[test]
fn a_token_that_comes_while_a_newcomer_joins_is_not_lost() {
    explore(|| {
        let shop = Shop::paced(1);
        let ticking = Arc::clone(&shop);
        let ticking = thread::spawn(move || admit(&ticking));
        drop(block_on(shop.seats.wait(shop.slots[0], 1, N, 0).unwrap()).unwrap());
        join([ticking]);
        shop.check_at_rest(1);
    });
}

#[test]
fn a_seat_given_back_while_a_token_comes_is_found() {
    explore(|| {
        let shop = Shop::paced(1);
        let held = shop.seat(1, 1);
        let waiting = shop.seats.wait(shop.slots[0], 0, N, 0).unwrap();
        let ticking = Arc::clone(&shop);
        let ticking = thread::spawn(move || admit(&ticking));
        drop(held);
        drop(block_on(waiting).unwrap());
        join([ticking]);
    });
}

#[test]
fn a_pace_that_is_lifted_while_a_seat_is_given_back_strands_nobody() {
    explore(|| {
        let shop = Shop::paced(1);
        let held = shop.seat(1, 1);
        let waiting = shop.seats.wait(shop.slots[1], 0, N, 0).unwrap();
        let lifting = Arc::clone(&shop);
        let lifting = thread::spawn(move || lifting.seats.set_pace(Pace::FREE));
        drop(held);
        drop(block_on(waiting).unwrap());
        join([lifting]);
        shop.check_at_rest(1);
    });
}

#[test]
fn a_cap_that_is_lifted_while_others_come_and_go_strands_nobody() {
    explore(|| {
        let shop = Shop::new(2);
        shop.seats.set_caps(&[(shop.slots[1], 0)]);
        let waiting = shop.seats.wait(shop.slots[1], 0, R, 0).unwrap();
        let visitor = Arc::clone(&shop);
        let visitor = thread::spawn(move || visitor.visit(0, 1));
        shop.seats.set_caps(&[]);
        drop(block_on(waiting).unwrap());
        join([visitor]);
        shop.check_at_rest(2);
    });
}

#[test]
fn a_cap_is_never_exceeded_once_it_holds() {
    explore(|| {
        let shop = Shop::new(4);
        shop.seats.set_caps(&[(shop.slots[1], 1)]);
        let visitors = [0, 1].map(|worker| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || {
                let seat = shop.seat(1, worker);
                assert_eq!(shop.inside.fetch_add(1, SeqCst), 0);
                shop.inside.fetch_sub(1, SeqCst);
                drop(seat);
            })
        });
        join(visitors);
        shop.check_at_rest(4);
    });
}

#[test]
fn who_is_shed_while_a_seat_is_given_back_passes_none_on_twice() {
    explore(|| {
        let shop = Shop::new(1);
        let held = shop.seat(1, 0);
        let line = [0, 1].map(|_| shop.seats.wait(shop.slots[1], 1, R, 0).unwrap());
        let ticking = Arc::clone(&shop);
        let ticking = thread::spawn(move || _ = ticking.seats.tick(60_000_000_000));
        drop(held);
        for waiting in line {
            drop(block_on(waiting));
        }
        join([ticking]);
        shop.check_at_rest(1);
    });
}

#[test]
fn shadow_that_begins_and_ends_loses_no_seat() {
    explore(|| {
        let shop = Shop::new(1);
        let held = shop.seat(1, 0);
        let visitor = Arc::clone(&shop);
        let visitor = thread::spawn(move || drop(visitor.seat(1, 1)));
        shop.seats.set_shadow(true);
        let over = shop.seats.try_acquire(shop.slots[0], 0, R).unwrap();
        shop.seats.set_shadow(false);
        drop((held, over));
        join([visitor]);
        shop.check_at_rest(1);
    });
}

#[test]
fn a_seat_that_shrinks_makes_room_for_who_joins_meanwhile() {
    explore(|| {
        let shop = Shop::new(10);
        let mut held: Vec<Seat> = (0..10).map(|_| shop.seat(1, 0)).collect();
        let visitor = Arc::clone(&shop);
        let visitor = thread::spawn(move || drop(visitor.seat(0, 1)));
        held.iter_mut().take(2).for_each(Seat::shrink);
        join([visitor]);
        drop(held);
        shop.check_at_rest(10);
    });
}
