//! What a request's answer means for the shopper's stays: passes to be given, and stays that end with it.

use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use smallvec::SmallVec;

use super::door::Door;
use crate::config::settings::RoomIndex;
use crate::edge::answer::Asker;
use crate::edge::hygiene::OriginNotes;
use crate::edge::trail::Trail;
use crate::room::pass::{Farewell, Pass};

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// The stays a request belongs to: in the room before its route, and in the room its route completes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stays(SmallVec<[Stay; 1]>);

#[derive(Debug, Clone)]
struct Stay {
    room: RoomIndex,
    pass: Pass,
    /// Whether the shopper has yet to be given the pass.
    tell: bool,
}

impl Stays {
    /// Whether it belongs to none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, room: RoomIndex, pass: Pass, tell: bool) {
        self.0.push(Stay { room, pass, tell });
    }
}

/// Gives the passes that have yet to be given with an answer in place of the origin's.
pub(crate) fn tell(trail: &Trail, asker: &Asker, headers: &mut HeaderMap) {
    for stay in asker.stays.0.iter().filter(|stay| stay.tell) {
        let cookie = Door::of(trail, asker, stay.room).and_then(|door| door.pass_cookie(&stay.pass));
        give(headers, cookie);
    }
}

/// Does what an origin's answer asks for: ends stays, closes the room that is sold out, gives passes. Whether a stay ended.
pub(crate) fn settle(
    trail: &Trail,
    asker: &Asker,
    status: StatusCode,
    notes: &OriginNotes,
    headers: &mut HeaderMap,
) -> bool {
    let Some(route) = trail.route.and_then(|route| trail.pinned.policy.settings.routes.get(route)) else {
        return false;
    };
    let mut ended = false;
    if notes.sold_out
        && let Some(handle) = route.room.or(route.completes).and_then(|room| trail.pinned.rooms.get(room))
    {
        handle.room.sold_out();
    }
    let completes = route.completes.filter(|_| status.is_success() || status.is_redirection());
    for stay in &asker.stays.0 {
        let Some(door) = Door::of(trail, asker, stay.room) else { continue };
        let cookie = if notes.session_ended || completes == Some(stay.room) {
            ended = true;
            door.handle.room.finish(stay.pass.slot(), door.now);
            door.farewell_cookie(&Farewell::mint(&stay.pass, door.now.unix))
        } else {
            stay.tell.then(|| door.pass_cookie(&stay.pass)).flatten()
        };
        if cookie.is_some() {
            keep_private(headers);
        }
        give(headers, cookie);
    }
    ended
}

fn give(headers: &mut HeaderMap, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        headers.append(SET_COOKIE, cookie);
    }
}

/// A cache on the way would give one shopper's pass to everybody.
fn keep_private(headers: &mut HeaderMap) {
    let is_private = |value: &HeaderValue| {
        let has = |word: &[u8]| memchr::memmem::find(value.as_bytes(), word).is_some();
        has(b"private") || has(b"no-store")
    };
    if !headers.get_all(CACHE_CONTROL).iter().any(is_private) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    // These tell some caches otherwise (RFC 9213, and what was before it).
    for name in [CDN_CACHE_CONTROL, SURROGATE_CONTROL] {
        headers.remove(name);
    }
}
