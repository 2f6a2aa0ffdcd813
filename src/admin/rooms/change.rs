//! Changing a room, and what that does to those who wait.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{absent, done, find, is_ours, seconds};
use crate::admin::answer::{Answer, failed, json, problem, refused};
use crate::admin::policy::dry_run;
use crate::admin::{Admin, overrides};
use crate::config::settings::{RoomMode, RoomOrder, RoomSettings};
use crate::control::in_force::Refusal;
use crate::control::overrides::Target;
use crate::control::reload::Reloader;
use crate::room::Room;
use crate::room::view::Forecast;

/// Positions whose wait is told.
const POSITIONS: [u32; 3] = [100, 1_000, 10_000];

/// Sets an override and tells what it does to the waits; with `dry_run=1` only tells.
pub(in crate::admin) async fn patch(
    admin: &Admin,
    name: &str,
    query: Option<&str>,
    body: &[u8],
    actor: &str,
) -> Answer {
    let is_dry = match dry_run(query) {
        Ok(is_dry) => is_dry,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    let new = match overrides::read(&Target::Room(name.to_owned()), body, actor, Timestamp::now()) {
        Ok(new) => new,
        Err(refusal) => return refused(&refusal),
    };
    let Some((now, handle)) = find(admin, name) else { return absent(name) };
    if !is_dry && let Err(refusal) = is_ours(admin) {
        return refused(&refusal);
    }
    let room = Arc::clone(&handle.room);
    let change = move |reloader: &mut Reloader, _| -> Result<Json, Refusal> {
        let settings = reloader.try_override(new.clone())?;
        let then = settings.rooms.iter().find(|settings| settings.name == now.name);
        let effect = then.map_or(Json::Null, |then| effect(&room, &now, then));
        if !is_dry {
            reloader.set_override(new)?;
            if then.is_some_and(|then| then.mode != RoomMode::Closed && then.mode != now.mode) {
                // An operator who says what the room does now knows better than the origin did.
                room.reopen();
            }
        }
        Ok(effect)
    };
    match admin.policies.ask(change).await {
        Ok(Ok(effect)) if is_dry => json(&json!({ "dry_run": true, "effect": effect })),
        Ok(Ok(effect)) => done(admin, name, json!({ "effect": effect })).await,
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => failed(&error),
    }
}

/// How the waits are, and how they would be.
fn effect(room: &Room, now: &RoomSettings, then: &RoomSettings) -> Json {
    let view = room.view();
    let forecasts = Forecasts { now: room.predict(now), then: room.predict(then) };
    let ordered = then.order == RoomOrder::Arrival;
    let last = view.waiting.saturating_sub(1);
    let positions: Vec<_> =
        POSITIONS.into_iter().filter(|_| ordered).map(|position| forecasts.at(position, Some(position - 1))).collect();
    json!({
        "waiting": view.waiting,
        "calls_per_second": { "now": forecasts.now.service, "then": forecasts.then.service },
        "last": (view.waiting > 0).then(|| forecasts.at(view.waiting, ordered.then_some(last))),
        "positions": positions,
    })
}

struct Forecasts {
    now: Forecast,
    then: Forecast,
}

impl Forecasts {
    fn at(&self, position: u32, rank: Option<u32>) -> Json {
        let (now, then) = (self.now.estimate(rank), self.then.estimate(rank));
        json!({ "position": position, "now": seconds(now), "then": seconds(then) })
    }
}
