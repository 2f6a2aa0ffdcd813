//! How a request would be judged, put into words: what `spillway explain` and the admin API answer with.
//!
//! It says what the policy alone decides. Whether a bucket has a token and a seat is free is known to a running proxy only.

mod room;

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Method};
use ipnet::Ipv6Net;
use jiff::Timestamp;
use serde::Serialize;

pub use self::room::Room;
use super::class::Ground;
use super::journey::Journey;
use super::verdict::{Outcome, Reason};
use super::{Policy, cookie};
use crate::config::settings::{
    CapacitySettings, ClassIndex, LimitKey, LimitMode, LimitSettings, Rate, RoomIndex, RouteIndex, RouteSettings,
};

/// A request whose head was found acceptable.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Canonical host, without the port.
    pub host: &'a str,
    /// Canonical path, without the query.
    pub path: &'a str,
    /// Its headers as they came.
    pub headers: &'a HeaderMap,
    /// The other end of its connection.
    pub peer: IpAddr,
    /// Whether that connection is TLS.
    pub https: bool,
    /// The journey its shopper is on.
    pub journey: Option<&'a Journey>,
    /// Whether a browser asks for a page.
    pub wants_page: bool,
    /// When it comes.
    pub at: Timestamp,
}

/// How it would be judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Revision of the policy; 0 for one that is not in force.
    pub revision: u64,
    /// What was asked for, in canonical form; `None` when it has none.
    pub target: Option<Target>,
    /// Who asks.
    pub client: Option<Client>,
    /// The route, if one matches.
    pub route: Option<Route>,
    /// The class it counts as.
    pub class: Option<Class>,
    /// Its limits, all of which must allow it.
    pub limits: Vec<Limit>,
    /// The waiting room before it.
    pub room: Option<Room>,
    /// The room in which a good answer ends the shopper's stay.
    pub completes: Option<String>,
    /// What there is of the origin.
    pub capacity: Option<Capacity>,
    /// The campaign in force.
    pub campaign: Option<String>,
    /// The outcome.
    pub verdict: Verdict,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Method.
    pub method: String,
    /// Host without port.
    pub host: String,
    /// Path as it is matched and as the origin is sent it.
    pub path: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Address of the client.
    pub ip: IpAddr,
    /// Address of the connection's other end.
    pub peer: IpAddr,
    /// Whether that is a trusted proxy.
    pub trusted_peer: bool,
    /// Whether the client speaks https, as far as is known.
    pub https: bool,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Line of the file it begins at.
    pub line: usize,
    /// Host it is for; `None` for any.
    pub host: Option<String>,
    /// Path pattern.
    pub path: String,
    /// Methods it takes; empty for any.
    pub methods: Vec<String>,
    /// Whether it begins a journey.
    pub journey: bool,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its place among the classes; 1 is the most important.
    pub rank: usize,
    /// Whether the shopper's journey lifted the request to it.
    pub by_journey: bool,
    /// Why nobody waits for its answer, so that it counts as less than its route says: `prefetch` or `crawler`.
    pub unattended: Option<&'static str>,
    /// How long a request may wait for a seat, in seconds.
    pub max_wait_seconds: f64,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// What has a bucket of its own, as in the file.
    pub key: String,
    /// Which bucket this request takes from; values of headers and cookies are not shown.
    pub counted_under: String,
    /// Sustained rate, as in the file.
    pub rate: String,
    /// Requests that may come at once.
    pub burst: u32,
    /// `enforce`, `shadow` or `off`.
    pub mode: &'static str,
}

/// An origin's capacity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capacity {
    /// The origin's name.
    pub origin: String,
    /// `adaptive`, `shadow` (adaptive, and refuses nothing), `fixed` or `unlimited`.
    pub mode: &'static str,
    /// Requests at the origin at once; of adaptive capacity, never more. `None` for no limit.
    pub limit: Option<u32>,
    /// Of adaptive capacity, never fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Share of it the class gets when it wants it, 0.0 – 1.0.
    pub guaranteed: f64,
}

