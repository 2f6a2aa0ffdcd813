//! An origin that is told about by hand.

use std::time::Duration;

use super::AdaptiveGovernor;
use crate::overload::classes::Slot;
use crate::overload::signal::{Bounds, Directive, Event, Finish, Governor, QueueCounts, RouteTag, Window};

const TICK: u64 = 100_000_000;
const ROUTE: RouteTag = RouteTag(0);

/// An origin whose requests all take `latency`, kept full.
struct Origin {
    governor: AdaptiveGovernor,
    now: u64,
    /// When each request there began.
    there: Vec<u64>,
    limit: u32,
}

impl Origin {
    fn new(bounds: Bounds) -> Self {
        Self { governor: AdaptiveGovernor::new(bounds, 0), now: 0, there: Vec::new(), limit: 10 }
    }

    /// One tick; `latency` is `None` while nothing is answered.
    fn tick(&mut self, latency: Option<Duration>, finish: Finish) -> Directive {
        let mut events = Vec::new();
        let end = self.now + TICK;
        while self.now < end {
            self.now += 1_000_000;
            if let Some(latency) = latency {
                let (at, since) = (self.now, latency.as_nanos() as u64);
                let (done, left): (Vec<_>, Vec<_>) = self.there.iter().partition(|began| at - **began >= since);
                self.there = left;
                events.extend(done.into_iter().map(|began| Event::Ended {
                    route: ROUTE,
                    class: Slot::at(0),
                    finish,
                    began,
                    latency: Duration::from_nanos(at - began),
                }));
            }
            while self.there.len() < self.limit as usize {
                self.there.push(self.now);
                events.push(Event::Began { route: ROUTE, at: self.now });
            }
        }
        let queue = QueueCounts { waiting: 5, returned: 10, failed: 1, ..QueueCounts::default() };
        let window = Window {
            now: self.now,
            events: &events,
            lost: 0,
            in_use: self.there.len() as u32,
            active: 100,
            queue,
            utilisation: None,
            classes: &[],
        };
        let directive = self.governor.tick(&window);
        self.limit = directive.limit;
        directive
    }

    fn run(&mut self, seconds: u64, latency: Option<u64>, finish: Finish) -> Directive {
        let latency = latency.map(Duration::from_millis);
        (0..seconds * 10).map(|_| self.tick(latency, finish)).last().unwrap()
    }
}

#[test]
fn an_origin_that_never_slows_down_gets_as_much_as_is_allowed() {
    let mut origin = Origin::new(Bounds { min: 2, max: 64 });
    assert_eq!(origin.run(20, Some(20), Finish::Good).limit, 64);
}

#[test]
fn an_origin_that_never_answers_gets_the_least_and_is_back_soon() {
    let mut origin = Origin::new(Bounds { min: 2, max: 64 });
    origin.run(10, Some(20), Finish::Good);
    assert_eq!(origin.run(5, None, Finish::Good).limit, 2);
    assert!(origin.run(5, Some(20), Finish::Good).limit > 20);
}

#[test]
fn failures_alone_bring_it_down() {
    let mut origin = Origin::new(Bounds { min: 2, max: 64 });
    origin.run(10, Some(20), Finish::Good);
    assert!(origin.run(10, Some(5), Finish::Failed).limit <= 4);
}
