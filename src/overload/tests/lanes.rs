//! Those who have begun before those who have not, and how many may begin.

use super::*;

fn counts(seats: &Seats, now: Nanos) -> (u64, u64, u64, u64) {
    let QueueCounts { begun, turned_away, returned, failed, .. } = seats.tick(now);
    (begun, turned_away, returned, failed)
}

#[test]
fn in_a_class_who_returns_is_served_before_who_begins() {
    let (seats, [checkout, cart, _]) = shop(1);
    let mut held = take(&seats, cart, 1);
    let lanes = [(cart, N), (cart, R), (checkout, N)];
    let mut line = lanes.map(|(slot, lane)| seats.wait(slot, 0, lane, 0).unwrap());
    let mut order = Vec::new();
    for _ in 0..3 {
        held.clear();
        order.extend(served_of(&mut line, &mut held));
    }
    assert_eq!(order, [2, 1, 0], "and the class goes before both");
}

#[test]
fn newcomers_begin_as_far_as_the_pace_goes_and_who_returns_does_not_care() {
    let (seats, [.., browse]) = shop(1_000);
    for may_begin in [0.0, 3.0, 5.0] {
        seats.set_pace(Pace { may_begin, enforce: true });
        let begun = (0..9).filter_map(|_| seats.try_acquire(browse, 1, N)).count();
        assert_eq!(begun, may_begin as usize);
        assert!(seats.try_acquire(browse, 1, R).is_some());
    }
}

#[test]
fn what_was_not_used_is_not_saved_and_what_was_too_much_not_owed() {
    let (seats, [.., browse]) = shop(1_000);
    let begin = || (0..99).filter_map(|_| seats.try_acquire(browse, 1, N)).count();
    seats.set_pace(Pace { may_begin: 50.0, enforce: true });
    seats.set_pace(Pace { may_begin: 5.0, enforce: true });
    assert_eq!(begin(), 5);
    seats.set_pace(Pace { may_begin: 5.0, enforce: false });
    assert_eq!(begin(), 99);
    seats.set_pace(Pace { may_begin: 5.0, enforce: true });
    assert_eq!(begin(), 5);
}

#[test]
fn a_newcomer_in_line_is_served_by_the_next_token() {
    let (seats, [checkout, ..]) = shop(2);
    seats.set_pace(NOBODY);
    let mut line = [seats.wait(checkout, 0, N, 0).unwrap(), seats.wait(checkout, 0, N, 0).unwrap()];
    let mut held = Vec::new();
    assert!(served_of(&mut line, &mut held).is_empty());
    let returning = seats.try_acquire(checkout, 0, R);
    assert!(returning.is_some(), "who waits for a token is not overtaken by who needs none");
    drop(returning);
    seats.set_pace(Pace { may_begin: 1.0, enforce: true });
    assert_eq!(served_of(&mut line, &mut held), [0]);
    seats.set_pace(Pace::FREE);
    assert_eq!(served_of(&mut line, &mut held), [1]);
}

#[test]
fn with_a_token_a_newcomer_in_line_takes_the_seat_that_is_given_back() {
    let (seats, [.., browse]) = shop(1);
    seats.set_pace(Pace { may_begin: 1.0, enforce: true });
    seats.tick(500 * MS);
    let held = take(&seats, browse, 1);
    let mut line = [seats.wait(browse, 1, N, 500 * MS).unwrap()];
    drop(held);
    assert_eq!(served_of(&mut line, &mut Vec::new()), [0]);
}

#[test]
fn who_returns_takes_the_place_in_line_of_who_begins() {
    let (seats, [.., browse]) = shop(1);
    let _held = take(&seats, browse, 1);
    let mut line: Vec<_> = [R, N, N].map(|lane| seats.wait(browse, 0, lane, 0).unwrap()).into();
    assert!(seats.wait(browse, 0, N, 0).is_err());
    line.push(seats.wait(browse, 0, R, 0).unwrap());
    let outcomes: Vec<bool> = line.iter_mut().map(|waiting| outcome(waiting).is_some()).collect();
    assert_eq!(outcomes, [false, false, true, false], "the last of them gives way");
    line.push(seats.wait(browse, 0, R, 0).unwrap());
    assert_eq!(seats.wait(browse, 0, R, 0).unwrap_err(), QueueFull);
    assert_eq!(seats.waiting(browse), 3);
}

#[test]
fn everybody_is_counted_once() {
    let (seats, [.., browse]) = shop(2);
    let held = [R, N].map(|lane| seats.try_acquire(browse, 1, lane).unwrap());
    assert_eq!(counts(&seats, 0), (1, 0, 1, 0));
    let mut line = [R, R, N].map(|lane| seats.wait(browse, 0, lane, 0).unwrap());
    assert!(seats.wait(browse, 0, N, 0).is_err());
    let last = seats.tick(10 * MS);
    assert_eq!((last.turned_away, last.waiting, last.newcomers_waiting), (1, 2, 1));
    drop(held);
    let seats_of_both = [served(&mut line[0]).unwrap(), served(&mut line[1]).unwrap()];
    drop(line);
    let last = seats.tick(20 * MS);
    assert_eq!((last.returned, last.turned_away, last.failed, last.begun), (2, 1, 0, 0));
    assert!((last.waited - 0.02).abs() < 1e-9, "{}", last.waited);
    let left = seats.wait(browse, 0, R, 20 * MS).unwrap();
    seats.turned_away(1);
    drop((left, seats_of_both));
    assert_eq!(counts(&seats, 30 * MS), (0, 1, 0, 1));
    assert_eq!(seats.tick(40 * MS), QueueCounts::default());
}

#[test]
fn a_seat_that_was_handed_over_but_not_taken_is_not_counted_as_had() {
    let (seats, [.., browse]) = shop(1);
    let held = take(&seats, browse, 1);
    let waiting = seats.wait(browse, 0, N, 0).unwrap();
    drop(held);
    drop(waiting);
    assert_eq!(counts(&seats, 0), (0, 1, 1, 0));
}