impl Capacity {
    /// Whether a request may be refused for want of it.
    fn refuses(&self) -> bool {
        self.limit.is_some() && self.mode != "shadow"
    }
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What would become of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Status of the refusal; `None` when the origin answers.
    pub status: Option<u16>,
    /// Line of the file that decided; `None` when none did.
    pub line: Option<usize>,
    /// The same in a sentence.
    pub text: String,
}

impl Explanation {
    /// Of a request that `policy` judges.
    #[must_use]
    pub fn of(policy: &Policy, question: &Question<'_>) -> Self {
        let client = policy.client(question.peer, question.headers);
        let route = policy.route(question.host, question.path, question.method);
        let found = route.and_then(|index| Some((index, policy.settings.routes.get(index)?)));
        let mut explanation = Self {
            revision: policy.revision,
            target: Some(Target {
                method: question.method.to_string(),
                host: question.host.to_owned(),
                path: question.path.to_owned(),
            }),
            client: Some(Client {
                ip: client.ip,
                peer: question.peer,
                trusted_peer: client.trusted_peer,
                https: client.https.unwrap_or(question.https),
            }),
            ..Self::refused(policy.revision, 404, "no route matches".to_owned())
        };
        if let Some((index, settings)) = found {
            explanation.describe(policy, question, client.ip, index, settings);
        }
        explanation
    }

    /// Of a request that is refused for what it is, before any route is looked for.
    #[must_use]
    pub fn refused(revision: u64, status: u16, text: String) -> Self {
        Self {
            revision,
            target: None,
            client: None,
            route: None,
            class: None,
            limits: Vec::new(),
            room: None,
            completes: None,
            capacity: None,
            campaign: None,
            verdict: Verdict {
                outcome: Outcome::Failed,
                reason: Reason::Request,
                status: Some(status),
                line: None,
                text,
            },
        }
    }

    fn describe(
        &mut self,
        policy: &Policy,
        question: &Question<'_>,
        client: IpAddr,
        index: RouteIndex,
        route: &RouteSettings,
    ) {
        let class = policy.class(index, question.journey, question.method, question.headers);
        let (class, ground) = class.unwrap_or((route.class, Ground::Route));
        let limits = route.limits.iter().filter_map(|&limit| policy.settings.limits.get(limit));
        self.limits = limits.map(|limit| describe_limit(policy, question, client, limit)).collect();
        self.class = describe_class(policy, class, ground);
        self.capacity = describe_capacity(policy, class, route);
        let room = |room: RoomIndex| policy.settings.rooms.get(room);
        self.room = route.room.and_then(room).map(|room| Room::of(room, question.at));
        self.completes = route.completes.and_then(room).map(|room| room.name.clone());
        self.route = Some(Route {
            name: route.name.clone(),
            line: route.line,
            host: route.host.clone(),
            path: route.path.clone(),
            methods: route.methods.iter().map(ToString::to_string).collect(),
            journey: route.journey,
        });
        self.verdict = match self.room.as_ref().filter(|room| room.holds_everybody) {
            Some(room) => Verdict {
                outcome: Outcome::Waiting,
                reason: Reason::WaitingRoom,
                // A page of the room is an answer like any other, so that it is neither cached nor counted as an error.
                status: Some(if question.wants_page { 200 } else { 503 }),
                line: Some(route.line),
                text: format!("waits in room {}; of those inside, {}", room.name, self.conditions()),
            },
            None => Verdict {
                outcome: Outcome::Forwarded,
                reason: Reason::None,
                status: None,
                line: Some(route.line),
                text: self.conditions(),
            },
        };
    }

