//! Which route a request belongs to: the most specific by host, then by path, then by method.
//!
//! A host has one `matchit` tree for the methods its routes do not name and one for each method they do, so that a
//! route that does not take a method is simply not in that method's tree and cannot hide a less specific one.

mod pattern;

use std::collections::{BTreeMap, HashMap, HashSet};

use ahash::RandomState;
use http::Method;
use matchit::{InsertError, Router};

use self::pattern::Pattern;
use crate::config::Problem;
use crate::config::settings::{RouteIndex, RouteSettings};

/// The longest name of a host (RFC 1035).
const MAX_HOST: usize = 253;

/// The routes of one policy.
#[derive(Debug)]
pub(super) struct RouteTable {
    exact: HashMap<Box<str>, HostRoutes, RandomState>,
    /// By what follows the star: `.example.com`.
    suffixes: HashMap<Box<str>, HostRoutes, RandomState>,
    any: HostRoutes,
}

impl RouteTable {
    /// Compiles `routes`.
    ///
    /// # Errors
    /// Every pattern that is not understood and every pair of routes neither of which is more specific.
    pub(super) fn compile(routes: &[RouteSettings]) -> Result<Self, Vec<Problem>> {
        let mut compiler = Compiler::new(routes);
        let mut table = Self { exact: HashMap::default(), suffixes: HashMap::default(), any: HostRoutes::default() };
        for (host, members) in by_host(routes) {
            let host_routes = compiler.host(&members);
            match host.as_deref() {
                None => table.any = host_routes,
                Some(name) => match name.strip_prefix('*') {
                    Some(suffix) => drop(table.suffixes.insert(suffix.into(), host_routes)),
                    None => drop(table.exact.insert(name.into(), host_routes)),
                },
            }
        }
        if compiler.problems.is_empty() { Ok(table) } else { Err(compiler.problems) }
    }

    /// The most specific route, or `None`. `host` is without its port; its case does not matter. Allocates nothing.
    pub(super) fn find(&self, host: &str, path: &str, method: &Method) -> Option<RouteIndex> {
        // `OPTIONS *` asks about the server; the route of its root answers.
        let path = if path == "*" { "/" } else { path };
        self.find_by_host(host, path, method).or_else(|| self.any.find(path, method))
    }

    fn find_by_host(&self, host: &str, path: &str, method: &Method) -> Option<RouteIndex> {
        if self.exact.is_empty() && self.suffixes.is_empty() {
            return None;
        }
        let mut buffer = [0; MAX_HOST];
        let host = lower_case(host, &mut buffer)?;
        let exact = self.exact.get(host).and_then(|routes| routes.find(path, method));
        exact.or_else(|| self.find_by_suffix(host, path, method))
    }

    fn find_by_suffix(&self, host: &str, path: &str, method: &Method) -> Option<RouteIndex> {
        if self.suffixes.is_empty() {
            return None;
        }
        // The leftmost dot begins the longest suffix. A star stands for at least one character.
        memchr::memchr_iter(b'.', host.as_bytes())
            .filter(|&dot| dot > 0)
            .filter_map(|dot| self.suffixes.get(host.get(dot..)?))
            .find_map(|routes| routes.find(path, method))
    }
}

/// `host` itself when it has no upper-case letters, as nearly always; `None` when it is too long to be a name.
fn lower_case<'a>(host: &'a str, buffer: &'a mut [u8; MAX_HOST]) -> Option<&'a str> {
    if !host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(host);
    }
    let lowered = buffer.get_mut(..host.len())?;
    lowered.copy_from_slice(host.as_bytes());
    lowered.make_ascii_lowercase();
    std::str::from_utf8(lowered).ok()
}

fn by_host(routes: &[RouteSettings]) -> BTreeMap<Option<String>, Vec<RouteIndex>> {
    let mut hosts: BTreeMap<Option<String>, Vec<RouteIndex>> = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        let host = route.host.as_ref().map(|host| host.to_ascii_lowercase());
        hosts.entry(host).or_default().push(index);
    }
    hosts
}

