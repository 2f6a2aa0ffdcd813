//! From routes to trees, noting what is wrong on the way.

use std::collections::HashSet;

use http::Method;

use super::HostRoutes;
use super::pattern::Pattern;
use super::tree::{Clash, Tree};
use crate::config::Problem;
use crate::config::settings::{RouteIndex, RouteSettings};

/// Builds the trees and collects what is wrong.
pub(super) struct Compiler<'a> {
    routes: &'a [RouteSettings],
    /// By route; `None` where the pattern was not understood.
    patterns: Vec<Option<Pattern>>,
    problems: Vec<Problem>,
    /// Pairs already reported, because a pair may clash in several trees.
    reported: HashSet<(Option<RouteIndex>, RouteIndex)>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(routes: &'a [RouteSettings]) -> Self {
        let mut problems = Vec::new();
        let patterns = routes.iter().enumerate().map(|(index, route)| match Pattern::parse(&route.path) {
            Ok(pattern) => Some(pattern),
            Err(bad) => {
                problems.push(problem(index, route, bad.message, bad.suggestion));
                None
            }
        });
        let patterns = patterns.collect();
        Self { routes, patterns, problems, reported: HashSet::new() }
    }

    /// The routes of one host, given by ascending index.
    pub(super) fn host(&mut self, members: &[RouteIndex]) -> HostRoutes {
        let mut methods: Vec<Method> = Vec::new();
        for method in members.iter().filter_map(|&index| self.routes.get(index)).flat_map(|route| &route.methods) {
            if !methods.contains(method) {
                methods.push(method.clone());
            }
        }
        let other = self.tree(members, None);
        let named = methods.into_iter().map(|method| {
            let tree = self.tree(members, Some(&method));
            (method, tree)
        });
        HostRoutes { other, named: named.collect() }
    }

    /// The tree of one method. What is inserted first wins over what says the same later: routes that name the
    /// method before those that take any, and typed paths before those a catch-all implies.
    fn tree(&mut self, members: &[RouteIndex], method: Option<&Method>) -> Tree {
        let mut tree = Tree::default();
        let (naming, any): (Vec<_>, Vec<_>) = members.iter().copied().partition(|&index| self.names(index, method));
        let any: Vec<_> = any.into_iter().filter(|&index| self.takes_any(index)).collect();
        let is_naming = |index| naming.binary_search(&index).is_ok();
        for &index in naming.iter().chain(&any) {
            let Some(Some(pattern)) = self.patterns.get(index) else { continue };
            match tree.insert(&pattern.typed, index) {
                // Naming the method makes the earlier one more specific.
                Err(Clash::Same(earlier)) if is_naming(earlier) != is_naming(index) => {}
                Err(Clash::Same(earlier)) => self.report(Some(earlier), index),
                Err(Clash::Overlap(earlier)) => self.report(earlier, index),
                Ok(()) => {}
            }
        }
        for &index in naming.iter().chain(&any) {
            let Some(Some(pattern)) = self.patterns.get(index) else { continue };
            for implied in &pattern.implied {
                // Refused only where a typed path, or an earlier route's implied one, already says the same.
                let _ = tree.insert(implied, index);
            }
        }
        tree.complete()
    }

    /// Every problem found, if any, in the order of the file.
    pub(super) fn finish(mut self) -> Result<(), Vec<Problem>> {
        self.problems.sort_by_key(|problem| problem.line);
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    fn names(&self, index: RouteIndex, method: Option<&Method>) -> bool {
        let Some(route) = self.routes.get(index) else { return false };
        method.is_some_and(|method| route.methods.contains(method))
    }

    fn takes_any(&self, index: RouteIndex) -> bool {
        self.routes.get(index).is_some_and(|route| route.methods.is_empty())
    }

    /// Reports a clash at the later of the two in the file.
    fn report(&mut self, one: Option<RouteIndex>, other: RouteIndex) {
        let (earlier, later) = one.map_or((None, other), |one| (Some(one.min(other)), one.max(other)));
        let Some(route) = self.routes.get(later) else { return };
        if !self.reported.insert((earlier, later)) {
            return;
        }
        let message = match earlier.and_then(|index| self.routes.get(index)) {
            Some(other) => format!(
                "the routes {:?} (line {}) and {:?} (line {}) match the same requests and neither is more specific",
                other.name, other.line, route.name, route.line
            ),
            None => format!("the path {:?} of route {:?} overlaps another route's", route.path, route.name),
        };
        let suggestion = Some("give one of them another path, a host or other methods".to_owned());
        self.problems.push(problem(later, route, message, suggestion));
    }
}

fn problem(index: RouteIndex, route: &RouteSettings, message: String, suggestion: Option<String>) -> Problem {
    Problem { line: route.line, column: 1, key: format!("route[{index}].path"), message, suggestion }
}
