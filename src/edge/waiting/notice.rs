//! What a request that waits is answered with: the page for a browser that asked for one, else a problem with the queue.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::approach::Approach;
use super::door::Door;
use super::scene::{Challenge, Scene, Situation};
use super::status::{State, Status};
use crate::config::settings::{Language, RoomOrder};
use crate::edge::answer::Asker;
use crate::edge::refuse::{Occasion, Said, begin_problem, whole_seconds};
use crate::edge::trail::Trail;
use crate::policy::verdict::Reason;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_SPILLWAY_REASON: HeaderName = HeaderName::from_static("x-spillway-reason");
const X_SPILLWAY_WAITING: HeaderName = HeaderName::from_static("x-spillway-waiting");

/// A request that does not go on, and its answer.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) response: Response<Bytes>,
    pub(crate) reason: Reason,
}

/// Whom something is told.
pub(super) struct Caller<'a> {
    pub(super) approach: &'a Approach,
    pub(super) asker: &'a Asker,
    pub(super) trail: &'a Trail,
    /// The language they asked for otherwise than by `Accept-Language`.
    pub(super) language: Option<Language>,
    /// Where they were going: path and query.
    pub(super) to: &'a str,
    /// Whether nothing was sent that the shop should have received.
    pub(super) is_safe: bool,
}

/// What somebody is told.
#[derive(Debug, Clone)]
pub(super) struct Notice<'a> {
    pub(super) status: &'a Status<'a>,
    pub(super) situation: Situation<'a>,
    /// Their number.
    pub(super) number: Option<u32>,
    pub(super) cookie: Option<HeaderValue>,
    /// When another place may be given, to an address that was given too many.
    pub(super) limited: Option<Duration>,
}

impl<'a> Notice<'a> {
    /// To the holder of a place.
    pub(super) fn of_place(status: &'a Status<'a>, number: u32, cookie: Option<HeaderValue>) -> Self {
        let situation = situation(status, true);
        Self { status, situation, number: Some(number), cookie, limited: None }
    }

    /// To somebody without one.
    pub(super) fn without_place(status: &'a Status<'a>) -> Self {
        Self { status, situation: situation(status, false), number: None, cookie: None, limited: None }
    }

    /// That too many places were asked for.
    pub(super) fn limited(self, retry_after: Duration) -> Self {
        Self { situation: Situation::TooMany, limited: Some(retry_after), ..self }
    }

    /// Writes it for whoever asked: a page for a browser that asked for one.
    pub(super) fn tell(self, door: &Door<'_>, caller: &Caller<'_>) -> Turned {
        if !caller.approach.wants_page() {
            return self.problem(caller);
        }
        let mut response = self.page(door, caller);
        if self.limited.is_some() {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }
        self.finish(response, caller)
    }

    /// Writes it for a program.
    pub(super) fn problem(self, caller: &Caller<'_>) -> Turned {
        let limited = self.limited.is_some();
        let status = if limited { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE };
        let response = self.write_problem(status, caller);
        self.finish(response, caller)
    }

    /// Writes for a program that there is no place to be asked for.
    pub(super) fn absent(self, caller: &Caller<'_>) -> Turned {
        let response = self.write_problem(StatusCode::NOT_FOUND, caller);
        self.finish(response, caller)
    }

    fn reason(&self) -> Reason {
        if self.limited.is_some() { Reason::Limit } else { Reason::WaitingRoom }
    }

