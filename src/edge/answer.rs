//! The end of every path through the stack: an answer with the notes that are written when it is over.

use http::header::{CONNECTION, SET_COOKIE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Response};
use http_body::Body;
use hyper::body::Incoming;

use super::activity::Order;
use super::body::ResponseBody;
use super::hygiene::{OriginNotes, RequestId};
use super::refuse::{self, Audience, Occasion, Refusal};
use super::stack::Answer;
use super::trail::Trail;
use super::waiting::{self, Stays, Turned};
use crate::policy::Client;
use crate::policy::journey::{Journey, end_cookie, set_cookie};
use crate::policy::verdict::{Outcome, Reason};

/// Who asks, and the name the request goes by.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The client behind the connection.
    pub(crate) client: Client,
    /// In `X-Request-Id`, log and refusals.
    pub(crate) request_id: RequestId,
    /// Random bits of this request, for identifiers and jitter.
    pub(crate) random: u128,
    /// The journey this shopper is on.
    pub(crate) journey: Option<Journey>,
    /// Their stays in waiting rooms that the request belongs to.
    pub(crate) stays: Stays,
    /// Whether the client spoke https, perhaps to a trusted proxy.
    pub(crate) secure: bool,
}

/// An answer of the origin, and what it told the proxy.
pub(crate) fn forwarded(mut trail: Trail, asker: &Asker, mut answer: Answer, notes: &OriginNotes) -> Answer {
    trail.answered(answer.status(), Outcome::Forwarded, Reason::None);
    let status = answer.status();
    let ended = waiting::settle(&trail, asker, status, notes, answer.headers_mut());
    // A journey ends with the stay it was begun in: it would be a way in for as long as it is renewed.
    let cookie = if ended {
        asker.journey.and_then(|_| end_cookie(asker.secure))
    } else {
        journey_cookie(&trail, asker, &answer)
    };
    if let Some(cookie) = cookie {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    finish(trail, answer)
}

/// An answer in place of the origin's.
pub(crate) fn refused(mut trail: Trail, asker: &Asker, audience: &Audience, refusal: Refusal) -> Answer {
    let occasion = Occasion {
        policy: &trail.pinned.policy,
        request_id: &asker.request_id,
        route: trail.route,
        class: trail.class,
        random: asker.random as u64,
    };
    let mut answer: Answer = refuse::respond(refusal, audience, &occasion).map(ResponseBody::full);
    let reason = refusal.reason();
    trail.answered(answer.status(), reason.outcome(), reason);
    if let Refusal::Limit { limit, .. } = refusal {
        trail.limited_by(limit);
    }
    if refusal.closes() && !trail.connection.h2 {
        close(&mut answer);
    }
    waiting::tell(&trail, asker, answer.headers_mut());
    finish(trail, answer)
}

/// An answer of a waiting room.
pub(crate) fn turned(mut trail: Trail, turned: Turned) -> Answer {
    let Turned { response, reason } = turned;
    trail.answered(response.status(), reason.outcome(), reason);
    finish(trail, response.map(ResponseBody::full))
}

/// Leaves the body of a request unread.
pub(crate) fn leave_unread(trail: &Trail, parts: &Parts, body: &Incoming) {
    if !body.is_end_stream() && parts.headers.contains_key(TRANSFER_ENCODING) {
        // Where a chunked body ends is known only by reading it, which a refused one is not worth.
        trail.connection.activity.order(Order::Finish);
    }
}

fn finish(trail: Trail, mut answer: Answer) -> Answer {
    // An HTTP/1 connection that is to finish says so with whatever it answers next.
    if !trail.connection.h2 && trail.connection.activity.ordered() >= Order::Finish {
        close(&mut answer);
    }
    answer.map(|body| body.with_trail(trail))
}

fn close(answer: &mut Response<ResponseBody>) {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// A journey begins, or goes on for longer, with a good answer on a route that begins one.
fn journey_cookie(trail: &Trail, asker: &Asker, answer: &Answer) -> Option<HeaderValue> {
    let policy = &trail.pinned.policy;
    if !policy.has_journeys() || !(answer.status().is_success() || answer.status().is_redirection()) {
        return None;
    }
    let now = trail.connection.worker.unix_seconds();
    let begun = policy.journey_class(trail.route?);
    let going_on = asker.journey.as_ref().filter(|journey| journey.is_due(now)).map(Journey::class);
    let class = begun.or(going_on)?;
    let random = asker.journey.as_ref().map_or(asker.random as u64, Journey::random);
    set_cookie(&trail.pinned.journeys.sign(class, now, random), asker.secure)
}
