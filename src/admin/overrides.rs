//! Limits, origins and their servers: what they are now, and what an operator sets over the policy.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};

use super::Admin;
use super::answer::{Answer, failed, json, problem, refused};
use super::fields::Fields;
use super::{rooms, status};
use crate::clock::{self, Nanos};
use crate::config::settings::{LimitKey, LimitMode, LimitSettings};
use crate::control::in_force::Refusal;
use crate::control::overrides::{Override, Overrides, ServerState, Target};
use crate::edge::snapshot::{Adaptive, OriginHandle, RouteFinding, Snapshot};
use crate::limit::{Key, Limiter};
use crate::origin::{AdminState, ServerStatus};
use crate::overload::{Directive, State};

/// Every limit.
pub(super) fn limits(admin: &Admin) -> Answer {
    json(&json!({ "limits": limit_views(admin) }))
}

/// Every origin.
pub(super) fn origins(admin: &Admin) -> Answer {
    json(&json!({ "origins": origin_views(admin) }))
}

/// One limit, origin or server.
pub(super) fn get(admin: &Admin, target: &Target) -> Answer {
    view(admin, target).map_or_else(|| absent(target), |view| json(&view))
}

/// Sets an override.
pub(super) async fn patch(admin: &Admin, target: Target, body: &[u8], actor: &str) -> Answer {
    let new = match read(&target, body, actor, Timestamp::now()) {
        Ok(new) => new,
        Err(refusal) => return refused(&refusal),
    };
    if view(admin, &target).is_none() {
        return absent(&target);
    }
    match admin.policies.ask(move |reloader, _| reloader.set_override(new)).await {
        Ok(Ok(_)) => get(admin, &target),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => failed(&error),
    }
}

/// Drops an override.
pub(super) async fn delete(admin: &Admin, target: Target, actor: &str) -> Answer {
    let (dropped, actor) = (target.clone(), actor.to_owned());
    let drop = move |reloader: &mut crate::control::reload::Reloader, _| reloader.drop_override(&dropped, &actor);
    match admin.policies.ask(drop).await {
        Ok(Ok(Some(_))) => view(admin, &target).map_or_else(|| json(&json!({})), |view| json(&view)),
        Ok(Ok(None)) => problem(StatusCode::NOT_FOUND, &format!("nothing is set over {target}")),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => failed(&error),
    }
}

/// Every limit, for the status too.
pub(super) fn limit_views(admin: &Admin) -> Vec<Json> {
    let (snapshot, overrides, now) = now(admin);
    let limits = snapshot.policy.settings.limits.iter().zip(&snapshot.limits);
    limits.map(|(settings, limiter)| limit(settings, limiter, &overrides, now)).collect()
}

/// Every origin, for the status too.
pub(super) fn origin_views(admin: &Admin) -> Vec<Json> {
    let (snapshot, overrides, now) = now(admin);
    snapshot.origins.iter().map(|handle| origin(handle, &overrides, now)).collect()
}

fn now(admin: &Admin) -> (std::sync::Arc<Snapshot>, Overrides, Nanos) {
    (admin.shared.live.load_full(), admin.policies.in_force().overrides.clone(), clock::now())
}

fn view(admin: &Admin, target: &Target) -> Option<Json> {
    let (snapshot, overrides, now) = now(admin);
    let named = |name: &str| snapshot.origins.iter().find(|handle| handle.origin.name() == name);
    match target {
        Target::Limit(name) => {
            let mut limits = snapshot.policy.settings.limits.iter().zip(&snapshot.limits);
            let (settings, limiter) = limits.find(|(settings, _)| settings.name == *name)?;
            Some(limit(settings, limiter, &overrides, now))
        }
        Target::Origin(name) => Some(origin(named(name)?, &overrides, now)),
        Target::Room(name) => rooms::view(admin, name),
        Target::Server { origin, server } => {
            let servers = named(origin)?.origin.servers(now);
            let found = servers.iter().find(|status| status.name == *server)?;
            Some(self::server(found, origin, &overrides))
        }
    }
}

/// What may be set for a target.
fn known(target: &Target) -> &'static [&'static str] {
    match target {
        Target::Limit(_) => &["rate", "burst", "mode", "ttl", "reason"],
        Target::Origin(_) => &["mode", "limit", "min", "max", "enforce", "ttl", "reason"],
        Target::Server { .. } => &["state", "ttl", "reason"],
        Target::Room(_) => &["mode", "active_shoppers", "admit_rate", "message", "ttl", "reason"],
    }
}

/// What `body` sets for `target`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(target: &Target, body: &[u8], actor: &str, now: Timestamp) -> Result<Override, Refusal> {
    let mut fields = Fields::read(body)?;
    let mut set = BTreeMap::new();
    let mut state = None;
    match target {
        Target::Limit(_) => {
            let keys = ["rate", "burst", "mode"].into_iter();
            set.extend(keys.filter_map(|key| Some((key.to_owned(), fields.take(key)?))));
        }
        Target::Origin(_) => set.extend(capacity(&mut fields).map(|capacity| ("capacity".to_owned(), capacity))),
        Target::Server { .. } => state = server_state(&mut fields),
        Target::Room(_) => {
            let keys = ["mode", "active_shoppers", "admit_rate", "message"].into_iter();
            set.extend(keys.filter_map(|key| Some((key.to_owned(), fields.take(key)?))));
        }
    }
    let until = fields.duration("ttl").and_then(|ttl| SignedDuration::try_from(ttl).ok()).map(|ttl| now + ttl);
    let reason = fields.text("reason");
    if set.is_empty() && state.is_none() && until.is_none() && reason.is_none() {
        fields.wrong::<()>("", format!("nothing is set; known fields are {}", known(target).join(", ")));
    }
    fields.finish(known(target))?;
    Ok(Override { target: target.clone(), set, state, until, reason, actor: actor.to_owned(), since: now })
}

