//! How much room the origins behind a waiting room have.

use crate::config::settings::RoomIndex;
use crate::edge::snapshot::{OriginHandle, Snapshot};
use crate::room::Headroom;

/// That of the tightest origin among those of the room's routes.
pub(super) fn of(snapshot: &Snapshot, room: RoomIndex) -> Headroom {
    let routes = snapshot.policy.settings.routes.iter().filter(|route| route.room == Some(room));
    let mut origins: Vec<usize> = routes.map(|route| route.origin).collect();
    origins.sort_unstable();
    origins.dedup();
    let headrooms = origins.into_iter().filter_map(|origin| snapshot.origins.get(origin)).map(at);
    headrooms.max_by(|a, b| pressure(a).total_cmp(&pressure(b))).unwrap_or_default()
}

fn at(handle: &OriginHandle) -> Headroom {
    let waiting: usize = handle.slots.iter().map(|slot| handle.seats.waiting(*slot)).sum();
    Headroom {
        limit: handle.seats.limit(),
        in_use: handle.seats.in_use(),
        waiting: waiting.try_into().unwrap_or(u32::MAX),
    }
}

/// How much an origin has to do, as a share of what it takes; one without a limit is never tight.
fn pressure(headroom: &Headroom) -> f64 {
    let busy = f64::from(headroom.in_use) + f64::from(headroom.waiting);
    headroom.limit.map_or(-1.0, |limit| busy / f64::from(limit.max(1)))
}
