//! What an origin of adaptive capacity has besides its seats, and the names that routes go by in its samples.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::clock::Nanos;
use crate::config::settings::{CapacitySettings, RouteSettings};
use crate::overload::{Cause, ClassShare, Cursor, Directive, Feed, Pace, RouteTag, Seats, Sessions, Slot};

/// What is measured of an origin of adaptive capacity, and what is made of it. Kept by name over reloads.
#[derive(Debug)]
pub struct Adaptive {
    /// What happens to its requests.
    pub feed: Feed,
    /// Who was served by it of late.
    pub sessions: Sessions,
    /// Which newcomers may try for a seat.
    pub cursor: Cursor,
    finding: ArcSwapOption<Finding>,
    decisions: [AtomicU64; Cause::ALL.len()],
}

/// What is known of an origin and done about it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is in force.
    pub directive: Directive,
    /// Since when the origin is in that state.
    pub since: Nanos,
    /// What its routes take, in the file's order; those that were never measured are left out.
    pub routes: Arc<[RouteFinding]>,
}

/// What one route takes.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteFinding {
    /// Its name.
    pub route: String,
    /// Time to the head of its answer with the origin at rest.
    pub latency: Duration,
    /// How much longer it took of late, in times of `latency`; `None` when it was not asked for.
    pub ratio: Option<f64>,
}

impl Adaptive {
    /// Of an origin of which nothing is known, for workers `0..workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let decisions = std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            feed: Feed::new(workers),
            sessions: Sessions::new(workers),
            cursor: Cursor::new(),
            finding: ArcSwapOption::empty(),
            decisions,
        }
    }

    /// What was found last; `None` before the first time.
    #[must_use]
    pub fn finding(&self) -> Option<Arc<Finding>> {
        self.finding.load_full()
    }

    /// Shows what was found.
    pub fn publish(&self, finding: Finding) {
        self.finding.store(Some(Arc::new(finding)));
    }

    /// Counts a change of the limit.
    pub fn decided(&self, cause: Cause) {
        if let Some(count) = self.decisions.get(cause as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Changes of the limit so far, by what caused them.
    pub fn decisions(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().zip(self.decisions.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

/// What is measured of an origin: what was so far, or nothing yet if it is to be from now on.
pub(super) fn of(capacity: CapacitySettings, before: Option<Arc<Adaptive>>, workers: usize) -> Option<Arc<Adaptive>> {
    before.or_else(|| is_adaptive(capacity).then(|| Arc::new(Adaptive::new(workers))))
}

pub(super) const fn is_adaptive(capacity: CapacitySettings) -> bool {
    matches!(capacity, CapacitySettings::Adaptive { .. })
}

/// Has seats be as configured, where that says it all: nothing is left of a time in which they followed measurements.
pub fn release(seats: &Seats, capacity: CapacitySettings) {
    if is_adaptive(capacity) {
        return;
    }
    seats.set_shadow(false);
    seats.set_caps(&[]);
    seats.set_pace(Pace::FREE);
    let limit = limit(capacity, None);
    if seats.limit() != limit {
        seats.set_limit(limit);
    }
}

/// Has seats take over a configuration.
pub(super) fn reconfigure(seats: &Seats, capacity: CapacitySettings, shares: &[ClassShare]) -> Vec<Slot> {
    seats.set_shadow(matches!(capacity, CapacitySettings::Adaptive { enforce: false, .. }));
    let slots = seats.reconfigure(limit(capacity, seats.limit()), shares);
    release(seats, capacity);
    slots
}

/// The limit that an origin has until somebody decides otherwise. What was measured stays in force within new bounds;
/// nothing known is the least.
fn limit(capacity: CapacitySettings, before: Option<u32>) -> Option<u32> {
    match capacity {
        CapacitySettings::Unlimited => None,
        CapacitySettings::Fixed { limit } => Some(limit),
        CapacitySettings::Adaptive { min, max, .. } => Some(before.unwrap_or(min).clamp(min, max)),
    }
}

/// Tags of routes by name: a name keeps its own for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Tags(HashMap<String, RouteTag>);

impl Tags {
    /// The tags of `routes`, in their order.
    pub(super) fn of(&mut self, routes: &[RouteSettings]) -> Vec<RouteTag> {
        routes.iter().map(|route| self.get(&route.name)).collect()
    }

    fn get(&mut self, name: &str) -> RouteTag {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        let new = RouteTag(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.insert(name.to_owned(), new);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_measured_stays_within_new_bounds() {
        let adaptive = |min, max| CapacitySettings::Adaptive { min, max, enforce: true };
        assert_eq!(limit(adaptive(4, 1_000), None), Some(4));
        assert_eq!(limit(adaptive(4, 1_000), Some(70)), Some(70));
        assert_eq!(limit(adaptive(80, 1_000), Some(70)), Some(80));
        assert_eq!(limit(adaptive(4, 60), Some(70)), Some(60));
        assert_eq!(limit(CapacitySettings::Fixed { limit: 9 }, Some(70)), Some(9));
        assert_eq!(limit(CapacitySettings::Unlimited, Some(70)), None);
    }

    #[test]
    fn every_cause_has_a_count_of_its_own() {
        let adaptive = Adaptive::new(1);
        for (times, cause) in Cause::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| adaptive.decided(cause));
        }
        let counts: Vec<_> = adaptive.decisions().map(|(_, count)| count).collect();
        assert_eq!(counts, (0..Cause::ALL.len() as u64).collect::<Vec<_>>());
    }
}
