//! `[[route]]`: names become indexes.

use std::collections::HashSet;

use super::collection::Collection;
use crate::config::decode::At;
use crate::config::file::Route;
use crate::config::problem::{Place, Problems};
use crate::config::settings::{ClassSettings, LimitSettings, OriginSettings, RoomSettings, RouteSettings};
use crate::config::text::Name;
use crate::config::values::Several;

/// What routes refer to.
pub(super) struct Names<'n> {
    pub(super) origins: &'n Collection<OriginSettings>,
    pub(super) classes: &'n Collection<ClassSettings>,
    pub(super) limits: &'n Collection<LimitSettings>,
    pub(super) rooms: &'n Collection<RoomSettings>,
}

/// `max_body` is for the routes that do not say.
///
/// A route stays, whatever is wrong with it, unless it has no path: two that tie are found all the same.
pub(super) fn all(
    typed: Option<&At<Several<At<Route>>>>,
    names: &Names<'_>,
    max_body: u64,
    problems: &mut Problems<'_>,
) -> Vec<RouteSettings> {
    let Some(typed) = typed else { return Vec::new() };
    let mut defined = Collection::new("route", true);
    let mut routes = Vec::with_capacity(typed.value.0.len());
    for At { value, place } in &typed.value.0 {
        if let Some(name) = &value.name {
            defined.define(&name.value.0, name.place, Some(()), problems);
        }
        routes.extend(settings(value, *place, names, max_body, problems));
    }
    check_completes(&typed.value.0, names.rooms, problems);
    routes
}

fn settings(
    typed: &Route,
    place: Place,
    names: &Names<'_>,
    max_body: u64,
    problems: &mut Problems<'_>,
) -> Option<RouteSettings> {
    let class = typed.class.as_ref().and_then(|name| names.classes.find(name, problems));
    let origin = typed.origin.as_ref().and_then(|name| names.origins.find(name, problems));
    let limits = limits(&typed.limits.value, names.limits, problems);
    let room = typed.room.as_ref().and_then(|name| names.rooms.find(name, problems));
    let completes = typed.completes.as_ref().and_then(|name| names.rooms.find(name, problems));
    Some(RouteSettings {
        name: typed.name.as_ref().map(|name| name.value.0.clone()).unwrap_or_default(),
        line: problems.line(place),
        host: typed.host.as_ref().map(|host| host.value.0.clone()),
        path: typed.path.as_ref()?.value.0.clone(),
        methods: typed.methods.as_ref().map_or_else(Vec::new, |list| list.value.0.clone()),
        class: class.unwrap_or_default(),
        origin: origin.unwrap_or_default(),
        limits,
        room,
        completes,
        journey: typed.journey.value,
        max_body: typed.max_body.as_ref().map_or(max_body, |size| size.value.0),
        response_timeout: typed.response_timeout.as_ref().map(|limit| limit.value.0),
    })
}

fn limits(typed: &[At<Name>], known: &Collection<LimitSettings>, problems: &mut Problems<'_>) -> Vec<usize> {
    for (index, name) in typed.iter().enumerate() {
        if typed.iter().take(index).any(|other| other.value == name.value) {
            problems.add(name.place, format!("{:?} is listed twice", name.value.0), None);
        }
    }
    typed.iter().filter_map(|name| known.find(name, problems)).collect()
}

/// A room that no route has may be one that is not used at present; who completes a stay in it expects somebody inside.
fn check_completes(typed: &[At<Route>], rooms: &Collection<RoomSettings>, problems: &mut Problems<'_>) {
    let entered: HashSet<&str> =
        typed.iter().filter_map(|at| at.value.room.as_ref()).map(|name| name.value.0.as_str()).collect();
    for name in typed.iter().filter_map(|at| at.value.completes.as_ref()) {
        let room = name.value.0.as_str();
        if !entered.contains(room) && rooms.defines(room) {
            let message = format!("no route has room = {room:?}: nobody is ever inside of it");
            problems.add(name.place, message, None);
        }
    }
}
