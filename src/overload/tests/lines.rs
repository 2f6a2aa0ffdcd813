//! Lines that stand, caps, and seats of which a part is given back.

use super::*;

/// One seat, in use, and a line of browsers that stands: joined at 0, 10 and 20 ms, judged at 100 ms.
fn standing() -> (Seats, [Slot; 3], Vec<Seat>, Vec<Waiting>) {
    let (seats, slots) = shop(1);
    let held = take(&seats, slots[2], 1);
    let line = [0, 10, 20].map(|at| seats.wait(slots[2], 0, R, at * MS).unwrap());
    seats.tick(100 * MS);
    (seats, slots, held, line.into())
}

#[test]
fn a_line_that_stands_is_served_from_its_end() {
    let (_seats, _, mut held, mut line) = standing();
    held.clear();
    assert_eq!(served_of(&mut line, &mut held), [2]);
    held.clear();
    assert_eq!(served_of(&mut line, &mut held), [1]);
}

#[test]
fn who_waits_too_long_in_a_line_that_stands_is_shed() {
    let (seats, [.., browse], _held, mut line) = standing();
    assert!(line.iter_mut().all(|waiting| outcome(waiting).is_none()), "100 ms is not too long");
    let count = seats.tick(115 * MS);
    assert_eq!(count.waiting, 1);
    let shed: Vec<bool> = line.iter_mut().map(|waiting| matches!(outcome(waiting), Some(Err(Shed)))).collect();
    assert_eq!(shed, [true, true, false]);
    assert_eq!((seats.waiting(browse), seats.tick(115 * MS).failed), (1, 2));
}

#[test]
fn who_joins_a_line_that_stands_drives_out_who_is_overdue() {
    let (seats, [.., browse], _held, mut line) = standing();
    drop(line.pop());
    line.push(seats.wait(browse, 0, R, 109 * MS).unwrap());
    let shed: Vec<bool> = line.iter_mut().map(|waiting| outcome(waiting).is_some()).collect();
    assert_eq!(shed, [true, false, false]);
}

#[test]
fn who_is_overdue_has_the_seat_that_would_be_idle() {
    let (seats, _, _held, mut line) = standing();
    seats.set_limit(Some(4));
    assert_eq!(served_of(&mut line, &mut Vec::new()).len(), 3);
    assert_eq!(seats.tick(500 * MS).failed, 0);
}

#[test]
fn a_line_in_which_service_is_quick_is_served_in_order_and_nobody_is_shed() {
    let (seats, [.., browse]) = shop(1);
    let mut held = take(&seats, browse, 1);
    for turn in 1..50 {
        let mut line = [0, 1].map(|ms| seats.wait(browse, 0, R, (turn * 20 + ms) * MS).unwrap());
        seats.tick((turn * 20 + 10) * MS);
        for place in 0..2 {
            held.clear();
            assert_eq!(served_of(&mut line, &mut held), [place]);
        }
    }
}

#[test]
fn a_class_with_a_guarantee_keeps_its_order() {
    let (seats, [checkout, ..]) = shop(1);
    let mut held = take(&seats, checkout, 1);
    let mut line = [0, 10].map(|at| seats.wait(checkout, 0, R, at * MS).unwrap());
    for tick in 1..20 {
        seats.tick(tick * 100 * MS);
    }
    for place in 0..2 {
        held.clear();
        assert_eq!(served_of(&mut line, &mut held), [place]);
    }
}

#[test]
fn lanes_stand_apart() {
    let (seats, [.., browse]) = shop(1);
    seats.set_pace(NOBODY);
    let mut newcomer = seats.wait(browse, 0, N, 0).unwrap();
    let mut held = take(&seats, browse, 1);
    seats.tick(100 * MS);
    let mut line = [100, 101].map(|at| seats.wait(browse, 0, R, at * MS).unwrap());
    held.clear();
    assert_eq!(served_of(&mut line, &mut held), [0], "only the newcomers' line stands");
    seats.tick(110 * MS);
    assert!(matches!(outcome(&mut newcomer), Some(Err(Shed))));
}

#[test]
fn a_cap_holds_for_its_class_alone() {
    let (seats, [checkout, cart, browse]) = shop(10);
    seats.set_caps(&[(browse, 2), (cart, 0)]);
    let mut browsing = take(&seats, browse, 9);
    assert_eq!((browsing.len(), take(&seats, cart, 9).len()), (2, 0));
    let mut line = [seats.wait(cart, 0, R, 0).unwrap(), seats.wait(browse, 0, R, 0).unwrap()];
    let mut paying = take(&seats, checkout, 9);
    assert_eq!(paying.len(), 8, "who waits for a cap only is overtaken");
    assert!(seats.try_acquire(checkout, 0, R).is_none());
    paying.pop();
    assert!(served_of(&mut line, &mut paying).is_empty());
    browsing.pop();
    assert_eq!(served_of(&mut line, &mut browsing), [1]);
    seats.set_caps(&[]);
    assert_eq!(served_of(&mut line, &mut browsing), [0]);
    assert_eq!(seats.in_use(), 10);
}

#[test]
fn nothing_is_kept_for_a_class_beyond_its_cap() {
    let seats = Seats::new(1);
    let slots = seats.reconfigure(Some(10), &classes(&[("feed", 0.5, 0), ("browse", 0.0, 9)]));
    seats.set_caps(&[(slots[0], 1)]);
    assert_eq!(take(&seats, slots[1], 99).len(), 9);
    assert_eq!(take(&seats, slots[0], 99).len(), 1);
}

#[test]
fn a_seat_that_shrinks_gives_its_place_back_once() {
    let (seats, [.., browse]) = shop(10);
    let mut streaming = take(&seats, browse, 10);
    for seat in &mut streaming {
        seat.shrink();
        seat.shrink();
    }
    assert_eq!((seats.in_use(), seats.in_use_by(browse)), (0, 0));
    let more = take(&seats, browse, 99);
    assert_eq!(more.len(), 10);
    let mut waiting = seats.wait(browse, 1, R, 0).unwrap();
    drop(streaming);
    assert!(served(&mut waiting).is_none(), "nothing is given back twice");
    drop(more);
    assert!(served(&mut waiting).is_some());
    assert_eq!((seats.in_use(), take(&seats, browse, 99).len()), (0, 10));
}
