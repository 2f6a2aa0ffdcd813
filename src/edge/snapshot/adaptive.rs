//! What an origin of adaptive capacity has besides its seats, and the names that routes go by in its samples.

use std::collections::HashMap;

use crate::config::settings::{CapacitySettings, RouteSettings};
use crate::overload::{Feed, RouteTag};

/// What is measured of an origin of adaptive capacity, and what is made of it. Kept by name over reloads.
#[derive(Debug)]
pub struct Adaptive {
    /// What happens to its requests.
    pub feed: Feed,
}

impl Adaptive {
    /// Of an origin of which nothing is known, for workers `0..workers`.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { feed: Feed::new(workers) }
    }
}

/// The limit that an origin has until somebody decides otherwise. What was measured stays in force within new bounds;
/// nothing known is the least.
pub(super) fn limit(capacity: CapacitySettings, before: Option<u32>) -> Option<u32> {
    match capacity {
        CapacitySettings::Unlimited | CapacitySettings::Adaptive { enforce: false, .. } => None,
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
