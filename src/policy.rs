//! The immutable judgement of one revision of the configuration: who is asking, which route and class a request
//! belongs to, and what its limits count it under.
//!
//! Pure: it knows the settings and `http` types, and nothing of sockets, clocks, buckets or seats. Time and randomness
//! are arguments.

pub mod class;
mod client;
pub mod cookie;
pub mod explain;
#[cfg(test)]
pub(crate) mod fixture;
pub mod journey;
mod key;
pub mod path;
mod routes;
#[cfg(test)]
mod tests;
pub mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};

pub use self::client::Client;
use self::client::TrustedProxies;
use self::journey::ClassId;
use self::routes::RouteTable;
use crate::config::Problem;
use crate::config::settings::{ClassIndex, LimitIndex, LimitKey, LimitSettings, RouteIndex, Settings};
use crate::limit::{Key, KeyHasher};

/// One revision of the policy, built whole and never changed.
#[derive(Debug)]
pub struct Policy {
    /// What it was built from.
    pub settings: Arc<Settings>,
    /// Its number, for metrics and `X-Spillway` diagnostics.
    pub revision: u64,
    routes: RouteTable,
    trusted: TrustedProxies,
    class_ids: Vec<ClassId>,
    /// The last class that may not wait for a seat.
    unattended: Option<ClassIndex>,
    limit_policies: Vec<HeaderValue>,
    has_journeys: bool,
}

impl Policy {
    /// Compiles `settings`.
    ///
    /// # Errors
    /// Every route that can never match or ties with another, and every name that cannot be sent in a header.
    pub fn compile(settings: Arc<Settings>, revision: u64) -> Result<Self, Vec<Problem>> {
        let mut problems = unsendable_names(&settings);
        let routes = RouteTable::compile(&settings.routes).map_err(|found| problems.extend(found));
        let limit_policies: Vec<_> = settings.limits.iter().filter_map(limit_policy).collect();
        let Ok(routes) = routes else { return Err(problems) };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            routes,
            trusted: TrustedProxies::new(&settings.client.trusted_proxies),
            class_ids: settings.classes.iter().map(|class| ClassId::of(&class.name)).collect(),
            unattended: settings.classes.iter().rposition(|class| class.max_wait.is_zero()),
            limit_policies,
            has_journeys: settings.routes.iter().any(|route| route.journey),
            settings,
            revision,
        })
    }

    /// The most specific route: by host (exact, then the longest `*.suffix`, then any), then path, then method.
    ///
    /// `host` is without its port and `path` is canonical, as [`path::normalise`] gives it. Allocates nothing, unless
    /// the pattern has more than three parameters.
    #[must_use]
    pub fn route(&self, host: &str, path: &str, method: &Method) -> Option<RouteIndex> {
        self.routes.find(host, path, method)
    }

    /// The client behind `peer`: the rightmost address of `X-Forwarded-For`, else of `Forwarded`, that is not a trusted
    /// proxy's; `peer` itself when it is not one.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        self.trusted.client(peer, headers)
    }

    /// What `limit` counts this request under. A limit the policy does not have counts everybody together.
    #[must_use]
    pub fn limit_key(&self, limit: LimitIndex, client: IpAddr, headers: &HeaderMap, hasher: &KeyHasher) -> Key {
        let Some(limit) = self.settings.limits.get(limit) else { return Key::GLOBAL };
        key::of(&limit.key, &self.settings.client, client, headers, hasher)
    }

    /// What stands for the shopper who sends a request: a hash of the cookie that names shoppers, or of the client's address.
    #[must_use]
    pub fn shopper_key(&self, client: IpAddr, headers: &HeaderMap, hasher: &KeyHasher) -> Key {
        key::of(&LimitKey::Shopper, &self.settings.client, client, headers, hasher)
    }

    /// Whether any route begins a journey; where none does, cookies need not be looked at.
    #[must_use]
    pub fn has_journeys(&self) -> bool {
        self.has_journeys
    }

    /// The class a journey that begins on `route` lifts to; `None` for a route that begins none.
    #[must_use]
    pub fn journey_class(&self, route: RouteIndex) -> Option<ClassId> {
        let route = self.settings.routes.get(route).filter(|route| route.journey)?;
        self.class_ids.get(route.class).copied()
    }

    /// The `RateLimit-Policy` of `limit`: its burst, and the seconds in which an empty bucket fills.
    #[must_use]
    pub fn limit_policy(&self, limit: LimitIndex) -> Option<&HeaderValue> {
        self.limit_policies.get(limit)
    }

    /// The name of a route; empty for one the policy does not have.
    #[must_use]
    pub fn route_name(&self, route: RouteIndex) -> &str {
        self.settings.routes.get(route).map_or("", |route| &route.name)
    }

    /// The name of a class; empty for one the policy does not have.
    #[must_use]
    pub fn class_name(&self, class: ClassIndex) -> &str {
        self.settings.classes.get(class).map_or("", |class| &class.name)
    }
}

/// `"per-client";q=40;w=2`, as draft-ietf-httpapi-ratelimit-headers has it.
fn limit_policy(limit: &LimitSettings) -> Option<HeaderValue> {
    let window = (f64::from(limit.burst) / limit.rate.per_second()).ceil().max(1.0) as u64;
    let name = limit.name.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::try_from(format!("\"{name}\";q={};w={window}", limit.burst)).ok()
}

/// Names of routes, classes and limits are sent in headers.
fn unsendable_names(settings: &Settings) -> Vec<Problem> {
    let classes = settings.classes.iter().enumerate().map(|(at, class)| (format!("class[{at}].name"), 1, &class.name));
    let limits = settings.limits.iter().map(|limit| (format!("limit.{}", limit.name), 1, &limit.name));
    let routes = settings.routes.iter().enumerate();
    let routes = routes.map(|(at, route)| (format!("route[{at}].name"), route.line, &route.name));
    let names = classes.chain(limits).chain(routes);
    let unsendable = names.filter(|(_, _, name)| !name.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    let problems = unsendable.map(|(key, line, name)| Problem {
        line,
        column: 1,
        key,
        message: format!("the name {name:?} cannot be sent in a header: it may have ASCII characters only"),
        suggestion: None,
    });
    problems.collect()
}
