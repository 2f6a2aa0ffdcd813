//! Overrides: what an operator set by the API over the policy in force, until it ends or is dropped.
//!
//! An override is a set of values for keys of the configuration, put into the text of the policy and read by the same
//! reader, so that it is held to the same rules and refused in the same words. The states of servers are no part of
//! the configuration and are kept beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::edit;
use crate::config::settings::Settings;
use crate::config::{self, Problem};

/// What an override is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Target {
    /// `limits/NAME`.
    Limit(String),
    /// `origins/NAME`.
    Origin(String),
    /// `rooms/NAME`.
    Room(String),
    /// `origins/NAME/servers/HOST:PORT`.
    Server {
        /// The origin.
        origin: String,
        /// The server as configured, `host:port`.
        server: String,
    },
}

/// What an operator wants of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// Requests, as its health allows.
    Ready,
    /// No new requests.
    Drain,
    /// No new requests and no health checks.
    Down,
}

/// What is set for one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// What it is about.
    pub target: Target,
    /// Values by key of the target's table in the configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Json>,
    /// The state of a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServerState>,
    /// When it ends by itself; `None` is not before it is dropped.
    #[serde(default, with = "optional_rfc3339")]
    pub until: Option<Timestamp>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Who set it.
    pub actor: String,
    /// When it was set or last changed.
    #[serde(with = "super::revision::rfc3339")]
    pub since: Timestamp,
}

/// Every override, at most one for a target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overrides {
    list: Vec<Override>,
}

/// A policy with the overrides over it.
#[derive(Debug, Clone)]
pub struct Effective {
    /// What is in force.
    pub settings: Arc<Settings>,
    /// Servers an operator has taken a hand in; all others are ready.
    pub servers: Vec<(String, String, ServerState)>,
    /// Overrides that this policy does not take, and why: most often it does not have their target.
    pub dormant: Vec<(Target, Vec<Problem>)>,
}

impl Overrides {
    /// All of them, oldest target first.
    #[must_use]
    pub fn list(&self) -> &[Override] {
        &self.list
    }

    /// That of a target.
    #[must_use]
    pub fn get(&self, target: &Target) -> Option<&Override> {
        self.list.iter().find(|one| one.target == *target)
    }

    /// Sets `new`. What is already set for the target and is not mentioned stays, its end included.
    pub fn set(&mut self, mut new: Override) {
        if let Some(index) = self.list.iter().position(|one| one.target == new.target) {
            let old = self.list.swap_remove(index);
            new.set = old.set.into_iter().chain(new.set).collect();
            new.state = new.state.or(old.state);
            new.until = new.until.or(old.until);
            new.reason = new.reason.or(old.reason);
        }
        self.list.push(new);
        self.list.sort_by(|a, b| a.target.cmp(&b.target));
    }

    /// Drops the override of `target`.
    pub fn drop(&mut self, target: &Target) -> Option<Override> {
        let index = self.list.iter().position(|one| one.target == *target)?;
        Some(self.list.remove(index))
    }

    /// Takes out those that have ended by `now`.
    pub fn end(&mut self, now: Timestamp) -> Vec<Override> {
        let (ended, kept) = std::mem::take(&mut self.list).into_iter().partition(|one| one.ended(now));
        self.list = kept;
        ended
    }

    /// When the next one ends.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        self.list.iter().filter_map(|one| one.until).min()
    }

    /// Puts the overrides over a policy, given as its text and as what the text means.
    #[must_use]
    pub fn over(&self, text: &str, base: &Path, settings: &Settings) -> Effective {
        let mut effective =
            Effective { settings: Arc::new(settings.clone()), servers: Vec::new(), dormant: Vec::new() };
        let mut edited = text.to_owned();
        for one in &self.list {
            let taken = match &one.target {
                Target::Server { origin, server } if has_server(settings, origin, server) => {
                    let state = one.state.unwrap_or(ServerState::Ready);
                    effective.servers.push((origin.clone(), server.clone(), state));
                    Ok(())
                }
                Target::Server { .. } => Err(vec![one.absent()]),
                Target::Limit(_) | Target::Origin(_) | Target::Room(_) => {
                    one.read(&edited, base).map(|(with, settings)| {
                        edited = with;
                        one.copy(&settings, Arc::make_mut(&mut effective.settings));
                    })
                }
            };
            if let Err(problems) = taken {
                effective.dormant.push((one.target.clone(), without_lines(problems)));
            }
        }
        effective
    }
}

