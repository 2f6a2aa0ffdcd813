//! How much room the origins behind a waiting room have.

use crate::config::settings::RoomIndex;
use crate::edge::snapshot::{OriginHandle, Snapshot};
use crate::room::Headroom;

/// Shoppers a second for each free seat of an origin whose capacity is not known yet.
const FILLING: f64 = 5.0;

/// That of the origins of the room's routes: the least of what is measured, and the seats of the tightest of the others.
pub(super) fn of(snapshot: &Snapshot, room: RoomIndex) -> Headroom {
    let routes = snapshot.policy.settings.routes.iter().filter(|route| route.room == Some(room));
    let mut origins: Vec<usize> = routes.map(|route| route.origin).collect();
    origins.sort_unstable();
    origins.dedup();
    let handles = || origins.iter().filter_map(|origin| snapshot.origins.get(*origin));
    let begin_rate = handles().filter_map(measured).reduce(f64::min);
    let others = handles().filter(|handle| measured(handle).is_none()).map(seats);
    let tightest = others.max_by(|a, b| pressure(a).total_cmp(&pressure(b))).unwrap_or_default();
    Headroom { begin_rate, ..tightest }
}

/// What an origin that is protected by measurements carries. In shadow they decide nothing.
fn measured(handle: &OriginHandle) -> Option<f64> {
    let finding = handle.adaptive.as_ref()?.finding()?;
    if handle.seats.is_shadow() {
        return None;
    }
    let rate = finding.directive.begin_rate;
    // As long as it has never had too much, free seats are there to be filled, or nothing would be learnt.
    let free = finding.directive.limit.saturating_sub(handle.seats.in_use());
    Some(if rate.is_finite() { rate } else { FILLING * f64::from(free) })
}

fn seats(handle: &OriginHandle) -> Headroom {
    let waiting: usize = handle.slots.iter().map(|slot| handle.seats.waiting(*slot)).sum();
    Headroom {
        begin_rate: None,
        limit: handle.seats.limit().filter(|_| !handle.seats.is_shadow()),
        in_use: handle.seats.in_use(),
        waiting: waiting.try_into().unwrap_or(u32::MAX),
    }
}

/// How much an origin has to do, as a share of what it takes; one without a limit is never tight.
fn pressure(headroom: &Headroom) -> f64 {
    let busy = f64::from(headroom.in_use) + f64::from(headroom.waiting);
    headroom.limit.map_or(-1.0, |limit| busy / f64::from(limit.max(1)))
}
