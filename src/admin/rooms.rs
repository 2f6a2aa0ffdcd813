//! Waiting rooms: what they are now, and what an operator has them do.

mod change;
mod preview;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::Admin;
use super::answer::{Answer, json, problem, refused};
use super::fields::Fields;
use super::status::override_entry;
use crate::config::settings::{RoomSettings, Texts};
use crate::control::in_force::Refusal;
use crate::control::overrides::Target;
use crate::control::rooms::{keys::NotRotated, state};
use crate::edge::snapshot::RoomHandle;
use crate::edge::worker::Phase;
use crate::room::view::Estimate;
pub(super) use change::patch;
pub(super) use preview::preview;

/// Most shoppers one request may have called.
const MOST: u64 = 1_000_000;

/// What may be done with a room, beside changing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Call some more at once.
    Admit,
    /// Begin anew: every ticket and pass is void.
    Reset,
    /// Take back that everything is sold.
    Reopen,
}

/// Every room.
pub(super) fn list(admin: &Admin) -> Answer {
    json(&json!({ "rooms": views(admin), "store": store(admin) }))
}

/// Every room, for the status too.
pub(super) fn views(admin: &Admin) -> Vec<Json> {
    let snapshot = admin.shared.live.load_full();
    let rooms = snapshot.policy.settings.rooms.iter().zip(&snapshot.rooms);
    rooms.map(|(settings, handle)| entry(admin, settings, handle)).collect()
}

/// Whether what happens in the rooms is kept over a restart.
pub(super) fn store(admin: &Admin) -> Json {
    let health = admin.rooms.health();
    json!({ "healthy": health.is_healthy(), "errors": health.errors(), "trouble": health.trouble() })
}

/// One room.
pub(super) fn view(admin: &Admin, name: &str) -> Option<Json> {
    let (settings, handle) = find(admin, name)?;
    Some(entry(admin, &settings, &handle))
}

/// Has something done.
pub(super) async fn act(admin: &Admin, name: &str, action: Action, body: &[u8], actor: &str) -> Answer {
    let Some((_, handle)) = find(admin, name) else { return absent(name) };
    if let Err(refusal) = is_ours(admin) {
        return refused(&refusal);
    }
    let more = match action {
        Action::Admit => {
            // So that whoever has just come is counted.
            admin.rooms.settle().await;
            admit(&handle, body)
        }
        Action::Reset => reset(&handle, body),
        Action::Reopen => reopen(&handle, body),
    };
    match more {
        Ok(more) => {
            tracing::info!(room = name, ?action, actor, %more, "an operator has acted on a waiting room");
            done(admin, name, more).await
        }
        Err(answer) => *answer,
    }
}