impl Override {
    /// Whether it sets nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.state.is_none()
    }

    fn ended(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The text with the values in it, and what it means.
    fn read(&self, text: &str, base: &Path) -> Result<(String, Settings), Vec<Problem>> {
        let (table, name) = match &self.target {
            Target::Limit(name) => ("limit", name),
            Target::Room(name) => ("room", name),
            Target::Origin(name) | Target::Server { origin: name, .. } => ("origin", name),
        };
        let edited = edit::set(text, table, name, &self.set).ok_or_else(|| vec![self.absent()])?;
        let settings = config::load(&edited, base)?;
        Ok((edited, settings))
    }

    /// Copies what the values decide. Not all of `from`: the lines of its routes are those of the edited text.
    fn copy(&self, from: &Settings, to: &mut Settings) {
        let limits = |name: &str, limit: &crate::config::settings::LimitSettings| limit.name == name;
        match &self.target {
            Target::Limit(name) => {
                let source = from.limits.iter().find(|limit| limits(name, limit));
                let target = to.limits.iter_mut().find(|limit| limits(name, limit));
                if let (Some(source), Some(target)) = (source, target) {
                    source.clone_into(target);
                }
            }
            Target::Origin(name) => {
                let source = from.origins.iter().find(|origin| origin.name == *name);
                let target = to.origins.iter_mut().find(|origin| origin.name == *name);
                if let (Some(source), Some(target)) = (source, target) {
                    target.capacity = source.capacity;
                }
            }
            Target::Room(name) => {
                let source = from.rooms.iter().find(|room| room.name == *name);
                let target = to.rooms.iter_mut().find(|room| room.name == *name);
                if let (Some(source), Some(target)) = (source, target) {
                    source.clone_into(target);
                }
            }
            Target::Server { .. } => {}
        }
    }

    fn absent(&self) -> Problem {
        self.target.problem("the policy in force has no such thing")
    }
}

impl Target {
    /// Something that is wrong about it.
    #[must_use]
    pub fn problem(&self, message: &str) -> Problem {
        let (key, message) = (self.to_string(), message.to_owned());
        Problem { line: 0, column: 0, key, message, suggestion: None }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(name) => write!(out, "limits/{name}"),
            Self::Origin(name) => write!(out, "origins/{name}"),
            Self::Room(name) => write!(out, "rooms/{name}"),
            Self::Server { origin, server } => write!(out, "origins/{origin}/servers/{server}"),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(4, '/');
        match [parts.next(), parts.next(), parts.next(), parts.next()] {
            [Some("limits"), Some(name), None, None] => Ok(Self::Limit(name.to_owned())),
            [Some("origins"), Some(name), None, None] => Ok(Self::Origin(name.to_owned())),
            [Some("rooms"), Some(name), None, None] => Ok(Self::Room(name.to_owned())),
            [Some("origins"), Some(origin), Some("servers"), Some(server)] => {
                Ok(Self::Server { origin: origin.to_owned(), server: server.to_owned() })
            }
            _ => Err(format!("{text:?} is nothing that can be overridden")),
        }
    }
}

/// The lines of a text that nobody has typed say nothing.
fn without_lines(problems: Vec<Problem>) -> Vec<Problem> {
    problems.into_iter().map(|problem| Problem { line: 0, column: 0, ..problem }).collect()
}

fn has_server(settings: &Settings, origin: &str, server: &str) -> bool {
    let origin = settings.origins.iter().find(|known| known.name == origin);
    origin.is_some_and(|origin| origin.servers.iter().any(|url| server_name(url) == server))
}

/// `host:port`, with brackets around an IPv6 address.
#[must_use]
pub fn server_name(url: &crate::config::settings::ServerUrl) -> String {
    let bracketed = url.host.contains(':');
    if bracketed { format!("[{}]:{}", url.host, url.port) } else { format!("{}:{}", url.host, url.port) }
}

mod optional_rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}
