//! How the proxy is.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::answer::{Answer, json, mistake};
use super::{Admin, overrides, policy, rooms};
use crate::control::in_force::{Attempt, Change, InForce, Refusal};
use crate::control::overrides::Override;
use crate::edge::pressure::Reading;
use crate::overload::saturation::Level;

/// Everything at a glance.
pub(super) fn status(admin: &Admin) -> Answer {
    let in_force = admin.policies.in_force();
    let server = &in_force.settings.server;
    json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "phase": admin.lifecycle.word(),
        "ready": admin.lifecycle.is_ready(),
        "started_at": admin.lifecycle.began_at().to_string(),
        "uptime_seconds": admin.lifecycle.uptime().as_secs_f64(),
        "pid": std::process::id(),
        "workers": server.workers,
        "connections": { "open": admin.shared.connections(), "max": server.max_connections },
        "saturation": saturation(admin),
        "revision": in_force.revision.number,
        "policy": policy::entry(&in_force.revision),
        "last_reload": in_force.last_reload.as_ref().map(attempt),
        "needs_restart": in_force.needs_restart,
        "overrides": overrides_of(&in_force),
        "limits": overrides::limit_views(admin),
        "origins": overrides::origin_views(admin),
        "rooms": rooms::views(admin),
        "room_store": rooms::store(admin),
    }))
}

/// What the proxy itself may run out of, and what is refused for its sake.
fn saturation(admin: &Admin) -> Json {
    let pressure = admin.shared.pressure();
    let resource = |reading: &Reading| {
        let Reading { resource, used, limit, level } = *reading;
        json!({ "resource": resource, "used": used, "limit": limit, "level": level.as_str(), "number": level.number() })
    };
    let worker = |(delay, level): (f64, Level)| json!({ "delay_seconds": delay, "level": level.as_str(), "number": level.number() });
    json!({
        "resources": pressure.readings().iter().map(resource).collect::<Vec<_>>(),
        "workers": pressure.workers().map(worker).collect::<Vec<_>>(),
    })
}

/// The last malformed requests.
pub(super) fn errors(admin: &Admin) -> Answer {
    let errors = admin.faults.recent().into_iter().map(|fault| {
        let at = i64::try_from(fault.unix_millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        json!({
            "at": at.map(|at| at.to_string()),
            "kind": fault.kind,
            "client": fault.client.to_string(),
            "listener": fault.listener.to_string(),
            "request": fault.request,
        })
    });
    json(&json!({ "errors": errors.collect::<Vec<_>>(), "missed": admin.faults.missed() }))
}

/// An override, without its target.
pub(super) fn override_entry(one: &Override) -> Json {
    let left = one.until.map(|until| until.duration_since(Timestamp::now()).as_secs_f64().max(0.0));
    json!({
        "set": one.set,
        "state": one.state,
        "until": one.until.map(|until| until.to_string()),
        "ttl_seconds": left,
        "reason": one.reason,
        "actor": one.actor,
        "since": one.since.to_string(),
    })
}

fn overrides_of(in_force: &InForce) -> Vec<Json> {
    let entry = |one: &Override| {
        let mut entry = override_entry(one);
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("target".to_owned(), json!(one.target.to_string()));
            entry.insert("in_force".to_owned(), json!(!in_force.dormant.contains(&one.target)));
        }
        entry
    };
    in_force.overrides.list().iter().map(entry).collect()
}

fn attempt(attempt: &Attempt) -> Json {
    let (result, error) = match &attempt.outcome {
        Ok(Change::Revision(_) | Change::Reread) => ("success", None),
        Ok(Change::None) => ("unchanged", None),
        Err(refusal) => ("failure", Some(refusal)),
    };
    let problems = match error {
        Some(Refusal::Wrong(problems)) => problems.iter().map(mistake).collect(),
        _ => Vec::new(),
    };
    json!({
        "at": attempt.at.to_string(),
        "source": attempt.source.to_string(),
        "actor": attempt.actor,
        "result": result,
        "error": error.map(ToString::to_string),
        "problems": problems,
    })
}
