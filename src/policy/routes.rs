//! Which route a request belongs to: the most specific by host, then by path, then by method.
//!
//! A host has one tree for the methods its routes do not name and one for each method they do, so that a route that does
//! not take a method is simply not in that method's tree and cannot hide a less specific one.

mod compile;
mod pattern;
mod tree;

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;
use http::Method;

use self::compile::Compiler;
use self::tree::Tree;
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
        compiler.finish().map(|()| table)
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
    other: Tree,
    /// For each method some route names. A handful, so a list is quicker than a map.
    named: Vec<(Method, Tree)>,
}

impl HostRoutes {
    fn find(&self, path: &str, method: &Method) -> Option<RouteIndex> {
        let named = self.named.iter().find(|(name, _)| name == method);
        let tree = named.map_or(&self.other, |(_, tree)| tree);
        tree.find(path)
    }
}
