//! Who is remembered, against a table that forgets nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::clock::Nanos;
use crate::overload::sessions::{Attendance, IDLE, Sessions};

const UNIT: Nanos = 100_000_000;
const IDLE_NANOS: Nanos = IDLE.as_nanos() as Nanos;

/// Shopper `number` of set `set`: more than a set has room for.
fn shopper(set: u64, number: u64) -> u64 {
    set << 48 | (number + 1)
}

#[test]
fn a_shopper_is_known_for_ten_minutes_after_each_visit() {
    let sessions = Sessions::new(1);
    let (one, other) = (shopper(7, 1), shopper(7, 2));
    assert!(!sessions.known(one, 0));
    sessions.touch(one, 0, 0);
    assert!(sessions.known(one, IDLE_NANOS) && !sessions.known(other, 0));
    sessions.touch(one, 0, IDLE_NANOS);
    assert!(sessions.known(one, 2 * IDLE_NANOS));
    assert!(!sessions.known(one, 2 * IDLE_NANOS + UNIT));
}

#[test]
fn the_longest_unseen_of_a_set_is_forgotten() {
    let sessions = Sessions::new(1);
    for number in 0..4 {
        sessions.touch(shopper(9, number), 0, number * UNIT);
    }
    sessions.touch(shopper(9, 0), 0, 5 * UNIT);
    sessions.touch(shopper(9, 4), 0, 6 * UNIT);
    let known: Vec<bool> = (0..5).map(|number| sessions.known(shopper(9, number), 6 * UNIT)).collect();
    assert_eq!(known, [true, false, true, true, true]);
}

#[test]
fn what_another_thread_did_a_moment_later_is_new() {
    let sessions = Sessions::new(1);
    sessions.touch(shopper(0, 0), 0, 10 * UNIT);
    assert!(sessions.known(shopper(0, 0), 9 * UNIT));
}

#[test]
fn who_is_silent_for_much_longer_than_others_is_gone() {
    let sessions = Sessions::new(2);
    let second = 10 * UNIT;
    let mut begun = 0;
    // A hundred shoppers, each of whom asks for something every two seconds, and one who came once.
    sessions.touch(shopper(1, 0), 0, 0);
    for at in 1..=40 {
        for number in (0..100).filter(|number| number % 2 == at % 2) {
            sessions.touch(shopper(100 + number, 0), number as usize % 2, at * second);
        }
        begun += sessions.attendance(at * second).begun;
    }
    assert_eq!(sessions.attendance(40 * second), Attendance { active: 100, begun: 0 });
    assert_eq!(begun, 101);
    assert_eq!(sessions.attendance(50 * second).active, 0, "all have gone home");
    assert_eq!(sessions.attendance(1_000 * second).active, 0);
    sessions.touch(shopper(100, 0), 0, 1_000 * second);
    assert_eq!(sessions.attendance(1_000 * second), Attendance { active: 1, begun: 1 });
}

#[test]
fn those_forgotten_for_want_of_room_are_not_counted() {
    let sessions = Sessions::new(1);
    for number in 0..7 {
        sessions.touch(shopper(9, number), 0, number * UNIT);
    }
    assert_eq!(sessions.attendance(7 * UNIT), Attendance { active: 4, begun: 7 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_known_who_was_not_there_and_the_last_four_of_a_set_always_are(
        visits in proptest::collection::vec((0..3_u64, 0..7_u64, 0..8_000_u64), 1..200),
    ) {
        let sessions = Sessions::new(1);
        let mut seen = HashMap::new();
        let mut now = 0;
        for (turn, (set, number, units)) in visits.into_iter().enumerate() {
            now += units * UNIT;
            sessions.touch(shopper(set, number), 0, now);
            seen.insert((set, number), (turn, now));
            for set in 0..4 {
                let mut of_set: Vec<_> = seen.iter().filter(|((of, _), _)| *of == set).collect();
                of_set.sort_by_key(|(_, (turn, at))| std::cmp::Reverse((*at, *turn)));
                // Of those who came in the same unit of time any may be the one that is forgotten.
                let oldest_kept = of_set.get(3).map_or(0, |(_, (_, at))| *at);
                for number in 0..7 {
                    let at = seen.get(&(set, number)).map(|(_, at)| *at);
                    let fresh = at.is_some_and(|at| now - at <= IDLE_NANOS);
                    let known = sessions.known(shopper(set, number), now);
                    prop_assert!(fresh || !known, "{set}/{number} is taken for somebody");
                    let kept = at.is_some_and(|at| at > oldest_kept || of_set.len() <= 4);
                    prop_assert!(known || !(fresh && kept), "{set}/{number} is forgotten");
                }
            }
        }
    }
}
