//! Who is served, and in which order.

use super::*;

#[test]
fn the_limit_holds_and_a_dropped_seat_is_free_again() {
    let (seats, [checkout, _, browse]) = shop(4);
    let mut held = take(&seats, browse, 9);
    assert_eq!((held.len(), seats.in_use(), seats.in_use_by(browse)), (4, 4, 4));
    assert!(seats.try_acquire(checkout, 1, R).is_none());
    held.pop();
    assert!(seats.try_acquire(checkout, 1, R).is_some());
}

#[test]
fn a_seat_in_another_workers_pocket_is_found() {
    let (seats, [checkout, _, browse]) = shop(100);
    drop(take(&seats, browse, 3));
    let held: Vec<Seat> = (0..200).map_while(|_| seats.try_acquire(checkout, 1, R)).collect();
    assert_eq!(held.len(), 100);
}

#[test]
fn a_freed_seat_goes_to_the_most_important_in_line_and_never_to_a_newcomer() {
    let (seats, [checkout, cart, browse]) = shop(10);
    let mut held = take(&seats, checkout, 5);
    held.extend(take(&seats, cart, 5));
    let mut first_browse = seats.wait(browse, 0, R, 0).unwrap();
    let mut second_browse = seats.wait(browse, 1, R, 0).unwrap();
    let mut paying = seats.wait(checkout, 0, R, 0).unwrap();
    let mut served_in_order = Vec::new();
    for _ in 0..3 {
        held.pop();
        assert!(seats.try_acquire(checkout, 0, R).is_none());
        for (name, waiting) in [("checkout", &mut paying), ("1", &mut first_browse), ("2", &mut second_browse)] {
            if let Some(seat) = served(waiting) {
                served_in_order.push(name);
                held.insert(0, seat);
            }
        }
    }
    assert_eq!(served_in_order, ["checkout", "1", "2"]);
}

#[test]
fn a_lent_share_comes_home_by_order_of_service() {
    let (seats, [checkout, cart, browse]) = shop(10);
    let mut others = take(&seats, checkout, 3);
    others.extend(take(&seats, browse, 7));
    let mut paying = seats.wait(checkout, 0, R, 0).unwrap();
    let mut carts: Vec<Waiting> = (0..3).map(|_| seats.wait(cart, 0, R, 0).unwrap()).collect();
    // Checkout has its 3 of 10, so cart is served first until it has its 2, and then waits behind checkout.
    for carts_seats in [1, 2] {
        others.pop();
        assert_eq!((seats.in_use_by(cart), seats.in_use_by(checkout)), (carts_seats, 3));
    }
    others.pop();
    let cart_seats: Vec<Seat> = carts.iter_mut().filter_map(served).collect();
    assert_eq!((cart_seats.len(), seats.in_use_by(checkout)), (2, 4));
    assert!(served(&mut paying).is_some());
}

#[test]
fn a_place_that_is_given_up_is_nobodys() {
    let (seats, [checkout, _, browse]) = shop(1);
    let held = take(&seats, browse, 1);
    let gone = seats.wait(checkout, 0, R, 0).unwrap();
    let mut next = seats.wait(browse, 0, R, 0).unwrap();
    drop(gone);
    drop(held);
    assert!(served(&mut next).is_some());
}

#[test]
fn a_seat_handed_over_but_not_taken_is_passed_on() {
    let (seats, [checkout, _, browse]) = shop(1);
    let held = take(&seats, browse, 1);
    let handed = seats.wait(checkout, 0, R, 0).unwrap();
    let mut next = seats.wait(browse, 0, R, 0).unwrap();
    drop(held);
    assert!(served(&mut next).is_none());
    drop(handed);
    let seat = served(&mut next);
    assert_eq!((seats.in_use_by(checkout), seats.in_use_by(browse)), (0, 1));
    drop(seat);
    assert_eq!(seats.in_use(), 0);
}

#[test]
fn a_line_is_bounded() {
    let (seats, [_, _, browse]) = shop(1);
    let _held = take(&seats, browse, 1);
    let mut line: Vec<Waiting> = (0..3).map(|_| seats.wait(browse, 0, R, 0).unwrap()).collect();
    assert_eq!(seats.wait(browse, 0, R, 0).unwrap_err(), QueueFull);
    drop(line.remove(1));
    assert!(seats.wait(browse, 0, R, 0).is_ok());
    assert_eq!(seats.waiting(browse), 2);
}

