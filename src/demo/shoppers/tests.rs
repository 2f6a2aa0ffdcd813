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
    heeds_retry_after: true,
    hot: 0.0,
    storming: 0.0,
    back_after: None,
    leaving: 0.0,
};

/// Lets shoppers come until `enough`, for at most ten seconds.
fn watch(parameters: Parameters, rate: f64, habits: Habits, enough: impl Fn(&Tally) -> bool) -> (Tally, u64) {
    let timeline = Timeline::steady(rate);
    watch_a_mix(parameters, timeline, habits, enough)
}

fn watch_a_mix(
    parameters: Parameters,
    timeline: Timeline,
    habits: Habits,
    enough: impl Fn(&Tally) -> bool,
) -> (Tally, u64) {
    let shop = Storefront::open(([127, 0, 0, 1], 0).into(), Model::Retrograde.build(parameters)).unwrap();
    let crowd = Crowd::gather(shop.address(), timeline, habits, 1).unwrap();
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

#[test]
fn who_only_looks_around_leaves_without_an_order() {
    let quick = Parameters { speed: 1e3, ..Parameters::default() };
    let timeline = Timeline::new(vec![Stretch { lasts: Duration::MAX, rate: 200.0, buyers: 0.0 }]);
    let (tally, orders) = watch_a_mix(quick, timeline, HURRIED, |tally| tally.looked_around >= 50);
    assert_eq!((tally.finished, orders, tally.gave_up), (0, 0, 0));
    assert_eq!(tally.class(Class::Checkout).offered, 0);
    assert!(tally.entered >= tally.looked_around);
}

#[test]
fn who_comes_back_is_the_same_shopper() {
    let stuck = Parameters { speed: 1e-5, ..Parameters::default() };
    let habits = Habits {
        patience: Duration::from_millis(5),
        back_after: Some(Duration::from_millis(1)),
        leaving: 0.25,
        ..HURRIED
    };
    let (tally, _) = watch(stuck, 100.0, habits, |tally| tally.gave_up >= 20);
    // Each comes back three times on average before leaving for good.
    assert!(tally.came_back > tally.gave_up, "{tally:?}");
    assert!(tally.arrived >= tally.gave_up && tally.offered() > tally.arrived, "{tally:?}");
}

#[test]
fn a_program_that_storms_tries_ten_times_as_often() {
    let stuck = Parameters { speed: 1e-5, ..Parameters::default() };
    let habits = Habits { patience: Duration::from_millis(5), storming: 1.0, ..HURRIED };
    let (tally, _) = watch(stuck, 20.0, habits, |tally| tally.gave_up >= 5);
    assert!(tally.left >= 11 * tally.gave_up, "{tally:?}");
}
