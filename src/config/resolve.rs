//! From what was typed to what is meant, noting what is wrong between one key and another.

mod collection;
mod files;
mod listeners;
mod origins;
mod process;
mod rooms;
mod routes;

use std::path::Path;

use super::decode::At;
use super::file::{Class, File, Limit};
use super::problem::Problems;
use super::settings::{ClassSettings, LimitSettings, Settings};
use super::values::{Named, Several};
use collection::Collection;
use files::Files;
use routes::Names;

/// What the file means; complete and valid only when no problem was noted, here or before.
pub(super) fn settings(file: &File, base: &Path, problems: &mut Problems<'_>) -> Settings {
    let files = Files::under(base);
    let server = process::server(&file.server, files);
    let log = process::log(&file.log, files);
    let client = process::client(&file.client);
    let admin = listeners::admin(&file.admin, files, problems);
    let listeners = listeners::all(file.listener.as_ref(), &admin, files, problems);

    let origins = origins::all(file.origin.as_ref(), files, problems);
    let classes = classes(file.class.as_ref(), problems);
    let limits = limits(&file.limit.value.0, problems);
    let rooms = rooms::all(&file.room.value.0, files, problems);
    let names = Names { origins: &origins, classes: &classes, limits: &limits, rooms: &rooms };
    let routes = routes::all(file.route.as_ref(), &names, client.max_body, problems);

    Settings {
        server,
        log,
        listeners,
        admin,
        client,
        origins: origins.items,
        classes: classes.items,
        limits: limits.items,
        rooms: rooms.items,
        routes,
    }
}

/// As many as seats are counted for apart.
const MOST_CLASSES: usize = 64;

fn classes(typed: Option<&At<Several<Class>>>, problems: &mut Problems<'_>) -> Collection<ClassSettings> {
    let mut classes = Collection::new("class", typed.is_some());
    let Some(typed) = typed else { return classes };
    let mut guaranteed = 0;
    for class in &typed.value.0 {
        guaranteed += class.guaranteed.value.hundredths();
        if guaranteed > 10_000 {
            // Noted once, where the sum goes over.
            guaranteed = 0;
            let message = "the guaranteed shares of this class and those before it sum to more than 100%";
            problems.add(class.guaranteed.place, message, None);
        }
        if let Some(name) = &class.name {
            let settings = class_settings(&name.value.0, class);
            classes.define(&name.value.0, name.place, Some(settings), problems);
            if classes.items.len() > MOST_CLASSES {
                problems.add(name.place, "there are more than 64 classes", None);
            }
        }
    }
    classes
}

fn class_settings(name: &str, class: &Class) -> ClassSettings {
    ClassSettings {
        name: name.to_owned(),
        guaranteed: class.guaranteed.value.fraction(),
        max_wait: class.max_wait.value.0,
        max_waiting: class.max_waiting.value.0 as usize,
        latency_goal: class.latency_goal.as_ref().map(|goal| goal.value.0),
    }
}

fn limits(typed: &[Named<Limit>], problems: &mut Problems<'_>) -> Collection<LimitSettings> {
    let mut limits = Collection::new("limit", true);
    for Named { name, value } in typed {
        let settings = value.as_ref().and_then(|limit| limit_settings(&name.value, limit));
        limits.define(&name.value, name.place, settings, problems);
    }
    limits
}

fn limit_settings(name: &str, limit: &Limit) -> Option<LimitSettings> {
    Some(LimitSettings {
        name: name.to_owned(),
        key: limit.key.as_ref()?.value.clone(),
        rate: limit.rate.as_ref()?.value,
        burst: limit.burst.as_ref()?.value.0,
        mode: limit.mode.value,
        max_keys: limit.max_keys.value.0 as usize,
    })
}
