//! What goes into a feed comes out of it, in order, once.

use std::time::Duration;

use proptest::prelude::*;

use super::classes;
use crate::overload::feed::RING;
use crate::overload::{Event, Feed, Finish, RouteTag, Seats, Slot};

const ROUTE: RouteTag = RouteTag(7);

fn slot() -> Slot {
    slots(1)[0]
}

fn slots(count: usize) -> Vec<Slot> {
    let named = |index| (format!("class {index}"), 0.0, 0);
    let named: Vec<_> = (0..count).map(named).collect();
    let shares: Vec<_> = named.iter().map(|(name, guaranteed, waiting)| (&**name, *guaranteed, *waiting)).collect();
    Seats::new(1).reconfigure(None, &classes(&shares))
}

fn drained(feed: &Feed) -> Vec<Event> {
    let mut events = Vec::new();
    assert_eq!(feed.drain(&mut events), 0);
    events
}

#[test]
fn a_request_leaves_a_beginning_and_an_end() {
    let (feed, class) = (Feed::new(2), slot());
    let mut flight = feed.begin(1, ROUTE, class, 1_000_000).unwrap();
    assert_eq!(drained(&feed), [Event::Began { route: ROUTE, at: 1_000_000 }]);
    flight.connected(Duration::from_micros(300));
    flight.end(Finish::Good, 5_000_000);
    let (finish, latency) = (Finish::Good, Duration::from_micros(3_700));
    assert_eq!(drained(&feed), [Event::Ended { route: ROUTE, class, finish, began: 1_000_000, latency }]);
    assert_eq!(drained(&feed), []);
}

#[test]
fn one_that_is_dropped_has_gone() {
    let feed = Feed::new(1);
    drop(feed.begin(0, ROUTE, slot(), 20));
    let finishes: Vec<_> = drained(&feed).iter().map(finish).collect();
    assert_eq!(finishes, [None, Some(Finish::Gone)]);
}

#[test]
fn workers_come_together_in_the_order_of_time() {
    let (feed, class) = (Feed::new(3), slot());
    for (worker, at) in [(0, 10), (2, 11), (1, 12), (0, 13), (2, 14)] {
        std::mem::forget(feed.begin(worker, ROUTE, class, at));
    }
    let times: Vec<_> = drained(&feed).iter().map(at).collect();
    assert_eq!(times, [10, 11, 12, 13, 14]);
    assert!(feed.begin(3, ROUTE, class, 15).is_none());
}

#[test]
fn what_finds_no_room_is_counted_and_the_next_is_not_lost() {
    let (feed, class) = (Feed::new(1), slot());
    let flights: Vec<_> = (0..RING as u64 + 3).map(|at| feed.begin(0, ROUTE, class, at).unwrap()).collect();
    let mut events = Vec::new();
    assert_eq!(feed.drain(&mut events), 3);
    assert_eq!((events.len(), at(&events[RING - 1])), (RING, RING as u64 - 1));
    for flight in flights.into_iter().take(2) {
        flight.end(Finish::Failed, 99_999);
    }
    events.clear();
    // The others are dropped when two are taken.
    assert_eq!(feed.drain(&mut events), 3);
    assert_eq!(events.len(), RING);
    assert_eq!(events.iter().filter(|event| finish(event) == Some(Finish::Failed)).count(), 2);
}

proptest! {
    #[test]
    fn every_event_is_told_as_it_was(
        route in 0_u32..300_000,
        class in 0_usize..64,
        which in 0_usize..4,
        sent in 0..u64::MAX / 2,
        took in prop_oneof![0_u64..10_000_000_000, any::<u64>().prop_map(|took| took / 4)],
    ) {
        let (feed, class) = (Feed::new(1), slots(64)[class]);
        let finish = [Finish::Good, Finish::Failed, Finish::TimedOut, Finish::Gone][which];
        feed.begin(0, RouteTag(route), class, sent).unwrap().end(finish, sent + took);
        let latency = Duration::from_micros((took / 1_000).min((1 << 37) - 1));
        let route = RouteTag(route.min((1 << 18) - 1));
        let expected = [Event::Began { route, at: sent }, Event::Ended { route, class, finish, began: sent, latency }];
        prop_assert_eq!(drained(&feed), expected);
    }
}

fn at(event: &Event) -> u64 {
    match event {
        Event::Began { at, .. } => *at,
        Event::Ended { began, latency, .. } => *began + latency.as_nanos() as u64,
    }
}

fn finish(event: &Event) -> Option<Finish> {
    match event {
        Event::Began { .. } => None,
        Event::Ended { finish, .. } => Some(*finish),
    }
}