/// The routes of one host.
#[derive(Debug, Default)]
struct HostRoutes {
    /// For every method that no route names.
    other: Router<RouteIndex>,
    /// For each method some route names. A handful, so a list is quicker than a map.
    named: Vec<(Method, Router<RouteIndex>)>,
}

impl HostRoutes {
    fn find(&self, path: &str, method: &Method) -> Option<RouteIndex> {
        let named = self.named.iter().find(|(name, _)| name == method);
        let tree = named.map_or(&self.other, |(_, tree)| tree);
        tree.at(path).ok().map(|found| *found.value)
    }
}

/// Builds the trees and collects what is wrong.
struct Compiler<'a> {
    routes: &'a [RouteSettings],
    /// By route; `None` where the pattern was not understood.
    patterns: Vec<Option<Pattern>>,
    problems: Vec<Problem>,
    /// Pairs already reported, because a pair may clash in several trees.
    reported: HashSet<(Option<RouteIndex>, RouteIndex)>,
}

impl<'a> Compiler<'a> {
    fn new(routes: &'a [RouteSettings]) -> Self {
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

    fn host(&mut self, members: &[RouteIndex]) -> HostRoutes {
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
    fn tree(&mut self, members: &[RouteIndex], method: Option<&Method>) -> Router<RouteIndex> {
        let mut tree = Tree::default();
        let (naming, any): (Vec<_>, Vec<_>) = members.iter().copied().partition(|&index| self.names(index, method));
        let any: Vec<_> = any.into_iter().filter(|&index| self.takes_any(index)).collect();
        for level in [&naming, &any] {
            for &index in level {
                let Some(Some(pattern)) = self.patterns.get(index) else { continue };
                if let Err(clash) = tree.insert(pattern, index, level) {
                    self.report(clash, index);
                }
            }
        }
        for &index in naming.iter().chain(&any) {
            let Some(Some(pattern)) = self.patterns.get(index) else { continue };
            for implied in &pattern.implied {
                // Refused only where a typed path, or an earlier route's implied one, already says the same.
                let _ = tree.router.insert(implied.as_str(), index);
            }
        }
        tree.router
    }

    fn names(&self, index: RouteIndex, method: Option<&Method>) -> bool {
        let Some(route) = self.routes.get(index) else { return false };
        method.is_some_and(|method| route.methods.contains(method))
    }

    fn takes_any(&self, index: RouteIndex) -> bool {
        self.routes.get(index).is_some_and(|route| route.methods.is_empty())
    }

    fn report(&mut self, earlier: Option<RouteIndex>, later: RouteIndex) {
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

/// One tree while it is built.
#[derive(Default)]
struct Tree {
    router: Router<RouteIndex>,
    by_shape: HashMap<String, RouteIndex, RandomState>,
}

impl Tree {
    /// Adds a typed path. A route of an earlier level with the same path is more specific, and stays.
    ///
    /// # Errors
    /// The route it ties with, where that is known.
    fn insert(&mut self, pattern: &Pattern, index: RouteIndex, level: &[RouteIndex]) -> Result<(), Option<RouteIndex>> {
        if let Some(&earlier) = self.by_shape.get(&pattern.shape) {
            return if level.binary_search(&earlier).is_ok() { Err(Some(earlier)) } else { Ok(()) };
        }
        match self.router.insert(pattern.text.as_str(), index) {
            Ok(()) => {
                self.by_shape.insert(pattern.shape.clone(), index);
                Ok(())
            }
            Err(InsertError::Conflict { with }) => Err(self.by_shape.get(&pattern::shape(&with)).copied()),
            Err(_) => Err(None),
        }
    }
}

fn problem(index: RouteIndex, route: &RouteSettings, message: String, suggestion: Option<String>) -> Problem {
    Problem { line: route.line, column: 1, key: format!("route[{index}].path"), message, suggestion }
}