/// Signs tickets and passes with a new key; those signed with the one before are good until the next rotation.
pub(super) async fn rotate_keys(admin: &Admin, actor: &str) -> Answer {
    let keys = admin.rooms.keys().clone();
    match tokio::task::spawn_blocking(move || keys.rotate()).await {
        Ok(Ok(())) => {
            tracing::info!(actor, "the keys of the waiting rooms were rotated");
            json(&json!({ "rotated": true }))
        }
        Ok(Err(NotRotated::HandingOver)) => refused(&Refusal::HandingOver),
        Ok(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the keys could not be rotated; the log says more"),
    }
}

type Done = Result<Json, Box<Answer>>;

fn admit(handle: &RoomHandle, body: &[u8]) -> Done {
    let read = || {
        let mut fields = Fields::read(body)?;
        let count = match fields.take("count") {
            Some(count) => match count.as_u64().filter(|count| (1..=MOST).contains(count)) {
                Some(count) => Some(count as u32),
                None => fields.wrong("count", format!("{count} is not a whole number from 1 to {MOST}")),
            },
            None => fields.wrong("count", "how many are to be called is needed".to_owned()),
        };
        fields.finish(&["count"])?;
        Ok(count.unwrap_or_default())
    };
    let asked: u32 = read().map_err(|refusal| Box::new(refused(&refusal)))?;
    let view = handle.room.view();
    let why = if view.is_closed() {
        Some("nobody is called while the room is closed")
    } else if view.is_lobby() {
        Some("nobody is called before the room opens")
    } else {
        None
    };
    if let Some(why) = why {
        return Err(Box::new(problem(StatusCode::CONFLICT, why)));
    }
    // Whoever comes later is not meant.
    let called = asked.min(view.waiting);
    handle.room.admit(called);
    Ok(json!({ "asked": asked, "calls": called }))
}

fn reset(handle: &RoomHandle, body: &[u8]) -> Done {
    let name = handle.room.name();
    let read = || {
        let mut fields = Fields::read(body)?;
        let confirmed = fields.text("confirm");
        if confirmed.as_deref() != Some(name) {
            let why = format!("{name:?} is needed: a reset makes every ticket and every pass of the room void");
            fields.wrong::<()>("confirm", why);
        }
        fields.finish(&["confirm"])
    };
    read().map_err(|refusal| Box::new(refused(&refusal)))?;
    handle.room.reset();
    Ok(json!({}))
}

fn reopen(handle: &RoomHandle, body: &[u8]) -> Done {
    Fields::read(body).and_then(|fields| fields.finish(&[])).map_err(|refusal| Box::new(refused(&refusal)))?;
    if !handle.room.view().sold_out {
        return Err(Box::new(problem(StatusCode::CONFLICT, "the origin has not said that everything is sold")));
    }
    handle.room.reopen();
    Ok(json!({}))
}

/// The room after something was done with it, and whether that is kept over a restart.
async fn done(admin: &Admin, name: &str, more: Json) -> Answer {
    let kept = admin.rooms.settle().await;
    let Some(mut view) = view(admin, name) else { return absent(name) };
    if let (Some(view), Json::Object(more)) = (view.as_object_mut(), more) {
        view.insert("kept".to_owned(), json!(kept));
        view.extend(more);
    }
    json(&view)
}

/// Whether this process, and no other, has the lines.
fn is_ours(admin: &Admin) -> Result<(), Refusal> {
    let leaves = admin.rooms.is_left() || matches!(admin.lifecycle.phase(), Phase::HandingOver | Phase::Stopped);
    if leaves { Err(Refusal::HandingOver) } else { Ok(()) }
}

fn find(admin: &Admin, name: &str) -> Option<(Arc<RoomSettings>, RoomHandle)> {
    let snapshot = admin.shared.live.load_full();
    let mut rooms = snapshot.policy.settings.rooms.iter().zip(&snapshot.rooms);
    let (settings, handle) = rooms.find(|(settings, _)| settings.name == name)?;
    Some((Arc::new(settings.clone()), handle.clone()))
}

fn absent(name: &str) -> Answer {
    problem(StatusCode::NOT_FOUND, &format!("the policy in force has no rooms/{name}"))
}

fn entry(admin: &Admin, settings: &RoomSettings, handle: &RoomHandle) -> Json {
    let (view, tally) = (handle.room.view(), handle.room.tally());
    let target = Target::Room(settings.name.clone());
    let in_force = admin.policies.in_force();
    json!({
        "name": settings.name,
        "state": state(&view).as_str(),
        "words": words::of(&view),
        "mode": settings.mode.to_string(),
        "active_shoppers": settings.active_shoppers,
        "admit_rate": settings.admit_rate.to_string(),
        "order": settings.order.to_string(),
        "message": texts(&settings.message),
        "waiting": view.waiting,
        "inside": view.inside,
        "called": view.called,
        "admit_rate_per_second": view.rate.is_finite().then_some(view.rate),
        "eta_seconds": words::last(&view).map(|rank| seconds(view.estimate(rank))),
        "opens_at": view.opens.map(|opens| opens.to_string()),
        "commitment": view.commitment.map(words::hex),
        "draw": view.draw.map(|draw| json!({ "start": draw.start, "size": draw.size, "seed": words::hex(draw.seed) })),
        "sold_out": view.sold_out,
        "epoch": view.epoch,
        "proof_of_work_bits": view.work,
        "admitted": tally.admitted,
        "abandoned": tally.abandoned,
        "completed": tally.completed,
        "override": in_force.overrides.get(&target).map(override_entry),
    })
}

/// A text for everybody as it is, others by language.
fn texts(texts: &Texts) -> Json {
    match texts.0.as_slice() {
        [] => Json::Null,
        [(tag, text)] if tag.is_empty() => json!(text),
        several => several.iter().map(|(tag, text)| (tag.clone(), json!(text))).collect(),
    }
}

fn seconds(estimate: Estimate) -> Json {
    json!({ "likely": estimate.likely, "late": estimate.late })
}
