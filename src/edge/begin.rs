//! Whether a request's shopper has begun with an origin of adaptive capacity already, and if not, may now.

use http::HeaderMap;
use http::request::Parts;

use super::answer::Asker;
use super::snapshot::{Adaptive, OriginHandle};
use super::trail::Trail;
use crate::clock::Nanos;
use crate::overload::{self, Lane};

/// How a request asks for a seat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    /// On which side of the line.
    pub(super) lane: Lane,
    /// Whether it may ask at all.
    pub(super) may: bool,
    /// Its shopper as a keyed hash; `None` where nobody is remembered.
    shopper: Option<u64>,
}

impl Beginning {
    /// Of a request to `origin`. Where the capacity is not adaptive, all are alike and nothing is looked at.
    pub(super) fn of(parts: &Parts, asker: &Asker, trail: &Trail, origin: &OriginHandle) -> Self {
        let Some(adaptive) = &origin.adaptive else {
            return Self { lane: Lane::Returning, may: true, shopper: None };
        };
        let pinned = &*trail.pinned;
        let shopper = pinned.policy.shopper_key(asker.client.ip, &parts.headers, &pinned.hasher).bits();
        // A journey and a place inside a room were given for something that was served.
        let has_begun = asker.journey.is_some()
            || !asker.stays.is_empty()
            || adaptive.sessions.known(shopper, trail.began)
            || is_owed(trail, origin)
            || came_without_cookie(adaptive, shopper, asker, trail);
        let lane = if has_begun { Lane::Returning } else { Lane::Newcomer };
        let may = has_begun || offer(adaptive, shopper, trail);
        Self { lane, may, shopper: Some(shopper) }
    }

    /// Remembers that the shopper is served.
    pub(super) fn served(&self, origin: &OriginHandle, worker: usize, now: Nanos) {
        if let (Some(shopper), Some(adaptive)) = (self.shopper, &origin.adaptive) {
            adaptive.sessions.touch(shopper, worker, now);
        }
    }
}

/// Whether the request's class has less than its guaranteed share: that is there for whoever comes, a payment's call back as
/// well.
fn is_owed(trail: &Trail, origin: &OriginHandle) -> bool {
    let class = trail.pinned.policy.settings.classes.get(trail.class).filter(|class| class.guaranteed > 0.0);
    let (Some(class), Some(slot), Some(limit)) = (class, origin.slot(trail.class), origin.seats.limit()) else {
        return false;
    };
    f64::from(origin.seats.in_use_by(slot)) < class.guaranteed * f64::from(limit)
}

/// Whether the shopper was served before the shop gave out the cookie that names shoppers: known by address then.
fn came_without_cookie(adaptive: &Adaptive, shopper: u64, asker: &Asker, trail: &Trail) -> bool {
    let pinned = &*trail.pinned;
    if pinned.policy.settings.client.shopper_cookie.is_none() {
        return false;
    }
    let address = pinned.policy.shopper_key(asker.client.ip, &HeaderMap::new(), &pinned.hasher).bits();
    address != shopper && adaptive.sessions.known(address, trail.began)
}

fn offer(adaptive: &Adaptive, shopper: u64, trail: &Trail) -> bool {
    let hour = trail.connection.worker.unix_seconds() / 3_600;
    adaptive.cursor.offer(trail.class, overload::cohort(shopper, hour))
}
