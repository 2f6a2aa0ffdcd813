//! Who is served, and in which order.

use super::*;

fn shop(limit: u32) -> (Seats, [Slot; 3]) {
    let seats = Seats::new(2);
    let shares = classes(&[("checkout", 0.3, 10), ("cart", 0.2, 10), ("browse", 0.0, 3)]);
    let slots = seats.reconfigure(Some(limit), &shares);
    (seats, slots.try_into().unwrap())
}

#[test]
fn the_limit_holds_and_a_dropped_seat_is_free_again() {
    let (seats, [checkout, _, browse]) = shop(4);
    let mut held = take(&seats, browse, 9);
    assert_eq!((held.len(), seats.in_use(), seats.in_use_by(browse)), (4, 4, 4));
    assert!(seats.try_acquire(checkout, 1).is_none());
    held.pop();
    assert!(seats.try_acquire(checkout, 1).is_some());
}

#[test]
fn a_seat_in_another_workers_pocket_is_found() {
    let (seats, [checkout, _, browse]) = shop(100);
    drop(take(&seats, browse, 3));
    let held: Vec<Seat> = (0..200).map_while(|_| seats.try_acquire(checkout, 1)).collect();
    assert_eq!(held.len(), 100);
}

#[test]
fn a_freed_seat_goes_to_the_most_important_in_line_and_never_to_a_newcomer() {
    let (seats, [checkout, cart, browse]) = shop(10);
    let mut held = take(&seats, checkout, 5);
    held.extend(take(&seats, cart, 5));
    let mut first_browse = seats.wait(browse, 0).unwrap();
    let mut second_browse = seats.wait(browse, 1).unwrap();
    let mut paying = seats.wait(checkout, 0).unwrap();
    let mut served_in_order = Vec::new();
    for _ in 0..3 {
        held.pop();
        assert!(seats.try_acquire(checkout, 0).is_none());
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
    let mut paying = seats.wait(checkout, 0).unwrap();
    let mut carts: Vec<Waiting> = (0..3).map(|_| seats.wait(cart, 0).unwrap()).collect();
    // Checkout has its 3 of 10, so cart is served first until it has its 2, and then waits behind checkout.
    for carts_seats in [1, 2] {
        others.pop();
        assert_eq!((seats.in_use_by(cart), seats.in_use_by(checkout)), (carts_seats, 3));
    }
    others.pop();
    let [cart_seats, checkout_seat] = [carts.iter_mut().filter_map(served).count(), served(&mut paying).iter().count()];
    assert_eq!((cart_seats, checkout_seat), (2, 1));
}
