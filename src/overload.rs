//! Overload protection of one origin: how many requests may be there at once, and who is next.
//!
//! [`Seats`] counts seats under a limit. With nobody waiting and room left, a seat costs one compare-and-swap on the
//! worker's own cache line; only a request that must wait meets a lock.
//!
//! Knows nothing of requests, deadlines, runtimes and clocks: whoever waits drops [`Waiting`] when its time is over.

mod classes;
mod cursor;
mod feed;
mod governor;
mod lane;
mod lines;
mod pace;
mod pool;
mod queue;
pub mod saturation;
mod seats;
mod sessions;
mod signal;
mod standing;
mod sync;
mod tally;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::config::settings::ClassSettings;

pub use self::classes::{ClassShare, MAX_CLASSES, Slot};
pub use self::cursor::{COHORTS, Cursor, EVERYBODY, cohort};
pub use self::feed::{Feed, Flight};
pub use self::governor::AdaptiveGovernor;
pub use self::lane::Lane;
pub use self::pace::Pace;
pub use self::seats::{ClassUsage, QueueFull, Seat, Seats, Shed, Usage, Waiting};
pub use self::sessions::{Attendance, MAX_SESSIONS, Sessions};
pub use self::signal::{
    Baseline, Bounds, Cause, ClassGoal, Directive, Event, Finish, Governor, QueueCounts, RouteTag, State, Window,
};

impl From<&ClassSettings> for ClassShare {
    fn from(class: &ClassSettings) -> Self {
        let waits = class.max_wait > Duration::ZERO;
        Self {
            name: class.name.clone(),
            guaranteed: class.guaranteed,
            max_waiting: if waits { class.max_waiting } else { 0 },
            max_wait: class.max_wait,
        }
    }
}