#[test]
fn a_lower_limit_is_reached_by_draining_and_a_higher_one_serves_at_once() {
    let (seats, [checkout, _, browse]) = shop(4);
    let mut held = take(&seats, browse, 4);
    let mut waiting = seats.wait(checkout, 0, R, 0).unwrap();
    seats.set_limit(Some(2));
    held.truncate(2);
    assert!(served(&mut waiting).is_none());
    seats.set_limit(Some(3));
    assert!(served(&mut waiting).is_some());
    assert_eq!((seats.limit(), seats.in_use()), (Some(3), 2));
}

#[test]
fn a_lowered_limit_counts_what_lies_in_pockets() {
    let (seats, [_, _, browse]) = shop(100);
    drop(take(&seats, browse, 5));
    let _held: Vec<Seat> = (0..3).map_while(|_| seats.try_acquire(browse, 1, R)).collect();
    seats.set_limit(Some(4));
    assert_eq!(take(&seats, browse, 9).len(), 1);
}

#[test]
fn without_a_limit_seats_are_counted() {
    let seats = Seats::new(2);
    let slots = seats.reconfigure(None, &classes(&[("browse", 0.5, 0)]));
    let held = take(&seats, slots[0], 1_000);
    assert_eq!((seats.limit(), seats.in_use(), held.len()), (None, 1_000, 1_000));
}

#[test]
fn a_class_that_cannot_wait_finds_its_guaranteed_seats_free() {
    let seats = Seats::new(1);
    let shares = classes(&[("checkout", 0.0, 9), ("stock-feed", 0.3, 0), ("browse", 0.0, 9)]);
    let [checkout, feed, browse]: [Slot; 3] = seats.reconfigure(Some(10), &shares).try_into().unwrap();
    let mut held = take(&seats, browse, 99);
    assert_eq!(held.len(), 7);
    let mut paying = seats.wait(checkout, 0, R, 0).unwrap();
    let fed = take(&seats, feed, 99);
    assert_eq!(fed.len(), 3);
    assert!(served(&mut paying).is_none());
    drop(fed);
    assert!(served(&mut paying).is_none(), "what it gave back is kept for it");
    held.pop();
    assert!(served(&mut paying).is_some());
}

#[test]
fn a_class_keeps_its_seats_and_line_over_a_reload() {
    let (seats, [checkout, _, browse]) = shop(2);
    let mut held = take(&seats, browse, 2);
    let mut browsing = seats.wait(browse, 0, R, 0).unwrap();
    let shares = classes(&[("checkout", 0.5, 10), ("search", 0.0, 10)]);
    let slots = seats.reconfigure(Some(2), &shares);
    assert_eq!(slots[0], checkout);
    assert_ne!(slots[1], browse);
    assert_eq!((seats.in_use(), seats.in_use_by(browse), seats.waiting(browse)), (2, 2, 1));
    let mut searching = seats.wait(slots[1], 0, R, 0).unwrap();
    held.pop();
    assert!(served(&mut browsing).is_none(), "a class that is gone is served last");
    let found = served(&mut searching);
    drop(found);
    assert!(served(&mut browsing).is_some());
    assert_eq!(seats.reconfigure(Some(2), &classes(&[("browse", 0.0, 1)])), [browse]);
}

#[test]
fn slots_are_reused_when_many_names_have_come_and_gone() {
    let seats = Seats::new(1);
    for name in 0..1_000 {
        let slots = seats.reconfigure(Some(9), &classes(&[("kept", 0.0, 1), (&name.to_string(), 0.0, 1)]));
        let held = take(&seats, slots[1], 2);
        assert_eq!((seats.in_use_by(slots[0]), seats.in_use_by(slots[1])), (0, 2), "{name}");
        drop(held);
    }
}

#[test]
fn usage_lists_classes_by_importance() {
    let (seats, [_, cart, browse]) = shop(1);
    let _held = take(&seats, cart, 1);
    let _waiting = seats.wait(browse, 0, R, 0).unwrap();
    let usage = seats.usage();
    let classes: Vec<_> = usage.classes.iter().map(|class| (&*class.name, class.in_use, class.waiting)).collect();
    assert_eq!((usage.limit, usage.in_use), (Some(1), 1));
    assert_eq!(classes, [("checkout", 0, 0), ("cart", 1, 0), ("browse", 0, 1)]);
}

#[test]
fn a_seat_may_be_dropped_on_another_thread() {
    let (seats, [checkout, ..]) = shop(5);
    let held = take(&seats, checkout, 5);
    std::thread::scope(|scope| {
        scope.spawn(move || drop(held));
    });
    assert_eq!((seats.in_use(), take(&seats, checkout, 9).len()), (0, 5));
}
