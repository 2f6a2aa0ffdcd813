//! The feed on shuttle's atomics: random schedules, none of which may tear, lose or double an event.

#![allow(dead_code, reason = "the copy offers all that the original does")]
#![allow(unreachable_pub, reason = "the original is public")]
#![allow(clippy::duplicate_mod, reason = "compiled a second time on purpose, with another `sync`")]

#[path = "../classes.rs"]
mod classes;
#[path = "../feed.rs"]
mod feed;
#[path = "../signal.rs"]
mod signal;
#[path = "../standing.rs"]
mod standing;

mod sync {
    pub(super) use shuttle::sync::Arc;
    pub(super) use shuttle::sync::atomic::{AtomicU64, Ordering};
}

use shuttle::sync::Arc;
use shuttle::thread;

use self::classes::Slot;
use self::feed::Feed;
use self::signal::{Event, Finish, RouteTag};

/// In every order of steps, whatever a thread notes is read once, whole and in its order.
#[test]
fn nothing_is_torn_or_read_twice() {
    shuttle::check_random(
        || {
            let feed = Arc::new(Feed::with_room(2, 4));
            let writers: Vec<_> = (0..2_usize)
                .map(|worker| {
                    let feed = Arc::clone(&feed);
                    thread::spawn(move || {
                        for step in 0..3_u64 {
                            let route = RouteTag(worker as u32 * 10 + step as u32);
                            let flight = feed.begin(worker, route, Slot::at(0), step * 1_000_000);
                            flight.unwrap().end(Finish::Good, step * 1_000_000 + u64::from(route.0) * 1_000);
                        }
                    })
                })
                .collect();
            let (mut events, mut lost) = (Vec::new(), 0);
            for _ in 0..3 {
                lost += feed.drain(&mut events);
                thread::yield_now();
            }
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            lost += feed.drain(&mut events);
            assert_eq!(events.len() as u64 + lost, 12);
            for worker in 0..2 {
                let of = |event: &&Event| route(event) / 10 == worker;
                let routes: Vec<_> = events.iter().filter(of).map(route).collect();
                assert!(routes.is_sorted(), "{routes:?}");
            }
            for event in events {
                if let Event::Ended { route, latency, .. } = event {
                    assert_eq!(latency.as_micros(), u128::from(route.0));
                }
            }
        },
        500,
    );
}

fn route(event: &Event) -> u32 {
    match event {
        Event::Began { route, .. } | Event::Ended { route, .. } => route.0,
    }
}
