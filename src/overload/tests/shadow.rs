//! When nothing is enforced, and it is only said what would have been.

use super::*;

#[test]
fn in_shadow_nobody_is_refused_and_a_seat_that_there_was_not_says_so() {
    let (seats, [checkout, _, browse]) = shop(2);
    seats.set_shadow(true);
    let mut held = take(&seats, browse, 5);
    let over: Vec<bool> = held.iter().map(Seat::over_limit).collect();
    assert_eq!((over, seats.in_use()), (vec![false, false, true, true, true], 5));
    held.truncate(1);
    assert!(!seats.try_acquire(checkout, 1, R).unwrap().over_limit());
}

#[test]
fn in_shadow_caps_and_the_pace_are_only_counted() {
    let (seats, [checkout, _, browse]) = shop(10);
    seats.set_caps(&[(browse, 1)]);
    seats.set_pace(NOBODY);
    seats.set_shadow(true);
    let held = [(browse, R), (browse, R), (checkout, N)].map(|(slot, lane)| seats.try_acquire(slot, 0, lane).unwrap());
    assert_eq!(held.each_ref().map(Seat::over_limit), [false, true, true]);
    assert_eq!((seats.tick(0).begun, seats.in_use()), (1, 3));
}

#[test]
fn who_waits_when_enforcement_ends_is_let_in_and_all_is_enforced_again_afterwards() {
    let (seats, [.., browse]) = shop(1);
    seats.set_pace(NOBODY);
    let mut held = take(&seats, browse, 1);
    let mut line = [R, N, R].map(|lane| seats.wait(browse, 0, lane, 0).unwrap());
    seats.set_shadow(true);
    assert_eq!(served_of(&mut line, &mut held), [0, 1, 2]);
    assert!(held.iter().skip(1).all(Seat::over_limit));
    let mut late = (0..9).map(|_| seats.wait(browse, 0, N, 0).unwrap()).collect::<Vec<_>>();
    assert_eq!(served_of(&mut late, &mut held).len(), 9, "a line is not bounded then");
    seats.set_shadow(false);
    held.truncate(1);
    assert!(seats.try_acquire(browse, 0, R).is_none());
    held.clear();
    assert_eq!((seats.in_use(), take(&seats, browse, 9).len()), (0, 1));
}
