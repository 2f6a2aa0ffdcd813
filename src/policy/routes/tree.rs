//! The paths of one host for one method.
//!
//! `matchit` prefers the more specific of two paths, segment by segment, but keeps no `{name}` beside a `{*rest}`. So
//! paths are kept apart by where their `{*rest}` stands, each kind in a tree of its own, and of what these find the most
//! specific is taken.

use std::collections::HashMap;

use ahash::RandomState;
use matchit::{InsertError, Router};

use super::pattern::{self, Path};
use crate::config::settings::RouteIndex;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Paths without `{*rest}` first, then those where it stands deepest.
    tiers: Vec<Tier>,
    /// Needed only while paths are added.
    by_shape: HashMap<String, RouteIndex, RandomState>,
}

#[derive(Debug)]
struct Tier {
    depth: usize,
    router: Router<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    route: RouteIndex,
    /// See [`Path::rank`].
    rank: u64,
    is_plain: bool,
}

/// Why a path cannot be added.
#[derive(Debug)]
pub(super) enum Clash {
    /// This route has the same path.
    Same(RouteIndex),
    /// There are paths that both it and another match, and neither is more specific.
    Overlap(Option<RouteIndex>),
}

impl Tree {
    /// Adds a path.
    ///
    /// # Errors
    /// The [`Clash`] with what is there already; nothing is added.
    pub(super) fn insert(&mut self, path: &Path, route: RouteIndex) -> Result<(), Clash> {
        if let Some(&earlier) = self.by_shape.get(&path.shape) {
            return Err(Clash::Same(earlier));
        }
        let entry = Entry { route, rank: path.rank, is_plain: path.is_plain };
        let Some(tier) = self.tier(path.depth) else { return Err(Clash::Overlap(None)) };
        match tier.router.insert(path.text.as_str(), entry) {
            Ok(()) => {
                self.by_shape.insert(path.shape.clone(), route);
                Ok(())
            }
            Err(InsertError::Conflict { with }) => {
                Err(Clash::Overlap(self.by_shape.get(&pattern::shape(&with)).copied()))
            }
            Err(_) => Err(Clash::Overlap(None)),
        }
    }

    /// Gives up what only adding needs.
    pub(super) fn complete(self) -> Self {
        Self { by_shape: HashMap::default(), ..self }
    }

    /// The route of the most specific path that matches.
    pub(super) fn find(&self, path: &str) -> Option<RouteIndex> {
        let mut best: Option<Entry> = None;
        for tier in &self.tiers {
            let Ok(found) = tier.router.at(path) else { continue };
            let entry = *found.value;
            if best.is_none_or(|best| entry.rank < best.rank) {
                best = Some(entry);
            }
            // Whatever follows has its `{*rest}` where this has plain text.
            if entry.is_plain {
                break;
            }
        }
        best.map(|entry| entry.route)
    }

    /// There always is one.
    fn tier(&mut self, depth: usize) -> Option<&mut Tier> {
        let at = self.tiers.partition_point(|tier| tier.depth > depth);
        if self.tiers.get(at).is_none_or(|tier| tier.depth != depth) {
            self.tiers.insert(at, Tier { depth, router: Router::new() });
        }
        self.tiers.get_mut(at)
    }
}