    fn finish(self, mut response: Response<Bytes>, caller: &Caller<'_>) -> Turned {
        let reason = self.reason();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
        headers.insert(X_SPILLWAY_REASON, HeaderValue::from_static(reason.as_str()));
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(self.poll_after())));
        if reason == Reason::WaitingRoom {
            headers.insert(X_SPILLWAY_WAITING, HeaderValue::from_static("1"));
        }
        if let Ok(id) = HeaderValue::from_bytes(caller.asker.request_id.as_bytes()) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Some(cookie) = self.cookie {
            headers.insert(SET_COOKIE, cookie);
        }
        if caller.approach.audience.is_head() {
            let body = std::mem::take(response.body_mut());
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Turned { response, reason }
    }

    fn poll_after(&self) -> Duration {
        self.limited.unwrap_or(self.status.poll_after)
    }

    fn page(&self, door: &Door<'_>, caller: &Caller<'_>) -> Response<Bytes> {
        let language = caller.language.unwrap_or_else(|| caller.approach.audience.language());
        let view = &*door.view;
        let drawn = |start: u32, size: u32| self.number.is_some_and(|number| number.wrapping_sub(start) < size);
        let scene = Scene {
            room: &door.settings.name,
            language,
            title: door.settings.title.get(language.tag()),
            message: self.status.message,
            situation: self.situation,
            rank: self.status.rank,
            waiting: self.status.waiting,
            estimate: self.status.estimate,
            poll_after: self.poll_after(),
            opens: self.status.opens,
            by_lot: view.order == RoomOrder::Lottery,
            commitment: view.commitment,
            number: self.number,
            draw: view.draw.as_ref().filter(|draw| drawn(draw.start, draw.size)),
            to: caller.to,
            is_safe: caller.is_safe,
            request_id: caller.asker.request_id.as_str(),
        };
        let page = door.handle.painter.paint(&scene);
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(CONTENT_SECURITY_POLICY, page.policy);
        let mut response = Response::new(page.body);
        *response.headers_mut() = headers;
        response
    }

    fn write_problem(&self, status: StatusCode, caller: &Caller<'_>) -> Response<Bytes> {
        let mut text = Vec::with_capacity(640);
        let said = Said { status, reason: self.reason(), forwarded: false };
        begin_problem(&mut text, said, &caller.occasion(), |text| text.extend_from_slice(self.detail().as_bytes()));
        if let Situation::Challenged(challenge) = self.situation {
            push_challenge(&mut text, &challenge);
        }
        text.extend_from_slice(b",\"queue\":");
        self.status.write(&mut text);
        text.push(b'}');
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = status;
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        *response.headers_mut() = headers;
        response
    }

    /// One sentence that needs no escaping.
    fn detail(&self) -> &'static str {
        match self.situation {
            Situation::Lobby => "The shop is not open yet; this request was not forwarded.",
            Situation::Paused => "Nobody is let in at the moment; this request was not forwarded.",
            Situation::Closed { sold_out: true, .. } => "Everything is sold; this request was not forwarded.",
            Situation::Closed { .. } => "The waiting room is closed; this request was not forwarded.",
            Situation::Called | Situation::Inside => "It is this shopper's turn, which a navigation takes.",
            Situation::TooMany => "Too many places were asked for from this address.",
            Situation::Challenged(_) => "A proof of work is asked for before a place is given.",
            Situation::CookiesMissing => "There is no place without the cookie that was given.",
            Situation::Waiting | Situation::NotNumbered | Situation::NoNumber | Situation::Left => {
                "The shop is full and there is a line; this request was not forwarded."
            }
        }
    }
}

impl Caller<'_> {
    /// What is known of the request.
    pub(super) fn occasion(&self) -> Occasion<'_> {
        Occasion {
            policy: &self.trail.pinned.policy,
            request_id: &self.asker.request_id,
            route: self.trail.route,
            class: self.trail.class,
            random: self.asker.random as u64,
        }
    }
}

fn situation(status: &Status<'_>, has_place: bool) -> Situation<'static> {
    match status.state {
        State::Lobby => Situation::Lobby,
        State::Waiting => Situation::Waiting,
        State::Called => Situation::Called,
        State::Inside => Situation::Inside,
        State::Paused => Situation::Paused,
        State::Closed => Situation::Closed { sold_out: status.sold_out, has_place },
    }
}

/// For those who find the number without the page.
fn push_challenge(text: &mut Vec<u8>, challenge: &Challenge<'_>) {
    text.extend_from_slice(b",\"challenge\":{\"text\":\"");
    text.extend_from_slice(challenge.text.as_bytes());
    text.extend_from_slice(b"\",\"difficulty\":");
    text.extend_from_slice(itoa::Buffer::new().format(challenge.difficulty).as_bytes());
    text.extend_from_slice(b",\"without_proof_after_seconds\":");
    text.extend_from_slice(itoa::Buffer::new().format(challenge.without_proof_after.as_secs()).as_bytes());
    text.push(b'}');
}