    /// What has to be true at the time for the request to reach the origin.
    fn conditions(&self) -> String {
        let enforced: Vec<_> =
            self.limits.iter().filter(|limit| limit.mode == "enforce").map(|limit| limit.name.as_str()).collect();
        let origin = self.capacity.as_ref().map_or("", |capacity| &capacity.origin);
        let mut text = format!("forwarded to {origin}");
        let mut joint = " if";
        if let Some(room) = self.room.as_ref().filter(|room| room.mode == "auto" && !room.holds_everybody) {
            text.push_str(&format!("{joint} room {} has a place", room.name));
            joint = " and";
        }
        if !enforced.is_empty() {
            text.push_str(&format!("{joint} {} has a token", enforced.join(" and ")));
            joint = " and";
        }
        if self.capacity.as_ref().is_some_and(Capacity::refuses) {
            let wait = self.class.as_ref().map_or(0.0, |class| class.max_wait_seconds);
            let wait = humantime::format_duration(Duration::try_from_secs_f64(wait).unwrap_or_default());
            text.push_str(&format!("{joint} a seat is free within {wait}"));
        }
        text
    }
}

fn describe_class(policy: &Policy, class: ClassIndex, ground: Ground) -> Option<Class> {
    let settings = policy.settings.classes.get(class)?;
    let max_wait_seconds = settings.max_wait.as_secs_f64();
    let unattended = match ground {
        Ground::Unattended(why) => Some(why.as_str()),
        Ground::Route | Ground::Journey => None,
    };
    let by_journey = ground == Ground::Journey;
    Some(Class { name: settings.name.clone(), rank: class + 1, by_journey, unattended, max_wait_seconds })
}

fn describe_capacity(policy: &Policy, class: ClassIndex, route: &RouteSettings) -> Option<Capacity> {
    let origin = policy.settings.origins.get(route.origin)?;
    let (mode, min, limit) = match origin.capacity {
        CapacitySettings::Unlimited => ("unlimited", None, None),
        CapacitySettings::Fixed { limit } => ("fixed", None, Some(limit)),
        CapacitySettings::Adaptive { min, max, enforce: true } => ("adaptive", Some(min), Some(max)),
        CapacitySettings::Adaptive { min, max, enforce: false } => ("shadow", Some(min), Some(max)),
    };
    let guaranteed = policy.settings.classes.get(class).map_or(0.0, |class| class.guaranteed);
    Some(Capacity { origin: origin.name.clone(), mode, limit, min, guaranteed })
}

fn describe_limit(policy: &Policy, question: &Question<'_>, client: IpAddr, limit: &LimitSettings) -> Limit {
    let shopper_cookie = policy.settings.client.shopper_cookie.as_deref();
    let has_cookie = |name: &str| cookie::find(question.headers, name).is_some();
    let (key, value) = match &limit.key {
        LimitKey::Global => ("global".to_owned(), Some("everybody".to_owned())),
        LimitKey::ClientIp => ("client-ip".to_owned(), None),
        LimitKey::Header(name) => {
            let value = question.headers.contains_key(name).then(|| format!("the value of header {name}"));
            (format!("header:{name}"), value)
        }
        LimitKey::Cookie(name) => {
            (format!("cookie:{name}"), has_cookie(name).then(|| format!("the value of cookie {name}")))
        }
        LimitKey::Shopper => {
            let name = shopper_cookie.filter(|name| has_cookie(name));
            ("shopper".to_owned(), name.map(|name| format!("the value of cookie {name}")))
        }
    };
    Limit {
        name: limit.name.clone(),
        key,
        counted_under: value.unwrap_or_else(|| network(client)),
        rate: rate(limit.rate),
        burst: limit.burst,
        mode: match limit.mode {
            LimitMode::Enforce => "enforce",
            LimitMode::Shadow => "shadow",
            LimitMode::Off => "off",
        },
    }
}

/// What of an address has a bucket: an IPv6 client has its whole /64.
fn network(client: IpAddr) -> String {
    match client {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => Ipv6Net::new(ip, 64).map_or_else(|_| ip.to_string(), |network| network.trunc().to_string()),
    }
}

fn rate(rate: Rate) -> String {
    let unit = match rate.per.as_secs() {
        _ if rate.per.subsec_nanos() > 0 => None,
        1 => Some("s"),
        60 => Some("min"),
        3_600 => Some("h"),
        86_400 => Some("d"),
        _ => None,
    };
    match unit {
        Some(unit) => format!("{}/{unit}", rate.count),
        None => format!("{} every {}", rate.count, humantime::format_duration(rate.per)),
    }
}