/// `limit` alone means a fixed one; bounds alone mean an adaptive one.
fn capacity(fields: &mut Fields) -> Option<Json> {
    let keys = ["mode", "limit", "min", "max", "enforce"].into_iter();
    let mut set: Map<String, Json> = keys.filter_map(|key| Some((key.to_owned(), fields.take(key)?))).collect();
    if set.is_empty() {
        return None;
    }
    if !set.contains_key("mode") {
        let mode = if set.contains_key("limit") { "fixed" } else { "adaptive" };
        set.insert("mode".to_owned(), mode.into());
    }
    Some(Json::Object(set))
}

fn server_state(fields: &mut Fields) -> Option<ServerState> {
    match fields.text("state")?.as_str() {
        "ready" => Some(ServerState::Ready),
        "drain" => Some(ServerState::Drain),
        "down" => Some(ServerState::Down),
        other => fields.wrong("state", format!("{other:?} is not \"ready\", \"drain\" or \"down\"")),
    }
}

fn limit(settings: &LimitSettings, limiter: &Limiter, overrides: &Overrides, now: Nanos) -> Json {
    let tokens = (settings.key == LimitKey::Global).then(|| limiter.tokens(Key::GLOBAL, now));
    json!({
        "name": settings.name,
        "key": key(&settings.key),
        "rate": settings.rate.to_string(),
        "burst": settings.burst,
        "mode": match settings.mode {
            LimitMode::Enforce => "enforce",
            LimitMode::Shadow => "shadow",
            LimitMode::Off => "off",
        },
        "tokens": tokens,
        "keys": limiter.keys(now),
        "evictions": limiter.evictions(),
        "override": overrides.get(&Target::Limit(settings.name.clone())).map(status::override_entry),
    })
}

fn key(key: &LimitKey) -> String {
    match key {
        LimitKey::Global => "global".to_owned(),
        LimitKey::ClientIp => "client-ip".to_owned(),
        LimitKey::Header(name) => format!("header:{name}"),
        LimitKey::Cookie(name) => format!("cookie:{name}"),
        LimitKey::Shopper => "shopper".to_owned(),
    }
}

fn origin(handle: &OriginHandle, overrides: &Overrides, now: Nanos) -> Json {
    let (name, usage) = (handle.origin.name(), handle.seats.usage());
    let classes = usage.classes.iter();
    let servers = handle.origin.servers(now);
    json!({
        "name": name,
        "limit": usage.limit,
        "adaptive": handle.adaptive.as_ref().map(|adaptive| found(handle, adaptive, now)),
        "utilisation": handle.origin.utilisation(now),
        "in_use": usage.in_use,
        "waiting": classes.clone().map(|class| class.waiting).sum::<usize>(),
        "classes": classes
            .map(|class| json!({ "name": class.name, "in_use": class.in_use, "waiting": class.waiting }))
            .collect::<Vec<_>>(),
        "servers": servers.iter().map(|status| server(status, name, overrides)).collect::<Vec<_>>(),
        "override": overrides.get(&Target::Origin(name.to_owned())).map(status::override_entry),
    })
}

/// What is known of an origin of adaptive capacity, and why it has the limit it has.
fn found(handle: &OriginHandle, adaptive: &Adaptive, now: Nanos) -> Json {
    let enforce = !handle.seats.is_shadow();
    let Some(finding) = adaptive.finding() else {
        return json!({ "enforce": enforce, "state": State::Learning.as_str() });
    };
    let Directive { begin_rate, pressed, shedding, state, cause, .. } = &finding.directive;
    let route = |found: &RouteFinding| {
        json!({
            "route": found.route,
            "baseline_ms": found.latency.as_secs_f64() * 1e3,
            "ratio": found.ratio.filter(|ratio| ratio.is_finite()),
        })
    };
    json!({
        "enforce": enforce,
        "state": state.as_str(),
        "cause": cause.as_str(),
        "since_seconds": now.saturating_sub(finding.since) as f64 / 1e9,
        "begin_rate_per_second": begin_rate.is_finite().then_some(*begin_rate),
        "pressed": pressed,
        "shedding": shedding,
        "routes": finding.routes.iter().map(route).collect::<Vec<_>>(),
    })
}

fn server(status: &ServerStatus, origin: &str, overrides: &Overrides) -> Json {
    let target = Target::Server { origin: origin.to_owned(), server: status.name.clone() };
    json!({
        "name": status.name,
        "address": status.address.to_string(),
        "state": match status.admin {
            AdminState::Ready => "ready",
            AdminState::Drain => "drain",
            AdminState::Down => "down",
        },
        "usable": status.usable,
        "healthy": status.healthy,
        "ejected_seconds": status.ejected_for.map(|left| left.as_secs_f64()),
        "ejections": status.ejections,
        "in_flight": status.in_flight,
        "connections": { "active": status.active_connections, "idle": status.idle_connections },
        "latency_seconds": status.latency.as_secs_f64(),
        "override": overrides.get(&target).map(status::override_entry),
    })
}

fn absent(target: &Target) -> Answer {
    problem(StatusCode::NOT_FOUND, &format!("the policy in force has no {target}"))
}
