//! Which newcomers may try.

use proptest::prelude::*;

use crate::overload::cursor::{COHORTS, Cursor, EVERYBODY, cohort};

const TICK: u64 = 100_000_000;

/// Offers `each` newcomers of every cohort of the first `classes` classes a tick, for a long time; `now` is moved on.
fn offer(cursor: &Cursor, classes: usize, each: usize, begin_rate: f64, now: &mut u64) {
    for _ in 0..100 {
        for rank in 0..classes {
            (0..COHORTS).flat_map(|cohort| (0..each).map(move |_| cohort)).for_each(|cohort| {
                cursor.offer(rank, cohort);
            });
        }
        *now += TICK;
        cursor.tick(begin_rate, true, *now);
    }
}

#[test]
fn the_cursor_lets_in_a_quarter_more_than_may_begin() {
    let (cursor, mut now) = (Cursor::new(), 0);
    // 10 a second of each of 256 pairs.
    offer(&cursor, 2, 1, 996.0, &mut now);
    assert_eq!(cursor.position(), 125);
    assert!(cursor.offer(0, 124) && !cursor.offer(0, 125) && !cursor.offer(1, 0));
}

#[test]
fn the_important_class_goes_first_whatever_its_cohort() {
    let (cursor, mut now) = (Cursor::new(), 0);
    offer(&cursor, 2, 1, 1_500.0, &mut now);
    assert!(cursor.offer(0, COHORTS - 1) && cursor.offer(1, 0) && !cursor.offer(1, COHORTS - 1));
}

#[test]
fn everybody_may_try_without_pressure_or_when_all_can_begin() {
    let (cursor, mut now) = (Cursor::new(), 0);
    assert_eq!(cursor.position(), EVERYBODY);
    offer(&cursor, 1, 1, 10.0, &mut now);
    assert!(cursor.position() < COHORTS);
    cursor.tick(10.0, false, now + TICK);
    assert_eq!(cursor.position(), EVERYBODY);
    for rate in [2_000.0, f64::INFINITY] {
        cursor.tick(rate, true, now + 2 * TICK);
        assert_eq!(cursor.position(), EVERYBODY);
    }
}

#[test]
fn nobody_may_try_when_none_can_begin() {
    let (cursor, mut now) = (Cursor::new(), 0);
    offer(&cursor, 1, 1, 0.0, &mut now);
    assert_eq!(cursor.position(), 0);
}

#[test]
fn ranks_and_cohorts_beyond_the_last_are_the_last() {
    let (cursor, mut now) = (Cursor::new(), 0);
    assert!(cursor.offer(usize::MAX, u32::MAX));
    offer(&cursor, 1, 1, 10.0, &mut now);
    assert!(!cursor.offer(usize::MAX, u32::MAX));
}

#[test]
fn cohorts_are_even_and_change_with_the_hour() {
    let mut sizes = [0_u32; COHORTS as usize];
    let shoppers = 0..100_000_u64;
    shoppers.clone().for_each(|shopper| sizes[cohort(shopper, 481_000) as usize] += 1);
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(*least > 650 && *most < 920, "{least} – {most} of 781");
    let same = shoppers.filter(|&shopper| cohort(shopper, 481_000) == cohort(shopper, 481_001)).count();
    assert!((600..1_000).contains(&same), "{same} of 781 have the same by chance");
}

proptest! {
    #[test]
    fn the_cursor_is_the_shortest_prefix_that_offers_enough(
        counts in proptest::collection::vec(0..20_u32, 256),
        begin_rate in 0.0..30_000.0_f64,
    ) {
        let cursor = Cursor::new();
        for (index, &count) in (0_u32..).zip(&counts) {
            (0..count).for_each(|_| {
                cursor.offer((index / COHORTS) as usize, index % COHORTS);
            });
        }
        // So long after, that only this tick counts.
        cursor.tick(begin_rate, true, 100_000_000_000);
        let rate = |pairs: u32| counts.iter().take(pairs as usize).map(|&count| f64::from(count) / 100.0).sum::<f64>();
        let (position, wanted) = (cursor.position(), begin_rate * 1.25);
        if position == EVERYBODY {
            prop_assert!(rate(256) < wanted + 1e-6);
        } else {
            prop_assert!(rate(position) >= wanted - 1e-6);
            prop_assert!(position == 0 || rate(position - 1) < wanted + 1e-6);
        }
    }
}
