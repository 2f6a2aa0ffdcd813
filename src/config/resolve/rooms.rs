//! `[room.NAME]`.

use std::time::Duration;

use super::collection::Collection;
use super::files::Files;
use crate::config::decode::At;
use crate::config::file::Room;
use crate::config::problem::Problems;
use crate::config::settings::{RoomSettings, Texts};
use crate::config::units::Period;
use crate::config::values::Named;
use crate::config::wording::Wording;

/// Idle time is kept in seconds of 16 bits; whoever was silent for this long is gone in any case.
const LONGEST_SESSION: Duration = Duration::from_secs(8 * 3_600);
/// A turn that is held keeps somebody else waiting.
const LONGEST_CLAIM: Duration = Duration::from_secs(3_600);

pub(super) fn all(typed: &[Named<Room>], files: Files<'_>, problems: &mut Problems<'_>) -> Collection<RoomSettings> {
    let mut rooms = Collection::new("room", true);
    for Named { name, value } in typed {
        let settings = value.as_ref().and_then(|room| settings(&name.value, room, files, problems));
        rooms.define(&name.value, name.place, settings, problems);
    }
    rooms
}

fn settings(name: &str, typed: &Room, files: Files<'_>, problems: &mut Problems<'_>) -> Option<RoomSettings> {
    let session = length(&typed.session, LONGEST_SESSION, "8h", problems);
    let claim = length(&typed.claim, LONGEST_CLAIM, "1h", problems);
    let template = typed.template.as_ref().map(|path| files.readable(path, problems));
    Some(RoomSettings {
        name: name.to_owned(),
        mode: typed.mode.value,
        active_shoppers: typed.active_shoppers.as_ref()?.value.0,
        admit_rate: typed.admit_rate.value,
        session,
        claim,
        order: typed.order.value,
        opens: typed.opens.as_ref().map(|opens| opens.value.0),
        title: texts(typed.title.as_ref()),
        message: texts(typed.message.as_ref()),
        template,
        joins_per_client: typed.joins_per_client.value.0,
        joins_burst: typed.joins_burst.value.0,
        proof_of_work: typed.proof_of_work.value,
        bind_network: typed.bind_network.value,
    })
}

fn length(typed: &At<Period>, longest: Duration, shown: &str, problems: &mut Problems<'_>) -> Duration {
    let length = typed.value.0;
    if length < Duration::from_secs(1) || length > longest {
        problems.add(typed.place, format!("must be from 1s to {shown}"), None);
    }
    length
}

fn texts<const MAX: usize>(typed: Option<&At<Wording<MAX>>>) -> Texts {
    typed.map(|at| at.value.0.clone()).unwrap_or_default()
}
