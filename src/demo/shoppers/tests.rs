use std::time::Instant;

use super::*;
use crate::demo::database::Parameters;
use crate::demo::page::Class;
use crate::demo::station::Model;
use crate::demo::storefront::Storefront;

const HURRIED: Habits = Habits {
    thinking: Duration::from_millis(1),
    patience: Duration::from_secs(3),
    patience_in_line: Duration::from_secs(3),
    retries: 0,
    pause: Duration::from_millis(1),
};

/// Lets shoppers come until `enough`, for at most ten seconds.
fn watch(parameters: Parameters, rate: f64, habits: Habits, enough: impl Fn(&Tally) -> bool) -> (Tally, u64) {
    let shop = Storefront::open(([127, 0, 0, 1], 0).into(), Model::Retrograde.build(parameters)).unwrap();
    let crowd = Crowd::gather(shop.address(), Timeline::steady(rate), habits, 1).unwrap();
    let began = Instant::now();
    let mut sum = Tally::default();
    while !enough(&sum) {
        assert!(began.elapsed() < Duration::from_secs(10), "{sum:?}");
        std::thread::yield_now();
        sum.add(&crowd.take());
    }
    drop(crowd);
    (sum, shop.orders())
}

#[test]
fn shoppers_of_a_quick_shop_all_reach_their_order() {
    let quick = Parameters { speed: 1e3, ..Parameters::default() };
    let (tally, orders) = watch(quick, 200.0, HURRIED, |tally| tally.finished >= 50);
    assert!(orders >= tally.finished);
    assert_eq!((tally.broken, tally.left, tally.gave_up), (0, 0, 0));
    assert!(tally.refused.is_empty());
    for class in Class::ALL {
        assert!(tally.class(class).served >= 50, "{class:?}");
    }
}

#[test]
fn shoppers_of_a_stuck_shop_lose_patience() {
    let stuck = Parameters { speed: 1e-5, ..Parameters::default() };
    let habits = Habits { patience: Duration::from_millis(5), retries: 2, ..HURRIED };
    let (tally, orders) = watch(stuck, 100.0, habits, |tally| tally.gave_up >= 20);
    assert_eq!((tally.served(), tally.finished, orders), (0, 0, 0));
    // Each who gave up had tried three times.
    assert!(tally.left >= 3 * tally.gave_up, "{tally:?}");
}
