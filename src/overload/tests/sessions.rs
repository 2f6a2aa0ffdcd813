//! Who is remembered, against a table that forgets nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::clock::Nanos;
use crate::overload::sessions::{IDLE, Sessions};

const UNIT: Nanos = 4_000_000_000;
const IDLE_NANOS: Nanos = IDLE.as_nanos() as Nanos;

/// Shopper `number` of set `set`: more than a set has room for.
fn shopper(set: u64, number: u64) -> u64 {
    set << 48 | (number + 1) << 30
}

#[test]
fn a_shopper_is_known_for_ten_minutes_after_each_visit() {
    let sessions = Sessions::new();
    let (one, other) = (shopper(7, 1), shopper(7, 2));
    assert!(!sessions.known(one, 0));
    sessions.touch(one, 0);
    assert!(sessions.known(one, IDLE_NANOS) && !sessions.known(other, 0));
    sessions.touch(one, IDLE_NANOS);
    assert!(sessions.known(one, 2 * IDLE_NANOS));
    assert!(!sessions.known(one, 2 * IDLE_NANOS + UNIT));
}

#[test]
fn the_longest_unseen_of_a_set_is_forgotten() {
    let sessions = Sessions::new();
    for number in 0..4 {
        sessions.touch(shopper(9, number), number * UNIT);
    }
    sessions.touch(shopper(9, 0), 5 * UNIT);
    sessions.touch(shopper(9, 4), 6 * UNIT);
    let known: Vec<bool> = (0..5).map(|number| sessions.known(shopper(9, number), 6 * UNIT)).collect();
    assert_eq!(known, [true, false, true, true, true]);
}

#[test]
fn what_another_thread_did_a_moment_later_is_new() {
    let sessions = Sessions::new();
    sessions.touch(shopper(0, 0), 10 * UNIT);
    assert!(sessions.known(shopper(0, 0), 9 * UNIT));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_known_who_was_not_there_and_the_last_four_of_a_set_always_are(
        visits in proptest::collection::vec((0..3_u64, 0..7_u64, 0..200_u64), 1..200),
    ) {
        let sessions = Sessions::new();
        let mut seen = HashMap::new();
        let mut now = 0;
        for (turn, (set, number, units)) in visits.into_iter().enumerate() {
            now += units * UNIT;
            sessions.touch(shopper(set, number), now);
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
