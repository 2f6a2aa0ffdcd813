//! What a shopper asks of a room directly: how it stands, a place, to give it up.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::endpoint::Endpoint;
use super::query::Query;
use crate::edge::refuse::whole_seconds;
use crate::edge::waiting::door::Door;
use crate::edge::waiting::holding::{Asking, Holding};
use crate::edge::waiting::join::{Joined, Proof};
use crate::edge::waiting::notice::{Caller, Notice, Turned};
use crate::edge::waiting::scene::{Challenge, Situation};
use crate::edge::waiting::status::Status;
use crate::policy::verdict::Reason;
use crate::room::challenge::Challenge as Work;
use crate::room::standing::Standing;

/// The smallest transparent image there is.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";

/// A request of a reserved path.
pub(super) struct Desk<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) query: Query<'a>,
    /// Where the shopper wants to be sent.
    pub(super) to: Option<&'a str>,
    pub(super) door: &'a Door<'a>,
    pub(super) caller: &'a Caller<'a>,
}

impl Desk<'_> {
    pub(super) fn answer(&self, endpoint: Endpoint, method: &Method) -> Turned {
        match endpoint {
            Endpoint::Status if *method == Method::DELETE => self.gone(),
            Endpoint::Status => self.status(),
            Endpoint::Leave => self.leave(),
            Endpoint::Join => self.join(),
            Endpoint::Wait => self.wait(),
            Endpoint::Seen => self.seen(),
        }
    }

    fn status(&self) -> Turned {
        // A browser lets a tab that nobody looks at ask only once a minute.
        let is_hidden = self.query.get("hidden").as_deref() == Some(b"1");
        match self.holding(is_hidden) {
            Holding::Stay { pass, tell } => {
                let cookie = tell.then(|| self.door.pass_cookie(&pass)).flatten();
                self.standing(Some(&Standing::Inside(pass.slot())), cookie)
            }
            Holding::Place { ticket, standing, tell } => {
                let cookie = tell.then(|| self.door.ticket_cookie(&ticket)).flatten();
                self.standing(Some(&standing), cookie)
            }
            Holding::Farewell | Holding::Lapsed(_) | Holding::Void | Holding::Nothing => {
                let status = self.status_of(None);
                Notice { situation: Situation::CookiesMissing, ..Notice::without_place(&status) }.absent(self.caller)
            }
        }
    }

    /// The status as JSON, or that it is the same as before.
    fn standing(&self, standing: Option<&Standing>, cookie: Option<HeaderValue>) -> Turned {
        let status = self.status_of(standing);
        let tag = status.tag();
        let known = self.headers.get_all(IF_NONE_MATCH).iter();
        let is_known = known.into_iter().any(|known| memchr::memmem::find(known.as_bytes(), &tag).is_some());
        let mut text = Vec::with_capacity(256);
        let is_same = is_known && cookie.is_none();
        if !is_same {
            status.write(&mut text);
        }
        let length = text.len();
        text.extend_from_slice(b"W/\"");
        text.extend_from_slice(&tag);
        text.push(b'"');
        let text = Bytes::from(text);
        let mut response = bare(if is_same { StatusCode::NOT_MODIFIED } else { StatusCode::OK }, cookie);
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_maybe_shared(text.slice(length..)) {
            headers.insert(ETAG, tag);
        }
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(status.poll_after)));
        if !is_same {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            self.fill(&mut response, text.slice(..length));
        }
        turned(response)
    }

    /// Gives the place or the stay up.
    fn give_up(&self) -> Option<HeaderValue> {
        let (door, room) = (self.door, &self.door.handle.room);
        match self.holding(false) {
            Holding::Place { ticket, .. } => room.leave(ticket.epoch(), ticket.number(), door.now),
            // Whose it is not any more cannot give it up.
            Holding::Stay { pass, .. } => drop(room.finish(pass.slot(), door.now)),
            Holding::Farewell | Holding::Lapsed(_) | Holding::Void => {}
            Holding::Nothing => return None,
        }
        door.no_cookie()
    }

    fn gone(&self) -> Turned {
        turned(bare(StatusCode::NO_CONTENT, self.give_up()))
    }

    fn leave(&self) -> Turned {
        if !self.caller.approach.wants_page() {
            return self.gone();
        }
        let cookie = self.give_up();
        let status = self.status_of(None);
        Notice { situation: Situation::Left, cookie, ..Notice::without_place(&status) }.tell(self.door, self.caller)
    }

    fn join(&self) -> Turned {
        let held = match self.holding(false) {
            Holding::Stay { .. } | Holding::Place { .. } => None,
            Holding::Farewell | Holding::Lapsed(_) | Holding::Void | Holding::Nothing => Some(self.joined()),
        };
        match (held, self.to) {
            (Some(joined), Some(to)) => sent(to, self.cookie_of(&joined)),
            (None, Some(to)) => sent(to, None),
            (None, None) => self.status(),
            (Some(joined), None) => self.tell(&joined),
        }
    }

    fn joined(&self) -> Joined {
        let challenge = self.query.get("challenge");
        let answer = self.query.get("nonce");
        self.door.join(challenge.as_deref().map(|challenge| Proof { challenge, answer: answer.as_deref() }))
    }

    fn cookie_of(&self, joined: &Joined) -> Option<HeaderValue> {
        match joined {
            Joined::Inside(pass) => self.door.pass_cookie(pass),
            Joined::Placed { ticket, .. } => self.door.ticket_cookie(ticket),
            Joined::NoNumber | Joined::Closed | Joined::Challenged { .. } | Joined::TooMany(_) => None,
        }
    }

    /// Tells a program what came of its wish for a place.
    fn tell(&self, joined: &Joined) -> Turned {
        let cookie = self.cookie_of(joined);
        let status = self.status_of(None);
        let notice = Notice::without_place(&status);
        match joined {
            Joined::Inside(pass) => self.standing(Some(&Standing::Inside(pass.slot())), cookie),
            Joined::Placed { ticket, .. } => {
                let room = &self.door.handle.room;
                self.standing(Some(&room.standing(ticket.epoch(), ticket.number(), false, self.door.now)), cookie)
            }
            Joined::NoNumber | Joined::Closed => notice.problem(self.caller),
            Joined::TooMany(retry_after) => notice.limited(*retry_after).problem(self.caller),
            Joined::Challenged { text, difficulty } => {
                let challenge =
                    Challenge { text, difficulty: *difficulty, without_proof_after: Work::WITHOUT_PROOF_AFTER };
                Notice { situation: Situation::Challenged(challenge), ..notice }.problem(self.caller)
            }
        }
    }

    /// The page of those without scripts, which loads itself again. It gives no places: a browser that brings no ticket
    /// here would be given one after another.
    fn wait(&self) -> Turned {
        let to = self.to.unwrap_or("/");
        match self.holding(true) {
            Holding::Stay { pass, tell } => sent(to, tell.then(|| self.door.pass_cookie(&pass)).flatten()),
            Holding::Place { standing: Standing::Called, .. }
            | Holding::Farewell
            | Holding::Lapsed(_)
            | Holding::Void => sent(to, None),
            Holding::Place { ticket, standing, tell } => {
                let status = self.status_of(Some(&standing));
                let cookie = tell.then(|| self.door.ticket_cookie(&ticket)).flatten();
                Notice::of_place(&status, ticket.number(), cookie).tell(self.door, self.caller)
            }
            Holding::Nothing if self.door.is_open() => sent(to, None),
            Holding::Nothing => {
                let status = self.status_of(None);
                let notice = Notice::without_place(&status);
                let situation = if self.door.view.is_closed() { notice.situation } else { Situation::CookiesMissing };
                Notice { situation, ..notice }.tell(self.door, self.caller)
            }
        }
    }

    fn seen(&self) -> Turned {
        let cookie = match self.holding(true) {
            Holding::Place { ticket, tell: true, .. } => self.door.ticket_cookie(&ticket),
            Holding::Place { .. }
            | Holding::Stay { .. }
            | Holding::Farewell
            | Holding::Lapsed(_)
            | Holding::Void
            | Holding::Nothing => None,
        };
        let mut response = bare(StatusCode::OK, cookie);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
        self.fill(&mut response, Bytes::from_static(PIXEL));
        turned(response)
    }

    fn holding(&self, slowly: bool) -> Holding {
        self.door.holding(self.headers, Asking { slowly, on_journey: false })
    }

    fn status_of(&self, standing: Option<&Standing>) -> Status<'_> {
        let message = self.door.message(self.caller.language, self.headers);
        Status::of(&self.door.view, standing, message, self.door.jitter())
    }

    /// Gives the body, or of one that is not asked for its length.
    fn fill(&self, response: &mut Response<Bytes>, body: Bytes) {
        if self.caller.approach.audience.is_head() {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        } else {
            *response.body_mut() = body;
        }
    }
}

/// An answer without a body.
fn bare(status: StatusCode, cookie: Option<HeaderValue>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    *response.headers_mut() = headers;
    response
}

/// Sends a browser to a path of this host.
fn sent(to: &str, cookie: Option<HeaderValue>) -> Turned {
    let mut response = bare(StatusCode::SEE_OTHER, cookie);
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    turned(response)
}

fn turned(response: Response<Bytes>) -> Turned {
    Turned { response, reason: Reason::WaitingRoom }
}
