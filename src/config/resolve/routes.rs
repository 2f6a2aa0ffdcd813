//! `[[route]]`: names become indexes.

use super::collection::Collection;
use crate::config::decode::At;
use crate::config::file::Route;
use crate::config::problem::{Place, Problems};
use crate::config::settings::{ClassSettings, LimitSettings, OriginSettings, RouteSettings};
use crate::config::text::Name;
use crate::config::values::Several;

/// What routes refer to.
pub(super) struct Names<'n> {
    pub(super) origins: &'n Collection<OriginSettings>,
    pub(super) classes: &'n Collection<ClassSettings>,
    pub(super) limits: &'n Collection<LimitSettings>,
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
    Some(RouteSettings {
        name: typed.name.as_ref().map(|name| name.value.0.clone()).unwrap_or_default(),
        line: problems.line(place),
        host: typed.host.as_ref().map(|host| host.value.0.clone()),
        path: typed.path.as_ref()?.value.0.clone(),
        methods: typed.methods.as_ref().map_or_else(Vec::new, |list| list.value.0.clone()),
        class: class.unwrap_or_default(),
        origin: origin.unwrap_or_default(),
        limits,
        room: None,
        completes: None,
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
